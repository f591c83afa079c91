//! A file system that is read: its device, and the numbers that say where things lie.

use builder_block::ReadAt;

use crate::checksum::Seed;
use crate::descriptor::Descriptor;
use crate::geometry::Geometry;
use crate::report::CheckError;
use crate::superblock::Superblock;

/// Reads `length` bytes at `offset`.
pub(crate) fn read(device: &dyn ReadAt, offset: u64, length: usize) -> Result<Vec<u8>, CheckError> {
    let mut bytes = vec![0; length];
    device.read_at(offset, &mut bytes).map_err(|source| CheckError::Io { offset, length, source })?;
    Ok(bytes)
}

/// What every check needs.
pub(crate) struct Volume<'a> {
    pub(crate) device: &'a dyn ReadAt,
    pub(crate) superblock: Superblock,
    pub(crate) geometry: Geometry,
    pub(crate) seed: Seed,
    /// One for each group.
    pub(crate) descriptors: Vec<Descriptor>,
}

impl<'a> Volume<'a> {
    pub(crate) fn new(device: &'a dyn ReadAt, superblock: Superblock, geometry: Geometry) -> Self {
        let seed = superblock.seed();
        Self { device, superblock, geometry, seed, descriptors: Vec::new() }
    }

    /// A block of the file system; `block` is below their number.
    pub(crate) fn block(&self, block: u64) -> Result<Vec<u8>, CheckError> {
        self.run(block, 1)
    }

    /// The part of `count` blocks from `block`; the caller keeps `count` small.
    pub(crate) fn run(&self, block: u64, count: usize) -> Result<Vec<u8>, CheckError> {
        let size = self.geometry.block_size;
        read(self.device, block.saturating_mul(size as u64), size.saturating_mul(count))
    }

    /// The bytes of an inode, or `None` where there is none: no such number, or its group's table is lost.
    pub(crate) fn inode(&self, number: u32) -> Result<Option<Vec<u8>>, CheckError> {
        if number == 0 || number > self.geometry.inodes {
            return Ok(None);
        }
        let (group, index) = self.geometry.inode_place(number);
        let Some(descriptor) = self.descriptors.get(group as usize).filter(|descriptor| descriptor.usable) else {
            return Ok(None);
        };
        let size = self.geometry.inode_size;
        let table = descriptor.inode_table.saturating_mul(self.geometry.block_size as u64);
        read(self.device, table + u64::from(index) * size as u64, size).map(Some)
    }

    /// Whether the bitmap of the group was never written: no inode of the group is in use.
    pub(crate) fn inodes_unwritten(&self, descriptor: &Descriptor) -> bool {
        self.superblock.has_group_flags() && descriptor.flags & crate::format::group::INODE_UNINIT != 0
    }

    /// Whether the bitmap of the group was never written: no block but its metadata is in use.
    pub(crate) fn blocks_unwritten(&self, descriptor: &Descriptor) -> bool {
        self.superblock.has_group_flags() && descriptor.flags & crate::format::group::BLOCK_UNINIT != 0
    }
}
