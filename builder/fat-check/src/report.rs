//! What a check says of a file system.

use builder_block::ByteSize;

use crate::{FatKind, Finding, Severity};

/// Findings beyond this number are counted, not kept: a directory of lies must not fill the memory.
pub const MOST_FINDINGS: usize = 500;

/// What a file system is, and what was counted in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Which of the three.
    pub kind: FatKind,
    /// Bytes in a sector.
    pub sector_size: ByteSize,
    /// Bytes in a cluster.
    pub cluster_size: ByteSize,
    /// What the boot sector says of the whole length.
    pub size: ByteSize,
    /// Clusters of the data area.
    pub clusters: u32,
    /// Clusters that the table marks as free.
    pub free_clusters: u32,
    /// Clusters that the table marks as bad.
    pub bad_clusters: u32,
    /// Volume serial number, where the boot sector has one.
    pub serial: Option<u32>,
    /// The volume label of the root directory, without trailing spaces. Only known when the tree was walked.
    pub label: Option<String>,
    /// Files that were seen.
    pub files: u64,
    /// Directories that were seen, the root directory not among them.
    pub directories: u64,
}

/// What is known of a file system after a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The file system; `None` where the boot sector is too wrong to look further.
    pub volume: Option<Volume>,
    /// What is wrong: first the boot sector, then the tables, then the tree.
    pub findings: Vec<Finding>,
    /// How many findings beyond [`MOST_FINDINGS`] are left out.
    pub left_out: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.left_out == 0
    }

    /// Whether an error is among the findings.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Whether a finding would only be counted, so that its text need not be made; counts it then.
    pub(crate) fn skips(&mut self) -> bool {
        let is_full = self.is_full();
        self.left_out += u64::from(is_full);
        is_full
    }

    /// Whether further findings are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.findings.len() >= MOST_FINDINGS
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        if !self.skips() {
            self.findings.push(finding);
        }
    }
}
