//! Steps of a walk, as a small tree.

use std::fmt;

use serde::Serialize;

use crate::escaped::Escaped;

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is as it should be.
    Right,
    /// Worth knowing, and nothing wrong.
    Note,
    /// It may fail, or fails on some machines.
    Warning,
    /// It fails.
    Broken,
}

/// A step, and those that follow from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was looked at.
    pub what: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Why, in words; nothing where all is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What follows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

impl Step {
    fn new(what: impl Into<String>, verdict: Verdict, reason: Option<String>) -> Self {
        Self { what: what.into(), verdict, reason, steps: Vec::new() }
    }

    pub(crate) fn right(what: impl Into<String>) -> Self {
        Self::new(what, Verdict::Right, None)
    }

    pub(crate) fn note(what: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::new(what, Verdict::Note, Some(reason.to_string()))
    }

    pub(crate) fn warning(what: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::new(what, Verdict::Warning, Some(reason.to_string()))
    }

    pub(crate) fn broken(what: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self::new(what, Verdict::Broken, Some(reason.to_string()))
    }

    pub(crate) fn push(&mut self, step: Self) {
        self.steps.push(step);
    }

    pub(crate) fn with(mut self, steps: impl IntoIterator<Item = Self>) -> Self {
        self.steps.extend(steps);
        self
    }

    /// The worst of this step and all that follow.
    #[must_use]
    pub fn worst(&self) -> Verdict {
        self.steps.iter().map(Self::worst).fold(self.verdict, Verdict::max)
    }

    /// Writes it and what follows, each deeper level further in.
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Right => '✓',
            Verdict::Note => '·',
            Verdict::Warning => '!',
            Verdict::Broken => '✗',
        };
        // What is said may quote the disk, which may hold anything.
        write!(f, "{:indent$}{mark} {}", "", Escaped(&self.what), indent = 2 * depth)?;
        match &self.reason {
            Some(reason) => writeln!(f, ": {}", Escaped(reason))?,
            None => writeln!(f)?,
        }
        self.steps.iter().try_for_each(|step| step.write(f, depth + 1))
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::{Step, Verdict};

    struct Tree(Step);

    impl fmt::Display for Tree {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.write(f, 1)
        }
    }

    #[test]
    fn a_tree_shows_where_it_breaks_and_is_as_bad_as_its_worst_step() {
        let tree = Step::right("firmware").with([Step::note("shim", "unsigned"), Step::broken("GRUB", "not there")]);
        assert_eq!(tree.worst(), Verdict::Broken);
        assert_eq!(Tree(tree).to_string(), "  ✓ firmware\n    · shim: unsigned\n    ✗ GRUB: not there\n");
    }
}
