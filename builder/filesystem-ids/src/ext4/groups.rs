//! Group descriptors and bitmaps. Linux, Documentation/filesystems/ext4, "Block Group Descriptors".

use super::checksum::{Seeds, crc16};
use super::volume::{Scope, block_number};
use super::{Walk, damaged};
use crate::IdError;
use crate::fields::{get16, halves, length, put16};

/// Offsets in a group descriptor; of two, the second is there with 64 bytes.
mod gd {
    pub(super) const BLOCK_BITMAP: (usize, usize) = (0x00, 0x20);
    pub(super) const INODE_BITMAP: (usize, usize) = (0x04, 0x24);
    pub(super) const INODE_TABLE: (usize, usize) = (0x08, 0x28);
    pub(super) const FLAGS: usize = 0x12;
    pub(super) const BLOCK_BITMAP_CSUM: (usize, usize) = (0x18, 0x38);
    pub(super) const INODE_BITMAP_CSUM: (usize, usize) = (0x1A, 0x3A);
    pub(super) const ITABLE_UNUSED: (usize, usize) = (0x1C, 0x32);
    pub(super) const CHECKSUM: usize = 0x1E;
    /// No inode of the group is used; neither bitmap nor table need be there.
    pub(super) const INODE_UNINIT: u16 = 0x1;
    /// The block bitmap is not there.
    pub(super) const BLOCK_UNINIT: u16 = 0x2;
}

impl Walk<'_> {
    /// All groups, a block of descriptors at a time.
    pub(super) fn groups(&mut self) -> Result<(), IdError> {
        let volume = self.volume;
        let in_block = volume.block_size / volume.descriptor_size as u64;
        let headers = volume.headers();
        let mut descriptors = vec![0; length(volume.block_size)];
        for table_block in 0..volume.descriptor_blocks() {
            let offset = |header: u64| (volume.group_start(header) + 1 + table_block) * volume.block_size;
            self.read(offset(0), &mut descriptors)?;
            let first = table_block * in_block;
            for (group, descriptor) in (first..volume.groups).zip(descriptors.chunks_exact_mut(volume.descriptor_size))
            {
                self.group(group, descriptor)?;
            }
            // Copies are what the first ones are, as `tune2fs` and `e2fsck` leave them.
            for &header in headers.iter().rev() {
                self.write(offset(header), &descriptors)?;
            }
        }
        Ok(())
    }

    fn group(&mut self, group: u64, descriptor: &mut [u8]) -> Result<(), IdError> {
        // The number has 32 bits in every checksum.
        let number = group.to_le_bytes();
        let number = &number[..4];
        let found = get16(descriptor, gd::CHECKSUM);
        let wrong = || damaged(format!("the checksum of the descriptor of group {group} is wrong"));
        if self.volume.scope == Scope::Descriptors {
            let (old, new) = (self.volume.old, self.volume.new);
            let crc = |uuid: &[u8], descriptor: &[u8]| {
                let crc = crc16(crc16(crc16(0xffff, uuid), number), &descriptor[..gd::CHECKSUM]);
                crc16(crc, &descriptor[gd::CHECKSUM + 2..])
            };
            if found != crc(&old, descriptor) {
                return Err(wrong());
            }
            let new = crc(&new, descriptor);
            put16(descriptor, gd::CHECKSUM, new);
            return Ok(());
        }
        let seeds = |descriptor: &mut [u8], all: Seeds| {
            put16(descriptor, gd::CHECKSUM, 0);
            all.over(number).over(descriptor)
        };
        let _ = seeds(descriptor, self.volume.seeds).instead_of(found.into(), 0xffff, self.pass).ok_or_else(wrong)?;
        let flags = get16(descriptor, gd::FLAGS);
        if flags & gd::BLOCK_UNINIT == 0 {
            let bytes = length(self.volume.blocks_per_group / 8);
            self.bitmap(group, descriptor, gd::BLOCK_BITMAP, gd::BLOCK_BITMAP_CSUM, bytes)?;
        }
        if flags & gd::INODE_UNINIT == 0 {
            let bytes = length(self.volume.inodes_per_group / 8);
            let used = self.bitmap(group, descriptor, gd::INODE_BITMAP, gd::INODE_BITMAP_CSUM, bytes)?;
            let table = self.block_number(descriptor, gd::INODE_TABLE);
            let unused = self.both(descriptor, gd::ITABLE_UNUSED);
            let Some(count) = self.volume.inodes_per_group.checked_sub(unused.into()) else {
                return Err(damaged(format!("group {group} has {unused} unused inodes, more than it has inodes")));
            };
            self.inode_table(group, table, count, &used)?;
        }
        let (crc, _) = halves(seeds(descriptor, self.volume.seeds).new);
        put16(descriptor, gd::CHECKSUM, crc);
        Ok(())
    }

    /// Gives the descriptor the new checksum of a bitmap, of which so many bytes count; gives these.
    fn bitmap(
        &mut self,
        group: u64,
        descriptor: &mut [u8],
        place: (usize, usize),
        checksum: (usize, usize),
        bytes: usize,
    ) -> Result<Vec<u8>, IdError> {
        let block = self.block_number(descriptor, place);
        let offset = self.volume.at(block, 1, &format!("a bitmap of group {group}"))?;
        let mut bitmap = vec![0; bytes];
        self.read(offset, &mut bitmap)?;
        let found = self.both(descriptor, checksum);
        let mask = if self.is_long() { u32::MAX } else { 0xffff };
        let seeds = self.volume.seeds.over(&bitmap);
        let new = seeds
            .instead_of(found, mask, self.pass)
            .ok_or_else(|| damaged(format!("the checksum of a bitmap of group {group}, in block {block}, is wrong")))?;
        let (low, high) = halves(new);
        put16(descriptor, checksum.0, low);
        if self.is_long() {
            put16(descriptor, checksum.1, high);
        }
        Ok(bitmap)
    }

    fn is_long(&self) -> bool {
        self.volume.descriptor_size >= 64
    }

    fn block_number(&self, descriptor: &[u8], (low, high): (usize, usize)) -> u64 {
        block_number(descriptor, low, self.is_long().then_some(high))
    }

    /// A field of two halves of 16 bits.
    fn both(&self, descriptor: &[u8], (low, high): (usize, usize)) -> u32 {
        let high = if self.is_long() { get16(descriptor, high) } else { 0 };
        u32::from(high) << 16 | u32::from(get16(descriptor, low))
    }
}
