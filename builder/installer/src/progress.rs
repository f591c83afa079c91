//! How far it is, on one line.

use std::time::{Duration, Instant};

use crate::console::Console;
use crate::log::note;

/// Time between two looks of the line.
const PAUSE: Duration = Duration::from_millis(250);
/// Letters of the bar.
const BAR: u64 = 24;

/// Work that takes its time.
#[derive(Debug)]
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    start: Instant,
    shown: Option<Instant>,
    /// Tenths that were shown where lines cannot be drawn again.
    tenths: u64,
}

impl Progress {
    /// Begins with work on `total` bytes.
    pub(crate) fn start(what: &'static str, total: u64) -> Self {
        note(format!("{what}: {total} bytes"));
        Self { what, total, done: 0, start: Instant::now(), shown: None, tenths: 0 }
    }

    /// So many bytes more are done.
    pub(crate) fn add(&mut self, bytes: u64, console: &mut Console) {
        self.done = self.done.saturating_add(bytes);
        let now = Instant::now();
        if self.shown.is_some_and(|shown| now.duration_since(shown) < PAUSE) {
            return;
        }
        self.shown = Some(now);
        self.draw(console);
    }

    fn draw(&mut self, console: &mut Console) {
        let tenths = tenths(self.done, self.total);
        let plain = tenths > self.tenths;
        self.tenths = tenths;
        console.redraw(&line(self.what, self.done, self.total, self.start.elapsed()), plain);
    }

    /// Ends it.
    pub(crate) fn end(mut self, console: &mut Console) {
        self.draw(console);
        console.end_line();
        note(format!("{}: {} bytes in {} s", self.what, self.done, self.start.elapsed().as_secs()));
    }
}

fn tenths(done: u64, total: u64) -> u64 {
    let tenths = (u128::from(done) * 10).checked_div(u128::from(total)).unwrap_or(10);
    u64::try_from(tenths).unwrap_or(10).min(10)
}

/// `Writing     [############------------]  50 %  123.4 MB/s  0:42 left`
fn line(what: &str, done: u64, total: u64, elapsed: Duration) -> String {
    let part = |of: u64| {
        let part = (u128::from(done) * u128::from(of)).checked_div(u128::from(total)).unwrap_or(of.into());
        u64::try_from(part).unwrap_or(of).min(of)
    };
    let full = part(BAR);
    let bar: String = (0..BAR).map(|at| if at < full { '#' } else { '-' }).collect();
    let millis = elapsed.as_millis().max(1);
    // Bytes in a millisecond are KB in a second.
    let tenths = u128::from(done) / millis / 100;
    let mut line = format!("{what:<13} [{bar}] {:>3} %  {:>5}.{} MB/s", part(100), tenths / 10, tenths % 10);
    let left = total.saturating_sub(done);
    if let Some(left) = (u128::from(left) * millis).checked_div(u128::from(done)).filter(|_| left > 0) {
        // Rounded up: it is not done before it is done.
        let seconds = left.div_ceil(1000).min(359_999);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        line += &match hours {
            0 => format!("  {minutes}:{seconds:02} left"),
            _ => format!("  {hours}:{minutes:02}:{seconds:02} left"),
        };
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::line;

    #[test]
    fn the_line_says_how_far_how_fast_and_how_long() {
        let second = Duration::from_secs(1);
        for (done, total, elapsed, expected) in [
            (0, 100, second, "Writing       [------------------------]   0 %      0.0 MB/s"),
            (
                50_000_000,
                100_000_000,
                second,
                "Writing       [############------------]  50 %     50.0 MB/s  0:01 left",
            ),
            (100, 100, second, "Writing       [########################] 100 %      0.0 MB/s"),
            (0, 0, Duration::ZERO, "Writing       [########################] 100 %      0.0 MB/s"),
            (
                1_000_000,
                10_000_000_000,
                second,
                "Writing       [------------------------]   0 %      1.0 MB/s  2:46:39 left",
            ),
        ] {
            assert_eq!(line("Writing", done, total, elapsed), expected);
        }
        assert!(line("Reading back", 1, u64::MAX, Duration::from_secs(1 << 40)).len() < 80);
    }
}
