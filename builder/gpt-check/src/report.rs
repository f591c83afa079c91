//! What a check says of a disk.

use builder_block::ByteSize;

use crate::{DiskKind, Finding, Guid, Partition, SectorSize, Severity};

/// Findings and notes beyond this number are counted, not kept: a table of lies must not fill the memory.
pub const MOST_FINDINGS: usize = 500;

/// Which of the two tables of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TableCopy {
    /// The one in sector 1.
    Primary,
    /// The one at the end of the disk.
    Backup,
}

/// What is known of a disk after a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What sort of disk it is.
    pub kind: DiskKind,
    /// Bytes in a sector: where the header is, or as asked for; 512 for disks without a GUID partition table.
    pub sector_size: SectorSize,
    /// Size of the disk.
    pub disk_size: ByteSize,
    /// Identity of the disk, where it has a GUID partition table.
    pub disk_guid: Option<Guid>,
    /// The table that the partitions are from; `None` where there is no GUID partition table that can be read.
    pub table: Option<TableCopy>,
    /// The partitions in the order of their numbers, as they stand in the table: see [`Partition::on_disk`].
    pub partitions: Vec<Partition>,
    /// What is wrong, in the order of the disk's structures.
    pub findings: Vec<Finding>,
    /// What is unusual but right, in sentences.
    pub notes: Vec<String>,
    /// How many findings and notes beyond [`MOST_FINDINGS`] are left out, at the least.
    pub left_out: u64,
}

impl Report {
    pub(crate) fn new(kind: DiskKind, sector_size: SectorSize, disk_size: ByteSize) -> Self {
        Self {
            kind,
            sector_size,
            disk_size,
            disk_guid: None,
            table: None,
            partitions: Vec::new(),
            findings: Vec::new(),
            notes: Vec::new(),
            left_out: 0,
        }
    }

    /// Whether nothing is wrong; notes do not count.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.left_out == 0
    }

    /// Whether an error is among the findings.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    pub(crate) fn push(&mut self, finding: Finding) {
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.left_out += 1;
        }
    }

    /// Whether further findings would only be counted, so that their texts need not be made.
    pub(crate) fn is_full(&self) -> bool {
        self.findings.len() >= MOST_FINDINGS
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        if self.notes.len() < MOST_FINDINGS {
            self.notes.push(note.into());
        } else {
            self.left_out += 1;
        }
    }
}
