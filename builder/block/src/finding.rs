//! What a check says of a defect.
//!
//! Checks of tables and of file systems say it alike, so that whoever shows it need not ask which one it was.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It works, though not as well, not everywhere, or not for long: unusual, or unfinished.
    Warning,
    /// Damage: it breaks the specification in a way that loses data, or that programs refuse.
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
    /// Where: `primary header`, `partition 3 ("root")`, `boot sector`, or a path such as `EFI/BOOT/BOOTX64.EFI`.
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
    #[must_use]
    pub fn error(
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
    #[must_use]
    pub fn warning(
        structure: impl Into<String>,
        field: impl Into<String>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::error(structure, field, found, expected) }
    }

    /// The same with something to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Finding {
    /// `primary header: my LBA is 2, expected 1`, without severity and hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is {}, expected {}", self.structure, self.field, self.found, self.expected)
    }
}
