//! Inodes and blocks by number, which `ext4-view` keeps to itself. Linux, ext4 "Block Group Descriptors", "Inode Table".
//!
//! Meta block groups, which `ext4-view` refuses, need no care here. The journal is not looked at: a file system that has to be recovered first is refused. Checksums are not either;
//! `ext4-view` looks at those of what it reads.

use std::io;
use std::rc::Rc;

use builder_block::ReadAt;

use super::ReadError;

/// Smallest and usual size of an inode in bytes.
const OLD_INODE: u64 = 128;
/// Offset in an inode of `i_extra_isize`, u16: bytes in use behind the first 128.
const EXTRA_SIZE: usize = 0x80;
/// Features: the journal has to be replayed first; numbers of blocks have 64 bits.
const RECOVER: u32 = 0x4;
const WIDE: u32 = 0x80;

/// What is wrong with an inode or what belongs to it.
#[derive(Debug)]
pub(super) enum Fault {
    /// The device cannot be read.
    Io(io::Error),
    /// The end of a sentence that begins with the inode's number.
    Problem(&'static str),
    /// The value of an attribute of this name lies in an inode of its own.
    ValueInode(Vec<u8>),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The numbers of a file system that lead to its inodes.
pub(super) struct Volume {
    device: Rc<dyn ReadAt>,
    /// Bytes of a block.
    pub(super) block_size: u64,
    /// Blocks of the file system.
    pub(super) blocks: u64,
    inodes: u64,
    inodes_per_group: u64,
    inode_size: u64,
    descriptor_size: u64,
    recover: bool,
}

impl Volume {
    /// Takes the numbers from a superblock.
    pub(super) fn new(device: Rc<dyn ReadAt>, superblock: &[u8]) -> Result<Self, ReadError> {
        let half = |at: usize| u64::from(le16(superblock, at));
        let word = |at: usize| le32(superblock, at);
        let wide = word(0x60) & WIDE != 0;
        let refused = |what, value, limit, word| Err(ReadError::Superblock { what, value, limit, word });
        // The caller has looked at the exponent.
        let block_size = 1024_u64.checked_shl(word(0x18)).unwrap_or(0).clamp(1024, 1 << 16);
        let inode_size = if word(0x4c) == 0 { OLD_INODE } else { half(0x58) };
        if !inode_size.is_power_of_two() || !(OLD_INODE..=block_size).contains(&inode_size) {
            return refused("bytes in an inode", inode_size, block_size, "and no less than 128 are possible");
        }
        let descriptor_size = if wide { half(0xfe) } else { 32 };
        if !descriptor_size.is_power_of_two() || !(32..=block_size).contains(&descriptor_size) {
            return refused(
                "bytes in a group descriptor",
                descriptor_size,
                block_size,
                "and no less than 32 are possible",
            );
        }
        let inodes_per_group = u64::from(word(0x28));
        if inodes_per_group == 0 || inodes_per_group > block_size * 8 {
            return refused("inodes in a group", inodes_per_group, block_size * 8, "and no less than 1 are possible");
        }
        let upper = if wide { u64::from(word(0x150)) } else { 0 };
        Ok(Self {
            device,
            block_size,
            blocks: upper << 32 | u64::from(word(0x04)),
            inodes: word(0x00).into(),
            inodes_per_group,
            inode_size,
            descriptor_size,
            recover: word(0x60) & RECOVER != 0,
        })
    }

    /// Block `number`.
    pub(super) fn block(&self, number: u64) -> Result<Vec<u8>, Fault> {
        if number == 0 || number >= self.blocks {
            return Err(Fault::Problem("leads to a block that the file system does not have"));
        }
        // At most 64 KiB.
        let mut block = vec![0; usize::try_from(self.block_size).unwrap_or(0)];
        self.device.read_at(number * self.block_size, &mut block)?;
        Ok(block)
    }

    /// Inode `number`, with all its bytes.
    pub(super) fn inode(&self, number: u32) -> Result<RawInode, Fault> {
        if self.recover {
            return Err(Fault::Problem(
                "is not read: the journal has to be replayed first, as a mount of the file system does",
            ));
        }
        let index = u64::from(number).checked_sub(1).filter(|&index| index < self.inodes);
        let index = index.ok_or(Fault::Problem("does not exist: there are not that many"))?;
        let table = self.inode_table(index / self.inodes_per_group)?;
        let at = (index % self.inodes_per_group) * self.inode_size;
        if table == 0 || table.saturating_add(at / self.block_size) >= self.blocks {
            return Err(Fault::Problem("is in a table of inodes outside the file system"));
        }
        let mut bytes = vec![0; usize::try_from(self.inode_size).unwrap_or(0)];
        self.device.read_at(table * self.block_size + at, &mut bytes)?;
        Ok(RawInode { bytes })
    }

    fn inode_table(&self, group: u64) -> Result<u64, Fault> {
        let in_block = self.block_size / self.descriptor_size;
        // The superblock is in block 0, or with blocks of 1 KiB in block 1.
        let block = 1024 / self.block_size + 1 + group / in_block;
        if block >= self.blocks {
            return Err(Fault::Problem("is in a group whose descriptor lies outside the file system"));
        }
        let descriptor = self.block(block)?;
        let at = usize::try_from(group % in_block * self.descriptor_size).unwrap_or(usize::MAX);
        let upper = if self.descriptor_size >= 64 { le32(&descriptor, at.saturating_add(0x28)) } else { 0 };
        Ok(u64::from(upper) << 32 | u64::from(le32(&descriptor, at.saturating_add(0x08))))
    }
}

/// An inode's bytes: 128 or more.
pub(super) struct RawInode {
    bytes: Vec<u8>,
}

impl RawInode {
    /// The number of 16 bits at `at`; 0 where the inode is too short.
    pub(super) fn half(&self, at: usize) -> u16 {
        le16(&self.bytes, at)
    }

    /// The number of 32 bits at `at`; 0 where the inode is too short.
    pub(super) fn word(&self, at: usize) -> u32 {
        le32(&self.bytes, at)
    }

    /// Type and permissions.
    pub(super) fn mode(&self) -> u16 {
        self.half(0x00)
    }

    /// `i_block`.
    pub(super) fn map(&self) -> &[u8] {
        self.bytes.get(0x28..0x64).unwrap_or_default()
    }

    /// The number of 32 bits at `at`, behind the first 128 bytes: 0 where `i_extra_isize` leaves it out.
    pub(super) fn extra_word(&self, at: usize) -> u32 {
        if at + 4 <= self.extra_end() { self.word(at) } else { 0 }
    }

    /// The bytes behind the last field, in which attributes are; none in small inodes.
    pub(super) fn attributes(&self) -> &[u8] {
        if self.bytes.len() as u64 <= OLD_INODE { &[] } else { self.bytes.get(self.extra_end()..).unwrap_or_default() }
    }

    fn extra_end(&self) -> usize {
        let old = 128;
        if self.bytes.len() > old { old + usize::from(self.half(EXTRA_SIZE)) } else { old }
    }
}

/// The number at `at`; 0 where the bytes end before.
pub(super) fn le16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u16::from_le_bytes(*chunk))
}

/// The number at `at`; 0 where the bytes end before.
pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}
