//! A check: what the registry knows of it.

use std::fmt;

use builder_tree::Node;
use serde::Serialize;

use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

/// How bad it is. The worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// There will be no disk, or none that boots, or the first update fails.
    Fatal,
    /// It works, and somebody will regret it.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 3] = [Self::Fatal, Self::Warning, Self::Info];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose check it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `bootc container lint` has it under the same name and with the same verdict.
    Bootc,
    /// Only diskwright has it.
    Diskwright,
}

/// A check with its documentation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Check {
    /// Its name, which does not change: lower-case words joined by `-`.
    pub name: &'static str,
    /// How bad what it finds is.
    pub severity: Severity,
    /// Whose it is.
    pub origin: Origin,
    /// What it finds, as one sentence without a full stop.
    pub summary: &'static str,
    /// Why that matters.
    pub reason: &'static str,
    /// What to do: lines for a Containerfile, words as comments.
    pub fix: &'static str,
    #[serde(skip)]
    pub(crate) run: Run,
}

/// How a check looks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    /// At a few places.
    Once(fn(&Subject, &mut Findings<'_>)),
    /// At every entry of the tree by itself, in the one walk that all such checks share.
    Walk(fn(&Subject, &Entry<'_>, &mut Findings<'_>)),
    /// At every entry in the same walk, keeping something from one to the next.
    Visit(fn() -> Box<dyn Visitor>),
}

/// What keeps something during the walk.
pub(crate) trait Visitor {
    /// Looks at an entry.
    fn visit(&mut self, subject: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>);

    /// The walk is over.
    fn end(&mut self, subject: &Subject, findings: &mut Findings<'_>);
}

/// An entry of the tree, as the walk comes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'e> {
    /// Its path, without a leading slash.
    pub(crate) path: &'e [u8],
    /// What is there.
    pub(crate) node: &'e Node,
}

impl<'e> Entry<'e> {
    /// The last part of its path.
    pub(crate) fn name(&self) -> &'e [u8] {
        self.path.rsplit(|&byte| byte == b'/').next().unwrap_or(self.path)
    }

    /// Whether it is below one of `directories`.
    pub(crate) fn is_below(&self, directories: &[&str]) -> bool {
        is_below(self.path, directories)
    }
}

/// Whether `path` is below one of `directories`.
pub(crate) fn is_below(path: &[u8], directories: &[&str]) -> bool {
    directories
        .iter()
        .any(|directory| path.strip_prefix(directory.as_bytes()).is_some_and(|rest| rest.starts_with(b"/")))
}
