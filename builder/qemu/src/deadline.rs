//! A point on the monotonic clock by which something must have happened.

use std::time::{Duration, Instant};

/// The limit as it was asked for, and the moment it falls due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    limit: Duration,
    due: Option<Instant>,
}

impl Deadline {
    /// Starts now. A limit beyond what the clock can express never falls due.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { limit, due: Instant::now().checked_add(limit) }
    }

    /// Time left, never zero; `None` once the deadline has passed.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        let Some(due) = self.due else { return Some(self.limit) };
        due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}
