//! Where a file's fs-verity metadata lies: in blocks of its own, behind its end.
//!
//! ```text
//!  0              i_size    next multiple of 64 KiB                          last block
//!  │ body …           │  hole  │ Merkle tree, the root's level first │ descriptor 0 … 0 its length │
//! ```
//!
//! Source: Linux, Documentation/filesystems/ext4/verity.rst.

use builder_tree::Seal;

use crate::format::{BLOCK_LEN, BLOCK_SIZE, blocks_for};
use crate::runs::Run;

/// The tree begins at a multiple of so many blocks, whatever the page size of the kernel that made it.
const ALIGNMENT: u64 = (64 << 10) / BLOCK_SIZE;

/// The blocks of the metadata, counted in the file, of a body of `size` bytes.
pub(crate) fn run(size: u64, seal: &Seal) -> Run {
    Run { first: blocks_for(size).next_multiple_of(ALIGNMENT), blocks: blocks_for(seal.tree.size()) + 1 }
}

/// The last of these blocks.
pub(crate) fn descriptor_block(seal: &Seal) -> [u8; BLOCK_LEN] {
    // It is an array of 256 bytes.
    const LENGTH: u32 = 256;
    let mut block = [0; BLOCK_LEN];
    block[..seal.descriptor.len()].copy_from_slice(&seal.descriptor);
    block[BLOCK_LEN - 4..].copy_from_slice(&LENGTH.to_le_bytes());
    block
}
