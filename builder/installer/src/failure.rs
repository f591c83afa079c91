//! What ends an installation before its time.

use std::fmt;
use std::io;

/// Why it went no further, and what can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What, where, which value against which limit.
    pub(crate) reason: String,
    /// What to do now.
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// `what` could not be done, because of `error`.
    pub(crate) fn of(what: impl fmt::Display, error: impl Into<io::Error>) -> Self {
        Self::new(format!("cannot {what}: {}", error.into()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// Adds what was tried to an error of the system.
pub(crate) trait Tried<T> {
    /// `cannot` and this, and why.
    fn tried<D: fmt::Display>(self, what: impl FnOnce() -> D) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Tried<T> for Result<T, E> {
    fn tried<D: fmt::Display>(self, what: impl FnOnce() -> D) -> Result<T, Failure> {
        self.map_err(|error| Failure::of(what(), error))
    }
}
