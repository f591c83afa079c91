//! Why there is no core image.

use std::io;

/// Why there is no core image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A piece that is not there.
    #[error("GRUB for a BIOS lacks {piece}{}", wanted(.by))]
    Missing {
        /// Its file.
        piece: String,
        /// The module that needs it; `None` where every image does.
        by: Option<String>,
    },
    /// A piece that cannot be read.
    #[error("cannot read {piece} of GRUB for a BIOS")]
    Read {
        /// Its file.
        piece: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A piece that is none.
    #[error("{piece} of GRUB for a BIOS cannot be used: {what} is {found}, and {expected} is expected")]
    Wrong {
        /// Its file.
        piece: String,
        /// Its field or property.
        what: &'static str,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// More than fits into the memory of a machine that boots.
    #[error("GRUB for a BIOS gets too large: {what} would have {length} bytes, and {limit} are the most")]
    TooLarge {
        /// What.
        what: &'static str,
        /// In bytes.
        length: u64,
        /// In bytes.
        limit: u64,
    },
    /// The compressor.
    #[error("the core image of GRUB cannot be compressed")]
    Compress {
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn wanted(by: &Option<String>) -> String {
    by.as_ref().map(|by| format!(", which its module {by} needs")).unwrap_or_default()
}

/// A piece that is not what it should be.
pub(crate) fn wrong(piece: &str, what: &'static str, found: impl ToString, expected: impl ToString) -> CoreError {
    CoreError::Wrong { piece: piece.to_owned(), what, found: found.to_string(), expected: expected.to_string() }
}
