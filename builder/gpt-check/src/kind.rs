//! What sort of disk it is.

use std::fmt;

/// What a disk begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiskKind {
    /// A GUID partition table behind a protective MBR.
    Gpt,
    /// A GUID partition table, and an MBR that lists partitions of its own.
    HybridGpt,
    /// An ISO 9660 image that has a GUID partition table as well, for firmware that sees it as a disk.
    IsoWithGpt,
    /// An ISO 9660 image that has the partitions of an MBR as well.
    IsoWithMbr,
    /// An ISO 9660 image and nothing else.
    Iso,
    /// An MBR with partitions, no GUID partition table.
    Mbr,
    /// No partition table: nothing, a file system on the whole disk, or something unknown.
    Unpartitioned,
}

impl DiskKind {
    /// Whether it is an ISO 9660 image.
    #[must_use]
    pub fn is_iso(self) -> bool {
        matches!(self, Self::IsoWithGpt | Self::IsoWithMbr | Self::Iso)
    }

    /// Whether it has, or should have, a GUID partition table.
    #[must_use]
    pub fn is_gpt(self) -> bool {
        matches!(self, Self::Gpt | Self::HybridGpt | Self::IsoWithGpt)
    }
}

impl fmt::Display for DiskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpt => "a disk with a GUID partition table",
            Self::HybridGpt => "a disk with a GUID partition table and a hybrid MBR",
            Self::IsoWithGpt => "an ISO 9660 image with a GUID partition table",
            Self::IsoWithMbr => "an ISO 9660 image with an MBR",
            Self::Iso => "an ISO 9660 image without a partition table",
            Self::Mbr => "a disk with an MBR",
            Self::Unpartitioned => "a disk without a partition table",
        })
    }
}
