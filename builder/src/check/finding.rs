//! What is wrong with a table or a file system, whoever found it.

use std::fmt;

use builder_block::{Finding, Severity};
use serde::{Serialize, Serializer};

use crate::escaped::Escaped;

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
    #[serde(serialize_with = "word")]
    pub severity: Severity,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// As people read it, too.
pub(super) fn word<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(severity)
}

impl fmt::Display for DiskFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { structure, field, found, expected, severity, hint } = self;
        let what = format_args!("{severity}: {structure}: {field} is {found}, expected {expected}");
        write!(f, "{}", Escaped(what))?;
        hint.iter().try_for_each(|hint| write!(f, " (hint: {})", Escaped(hint)))
    }
}

impl From<Finding> for DiskFinding {
    fn from(finding: Finding) -> Self {
        let Finding { structure, field, found, expected, severity, hint } = finding;
        Self { structure, field, found, expected, severity, hint }
    }
}

impl From<builder_ext4_check::Finding> for DiskFinding {
    fn from(finding: builder_ext4_check::Finding) -> Self {
        let builder_ext4_check::Finding { structure, field, found, expected, other, severity, hint, .. } = finding;
        let structure = match other {
            Some(other) => format!("{structure} and {other}"),
            None => structure.to_string(),
        };
        Self { structure, field: field.into_owned(), found, expected, severity, hint: hint.map(str::to_owned) }
    }
}
