//! Logical block addresses.

use std::fmt;

use crate::ByteSize;

/// Bytes in a logical sector. All our tables are laid out for 512.
pub const SECTOR_SIZE: u64 = 512;

/// Address of a sector, counted in sectors of [`SECTOR_SIZE`] from the start of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lba(pub u64);

impl Lba {
    /// The sector that begins at `offset`, or `None` where no sector begins there.
    #[must_use]
    pub fn at(offset: ByteSize) -> Option<Self> {
        offset.bytes().is_multiple_of(SECTOR_SIZE).then(|| Self(offset.bytes() / SECTOR_SIZE))
    }

    /// Distance from the start of the disk. Saturates far beyond any disk.
    #[must_use]
    pub fn offset(self) -> ByteSize {
        ByteSize::new(self.0.saturating_mul(SECTOR_SIZE))
    }
}

impl fmt::Display for Lba {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
