//! What a FAT32 file system cannot be or hold.

use std::fmt;

use builder_block::{ByteSize, SectorSize};
use builder_tree::DisplayPath;

use crate::geometry::{LARGEST, MINIMUM_CLUSTERS};

/// Why there is no such FAT32 file system. Paths are those of the tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FatError {
    /// The partition ends inside a sector.
    #[error("the partition size of {} bytes is not a multiple of the sector size of {sector}", .size.bytes())]
    OddSize {
        /// The size asked for.
        size: ByteSize,
        /// Bytes in a sector.
        sector: SectorSize,
    },
    /// The partition is larger than the 32-bit sector count.
    #[error("the partition has {size} ({} bytes) but FAT32 ends at {} bytes", .size.bytes(), LARGEST.bytes())]
    TooLarge {
        /// The size asked for.
        size: ByteSize,
    },
    /// The partition has too few clusters to be FAT32.
    #[error("the partition of {size} has room for {clusters} clusters but FAT32 begins at {MINIMUM_CLUSTERS}")]
    TooSmall {
        /// The size asked for.
        size: ByteSize,
        /// Clusters it would have.
        clusters: u64,
        /// The size from which on FAT32 holds the tree.
        minimum: ByteSize,
    },
    /// The tree needs more clusters than there are.
    #[error(
        "the partition of {size} has room for {available} clusters of {cluster_size} but its files and directories \
         need {needed}"
    )]
    DoesNotFit {
        /// The size asked for.
        size: ByteSize,
        /// Size of a cluster at this size of the partition.
        cluster_size: ByteSize,
        /// Clusters there are.
        available: u64,
        /// Clusters the tree needs.
        needed: u64,
        /// The size from which on FAT32 holds the tree.
        minimum: ByteSize,
    },
    /// The tree is larger than any FAT32.
    #[error("its files and directories need {needed} clusters of 32 KiB, more than a FAT32 of 2 TiB has")]
    TreeTooLarge {
        /// Clusters the tree needs.
        needed: u64,
    },
    /// A volume label that FAT cannot hold.
    #[error("the volume label {label:?} {reason}")]
    Label {
        /// The label asked for.
        label: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something that is neither a file nor a directory.
    #[error("{} is a {kind}, which FAT cannot hold", DisplayPath(.path))]
    Kind {
        /// Its path.
        path: Vec<u8>,
        /// What it is.
        kind: &'static str,
    },
    /// Metadata that must not be lost and that FAT has no place for.
    #[error("{} has {what}, which FAT cannot hold", DisplayPath(.path))]
    Metadata {
        /// Its path.
        path: Vec<u8>,
        /// What it has.
        what: String,
    },
    /// A file with more bytes than 32 bits count.
    #[error("{} has {size} bytes but a file on FAT has at most {}", DisplayPath(.path), u32::MAX)]
    FileTooLarge {
        /// Its path.
        path: Vec<u8>,
        /// Its length.
        size: u64,
    },
    /// A name FAT forbids.
    #[error("the name of {} {problem}", DisplayPath(.path))]
    Name {
        /// Its path.
        path: Vec<u8>,
        /// What is wrong with the name.
        problem: NameProblem,
    },
    /// Two names FAT takes for one.
    #[error("{} and {} differ only by case, which is one name on FAT", DisplayPath(.first), DisplayPath(.second))]
    CaseCollision {
        /// The path that comes first in byte order.
        first: Vec<u8>,
        /// The other path.
        second: Vec<u8>,
    },
    /// A directory with more records than FAT allows.
    #[error(
        "the directory {} needs {records} records of 32 bytes but {limit} are allowed; a long name takes \
         several",
        DisplayPath(.path)
    )]
    DirectoryTooLarge {
        /// Its path.
        path: Vec<u8>,
        /// Records it needs.
        records: u64,
        /// The most that there may be; fewer in the root of a FAT16.
        limit: u64,
    },
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameProblem {
    /// It is not UTF-8, so it has no UTF-16 form.
    NotUtf8,
    /// It is empty, `.` or `..`.
    Reserved,
    /// It has a character FAT forbids.
    Forbidden(char),
    /// It ends in a dot or a space, which FAT drops.
    Ending(char),
    /// It has so many UTF-16 units, more than 255.
    TooLong(usize),
}

impl fmt::Display for NameProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("is not UTF-8"),
            Self::Reserved => f.write_str("is reserved for the directory itself"),
            Self::Forbidden(c) => write!(f, "contains {c:?}, which FAT forbids"),
            Self::Ending('.') => f.write_str("ends in a dot, which FAT drops"),
            Self::Ending(_) => f.write_str("ends in a space, which FAT drops"),
            Self::TooLong(units) => write!(f, "has {units} UTF-16 units but FAT allows {}", crate::name::NAME_UNITS),
        }
    }
}

impl FatError {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OddSize { size, sector } => {
                size.align_up(sector.bytes()).map(|size| format!("make the partition {} bytes large", size.bytes()))
            }
            Self::TooSmall { minimum, .. } | Self::DoesNotFit { minimum, .. } => {
                // Printed sizes are rounded to a tenth: a whole number of MiB is printed as it is.
                let mebibytes = minimum.bytes().div_ceil(1 << 20);
                Some(format!("set the size of the partition to {mebibytes}MiB or more"))
            }
            Self::TooLarge { .. } => Some("make the partition smaller; 1 GiB is plenty for boot loaders".into()),
            Self::Label { label, .. } => {
                let fixed = label.trim().to_ascii_uppercase();
                crate::name::check_label(&fixed).ok().map(|_| format!("use the label {fixed:?}"))
            }
            Self::Kind { .. } => Some("put what it leads to there as a file, or leave it out".into()),
            Self::Metadata { .. } => Some("leave it off: what is on the ESP has no owner and no label".into()),
            Self::Name { .. } | Self::CaseCollision { .. } => Some("rename it in the tree".into()),
            Self::DirectoryTooLarge { .. } => Some("spread it over subdirectories or shorten the names".into()),
            Self::FileTooLarge { .. } | Self::TreeTooLarge { .. } => {
                Some("put the large files on a partition with another file system".into())
            }
        }
    }
}
