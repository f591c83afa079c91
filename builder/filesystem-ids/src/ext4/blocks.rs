//! Blocks of directories, of attributes, and of the orphan file. Linux, Documentation/filesystems/ext4, "Directory
//! Entries", "Extended Attributes", "Orphan file".

use super::checksum::Seeds;
use super::inodes::Owner;
use super::{Walk, damaged};
use crate::IdError;
use crate::fields::{get16, get32, length, put32};

/// Bytes of the unused record at the end of a block of names, which has the checksum (`ext4_dir_entry_tail`).
const TAIL: usize = 12;
/// `file_type` of it.
const TAIL_TYPE: u8 = 0xDE;
/// Bytes of an entry of a hash tree, and of what is behind the last that has room (`dx_entry`, `dx_tail`).
const INDEX_ENTRY: usize = 8;
/// First byte of the entries: in the root of a hash tree, and in other nodes.
const ROOT_ENTRIES: usize = 32;
const NODE_ENTRIES: usize = 8;
/// The magic number of a block of attributes, and its checksum's place.
const ATTRIBUTES: u32 = 0xEA02_0000;
const ATTRIBUTES_CHECKSUM: usize = 16;
/// The magic number at the end of a block of the orphan file.
const ORPHANS: u32 = 0x0B10_CA04;

/// What the blocks of an inode are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The body of a file, which has no checksums.
    Body,
    /// Names.
    Directory,
    /// Names and a hash tree over them.
    IndexedDirectory,
    /// Inodes that are still open though they have no name.
    OrphanFile,
}

impl Walk<'_> {
    /// A block of metadata, and its first byte on the device.
    pub(super) fn block(&mut self, block: u64, what: &str) -> Result<(u64, Vec<u8>), IdError> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(damaged(format!("{what} is in more blocks than there are")));
        };
        self.left = left;
        let offset = self.volume.at(block, 1, what)?;
        let mut bytes = vec![0; length(self.volume.block_size)];
        self.read(offset, &mut bytes)?;
        Ok((offset, bytes))
    }

    /// Puts the new checksum of `seeds` at `at`, in place of the old one.
    pub(super) fn replace(
        &self,
        bytes: &mut [u8],
        at: usize,
        seeds: Seeds,
        what: &str,
        block: u64,
    ) -> Result<(), IdError> {
        let new = seeds
            .instead_of(get32(bytes, at), u32::MAX, self.pass)
            .ok_or_else(|| damaged(format!("the checksum of {what}, in block {block}, is wrong")))?;
        put32(bytes, at, new);
        Ok(())
    }

    /// Block number `logical` of an inode whose blocks have checksums.
    pub(super) fn content_block(&mut self, owner: &Owner, logical: u64, block: u64) -> Result<(), IdError> {
        let what = format!("inode {}", owner.inode);
        let (offset, mut bytes) = self.block(block, &what)?;
        match owner.kind {
            Kind::Body => return Ok(()),
            Kind::OrphanFile => {
                let tail = bytes.len() - 8;
                if get32(&bytes, tail) != ORPHANS {
                    return Err(damaged(format!("the orphan file's block {block} is none")));
                }
                let seeds = owner.seeds.over(&block.to_le_bytes()).over(&bytes[..tail]);
                self.replace(&mut bytes, tail + 4, seeds, "the orphan file", block)?;
            }
            Kind::IndexedDirectory if logical == 0 => self.index(owner, &mut bytes, ROOT_ENTRIES, block)?,
            Kind::IndexedDirectory if is_node(&bytes) => self.index(owner, &mut bytes, NODE_ENTRIES, block)?,
            Kind::Directory | Kind::IndexedDirectory => {
                let tail = bytes.len() - TAIL;
                let is_tail = get32(&bytes, tail) == 0
                    && usize::from(get16(&bytes, tail + 4)) == TAIL
                    && bytes[tail + 6..tail + 8] == [0, TAIL_TYPE];
                if !is_tail {
                    return Err(damaged(format!("the names of {what}, in block {block}, have no checksum")));
                }
                let seeds = owner.seeds.over(&bytes[..tail]);
                self.replace(&mut bytes, tail + 8, seeds, &format!("the names of {what}"), block)?;
            }
        }
        self.write(offset, &bytes)
    }

    /// A node of a hash tree, with its entries from byte `entries` on.
    fn index(&self, owner: &Owner, bytes: &mut [u8], entries: usize, block: u64) -> Result<(), IdError> {
        // In place of the first entry's hash: how many there may be, and how many there are.
        let (limit, count) = (usize::from(get16(bytes, entries)), usize::from(get16(bytes, entries + 2)));
        let tail = entries + limit * INDEX_ENTRY;
        if count > limit || tail + INDEX_ENTRY > bytes.len() {
            let inode = owner.inode;
            return Err(damaged(format!("the hash tree of inode {inode} has a node that is none, in block {block}")));
        }
        let used = entries + count * INDEX_ENTRY;
        let seeds = owner.seeds.over(&bytes[..used]).over(&bytes[tail..tail + 4]).over(&[0; 4]);
        self.replace(bytes, tail + 4, seeds, &format!("the hash tree of inode {}", owner.inode), block)
    }

    /// The block of attributes of an inode, and perhaps of others.
    pub(super) fn attributes(&mut self, inode: u64, block: u64) -> Result<(), IdError> {
        // Not counted: every inode has one at most.
        let what = format!("the attributes of inode {inode}");
        let offset = self.volume.at(block, 1, &what)?;
        let mut bytes = vec![0; length(self.volume.block_size)];
        self.read(offset, &mut bytes)?;
        if get32(&bytes, 0) != ATTRIBUTES {
            return Err(damaged(format!("the block {block} for {what} has none")));
        }
        let (before, behind) = (&bytes[..ATTRIBUTES_CHECKSUM], &bytes[ATTRIBUTES_CHECKSUM + 4..]);
        let seeds = self.volume.seeds.over(&block.to_le_bytes()).over(before).over(&[0; 4]).over(behind);
        self.replace(&mut bytes, ATTRIBUTES_CHECKSUM, seeds, &what, block)?;
        self.write(offset, &bytes)
    }
}

/// Whether a block other than the first is a node of the hash tree: to readers without one it is an unused record.
fn is_node(bytes: &[u8]) -> bool {
    let record = usize::from(get16(bytes, 4));
    // 64 KiB do not fit the field.
    let is_whole = record == bytes.len() || bytes.len() == 1 << 16 && matches!(record, 0 | 0xffff);
    get32(bytes, 0) == 0 && is_whole && bytes[6] == 0
}
