//! Why an image cannot be read.

use std::io;

use builder_tree::DisplayPath;

/// Why a squashfs image cannot be read. Places are bytes from the begin of the image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The device cannot be read.
    #[error("cannot read byte {at} of the squashfs image")]
    Io {
        /// The first byte asked for.
        at: u64,
        /// The answer.
        source: io::Error,
    },
    /// The image does not begin like one.
    #[error("this is not a squashfs image: it begins with {} instead of hsqs", found.escape_ascii())]
    Magic {
        /// Its first bytes, four where it has so many.
        found: Vec<u8>,
    },
    /// Another version of the format.
    #[error("the squashfs image has version {major}.{minor}, but only 4.0 is read")]
    Version {
        /// Major number.
        major: u16,
        /// Minor number.
        minor: u16,
    },
    /// Another compressor.
    #[error(
        "the squashfs image is compressed with {}, but only zstd is read; make it with `mksquashfs -comp zstd`",
        compressor(*.number)
    )]
    Compression {
        /// What the format calls the compressor.
        number: u16,
    },
    /// The image is damaged.
    #[error("the squashfs image is damaged: {what} at byte {at} has {field} {value}, but {limit}")]
    Damaged {
        /// Which structure.
        what: &'static str,
        /// Where it begins, or what was being read there.
        at: u64,
        /// Which field of it.
        field: &'static str,
        /// Its value.
        value: u64,
        /// What it should be, as a sentence.
        limit: &'static str,
    },
    /// Bytes that zstd does not take.
    #[error("the squashfs image is damaged: {what} at byte {at} is nothing that zstd can decompress")]
    Zstd {
        /// What they should be.
        what: &'static str,
        /// Where they begin.
        at: u64,
        /// The answer.
        source: io::Error,
    },
    /// More than is kept in memory.
    #[error("the squashfs image has {what} of {value}, and at most {limit} are read")]
    Limit {
        /// What is large.
        what: &'static str,
        /// How large it is.
        value: u64,
        /// The limit.
        limit: u64,
    },
    /// Nothing is there.
    #[error("{} is not in the squashfs image", DisplayPath(.path))]
    Missing {
        /// The path asked for.
        path: Vec<u8>,
    },
    /// Something else is there.
    #[error("{} of the squashfs image is no file", DisplayPath(.path))]
    NoFile {
        /// The path asked for.
        path: Vec<u8>,
    },
}

fn compressor(number: u16) -> String {
    match number {
        1 => "gzip".to_owned(),
        2 => "lzma".to_owned(),
        3 => "lzo".to_owned(),
        4 => "xz".to_owned(),
        5 => "lz4".to_owned(),
        number => format!("compressor {number}, which is not known"),
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io { source, .. } => source,
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
