//! An image in memory that is damaged field by field; its checksums are mended where the damage lies deeper.

#![allow(dead_code, reason = "each test uses its part")]

use std::path::Path;

use builder_block::{ByteSize, ReadAt};

/// The bytes of a file system, which a test may change at will.
#[derive(Clone)]
pub(crate) struct Patched {
    pub(crate) bytes: Vec<u8>,
}

impl ReadAt for Patched {
    fn size(&self) -> ByteSize {
        self.bytes.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.bytes.read_at(offset, buffer)
    }
}

fn crc(seed: u32, bytes: &[u8]) -> u32 {
    !crc32c::crc32c_append(!seed, bytes)
}

/// Offset of the superblock.
pub(crate) const SB: usize = 1024;

impl Patched {
    pub(crate) fn read(path: &Path) -> Self {
        Self { bytes: std::fs::read(path).unwrap() }
    }

    pub(crate) fn get16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.bytes[at..at + 2].try_into().unwrap())
    }

    pub(crate) fn get32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap())
    }

    pub(crate) fn put16(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn put32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn add16(&mut self, at: usize, more: u16) {
        self.put16(at, self.get16(at).wrapping_add(more));
    }

    pub(crate) fn add32(&mut self, at: usize, more: u32) {
        self.put32(at, self.get32(at).wrapping_add(more));
    }

    pub(crate) fn block_size(&self) -> usize {
        1024 << self.get32(SB + 0x18)
    }

    /// Where a block begins.
    pub(crate) fn at(&self, block: u64) -> usize {
        usize::try_from(block).unwrap() * self.block_size()
    }

    fn seed(&self) -> u32 {
        crc(u32::MAX, &self.bytes[SB + 0x68..SB + 0x78])
    }

    fn inode_seed(&self, number: u32) -> u32 {
        let generation = self.get32(self.inode(number) + 0x64);
        crc(crc(self.seed(), &number.to_le_bytes()), &generation.to_le_bytes())
    }

    pub(crate) fn descriptor(&self, group: u32) -> usize {
        let table = if self.block_size() == 1024 { 2048 } else { self.block_size() };
        table + group as usize * usize::from(self.get16(SB + 0xFE))
    }

    pub(crate) fn block_bitmap(&self, group: u32) -> usize {
        self.at(self.get32(self.descriptor(group)).into())
    }

    pub(crate) fn inode_bitmap(&self, group: u32) -> usize {
        self.at(self.get32(self.descriptor(group) + 4).into())
    }

    /// Where an inode begins.
    pub(crate) fn inode(&self, number: u32) -> usize {
        let per_group = self.get32(SB + 0x28);
        let (group, index) = ((number - 1) / per_group, (number - 1) % per_group);
        let table = self.at(self.get32(self.descriptor(group) + 8).into());
        table + index as usize * usize::from(self.get16(SB + 0x58))
    }

    pub(crate) fn mend_superblock(&mut self) {
        let sum = crc(u32::MAX, &self.bytes[SB..SB + 0x3FC]);
        self.put32(SB + 0x3FC, sum);
    }

    pub(crate) fn mend_descriptor(&mut self, group: u32) {
        let (at, size) = (self.descriptor(group), usize::from(self.get16(SB + 0xFE)));
        self.put16(at + 0x1E, 0);
        let sum = crc(crc(self.seed(), &group.to_le_bytes()), &self.bytes[at..at + size]);
        self.put16(at + 0x1E, u16::try_from(sum & 0xffff).unwrap());
    }

    /// Both bitmaps of a group, and its descriptor.
    pub(crate) fn mend_bitmaps(&mut self, group: u32) {
        let lengths = [self.get32(SB + 0x20) / 8, self.get32(SB + 0x28) / 8];
        let starts = [self.block_bitmap(group), self.inode_bitmap(group)];
        for (index, (start, length)) in starts.into_iter().zip(lengths).enumerate() {
            let sum = crc(self.seed(), &self.bytes[start..start + length as usize]);
            let at = self.descriptor(group);
            self.put16(at + 0x18 + 2 * index, u16::try_from(sum & 0xffff).unwrap());
            self.put16(at + 0x38 + 2 * index, u16::try_from(sum >> 16).unwrap());
        }
        self.mend_descriptor(group);
    }

    pub(crate) fn mend_inode(&mut self, number: u32) {
        let (at, size) = (self.inode(number), usize::from(self.get16(SB + 0x58)));
        self.put16(at + 0x7C, 0);
        let wide = self.get16(at + 0x80) >= 4;
        if wide {
            self.put16(at + 0x82, 0);
        }
        let sum = crc(self.inode_seed(number), &self.bytes[at..at + size]);
        self.put16(at + 0x7C, u16::try_from(sum & 0xffff).unwrap());
        if wide {
            self.put16(at + 0x82, u16::try_from(sum >> 16).unwrap());
        }
    }

    pub(crate) fn mend_directory_block(&mut self, block: u64, inode: u32) {
        let (at, end) = (self.at(block), self.at(block) + self.block_size());
        let sum = crc(self.inode_seed(inode), &self.bytes[at..end - 12]);
        self.put32(end - 4, sum);
    }

    pub(crate) fn mend_extent_block(&mut self, block: u64, inode: u32) {
        let at = self.at(block);
        let end = at + 12 * (usize::from(self.get16(at + 4)) + 1);
        let sum = crc(self.inode_seed(inode), &self.bytes[at..end]);
        self.put32(end, sum);
    }

    /// A node of a hash tree, whose limit is at `limit` in it.
    pub(crate) fn mend_htree(&mut self, block: u64, inode: u32, limit: usize) {
        let at = self.at(block);
        let (most, count) = (self.get16(at + limit), self.get16(at + limit + 2));
        let tail = at + limit + 8 * usize::from(most);
        let sum = crc(self.inode_seed(inode), &self.bytes[at..at + limit + 8 * usize::from(count)]);
        let sum = crc(crc(sum, &self.bytes[tail..tail + 4]), &[0; 4]);
        self.put32(tail + 4, sum);
    }

    pub(crate) fn mend_xattr_block(&mut self, block: u64) {
        let (at, size) = (self.at(block), self.block_size());
        self.put32(at + 0x10, 0);
        let sum = crc(crc(self.seed(), &block.to_le_bytes()), &self.bytes[at..at + size]);
        self.put32(at + 0x10, sum);
    }

    /// The file blocks of an inode in their order, by its extents.
    pub(crate) fn blocks(&self, number: u32) -> Vec<u64> {
        let mut blocks = Vec::new();
        self.extents(self.inode(number) + 0x28, &mut blocks);
        blocks
    }

    fn extents(&self, at: usize, blocks: &mut Vec<u64>) {
        for entry in (1..=usize::from(self.get16(at + 2))).map(|index| at + 12 * index) {
            if self.get16(at + 6) == 0 {
                let start = u64::from(self.get32(entry + 8));
                blocks.extend(start..start + u64::from(self.get16(entry + 4)));
            } else {
                self.extents(self.at(self.get32(entry + 4).into()), blocks);
            }
        }
    }

    /// Where the entry with this name begins in a block of a directory.
    pub(crate) fn entry(&self, block: u64, name: &[u8]) -> usize {
        let (mut at, end) = (self.at(block), self.at(block) + self.block_size());
        while at < end {
            if usize::from(self.bytes[at + 6]) == name.len() && &self.bytes[at + 8..at + 8 + name.len()] == name {
                return at;
            }
            at += usize::from(self.get16(at + 4));
        }
        panic!("no such entry");
    }
}
