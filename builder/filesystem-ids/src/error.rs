//! Why a file system keeps its identity.

use std::io;

/// Why a file system keeps its identity. But for [`Io`](Self::Io), nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The device cannot be read or written.
    #[error("the {filesystem} file system cannot be read or written")]
    Io {
        /// `ext4` or `FAT`.
        filesystem: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Something else is there.
    #[error("there is no {filesystem} file system: {problem}")]
    None {
        /// `ext4` or `FAT`.
        filesystem: &'static str,
        /// What tells.
        problem: &'static str,
    },
    /// It is of a kind whose identity is not changed.
    #[error("the {filesystem} file system {problem}, so its identity cannot be changed")]
    Unsupported {
        /// `ext4` or `FAT`.
        filesystem: &'static str,
        /// What it has, the end of a sentence.
        problem: &'static str,
    },
    /// It is damaged.
    #[error("the {filesystem} file system is damaged: {problem}")]
    Damaged {
        /// `ext4` or `FAT`.
        filesystem: &'static str,
        /// What is wrong, and where.
        problem: String,
    },
}
