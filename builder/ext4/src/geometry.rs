//! Groups: how many there are, and where their metadata lies.
//!
//! ```text
//!  flex group of 16 groups
//!  ├ superblock, descriptors │ 16 block bitmaps │ 16 inode bitmaps │ 16 inode tables │ free …
//!  │                           … │ backup superblock, descriptors (groups 1, 3^n, 5^n, 7^n) │ free …
//! ```

use builder_block::{Overlap, Region, RegionMap};

use crate::format::{
    BLOCK_SIZE, BLOCKS_PER_GROUP, DESCRIPTOR_SIZE, GROUPS_PER_FLEX, INODES_PER_BLOCK, MAX_INODES_PER_GROUP,
};

/// Most blocks of a file system: 128 TiB. Above, the group descriptors would outgrow half a group.
pub(crate) const MAX_BLOCKS: u64 = 1 << 35;
/// Blocks a last group must have besides its metadata, else it is left out, as `mke2fs` does.
const LAST_GROUP_ROOM: u64 = 50;

/// The numbers all else follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Blocks of the file system.
    pub(crate) blocks: u64,
    /// Groups.
    pub(crate) groups: u64,
    /// Inodes of each group: fills whole blocks of the inode table.
    pub(crate) inodes_per_group: u64,
    /// Blocks of the table of group descriptors.
    pub(crate) descriptor_blocks: u64,
}

/// Where the metadata of one group lies, as block numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct GroupPlace {
    pub(crate) block_bitmap: u64,
    pub(crate) inode_bitmap: u64,
    pub(crate) inode_table: u64,
}

/// Why there is no such geometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoGeometry {
    /// The metadata alone needs more blocks.
    TooFewBlocks,
    /// So many inodes need more groups, or more bits than inode numbers have.
    TooManyInodes,
}

impl Geometry {
    /// The geometry of at most `blocks` blocks with at least `inodes` inodes.
    pub(crate) fn new(blocks: u64, inodes: u64) -> Result<Self, NoGeometry> {
        let mut blocks = blocks;
        loop {
            let groups = blocks.div_ceil(BLOCKS_PER_GROUP);
            if groups == 0 {
                return Err(NoGeometry::TooFewBlocks);
            }
            let geometry = Self {
                blocks,
                groups,
                inodes_per_group: inodes.div_ceil(groups).max(1).next_multiple_of(INODES_PER_BLOCK),
                descriptor_blocks: groups.div_ceil(BLOCK_SIZE / DESCRIPTOR_SIZE),
            };
            if geometry.inodes_per_group > MAX_INODES_PER_GROUP || geometry.inodes() > u64::from(u32::MAX) {
                return Err(NoGeometry::TooManyInodes);
            }
            let last = groups - 1;
            let length = blocks - geometry.group_start(last);
            if length >= geometry.own_metadata(last) + LAST_GROUP_ROOM {
                return Ok(geometry);
            }
            if last == 0 {
                return Err(NoGeometry::TooFewBlocks);
            }
            blocks = geometry.group_start(last);
        }
    }

    /// All inodes.
    pub(crate) fn inodes(&self) -> u64 {
        self.groups * self.inodes_per_group
    }

    /// Blocks of one group's inode table.
    pub(crate) fn table_blocks(&self) -> u64 {
        self.inodes_per_group / INODES_PER_BLOCK
    }

    /// First block of a group.
    pub(crate) fn group_start(&self, group: u64) -> u64 {
        group * BLOCKS_PER_GROUP
    }

    /// First block behind a group.
    pub(crate) fn group_end(&self, group: u64) -> u64 {
        (self.group_start(group) + BLOCKS_PER_GROUP).min(self.blocks)
    }

    /// Blocks of the superblock and the descriptors at the start of a group; 0 where there is no copy
    /// (`sparse_super`: they are in groups 0, 1 and the powers of 3, 5 and 7).
    pub(crate) fn header_blocks(&self, group: u64) -> u64 {
        let power_of = |base: u64| {
            let mut power = base;
            while power < group {
                power *= base;
            }
            power == group
        };
        if group <= 1 || power_of(3) || power_of(5) || power_of(7) { 1 + self.descriptor_blocks } else { 0 }
    }

