//! Words for people: results on stdout, errors and hints on stderr.

use std::error::Error;
use std::io::{self, Write as _};

use builder::diff::DiffError;
use builder::{BuildError, Escaped};
use serde::Serialize;

use crate::exit::Exit;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The builder says so.
    Build(BuildError),
    /// Two systems cannot be compared.
    Diff(DiffError),
    /// Stdout is gone or full.
    Stdout(io::Error),
    /// Signals cannot be caught.
    Signals(io::Error),
    /// The command line or the environment variables are wrong.
    Usage { message: String, hint: Option<String> },
}

impl Failure {
    pub(crate) fn signals(error: io::Error) -> Self {
        Self::Signals(error)
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<DiffError> for Failure {
    fn from(error: DiffError) -> Self {
        Self::Diff(error)
    }
}

/// Prints the chain of causes, then the hint, and gives the exit code.
pub(crate) fn failure(failure: &Failure) -> Exit {
    let (text, hint, exit) = match failure {
        Failure::Build(error) => (chain(error), error.hint(), error.category().into()),
        Failure::Diff(error) => (chain(error), error.hint(), error.category().into()),
        Failure::Stdout(error) => (format!("cannot write to stdout: {error}"), None, Exit::Io),
        Failure::Signals(error) => (format!("cannot catch signals: {error}"), None, Exit::Environment),
        Failure::Usage { message, hint } => (message.clone(), hint.clone(), Exit::Usage),
    };
    let hint = hint.map(|hint| format!("\n\nhint: {hint}")).unwrap_or_default();
    // Where stderr is closed, the exit code still tells.
    let _ = writeln!(io::stderr(), "error: {}", harmless(&format!("{text}{hint}")));
    exit
}

/// What is repeated of a file may be made to move the cursor, or to look like something else.
fn harmless(text: &str) -> String {
    text.split('\n').map(|line| Escaped(line).to_string()).collect::<Vec<_>>().join("\n")
}

/// An error and its causes, each after a colon.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Prints a result to stdout.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(Failure::Stdout),
    }
}

/// Prints a result to stdout as one JSON document.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut document = serde_json::to_string_pretty(value).map_err(|error| Failure::Stdout(io::Error::other(error)))?;
    document.push('\n');
    text(&document)
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn lines_stay_lines_and_terminals_are_told_nothing() {
        for (text, expected) in [
            ("one\n\nhint: two", "one\n\nhint: two"),
            ("unknown key `\x1b[31mRED`\n\x07", "unknown key `\\u{1b}[31mRED`\n\\u{7}"),
        ] {
            assert_eq!(harmless(text), expected);
        }
    }
}
