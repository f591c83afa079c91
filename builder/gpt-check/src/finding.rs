//! What a check says of a defect.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The disk works, though not as well, not everywhere, or not for long.
    Warning,
    /// The disk breaks the specification in a way that loses data, or that programs refuse.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where: `protective MBR`, `primary header`, `backup entries`, `partition 3 ("root")`, …
    pub structure: String,
    /// Which field of it, in the words of the specification.
    pub field: String,
    /// What is there.
    pub found: String,
    /// What should be there.
    pub expected: String,
    /// How bad it is.
    pub severity: Severity,
    /// What to do about it, where there is something.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding that is an error.
    pub(crate) fn error(
        structure: impl Into<String>,
        field: impl Into<String>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        Self {
            structure: structure.into(),
            field: field.into(),
            found: found.to_string(),
            expected: expected.to_string(),
            severity: Severity::Error,
            hint: None,
        }
    }

    /// A finding that is a warning.
    pub(crate) fn warning(
        structure: impl Into<String>,
        field: impl Into<String>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(structure, field, found, expected) }
    }

    /// The same with something to do.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Finding {
    /// `primary header: my LBA is 2, expected 1`, without severity and hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is {}, expected {}", self.structure, self.field, self.found, self.expected)
    }
}
