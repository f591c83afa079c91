//! Inodes, and what hangs on them. Linux, Documentation/filesystems/ext4, "Index Nodes", "Extent Tree".

use super::blocks::Kind;
use super::checksum::Seeds;
use super::{Walk, damaged};
use crate::IdError;
use crate::fields::{get16, get32, halves, length, put16};

/// Bytes of an inode table that are read at once; a multiple of all inodes.
const PIECE: usize = 64 << 10;

/// Offsets in an inode.
mod ino {
    pub(super) const MODE: usize = 0x00;
    pub(super) const FLAGS: usize = 0x20;
    pub(super) const BLOCK: usize = 0x28;
    pub(super) const BLOCK_LENGTH: usize = 60;
    pub(super) const GENERATION: usize = 0x64;
    pub(super) const FILE_ACL_LO: usize = 0x68;
    pub(super) const FILE_ACL_HI: usize = 0x76;
    pub(super) const CHECKSUM_LO: usize = 0x7C;
    pub(super) const EXTRA_ISIZE: usize = 0x80;
    pub(super) const CHECKSUM_HI: usize = 0x82;
    /// The directory has a hash tree.
    pub(super) const INDEX_FLAG: u32 = 0x1000;
    /// `i_block` is the root of an extent tree.
    pub(super) const EXTENTS_FLAG: u32 = 0x8_0000;
    /// The body is in the inode.
    pub(super) const INLINE_FLAG: u32 = 0x1000_0000;
    /// Types of files in the mode.
    pub(super) const TYPE: u16 = 0xF000;
    pub(super) const DIRECTORY: u16 = 0x4000;
    pub(super) const REGULAR: u16 = 0x8000;
    pub(super) const LINK: u16 = 0xA000;
}

/// Offsets in the header of a node of an extent tree, and sizes.
mod ex {
    pub(super) const MAGIC: usize = 0;
    pub(super) const ENTRIES: usize = 2;
    pub(super) const MAX: usize = 4;
    pub(super) const DEPTH: usize = 6;
    /// Of the header, and of an entry.
    pub(super) const SIZE: usize = 12;
    /// Deepest tree (`EXT4_MAX_EXTENT_DEPTH`).
    pub(super) const DEEPEST: u16 = 5;
    /// A longer one is one of zeros, with so many blocks more than it has.
    pub(super) const LONGEST: u16 = 32_768;
}

/// The inode that something belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) inode: u64,
    /// Of all its checksums.
    pub(super) seeds: Seeds,
    pub(super) kind: Kind,
}

