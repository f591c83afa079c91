//! Progress on stderr: bars on a terminal, lines elsewhere, JSON for programs.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use builder::{Progress, Silent, Station};
use builder_block::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::args::{ProgressMode, Talk};

/// The listener for what was asked.
pub(crate) fn listener(talk: &Talk) -> Box<dyn Progress> {
    let mode = match talk.progress {
        _ if talk.quiet => ProgressMode::None,
        ProgressMode::Auto if io::stderr().is_terminal() => ProgressMode::Auto,
        ProgressMode::Auto => ProgressMode::Plain,
        other => other,
    };
    match mode {
        ProgressMode::Auto => Box::new(Bars::default()),
        ProgressMode::Plain => Box::new(Lines::default()),
        ProgressMode::Json => Box::new(Json::default()),
        ProgressMode::None if talk.quiet => Box::new(Silent),
        ProgressMode::None => Box::new(Warnings),
    }
}

/// Tells which documents lie beside the file that was written.
pub(crate) fn documents(talk: &Talk, names: &[String]) {
    match talk.progress {
        _ if talk.quiet => {}
        ProgressMode::None => {}
        ProgressMode::Json => say(&json!({"event": "documents", "names": names}).to_string()),
        ProgressMode::Auto | ProgressMode::Plain => {
            say(&format!("beside it lie {}; --no-bundle leaves them out", names.join(", ")));
        }
    }
}

fn say(text: &str) {
    // Progress that nobody can read is no reason to fail.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Only warnings.
struct Warnings;

impl Progress for Warnings {
    fn warn(&mut self, text: &str) {
        say(&format!("warning: {text}"));
    }
}

/// One bar a station.
#[derive(Default)]
struct Bars {
    bar: Option<ProgressBar>,
}

impl Progress for Bars {
    fn begin(&mut self, station: Station, total: u64) {
        let template = if station.counts_bytes() {
            "{prefix:<24} [{bar:30}] {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>12} {wide_msg}"
        } else {
            "{prefix:<24} [{bar:30}] {pos:>10} of {len:<10} {wide_msg}"
        };
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(station.title());
        bar.enable_steady_tick(Duration::from_millis(100));
        self.bar = Some(bar);
    }

    fn at(&mut self, _: Station, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }

    fn note(&mut self, _: Station, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    fn end(&mut self, _: Station) {
        if let Some(bar) = self.bar.take() {
            bar.set_message("");
            bar.finish();
        }
    }

    fn warn(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(format!("warning: {text}")),
            None => say(&format!("warning: {text}")),
        }
    }
}

/// A line when a station begins, one each few seconds, and one when it ends.
#[derive(Default)]
struct Lines {
    total: u64,
    begun: Option<Instant>,
    told: Option<Instant>,
}

/// Time between two lines of one station.
const PACE: Duration = Duration::from_secs(5);

impl Progress for Lines {
    fn begin(&mut self, _: Station, total: u64) {
        self.total = total;
        self.begun = Some(Instant::now());
        self.told = self.begun;
    }

    fn at(&mut self, station: Station, done: u64) {
        if self.told.is_some_and(|told| told.elapsed() >= PACE) {
            self.told = Some(Instant::now());
            let amount = |n| if station.counts_bytes() { ByteSize::new(n).to_string() } else { n.to_string() };
            say(&format!("{}: {} of {}", station.title(), amount(done), amount(self.total)));
        }
    }

    fn end(&mut self, station: Station) {
        let seconds = self.begun.take().map_or(0.0, |begun| begun.elapsed().as_secs_f64());
        let amount = if station.counts_bytes() { format!(" ({})", ByteSize::new(self.total)) } else { String::new() };
        say(&format!("{}{amount}: done in {seconds:.1} s", station.title()));
    }

    fn warn(&mut self, text: &str) {
        say(&format!("warning: {text}"));
    }
}

/// One JSON object a line.
#[derive(Default)]
struct Json {
    total: u64,
    told: u64,
}

impl Progress for Json {
    fn begin(&mut self, station: Station, total: u64) {
        (self.total, self.told) = (total, 0);
        say(&json!({"event": "begin", "station": station.name(), "total": total}).to_string());
    }

    fn at(&mut self, station: Station, done: u64) {
        // A hundred lines a station are enough for any bar.
        if done.saturating_sub(self.told) >= self.total / 100 {
            self.told = done;
            say(&json!({"event": "at", "station": station.name(), "done": done}).to_string());
        }
    }

    fn note(&mut self, station: Station, text: &str) {
        say(&json!({"event": "note", "station": station.name(), "text": text}).to_string());
    }

    fn end(&mut self, station: Station) {
        say(&json!({"event": "end", "station": station.name()}).to_string());
    }

    fn warn(&mut self, text: &str) {
        say(&json!({"event": "warning", "text": text}).to_string());
    }
}
