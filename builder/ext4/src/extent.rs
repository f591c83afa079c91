//! Extent trees: which blocks of a file lie where (Linux, ext4, "Extent Tree").

use crate::checksum;
use crate::format::{BLOCK_LEN, high32, ino, low16, low32, put16, put32};

/// Blocks an extent can have; above, the length means "not written".
pub(crate) const MAX_LENGTH: u16 = 32_768;
/// Entries in an inode.
const IN_INODE: usize = 4;
/// Entries in a block, which ends with a checksum.
const IN_BLOCK: usize = (BLOCK_LEN - 12 - 4) / 12;
/// Offset of the checksum of a block.
const TAIL: usize = 12 + IN_BLOCK * 12;

/// A run of blocks of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// First block on disk.
    pub(crate) physical: u64,
    /// First block in the file.
    pub(crate) logical: u32,
    /// Blocks, 1 to [`MAX_LENGTH`].
    pub(crate) length: u16,
}

impl Extent {
    /// First block of the file behind it.
    pub(crate) fn end(&self) -> u64 {
        u64::from(self.logical) + u64::from(self.length)
    }
}

/// Blocks of the tree of so many extents, the root in the inode not counted.
pub(crate) fn tree_blocks(extents: usize) -> usize {
    let (mut total, mut level) = (0, extents);
    while level > IN_INODE {
        level = level.div_ceil(IN_BLOCK);
        total += level;
    }
    total
}

/// The tree: the root for `i_block`, and the contents of `blocks`, one for one.
///
/// `blocks` are as many as [`tree_blocks`] says; `inode_seed` is the checksum seed of the inode.
pub(crate) fn encode(
    extents: &[Extent],
    blocks: &[u64],
    inode_seed: u32,
) -> ([u8; ino::BLOCK_LENGTH], Vec<[u8; BLOCK_LEN]>) {
    let mut entries: Vec<Entry> = extents.iter().map(Entry::leaf).collect();
    let mut encoded = Vec::with_capacity(blocks.len());
    let mut numbers = blocks.iter();
    let mut depth = 0;
    while entries.len() > IN_INODE {
        let mut above = Vec::with_capacity(entries.len().div_ceil(IN_BLOCK));
        for (chunk, &number) in entries.chunks(IN_BLOCK).zip(numbers.by_ref()) {
            let mut block = [0; BLOCK_LEN];
            node(&mut block, chunk, IN_BLOCK, depth);
            let crc = checksum::crc32c(inode_seed, &block[..TAIL]);
            put32(&mut block, TAIL, crc);
            encoded.push(block);
            above.push(Entry::index(chunk[0].logical(), number));
        }
        entries = above;
        depth += 1;
    }
    let mut root = [0; ino::BLOCK_LENGTH];
    node(&mut root, &entries, IN_INODE, depth);
    (root, encoded)
}

/// The 12 bytes of `ext4_extent` or `ext4_extent_idx`.
struct Entry([u8; 12]);

impl Entry {
    fn leaf(extent: &Extent) -> Self {
        let mut bytes = [0; 12];
        put32(&mut bytes, 0, extent.logical);
        put16(&mut bytes, 4, extent.length);
        put16(&mut bytes, 6, low16(high32(extent.physical)));
        put32(&mut bytes, 8, low32(extent.physical));
        Self(bytes)
    }

    fn index(logical: u32, block: u64) -> Self {
        let mut bytes = [0; 12];
        put32(&mut bytes, 0, logical);
        put32(&mut bytes, 4, low32(block));
        put16(&mut bytes, 8, low16(high32(block)));
        Self(bytes)
    }

    fn logical(&self) -> u32 {
        u32::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3]])
    }
}

/// `ext4_extent_header` and entries.
fn node(bytes: &mut [u8], entries: &[Entry], room: usize, depth: u16) {
    // Both counts are at most 340.
    let count = |n: usize| u16::try_from(n).expect("at most 340 entries");
    put16(bytes, 0, 0xF30A);
    put16(bytes, 2, count(entries.len()));
    put16(bytes, 4, count(room));
    put16(bytes, 6, depth);
    // Zero: eh_generation, which only Lustre uses.
    for (slot, entry) in bytes[12..].chunks_exact_mut(12).zip(entries) {
        slot.copy_from_slice(&entry.0);
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, encode, tree_blocks};

    #[test]
    fn trees_grow_by_levels() {
        for (extents, blocks, depth) in [
            (0, 0, 0),
            (4, 0, 0),
            (5, 1, 1),
            (340, 1, 1),
            (341, 2, 1),
            (1360, 4, 1),
            (1361, 6, 2),
            (340 * 340 + 1, 343, 2),
            (340 * 340 * 4 + 1, 1361 + 5 + 1, 3),
        ] {
            assert_eq!(tree_blocks(extents), blocks, "{extents}");
            let list: Vec<_> = (0..u32::try_from(extents).unwrap())
                .map(|n| Extent { physical: u64::from(n) * 2, logical: n, length: 1 })
                .collect();
            let numbers: Vec<u64> = (0..blocks as u64).collect();
            let (root, encoded) = encode(&list, &numbers, 0);
            assert_eq!((encoded.len(), root[6]), (blocks, depth), "{extents}");
        }
    }
}
