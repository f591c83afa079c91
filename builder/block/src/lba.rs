//! Logical sectors and their addresses.

use std::fmt;
use std::str::FromStr;

use crate::ByteSize;

/// Bytes in the smallest logical sector there is: what the length of every disk is a multiple of, and the unit in which
/// container formats count.
pub const SECTOR_SIZE: u64 = 512;

/// Bytes in a logical sector of a disk: the unit of every [`Lba`] in its partition table, and the least that its FAT
/// file systems count in. A disk that was laid out for one size has no table for machines that see the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectorSize {
    /// 512 bytes: nearly every drive, and every virtual machine that was not told otherwise.
    #[default]
    Bytes512,
    /// 4096 bytes: drives that are 4K native ("4Kn").
    Bytes4096,
}

impl SectorSize {
    /// Both of them, the usual one first.
    pub const ALL: [Self; 2] = [Self::Bytes512, Self::Bytes4096];

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Bytes512 => SECTOR_SIZE,
            Self::Bytes4096 => 4096,
        }
    }

    /// The size of so many bytes; `None` for all but 512 and 4096.
    #[must_use]
    pub fn of(bytes: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.bytes() == bytes)
    }
}

impl fmt::Display for SectorSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes())
    }
}

impl FromStr for SectorSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|size| size.bytes().to_string() == text)
            .ok_or_else(|| "expected 512 or 4096".to_owned())
    }
}

/// Address of a logical sector, counted from the start of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lba(pub u64);

impl Lba {
    /// The sector that begins at `offset`, or `None` where no sector begins there.
    #[must_use]
    pub fn at(offset: ByteSize, sector: SectorSize) -> Option<Self> {
        offset.bytes().is_multiple_of(sector.bytes()).then(|| Self(offset.bytes() / sector.bytes()))
    }

    /// Distance from the start of the disk. Saturates far beyond any disk.
    #[must_use]
    pub fn offset(self, sector: SectorSize) -> ByteSize {
        ByteSize::new(self.0.saturating_mul(sector.bytes()))
    }
}

impl fmt::Display for Lba {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lba, SectorSize};
    use crate::ByteSize;

    #[test]
    fn sectors_begin_at_multiples_of_their_size() {
        for (offset, sector, lba) in [
            (1 << 20, SectorSize::Bytes512, Some(2048)),
            (1 << 20, SectorSize::Bytes4096, Some(256)),
            (512, SectorSize::Bytes4096, None),
            (511, SectorSize::Bytes512, None),
        ] {
            let found = Lba::at(ByteSize::new(offset), sector);
            assert_eq!(found, lba.map(Lba), "{offset} {sector}");
            assert!(found.is_none_or(|lba| lba.offset(sector).bytes() == offset));
        }
        assert_eq!("4096".parse(), Ok(SectorSize::Bytes4096));
        assert!(["0", "1024", "04096", "4k", ""].iter().all(|text| text.parse::<SectorSize>().is_err()));
        assert_eq!(SectorSize::of(512), Some(SectorSize::Bytes512));
        assert_eq!(SectorSize::of(520), None);
    }
}
