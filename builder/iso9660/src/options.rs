//! What the caller decides.

use crate::{Boot, IsoError, text};

/// Names in the volume descriptors; ECMA-119, sections 8.4.5 to 8.4.20. All may be empty but the volume's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Volume identifier, the label that the medium is found by: 1 to 32 of `A-Z`, `0-9` and `_`. Joliet holds its first
    /// 16 characters.
    pub id: String,
    /// System identifier: at most 32 a-characters (`A-Z`, `0-9`, space and ``!"%&'()*+,-./:;<=>?_``).
    pub system: String,
    /// Volume set identifier: at most 128 of `A-Z`, `0-9` and `_`.
    pub set: String,
    /// Publisher identifier: at most 128 a-characters. Joliet holds the first 64, as of the two that follow.
    pub publisher: String,
    /// Data preparer identifier: at most 128 a-characters.
    pub preparer: String,
    /// Application identifier: at most 128 a-characters.
    pub application: String,
}

impl Volume {
    /// Looks through the names, as [`Image::plan`](crate::Image::plan) does.
    ///
    /// # Errors
    /// One is missing, too long, or has a character that it may not have.
    pub fn check(&self) -> Result<(), IsoError> {
        text::check(self)
    }
}

/// How an image is made.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names of the volume.
    pub volume: Volume,
    /// Every time on the medium, in seconds since 1970 UTC: before the year 2156, where the one byte for years ends.
    pub time: u64,
    /// Whether there is a second hierarchy of names, for Windows.
    pub joliet: bool,
    /// What firmware boots.
    pub boot: Boot,
}