    /// Groups that hold a superblock.
    pub(crate) fn header_groups(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.groups).filter(|&group| self.header_blocks(group) > 0)
    }

    /// Blocks of a group's metadata, wherever it lies.
    fn own_metadata(&self, group: u64) -> u64 {
        self.header_blocks(group) + 2 + self.table_blocks()
    }

    /// Blocks of all metadata that belongs to groups.
    pub(crate) fn metadata_blocks(&self) -> u64 {
        let headers = self.header_groups().count() as u64;
        headers * (1 + self.descriptor_blocks) + self.groups * (2 + self.table_blocks())
    }

    /// Claims all metadata of groups in `map` and says where it lies; `None` where it does not fit.
    pub(crate) fn place(&self, map: &mut RegionMap) -> Result<Option<Vec<GroupPlace>>, Overlap> {
        for group in self.header_groups() {
            let start = self.group_start(group);
            map.claim(Region { start, end: start + self.header_blocks(group) }, "superblock and descriptors")?;
        }
        let mut places = Vec::new();
        let mut first = 0;
        while first < self.groups {
            let behind = (first + GROUPS_PER_FLEX).min(self.groups);
            let end = self.group_end(behind - 1);
            let mut cursor = self.group_start(first);
            let mut take = |length: u64, owner| {
                let start = self.clear_of_headers(cursor, length);
                cursor = start + length;
                if cursor > end {
                    return Ok(None);
                }
                map.claim(Region { start, end: cursor }, owner)?;
                Ok(Some(start))
            };
            let Some(block_bitmaps) = take(behind - first, "block bitmaps")? else { return Ok(None) };
            let Some(inode_bitmaps) = take(behind - first, "inode bitmaps")? else { return Ok(None) };
            for group in first..behind {
                let Some(inode_table) = take(self.table_blocks(), "inode tables")? else { return Ok(None) };
                places.push(GroupPlace {
                    block_bitmap: block_bitmaps + (group - first),
                    inode_bitmap: inode_bitmaps + (group - first),
                    inode_table,
                });
            }
            first = behind;
        }
        Ok(Some(places))
    }

    /// The first place from `start` on where `length` blocks do not meet a copy of the superblock.
    fn clear_of_headers(&self, start: u64, length: u64) -> u64 {
        let mut start = start;
        let mut group = start / BLOCKS_PER_GROUP;
        while self.group_start(group) < start + length {
            let behind_header = self.group_start(group) + self.header_blocks(group);
            start = start.max(if behind_header > start { behind_header } else { start });
            group += 1;
        }
        start
    }
}

#[cfg(test)]
mod tests {
    use builder_block::RegionMap;

    use super::{Geometry, NoGeometry};

    #[test]
    fn copies_of_the_superblock_are_sparse() {
        let geometry = Geometry::new(32_768 * 400, 1 << 20).unwrap();
        let groups: Vec<u64> = geometry.header_groups().collect();
        assert_eq!(groups, [0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125, 243, 343]);
    }

    #[test]
    fn all_metadata_finds_a_place() {
        for blocks in [2048, 32_768, 32_769, 33_500, 131_072, 131_072 * 10 + 5000, 1 << 24, (1 << 32) + 77_777] {
            for inodes in [16, 1000, blocks / 4, blocks.min(1 << 31)] {
                match Geometry::new(blocks, inodes) {
                    Ok(geometry) => {
                        let mut map = RegionMap::new();
                        let places = geometry.place(&mut map).unwrap();
                        assert!(places.is_some(), "{blocks} blocks, {inodes} inodes");
                        let claimed: u64 = map.iter().map(|(region, _)| region.end - region.start).sum();
                        assert_eq!(claimed, geometry.metadata_blocks(), "{blocks} blocks, {inodes} inodes");
                    }
                    Err(error) => assert_eq!((error, inodes), (NoGeometry::TooManyInodes, blocks), "{blocks}"),
                }
            }
        }
    }

    #[test]
    fn a_last_group_too_small_for_itself_is_left_out() {
        assert_eq!(Geometry::new(32_768 + 100, 8192).unwrap().blocks, 32_768);
        assert_eq!(Geometry::new(32_768 + 4000, 8192).unwrap().blocks, 32_768 + 4000);
        assert_eq!(Geometry::new(60, 1000), Err(NoGeometry::TooFewBlocks));
        assert_eq!(Geometry::new(32_768, 40_000), Err(NoGeometry::TooManyInodes));
    }
}
