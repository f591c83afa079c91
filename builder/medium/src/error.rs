//! What can be wrong with what a medium says of itself.

/// What is wrong with what a medium says of itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediumError {
    /// The manifest is too long to be one.
    #[error("the medium's manifest has {length} bytes, and {limit} are the most")]
    Length {
        /// In bytes.
        length: usize,
        /// In bytes.
        limit: usize,
    },
    /// It is not JSON of this kind.
    #[error("the medium's manifest cannot be read")]
    Json(#[from] serde_json::Error),
    /// A layout of media that is not known here.
    #[error("the medium has layout {format}, and {known} is known here")]
    Format {
        /// Its layout.
        format: u32,
        /// The one that is known.
        known: u32,
    },
    /// A number that cannot be.
    #[error("the medium's manifest has the {what} {value}, which cannot be")]
    Number {
        /// What it is the number of.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A line of the table of blocks.
    #[error("line {number} of the medium's table of blocks is damaged")]
    Line {
        /// From 1.
        number: u64,
    },
}
