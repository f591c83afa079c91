//! A directory entry: Microsoft's FAT specification, section 6.

use crate::bytes::{u16_at, u32_at};
use crate::geometry::FatKind;

/// Bytes of an entry.
pub(crate) const SIZE: usize = 32;
/// First byte of an entry behind which there are no more.
pub(crate) const END: u8 = 0;
/// First byte of an entry that was deleted.
pub(crate) const DELETED: u8 = 0xE5;

/// Attribute bits.
pub(crate) const VOLUME_LABEL: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
/// All of read-only, hidden, system and volume label: a piece of a long name.
const LONG_NAME: u8 = 0x0F;
/// The bits that are looked at to tell one.
const LONG_NAME_MASK: u8 = 0x3F;
/// Bits without a meaning.
pub(crate) const RESERVED: u8 = 0xC0;

/// Whether an entry is a piece of a long name.
pub(crate) fn is_long_name(bytes: &[u8]) -> bool {
    bytes[11] & LONG_NAME_MASK == LONG_NAME
}

/// A file, a directory or a volume label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Offset 0: eight bytes and three, filled up with spaces.
    pub(crate) name: [u8; 11],
    /// Offset 11.
    pub(crate) attributes: u8,
    /// Offset 12: bits 3 and 4 say that the name and its extension are lower-case.
    pub(crate) case: u8,
    /// Offset 13: hundredths of a second, up to 199.
    pub(crate) created_hundredths: u8,
    /// Offset 14 and 16.
    pub(crate) created_time: u16,
    pub(crate) created_date: u16,
    /// Offset 18.
    pub(crate) accessed_date: u16,
    /// Offset 20: the upper half of the first cluster with FAT32, else 0.
    pub(crate) cluster_high: u16,
    /// Offset 22 and 24.
    pub(crate) written_time: u16,
    pub(crate) written_date: u16,
    /// Offset 26.
    pub(crate) cluster_low: u16,
    /// Offset 28: bytes; 0 for directories.
    pub(crate) size: u32,
}

impl Record {
    /// Reads the 32 bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut name = [0; 11];
        name.copy_from_slice(&bytes[..11]);
        Self {
            name,
            attributes: bytes[11],
            case: bytes[12],
            created_hundredths: bytes[13],
            created_time: u16_at(bytes, 14),
            created_date: u16_at(bytes, 16),
            accessed_date: u16_at(bytes, 18),
            cluster_high: u16_at(bytes, 20),
            written_time: u16_at(bytes, 22),
            written_date: u16_at(bytes, 24),
            cluster_low: u16_at(bytes, 26),
            size: u32_at(bytes, 28),
        }
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.attributes & DIRECTORY != 0
    }

    pub(crate) fn is_volume_label(&self) -> bool {
        self.attributes & VOLUME_LABEL != 0
    }

    /// The first cluster; 0 where there is none.
    pub(crate) fn first_cluster(&self, kind: FatKind) -> u32 {
        let high = if kind == FatKind::Fat32 { u32::from(self.cluster_high) } else { 0 };
        high << 16 | u32::from(self.cluster_low)
    }
}
