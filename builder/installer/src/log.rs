//! What happened, kept in memory to be shown when it is asked for.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Lines that are kept: the newest.
const MOST_LINES: usize = 4000;

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());

/// Time since the machine started.
pub(crate) fn uptime() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Boottime)).unwrap_or_default()
}

/// Adds a line.
pub(crate) fn note(line: impl Into<String>) {
    let now = uptime();
    let line = format!("[{:>5}.{:02}] {}", now.as_secs(), now.subsec_millis() / 10, line.into());
    // A thread that panicked while it held the lock has left whole lines.
    let mut lines = LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if lines.len() == MOST_LINES {
        lines.pop_front();
    }
    lines.push_back(line);
}

/// All lines that are kept.
pub(crate) fn lines() -> Vec<String> {
    LINES.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter().cloned().collect()
}
