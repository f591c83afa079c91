//! The checksums of ext4: CRC-32C as the kernel computes it, and the CRC-16 of older group descriptors.
//!
//! Linux, ext4 "Checksums". The kernel's CRC-32C begins with the seed it is given and does not invert its result.

use crate::format::{GROUP_CHECKSUM, INODE_CHECKSUM_HIGH, INODE_CHECKSUM_LOW};

/// CRC-32C that goes on from `seed`.
pub(crate) fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    !::crc32c::crc32c_append(!seed, bytes)
}

/// Checksum of bytes that need no seed of the file system: superblocks, and the journal's.
pub(crate) fn unseeded(bytes: &[u8]) -> u32 {
    crc32c(u32::MAX, bytes)
}

/// CRC-16 with the polynomial 0x8005, bits reversed.
pub(crate) fn crc16(seed: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(seed, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    })
}

/// What the checksums of one file system, or of one inode in it, begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) u32);

impl Seed {
    /// That of the inode: its number and generation come first.
    pub(crate) fn inode(self, number: u32, generation: u32) -> Self {
        Self(crc32c(crc32c(self.0, &number.to_le_bytes()), &generation.to_le_bytes()))
    }

    /// Checksum of plain bytes.
    pub(crate) fn of(self, bytes: &[u8]) -> u32 {
        crc32c(self.0, bytes)
    }

    /// Checksum of bytes of which those from `hole` for `length` count as zeros.
    pub(crate) fn with_hole(self, bytes: &[u8], hole: usize, length: usize) -> u32 {
        let before = hole.min(bytes.len());
        let behind = hole.saturating_add(length).min(bytes.len());
        let crc = crc32c(self.0, &bytes[..before]);
        let zeros = [0; 4];
        let crc = crc32c(crc, &zeros[..(behind - before).min(4)]);
        crc32c(crc, &bytes[behind..])
    }

    /// Checksum of an inode; `wide` where its high half is stored as well.
    pub(crate) fn inode_bytes(self, bytes: &[u8], wide: bool) -> u32 {
        let low = INODE_CHECKSUM_LOW.min(bytes.len());
        let crc = crc32c(self.0, &bytes[..low]);
        let crc = crc32c(crc, &[0; 2]);
        let rest = &bytes[(low + 2).min(bytes.len())..];
        if !wide {
            return crc32c(crc, rest);
        }
        let high = (INODE_CHECKSUM_HIGH - low - 2).min(rest.len());
        let crc = crc32c(crc, &rest[..high]);
        let crc = crc32c(crc, &[0; 2]);
        crc32c(crc, &rest[(high + 2).min(rest.len())..])
    }

    /// Checksum of a group descriptor, of which the low half is stored.
    pub(crate) fn descriptor(self, group: u32, bytes: &[u8]) -> u16 {
        let crc = Self(crc32c(self.0, &group.to_le_bytes())).with_hole(bytes, GROUP_CHECKSUM, 2);
        // The low half is what is stored.
        u16::try_from(crc & 0xffff).unwrap_or(0)
    }
}

/// CRC-16 of a group descriptor, on file systems that have no other checksums.
pub(crate) fn old_descriptor(uuid: &[u8], group: u32, bytes: &[u8]) -> u16 {
    let crc = crc16(crc16(u16::MAX, uuid), &group.to_le_bytes());
    let crc = crc16(crc, &bytes[..GROUP_CHECKSUM.min(bytes.len())]);
    crc16(crc, bytes.get(GROUP_CHECKSUM + 2..).unwrap_or(&[]))
}

#[cfg(test)]
mod tests {
    use super::{Seed, crc16, crc32c, unseeded};

    #[test]
    fn the_catalogue_of_checksums_agrees() {
        // CRC-32/ISCSI and CRC-16/MODBUS of the nine digits.
        assert_eq!(!unseeded(b"123456789"), 0xE306_9283);
        assert_eq!(crc16(u16::MAX, b"123456789"), 0x4B37);
    }

    #[test]
    fn a_hole_counts_as_zeros() {
        let bytes = [7; 64];
        let mut holed = bytes;
        holed[16..20].fill(0);
        assert_eq!(Seed(3).with_hole(&bytes, 16, 4), crc32c(3, &holed));
        let mut inode = [9; 256];
        let seen = Seed(5).inode_bytes(&inode, true);
        inode[0x7c..0x7e].fill(0);
        let narrow = crc32c(5, &inode);
        inode[0x82..0x84].fill(0);
        assert_eq!(seen, crc32c(5, &inode));
        assert_eq!(Seed(5).inode_bytes(&[9; 256], false), narrow);
    }
}
