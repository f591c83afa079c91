//! Checksums that begin with the UUID, before and after.

use super::volume::Pass;

/// First value of every CRC-32C chain.
pub(super) const START: u32 = 0xffff_ffff;

/// Continues `crc` over `bytes`.
pub(super) fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    // The crate inverts before and after; ext4 does neither (lib/crc32c as used by ext4_chksum).
    !crc32c::crc32c_append(!crc, bytes)
}

/// Continues `crc`, the CRC-16 of group descriptors (`uninit_bg`; Linux, lib/crc16.c), over `bytes`.
pub(super) fn crc16(crc: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(crc, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xA001 } else { 0 })
    })
}

/// A checksum in the making: as the old UUID makes it, and as the new one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seeds {
    pub(super) old: u32,
    pub(super) new: u32,
}

impl Seeds {
    /// Of a file system: checksums of its UUID.
    pub(super) fn new(old: &[u8; 16], new: &[u8; 16]) -> Self {
        Self { old: crc32c(START, old), new: crc32c(START, new) }
    }

    /// Continues both.
    pub(super) fn over(self, bytes: &[u8]) -> Self {
        Self { old: crc32c(self.old, bytes), new: crc32c(self.new, bytes) }
    }

    /// What is to be there instead of `found`; `None` where that is wrong. Of the checksums only the bits of `mask` are
    /// kept on disk.
    pub(super) fn instead_of(self, found: u32, mask: u32, pass: Pass) -> Option<u32> {
        // A block of attributes may belong to several inodes, and is met with its new checksum from the second on.
        let is_right = found == self.old & mask || pass == Pass::Change && found == self.new & mask;
        is_right.then_some(self.new & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::{START, crc16, crc32c};

    #[test]
    fn both_checksums_are_those_of_the_tables() {
        // "123456789" gives 0xE3069283 in plain CRC-32C, and 0x4B37 in the CRC-16 that begins with ones (MODBUS).
        assert_eq!(crc32c(START, b"123456789"), !0xE306_9283);
        assert_eq!(crc16(0xffff, b"123456789"), 0x4B37);
    }
}
