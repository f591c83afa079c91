//! Where an inode lies and what of its body lies with it. composefs, libcomposefs/lcfs-writer-erofs.c,
//! `compute_erofs_inodes`.

use crate::Unrepresentable;
use crate::directory;
use crate::format::{BLOCK, CHUNK_ENTRY_SIZE, MAX_CHUNK_BITS, MIN_CHUNK_BITS, SLOT, inode_size};
use crate::node::{Kind, Nodes};

/// The most chunks a file can have: their table must fit in a block (`LCFS_MAX_NONINLINE_CHUNKS`).
const MAX_CHUNKS: u64 = 1024;
/// Longest file in bytes.
const MAX_FILE_SIZE: u64 = MAX_CHUNKS << MAX_CHUNK_BITS;

/// Where an inode lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its first byte in the image, a multiple of [`SLOT`].
    pub(crate) position: usize,
    /// Bytes from there to the tail: fixed part and attributes.
    pub(crate) head: usize,
    /// Bytes of the tail.
    pub(crate) tail: usize,
    /// Blocks of the body.
    pub(crate) blocks: usize,
    /// The first of them, counted from the first block that is a body's.
    pub(crate) first_block: usize,
}

impl Place {
    /// The slot, which is how directories name inodes.
    pub(crate) fn nid(&self) -> u64 {
        (self.position / SLOT) as u64
    }

    /// The first byte behind it.
    pub(crate) fn end(&self) -> usize {
        self.position + self.head + self.tail
    }
}

/// Whether a file of so many bytes has a form.
pub(crate) fn check_size(size: u64) -> Result<(), Unrepresentable> {
    if size > MAX_FILE_SIZE {
        return Err(Unrepresentable::LargeFile { size, limit: MAX_FILE_SIZE });
    }
    Ok(())
}

/// `log2` of the chunk size of a file of `size` > 0 bytes: the smallest with which it is one chunk.
fn chunk_bits(size: u64) -> u32 {
    (u64::BITS - (size - 1).leading_zeros()).clamp(MIN_CHUNK_BITS, MAX_CHUNK_BITS)
}

/// The chunk format of a file of `size` > 0 bytes: `log2` of the blocks in a chunk.
pub(crate) fn chunk_format(size: u64) -> u32 {
    chunk_bits(size) - MIN_CHUNK_BITS
}

/// Bytes of the chunk table of a file of `size` > 0 bytes.
fn chunk_table_size(size: u64) -> usize {
    let chunks = size.div_ceil(1 << chunk_bits(size));
    // `check_size` let no file with more than 1024 chunks in.
    usize::try_from(chunks).expect("at most 1024") * CHUNK_ENTRY_SIZE
}

/// Places the inode `index` at the first byte from `from` on where it may lie; its blocks follow `first_block` others.
pub(crate) fn place(nodes: &Nodes<'_>, index: usize, from: usize, first_block: usize) -> Place {
    let node = &nodes.list[index];
    let (blocks, tail, links, size) = match &node.kind {
        Kind::Directory { links, .. } => {
            let (blocks, tail) = directory::measure(&directory::entries(&nodes.list, index));
            (blocks, tail, *links, (blocks * BLOCK + tail) as u64)
        }
        Kind::Regular(0) | Kind::Whiteout => (0, 0, 1, 0),
        Kind::Regular(size) => (0, chunk_table_size(*size), 1, *size),
        Kind::Symlink(target) => (0, target.len(), 1, target.len() as u64),
    };
    let head = inode_size(links, size, node.uid, node.gid) + nodes.table.area_size(&node.attributes);
    let mut place = Place { position: from.next_multiple_of(SLOT), head, tail, blocks, first_block };
    if matches!(node.kind, Kind::Symlink(_)) {
        place.settle_link()
    } else {
        place.settle()
    }
    place
}

impl Place {
    /// A link target lies in the block in which its inode begins, or else in a block of its own.
    fn settle_link(&mut self) {
        let begins_in = self.position / BLOCK;
        let ends_in = (self.end() - 1) / BLOCK;
        if self.head + self.tail >= BLOCK {
            self.tail_to_block();
        }
        if begins_in != ends_in {
            self.position = self.position.next_multiple_of(BLOCK);
        }
    }

    /// Any other tail does not cross the border of a block.
    fn settle(&mut self) {
        let room = |position: usize| BLOCK - (position + self.head) % BLOCK;
        let left = room(self.position);
        if left >= self.tail {
            return;
        }
        let behind = self.position + left.next_multiple_of(SLOT);
        if room(behind) >= self.tail {
            self.position = behind;
        } else {
            self.tail_to_block();
            self.position = self.position.next_multiple_of(BLOCK);
        }
    }

    fn tail_to_block(&mut self) {
        self.blocks += 1;
        self.tail = 0;
    }
}
