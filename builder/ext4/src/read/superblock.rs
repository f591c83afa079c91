//! What a superblock claims, looked at before it is believed.

use builder_block::ByteSize;

use super::ReadError;

/// First byte of the superblock, and its length.
pub(super) const SUPERBLOCK: (u64, usize) = (1024, 1024);
/// Most groups; with the usual ones of 128 MiB they make 128 TiB.
const GROUP_LIMIT: u64 = 1 << 20;

/// Looks whether the numbers by which room is made fit the device.
pub(super) fn check(superblock: &[u8; SUPERBLOCK.1], device: ByteSize) -> Result<(), ReadError> {
    let word = |at: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&superblock[at..at + 4]);
        u64::from(u32::from_le_bytes(bytes))
    };
    // Linux, ext4 "The Super Block". Without the feature 64bit the upper half is not in use.
    let upper = if word(0x60) & 0x80 == 0 { 0 } else { word(0x150) };
    let blocks = upper << 32 | word(0x04);
    let block_size = 1024_u64.checked_shl(u32::try_from(word(0x18)).unwrap_or(64)).filter(|&size| size <= 65536);
    let Some(block_size) = block_size.filter(|&size| size >= 1024) else {
        let (what, value) = ("as the power of its block size", word(0x18));
        return Err(ReadError::Superblock { what, value, limit: 6, word: "is the most" });
    };
    let there = device.bytes() / block_size;
    if blocks > there {
        return Err(ReadError::Superblock { what: "blocks", value: blocks, limit: there, word: "fit the partition" });
    }
    let groups = blocks.checked_div(word(0x20)).unwrap_or(u64::MAX);
    if groups > GROUP_LIMIT {
        return Err(ReadError::Superblock { what: "groups", value: groups, limit: GROUP_LIMIT, word: "are the most" });
    }
    Ok(())
}
