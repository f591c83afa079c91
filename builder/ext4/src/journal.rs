//! The empty journal. Its body is never written: the kernel reads nothing of it behind the superblock.

use crate::format::BLOCK_LEN;

/// Fewest blocks the kernel accepts (`JBD2_MIN_JOURNAL_BLOCKS`).
pub(crate) const MIN_BLOCKS: u64 = 1024;
/// Most blocks e2fsprogs accepts (`JBD2_MAX_JOURNAL_BLOCKS` of mke2fs).
pub(crate) const MAX_BLOCKS: u64 = 10_240_000;

/// Blocks of the journal of a file system of so many blocks, as `ext2fs_default_journal_size` has it.
pub(crate) fn default_blocks(filesystem_blocks: u64) -> u64 {
    const STEPS: [(u64, u64); 8] = [
        (32_768, 1024),
        (256 << 10, 4096),
        (512 << 10, 8192),
        (4096 << 10, 16_384),
        (8192 << 10, 32_768),
        (16_384 << 10, 65_536),
        (32_768 << 10, 131_072),
        (u64::MAX, 262_144),
    ];
    STEPS.iter().find(|(below, _)| filesystem_blocks < *below).map_or(262_144, |&(_, blocks)| blocks)
}

/// The journal's first block: a clean version 2 superblock without features (Linux, include/linux/jbd2.h,
/// `journal_superblock_s`; big-endian). The kernel sets the features it wants at the first mount.
pub(crate) fn superblock(blocks: u32, uuid: &[u8; 16]) -> [u8; BLOCK_LEN] {
    let mut bytes = [0; BLOCK_LEN];
    let mut put = |at: usize, value: u32| bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    put(0x00, 0xC03B_3998); // h_magic
    put(0x04, 4); // h_blocktype: superblock, version 2
    put(0x0C, 4096); // s_blocksize
    put(0x10, blocks); // s_maxlen
    put(0x14, 1); // s_first: first block of the log
    put(0x18, 1); // s_sequence: first commit to expect
    put(0x40, 1); // s_nr_users
    bytes[0x30..0x40].copy_from_slice(uuid);
    // Zero: s_start (the log is empty), s_errno, all features, and with them the checksum.
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn journals_are_as_large_as_those_of_mke2fs() {
        for (mib, journal_mib) in
            [(8, 4), (127, 4), (128, 16), (1023, 16), (1024, 32), (2048, 64), (16 << 10, 128), (128 << 10, 1024)]
        {
            assert_eq!(super::default_blocks(mib << 8), journal_mib << 8, "{mib} MiB");
        }
    }
}