impl Walk<'_> {
    /// The first `count` inodes of a group's table, which begins with block `table`; `used` is the bitmap.
    pub(super) fn inode_table(&mut self, group: u64, table: u64, count: u64, used: &[u8]) -> Result<(), IdError> {
        let size = self.volume.inode_size;
        let blocks = (self.volume.inodes_per_group * size as u64).div_ceil(self.volume.block_size);
        let start = self.volume.at(table, blocks, &format!("the inode table of group {group}"))?;
        let end = start + count * size as u64;
        let mut piece = vec![0; PIECE];
        let mut offset = start;
        while offset < end {
            let now = length((end - offset).min(PIECE as u64));
            self.read(offset, &mut piece[..now])?;
            let first = (offset - start) / size as u64;
            let mut is_changed = false;
            for (index, inode) in (first..).zip(piece[..now].chunks_exact_mut(size)) {
                // Inodes are counted from 1, over all groups.
                let number = group * self.volume.inodes_per_group + index + 1;
                let is_used = used[length(index / 8)] >> (index % 8) & 1 == 1;
                is_changed |= self.inode(number, inode, is_used)?;
            }
            if is_changed {
                self.write(offset, &piece[..now])?;
            }
            offset += now as u64;
        }
        Ok(())
    }

    /// An inode; `false` where it stays as it is.
    fn inode(&mut self, number: u64, inode: &mut [u8], is_used: bool) -> Result<bool, IdError> {
        // One that was never written has no checksum.
        if inode.iter().all(|&byte| byte == 0) {
            return Ok(false);
        }
        // The upper half is there where the fields behind the first 128 bytes reach that far.
        let has_high = inode.len() > 128 && get16(inode, ino::EXTRA_ISIZE) >= 4;
        let high = if has_high { get16(inode, ino::CHECKSUM_HI) } else { 0 };
        let found = u32::from(high) << 16 | u32::from(get16(inode, ino::CHECKSUM_LO));
        put16(inode, ino::CHECKSUM_LO, 0);
        if has_high {
            put16(inode, ino::CHECKSUM_HI, 0);
        }
        let seeds = self.volume.seeds.over(&number.to_le_bytes()[..4]).over(&inode[ino::GENERATION..][..4]);
        let mask = if has_high { u32::MAX } else { 0xffff };
        let new = seeds
            .over(inode)
            .instead_of(found, mask, self.pass)
            .ok_or_else(|| damaged(format!("the checksum of inode {number} is wrong")))?;
        let (low, high) = halves(new);
        put16(inode, ino::CHECKSUM_LO, low);
        if has_high {
            put16(inode, ino::CHECKSUM_HI, high);
        }
        if is_used {
            self.content(number, inode, seeds)?;
        }
        Ok(true)
    }

    /// All blocks of metadata that belong to an inode.
    fn content(&mut self, number: u64, inode: &[u8], seeds: Seeds) -> Result<(), IdError> {
        let high = if self.volume.has_64_bits { get16(inode, ino::FILE_ACL_HI) } else { 0 };
        let attributes = u64::from(high) << 32 | u64::from(get32(inode, ino::FILE_ACL_LO));
        if attributes != 0 {
            self.attributes(number, attributes)?;
        }
        let flags = get32(inode, ino::FLAGS);
        let kind = get16(inode, ino::MODE) & ino::TYPE;
        let is_orphan_file = self.volume.orphan_file.is_some_and(|orphan_file| u64::from(orphan_file) == number);
        let owner = Owner {
            inode: number,
            seeds,
            kind: match kind {
                ino::DIRECTORY if flags & ino::INDEX_FLAG != 0 => Kind::IndexedDirectory,
                ino::DIRECTORY => Kind::Directory,
                _ if is_orphan_file => Kind::OrphanFile,
                _ => Kind::Body,
            },
        };
        if flags & ino::INLINE_FLAG != 0 || !matches!(kind, ino::DIRECTORY | ino::REGULAR | ino::LINK) {
            return Ok(());
        }
        if flags & ino::EXTENTS_FLAG == 0 {
            // Blocks of block numbers have no checksum, but what they lead to may have one.
            return match owner.kind {
                Kind::Body => Ok(()),
                _ => Err(IdError::Unsupported { filesystem: "ext4", problem: "has directories without extents" }),
            };
        }
        let root = &inode[ino::BLOCK..][..ino::BLOCK_LENGTH];
        let depth = get16(root, ex::DEPTH);
        if depth > ex::DEEPEST {
            return Err(damaged(format!("the extent tree of inode {number} has {depth} levels")));
        }
        self.node(&owner, root, depth)
    }

    /// A node of an extent tree, whose checksum is known to be right.
    fn node(&mut self, owner: &Owner, node: &[u8], depth: u16) -> Result<(), IdError> {
        let entries = usize::from(get16(node, ex::ENTRIES));
        let inode = owner.inode;
        if get16(node, ex::MAGIC) != 0xF30A || get16(node, ex::DEPTH) != depth || entries > node.len() / ex::SIZE - 1 {
            return Err(damaged(format!("the extent tree of inode {inode} has a node that is none")));
        }
        for entry in node[ex::SIZE..].chunks_exact(ex::SIZE).take(entries) {
            if depth > 0 {
                let block = u64::from(get16(entry, 8)) << 32 | u64::from(get32(entry, 4));
                self.extent_block(owner, block, depth - 1)?;
            } else if owner.kind != Kind::Body {
                let blocks = get16(entry, 4);
                if blocks > ex::LONGEST {
                    return Err(damaged(format!("inode {inode} has blocks of names that were never written")));
                }
                let first = u64::from(get16(entry, 6)) << 32 | u64::from(get32(entry, 8));
                for index in 0..blocks {
                    let logical = u64::from(get32(entry, 0)) + u64::from(index);
                    self.content_block(owner, logical, first + u64::from(index))?;
                }
            }
        }
        Ok(())
    }

    fn extent_block(&mut self, owner: &Owner, block: u64, depth: u16) -> Result<(), IdError> {
        let inode = owner.inode;
        let (offset, mut bytes) = self.block(block, &format!("the extent tree of inode {inode}"))?;
        // The checksum is behind the last entry that has room.
        let tail = ex::SIZE + usize::from(get16(&bytes, ex::MAX)) * ex::SIZE;
        if tail + 4 > bytes.len() {
            return Err(damaged(format!("the extent tree of inode {inode} has a node that is none, in block {block}")));
        }
        let seeds = owner.seeds.over(&bytes[..tail]);
        self.replace(&mut bytes, tail, seeds, &format!("a node of the extent tree of inode {inode}"), block)?;
        self.write(offset, &bytes)?;
        self.node(owner, &bytes, depth)
    }
}
