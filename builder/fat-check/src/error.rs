//! Why a file system cannot be checked.

use std::io;

use builder_block::ByteSize;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Less than a boot sector.
    #[error("the device has {} bytes, and a FAT file system begins with a sector of 512 or more", .size.bytes())]
    TooSmall {
        /// Size of the device.
        size: ByteSize,
    },
    /// The device cannot be read.
    #[error("cannot read the {what} at byte {offset} of the file system")]
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
            Self::TooSmall { .. } => Some("name the partition that has the file system".into()),
            Self::Io { .. } => None,
        }
    }
}
