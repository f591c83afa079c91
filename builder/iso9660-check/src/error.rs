//! Why an image cannot be checked.

use std::io;

use builder_block::ByteSize;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Less than what is before the first volume descriptor.
    #[error("the image has {} bytes, and the first volume descriptor ends at byte 34816", .size.bytes())]
    TooSmall {
        /// Size of the image.
        size: ByteSize,
    },
    /// The image cannot be read.
    #[error("cannot read the {what} at byte {offset} of the image")]
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
            Self::TooSmall { .. } => Some("the image is cut off: copy it again and whole".into()),
            Self::Io { .. } => None,
        }
    }
}
