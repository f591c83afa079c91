//! Checksums of metadata: CRC-32C without the final inversion, as `metadata_csum` chains them.

/// Continues `crc` over `bytes`. The chain begins with [`START`].
pub(crate) fn crc32c(crc: u32, bytes: &[u8]) -> u32 {
    // The crate inverts before and after; ext4 does neither (lib/crc32c as used by ext4_chksum).
    !crc32c::crc32c_append(!crc, bytes)
}

/// First value of every chain.
pub(crate) const START: u32 = 0xffff_ffff;

/// Seed of a file system's checksums.
pub(crate) fn filesystem_seed(uuid: &[u8; 16]) -> u32 {
    crc32c(START, uuid)
}

/// Seed of the checksums of an inode and of its extent and directory blocks; generations are always 0 here.
pub(crate) fn inode_seed(filesystem_seed: u32, inode: u32) -> u32 {
    crc32c(crc32c(filesystem_seed, &inode.to_le_bytes()), &0_u32.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::{START, crc32c};

    #[test]
    fn the_chain_is_not_inverted() {
        // "123456789" gives 0xE3069283 in plain CRC-32C.
        assert_eq!(crc32c(START, b"123456789"), !0xE306_9283);
        assert_eq!(crc32c(crc32c(START, b"1234"), b"56789"), !0xE306_9283);
    }
}
