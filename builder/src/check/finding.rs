//! What is wrong with a table or a file system, whoever found it.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It is unusual, or nothing suffers from it.
    Warning,
    /// It is damaged.
    Error,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiskFinding {
    /// The structure: `group descriptor 3`, `inode 12 (/usr)`, `EFI/BOOT/BOOTX64.EFI`.
    pub structure: String,
    /// What of it.
    pub field: String,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
    /// How bad that is.
    pub severity: Severity,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl fmt::Display for DiskFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { structure, field, found, expected, severity, hint } = self;
        let word = match severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{word}: {structure}: {field} is {found}, expected {expected}")?;
        hint.iter().try_for_each(|hint| write!(f, " (hint: {hint})"))
    }
}

impl From<builder_gpt_check::Finding> for DiskFinding {
    fn from(finding: builder_gpt_check::Finding) -> Self {
        let builder_gpt_check::Finding { structure, field, found, expected, severity, hint } = finding;
        let severity = match severity {
            builder_gpt_check::Severity::Warning => Severity::Warning,
            builder_gpt_check::Severity::Error => Severity::Error,
        };
        Self { structure, field, found, expected, severity, hint }
    }
}

impl From<builder_fat_check::Finding> for DiskFinding {
    fn from(finding: builder_fat_check::Finding) -> Self {
        let builder_fat_check::Finding { structure, field, found, expected, severity, hint } = finding;
        let severity = match severity {
            builder_fat_check::Severity::Warning => Severity::Warning,
            builder_fat_check::Severity::Error => Severity::Error,
        };
        Self { structure, field, found, expected, severity, hint }
    }
}

impl From<builder_ext4_check::Finding> for DiskFinding {
    fn from(finding: builder_ext4_check::Finding) -> Self {
        let builder_ext4_check::Finding { structure, field, found, expected, other, severity, hint, .. } = finding;
        let severity = match severity {
            builder_ext4_check::Severity::Warning => Severity::Warning,
            builder_ext4_check::Severity::Error => Severity::Error,
        };
        let structure = match other {
            Some(other) => format!("{structure} and {other}"),
            None => structure.to_string(),
        };
        Self { structure, field: field.into_owned(), found, expected, severity, hint: hint.map(str::to_owned) }
    }
}
