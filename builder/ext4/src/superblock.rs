//! The superblock as bytes.

use crate::checksum;
use crate::extent::{self, Extent};
use crate::format::{
    BLOCK_SIZE, BLOCKS_PER_GROUP, COMPAT, COMPAT_HAS_JOURNAL, DESCRIPTOR_SIZE, EXTRA_ISIZE, FIRST_INODE,
    GROUPS_PER_FLEX, INCOMPAT, INODE_SIZE, JOURNAL_INODE, RO_COMPAT, high32, ino, low16, low32, put16, put32,
    put64_split, sb, size_of_blocks,
};
use crate::geometry::Geometry;
use crate::hash;
use crate::options::Options;
use crate::plan;

/// What the superblock says.
pub(crate) struct SuperblockFields<'a> {
    pub(crate) options: &'a Options,
    pub(crate) geometry: &'a Geometry,
    pub(crate) free_blocks: u64,
    pub(crate) free_inodes: u64,
    /// The journal's blocks, extents and blocks of its extent tree; `None` where there is no journal.
    pub(crate) journal: Option<(u32, &'a [Extent], &'a [u64])>,
}

impl SuperblockFields<'_> {
    /// The superblock of the copy in `group`.
    pub(crate) fn encode(&self, group: u64) -> [u8; sb::LENGTH] {
        let Self { options, geometry, .. } = self;
        let mut bytes = [0; sb::LENGTH];
        self.sizes(&mut bytes);
        put16(&mut bytes, sb::MAGIC, 0xEF53);
        put16(&mut bytes, sb::STATE, 1); // cleanly unmounted
        put16(&mut bytes, sb::ERRORS, 1); // continue, as mke2fs
        put16(&mut bytes, sb::MAX_MNT_COUNT, 0xffff); // no check after so many mounts
        put32(&mut bytes, sb::REV_LEVEL, 1); // with inode sizes and features
        put32(&mut bytes, sb::FIRST_INO, FIRST_INODE);
        put16(&mut bytes, sb::INODE_SIZE, low16(low32(INODE_SIZE)));
        put16(&mut bytes, sb::BLOCK_GROUP_NR, low16(low32(group)));
        let journal = if self.journal.is_some() { COMPAT_HAS_JOURNAL } else { 0 };
        put32(&mut bytes, sb::FEATURE_COMPAT, COMPAT | journal);
        put32(&mut bytes, sb::FEATURE_INCOMPAT, INCOMPAT);
        put32(&mut bytes, sb::FEATURE_RO_COMPAT, RO_COMPAT);
        bytes[sb::UUID..][..16].copy_from_slice(&options.uuid);
        bytes[sb::VOLUME_NAME..][..options.label.len()].copy_from_slice(&options.label);
        bytes[sb::LAST_MOUNTED..][..options.last_mounted.len()].copy_from_slice(&options.last_mounted);
        bytes[sb::HASH_SEED..][..16].copy_from_slice(&options.hash_seed);
        bytes[sb::DEF_HASH_VERSION] = hash::HASH_VERSION;
        put32(&mut bytes, sb::FLAGS, hash::SUPERBLOCK_FLAGS);
        put16(&mut bytes, sb::DESC_SIZE, low16(low32(DESCRIPTOR_SIZE)));
        put32(&mut bytes, sb::DEFAULT_MOUNT_OPTS, 0x4 | 0x8); // user_xattr, acl
        put16(&mut bytes, sb::MIN_EXTRA_ISIZE, EXTRA_ISIZE);
        put16(&mut bytes, sb::WANT_EXTRA_ISIZE, EXTRA_ISIZE);
        // 16 groups, as a power of two; at most 2^4.
        bytes[sb::LOG_GROUPS_PER_FLEX] = GROUPS_PER_FLEX.trailing_zeros().to_le_bytes()[0];
        bytes[sb::CHECKSUM_TYPE] = 1; // CRC-32C, the only one there is
        let used = geometry.blocks - self.free_blocks;
        let kbytes = size_of_blocks(used).bytes() / 1024;
        put64_split(&mut bytes, (sb::KBYTES_WRITTEN, sb::KBYTES_WRITTEN + 4), kbytes);
        self.times(&mut bytes);
        self.journal(&mut bytes);
        // Zero: the first data block (block 0 holds the superblock), reserved GDT blocks (no resize_inode), mount
        // time and count, check interval, owner of reserved blocks (root), the orphan list, all about errors, RAID,
        // quotas, snapshots, MMP, encryption and casefolding.
        let crc = checksum::crc32c(checksum::START, &bytes[..sb::CHECKSUM]);
        put32(&mut bytes, sb::CHECKSUM, crc);
        bytes
    }

    fn sizes(&self, bytes: &mut [u8]) {
        let Self { options, geometry, .. } = self;
        put32(bytes, sb::INODES_COUNT, low32(geometry.inodes()));
        put64_split(bytes, (sb::BLOCKS_COUNT_LO, sb::BLOCKS_COUNT_HI), geometry.blocks);
        let reserved = plan::reserved(geometry.blocks, options.reserved_percent);
        put64_split(bytes, (sb::R_BLOCKS_COUNT_LO, sb::R_BLOCKS_COUNT_HI), reserved);
        put64_split(bytes, (sb::FREE_BLOCKS_COUNT_LO, sb::FREE_BLOCKS_COUNT_HI), self.free_blocks);
        put32(bytes, sb::FREE_INODES_COUNT, low32(self.free_inodes));
        let log = BLOCK_SIZE.trailing_zeros() - 10; // counted from 1024
        put32(bytes, sb::LOG_BLOCK_SIZE, log);
        put32(bytes, sb::LOG_CLUSTER_SIZE, log);
        put32(bytes, sb::BLOCKS_PER_GROUP, low32(BLOCKS_PER_GROUP));
        put32(bytes, sb::CLUSTERS_PER_GROUP, low32(BLOCKS_PER_GROUP));
        put32(bytes, sb::INODES_PER_GROUP, low32(geometry.inodes_per_group));
        // What the kernel would count at every mount (`ext4_calculate_overhead`).
        let journal = self.journal.map_or(0, |(blocks, ..)| u64::from(blocks));
        put32(bytes, sb::OVERHEAD_CLUSTERS, low32(geometry.metadata_blocks() + journal));
    }

    fn times(&self, bytes: &mut [u8]) {
        // Options are checked: not negative, and 34 bits.
        let created = self.options.created.cast_unsigned();
        for (low, high) in
            [(sb::WTIME, sb::WTIME_HI), (sb::LASTCHECK, sb::LASTCHECK_HI), (sb::MKFS_TIME, sb::MKFS_TIME_HI)]
        {
            put32(bytes, low, low32(created));
            bytes[high] = high32(created).to_le_bytes()[0];
        }
    }

    /// The journal's number, and the copy of its inode's `i_block` and size with which e2fsck can mend it.
    fn journal(&self, bytes: &mut [u8]) {
        let Some((blocks, extents, tree)) = self.journal else { return };
        put32(bytes, sb::JOURNAL_INUM, JOURNAL_INODE);
        bytes[sb::JNL_BACKUP_TYPE] = 1;
        let seed = checksum::inode_seed(checksum::filesystem_seed(&self.options.uuid), JOURNAL_INODE);
        let (root, _) = extent::encode(extents, tree, seed);
        bytes[sb::JNL_BLOCKS..][..ino::BLOCK_LENGTH].copy_from_slice(&root);
        let size = u64::from(blocks) * BLOCK_SIZE;
        put32(bytes, sb::JNL_BLOCKS + ino::BLOCK_LENGTH, high32(size));
        put32(bytes, sb::JNL_BLOCKS + ino::BLOCK_LENGTH + 4, low32(size));
    }
}
