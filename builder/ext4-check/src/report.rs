//! What a check comes to.

use std::borrow::Cow;
use std::fmt;
use std::io;

use builder_block::Severity;

use crate::Structure;

/// How much of a file system is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Superblocks, group descriptors, bitmaps by themselves, the head of the journal and the root directory: reads a
    /// few blocks of each group.
    Quick,
    /// All of [`Level::Quick`], and every inode, directory and map: reads all metadata, but no file body.
    Full,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it is.
    pub structure: Structure,
    /// The field of the structure, in words.
    pub field: Cow<'static, str>,
    /// What it holds.
    pub found: String,
    /// What it should hold.
    pub expected: String,
    /// The other structure that takes part, such as the first owner of a block.
    pub other: Option<Structure>,
    /// How bad it is.
    pub severity: Severity,
    /// What to do about it, where there is something particular.
    pub hint: Option<&'static str>,
}

impl Finding {
    pub(crate) fn error(
        structure: Structure,
        field: impl Into<Cow<'static, str>>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        Self {
            structure,
            field: field.into(),
            found: found.to_string(),
            expected: expected.to_string(),
            other: None,
            severity: Severity::Error,
            hint: None,
        }
    }

    pub(crate) fn warning(
        structure: Structure,
        field: impl Into<Cow<'static, str>>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(structure, field, found, expected) }
    }

    pub(crate) fn checksum(structure: Structure, found: u32, expected: u32) -> Self {
        Self::error(structure, "checksum", format_args!("{found:#010x}"), format_args!("{expected:#010x}"))
    }

    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    pub(crate) fn other(self, other: Option<Structure>) -> Self {
        Self { other, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is {}, expected {}", self.structure, self.field, self.found, self.expected)?;
        match &self.other {
            Some(other) => write!(f, " ({other})"),
            None => Ok(()),
        }
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// What is not as it should be, in the order it was met.
    pub findings: Vec<Finding>,
    /// How many more findings there were than are listed: of each kind only the first few are.
    pub more: u64,
    /// What was not looked at, and why; a sentence each, without a full stop.
    pub unchecked: Vec<String>,
    /// Inodes in use that were looked at; 0 after a quick check.
    pub inodes: u64,
}

impl Report {
    /// Whether there is nothing to tell: no finding, and nothing left out.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.unchecked.is_empty()
    }

    /// Whether any finding is damage.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Why a file system could not be checked. Damage is no error: it is in the [`Report`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The device cannot be read.
    #[error("cannot read {length} bytes at byte {offset} of the file system")]
    Io {
        /// Where, in bytes from the start.
        offset: u64,
        /// How many bytes.
        length: usize,
        /// What the device says.
        source: io::Error,
    },
}
