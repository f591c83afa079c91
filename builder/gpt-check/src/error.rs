//! Why a disk cannot be checked.

use std::io;

use builder_block::ByteSize;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Less than a sector.
    #[error("the disk has {} bytes, and a partition table begins with a sector of 512", .size.bytes())]
    TooSmall {
        /// Size of the disk.
        size: ByteSize,
    },
    /// The disk cannot be read.
    #[error("cannot read the {what} at byte {offset} of the disk")]
    Io {
        /// What was wanted.
        what: &'static str,
        /// Where it lies, in bytes.
        offset: u64,
        /// What the device says.
        source: io::Error,
    },
}

impl CheckError {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooSmall { .. } => Some("name a whole disk, not a part of one".into()),
            Self::Io { .. } => None,
        }
    }
}
