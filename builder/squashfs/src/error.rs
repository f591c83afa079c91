//! Why an image cannot be written.

use std::io;

use builder_block::ByteSize;
use builder_tree::DisplayPath;

use crate::constants::{BLOCKS_LIMIT, NAME_BYTES};
use crate::tree::TARGET_BYTES;

/// Why a name cannot be added to a [`Tree`](crate::Tree).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A name that nothing can have.
    #[error(
        "{} cannot be in a squashfs image: a name has 1 to {NAME_BYTES} bytes without NUL, and is not `.` or `..`",
        DisplayPath(.path)
    )]
    Name {
        /// The path asked for.
        path: Vec<u8>,
    },
    /// There is no such directory.
    #[error("{} cannot be added: the directory that it is in has not been added before", DisplayPath(.path))]
    Parent {
        /// The path asked for.
        path: Vec<u8>,
    },
    /// The name is taken.
    #[error("{} cannot be added: it is there already", DisplayPath(.path))]
    Exists {
        /// The path asked for.
        path: Vec<u8>,
    },
    /// A mode with other bits than permissions.
    #[error("{} cannot have mode {mode:#o}: a mode is 0o7777 at most", DisplayPath(.path))]
    Mode {
        /// The path asked for.
        path: Vec<u8>,
        /// The mode asked for.
        mode: u16,
    },
    /// A link target that the kernel does not take.
    #[error(
        "{} cannot be a link to a target of {length} bytes: it has 1 to {TARGET_BYTES} bytes without NUL",
        DisplayPath(.path)
    )]
    Target {
        /// The path asked for.
        path: Vec<u8>,
        /// Length of the target in bytes.
        length: usize,
    },
}

/// Why a tree cannot become an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A block size that is not offered.
    #[error("a squashfs image cannot have blocks of {bytes} bytes: they have 128, 256, 512 or 1024 KiB")]
    BlockSize {
        /// The block size asked for.
        bytes: u64,
    },
    /// A level that zstd does not have.
    #[error("level {level} is none of zstd's, which are 1 to 22")]
    Level {
        /// The level asked for.
        level: i32,
    },
    /// A file with more blocks than are kept in memory.
    #[error(
        "{} has {size} and would have {blocks} blocks, more than the {BLOCKS_LIMIT} that a file may have",
        DisplayPath(.path)
    )]
    FileSize {
        /// The path of the file.
        path: Vec<u8>,
        /// Its size.
        size: ByteSize,
        /// Its blocks.
        blocks: u64,
    },
    /// More of something than the format can number.
    #[error("the tree has {count} {what}, more than the {limit} that a squashfs image can have")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        count: u64,
        /// How many there can be.
        limit: u64,
    },
}

/// Why an image that was planned cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The content of a file cannot be read.
    #[error("cannot read {} at byte {offset}", DisplayPath(.path))]
    Source {
        /// The path of the file in the image.
        path: Vec<u8>,
        /// The first byte of the file that was asked for.
        offset: u64,
        /// The answer.
        source: io::Error,
    },
    /// The image cannot be written.
    #[error("cannot write byte {offset} of the squashfs image")]
    Output {
        /// The first byte of the image that was being written.
        offset: u64,
        /// The answer.
        source: io::Error,
    },
    /// The compressor failed, which is a defect of it or of the machine.
    #[error("zstd cannot compress")]
    Compress(#[source] io::Error),
    /// A table has become larger than the format can address.
    #[error("the squashfs image cannot be written: its {table} would have {bytes} bytes, and {limit} are the most")]
    Table {
        /// Which one.
        table: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// Its largest size in bytes.
        limit: u64,
    },
    /// A thread ended before its work did, which is a defect.
    #[error("a thread that compresses ended early")]
    Thread,
}
