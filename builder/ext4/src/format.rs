//! Where the fields of ext4 lie, and how numbers go into them. All are little-endian; the journal is big-endian.
//!
//! Source: Linux, Documentation/filesystems/ext4 ("Data Structures and Algorithms"), fs/ext4/ext4.h.

use builder_block::ByteSize;

/// Bytes in a block. The only block size this crate writes.
pub(crate) const BLOCK_SIZE: u64 = 4096;
/// [`BLOCK_SIZE`] as a length.
pub(crate) const BLOCK_LEN: usize = 4096;
/// Blocks in a group: as many as one block of bitmap has bits.
pub(crate) const BLOCKS_PER_GROUP: u64 = BLOCK_SIZE * 8;
/// Inodes in a group at most: as many as one block of bitmap has bits.
pub(crate) const MAX_INODES_PER_GROUP: u64 = BLOCK_SIZE * 8;
/// Groups whose bitmaps and inode tables lie together (`s_log_groups_per_flex` is 4).
pub(crate) const GROUPS_PER_FLEX: u64 = 16;
/// Bytes of an inode.
pub(crate) const INODE_SIZE: u64 = 256;
/// Inodes in a block of an inode table.
pub(crate) const INODES_PER_BLOCK: u64 = BLOCK_SIZE / INODE_SIZE;
/// Bytes of a group descriptor, 64-bit form.
pub(crate) const DESCRIPTOR_SIZE: u64 = 64;
/// Bytes of inode fields behind the first 128.
pub(crate) const EXTRA_ISIZE: u16 = 32;

/// The root directory.
pub(crate) const ROOT_INODE: u32 = 2;
/// The journal.
pub(crate) const JOURNAL_INODE: u32 = 8;
/// First inode that is not reserved; always `lost+found`.
pub(crate) const FIRST_INODE: u32 = 11;

/// Names an inode can have (`EXT4_LINK_MAX`); a directory with more subdirectories has the count 1 (`dir_nlink`).
pub(crate) const LINK_MAX: u32 = 65_000;
/// Longest target of a symbolic link in bytes: a block with the closing NUL.
pub(crate) const SYMLINK_MAX: usize = BLOCK_LEN - 1;
/// Longest target that lies in the inode itself, in bytes: `i_block` with the closing NUL.
pub(crate) const FAST_SYMLINK_MAX: usize = 59;
/// Longest regular file in bytes: logical block numbers have 32 bits, and the last is kept free.
pub(crate) const FILE_MAX: u64 = 0xffff_ffff * BLOCK_SIZE;
/// Latest second of a time (2310-04-04). The 34 bits would reach to 2446, but e2fsck takes what is behind for times
/// before 1970 that an old kernel wrote wrong.
pub(crate) const TIME_MAX: i64 = 0x2_7fff_ffff;
/// Earliest second of a time (1901-12-13).
pub(crate) const TIME_MIN: i64 = -0x8000_0000;

/// Offsets in the superblock, which begins at byte 1024 of its block in group 0 and at byte 0 in backups.
pub(crate) mod sb {
    pub(crate) const PRIMARY_OFFSET: usize = 1024;
    pub(crate) const LENGTH: usize = 1024;
    pub(crate) const INODES_COUNT: usize = 0x00;
    pub(crate) const BLOCKS_COUNT_LO: usize = 0x04;
    pub(crate) const R_BLOCKS_COUNT_LO: usize = 0x08;
    pub(crate) const FREE_BLOCKS_COUNT_LO: usize = 0x0C;
    pub(crate) const FREE_INODES_COUNT: usize = 0x10;
    pub(crate) const LOG_BLOCK_SIZE: usize = 0x18;
    pub(crate) const LOG_CLUSTER_SIZE: usize = 0x1C;
    pub(crate) const BLOCKS_PER_GROUP: usize = 0x20;
    pub(crate) const CLUSTERS_PER_GROUP: usize = 0x24;
    pub(crate) const INODES_PER_GROUP: usize = 0x28;
    pub(crate) const WTIME: usize = 0x30;
    pub(crate) const MAX_MNT_COUNT: usize = 0x36;
    pub(crate) const MAGIC: usize = 0x38;
    pub(crate) const STATE: usize = 0x3A;
    pub(crate) const ERRORS: usize = 0x3C;
    pub(crate) const LASTCHECK: usize = 0x40;
    pub(crate) const REV_LEVEL: usize = 0x4C;
    pub(crate) const FIRST_INO: usize = 0x54;
    pub(crate) const INODE_SIZE: usize = 0x58;
    pub(crate) const BLOCK_GROUP_NR: usize = 0x5A;
    pub(crate) const FEATURE_COMPAT: usize = 0x5C;
    pub(crate) const FEATURE_INCOMPAT: usize = 0x60;
    pub(crate) const FEATURE_RO_COMPAT: usize = 0x64;
    pub(crate) const UUID: usize = 0x68;
    pub(crate) const VOLUME_NAME: usize = 0x78;
    pub(crate) const VOLUME_NAME_LEN: usize = 16;
    pub(crate) const LAST_MOUNTED: usize = 0x88;
    pub(crate) const LAST_MOUNTED_LEN: usize = 64;
    pub(crate) const JOURNAL_INUM: usize = 0xE0;
    pub(crate) const HASH_SEED: usize = 0xEC;
    pub(crate) const DEF_HASH_VERSION: usize = 0xFC;
    pub(crate) const JNL_BACKUP_TYPE: usize = 0xFD;
    pub(crate) const DESC_SIZE: usize = 0xFE;
    pub(crate) const DEFAULT_MOUNT_OPTS: usize = 0x100;
    pub(crate) const MKFS_TIME: usize = 0x108;
    pub(crate) const JNL_BLOCKS: usize = 0x10C;
    pub(crate) const BLOCKS_COUNT_HI: usize = 0x150;
    pub(crate) const R_BLOCKS_COUNT_HI: usize = 0x154;
    pub(crate) const FREE_BLOCKS_COUNT_HI: usize = 0x158;
    pub(crate) const MIN_EXTRA_ISIZE: usize = 0x15C;
    pub(crate) const WANT_EXTRA_ISIZE: usize = 0x15E;
    pub(crate) const FLAGS: usize = 0x160;
    pub(crate) const LOG_GROUPS_PER_FLEX: usize = 0x174;
    pub(crate) const CHECKSUM_TYPE: usize = 0x175;
    pub(crate) const KBYTES_WRITTEN: usize = 0x178;
    pub(crate) const OVERHEAD_CLUSTERS: usize = 0x248;
    pub(crate) const WTIME_HI: usize = 0x274;
    pub(crate) const MKFS_TIME_HI: usize = 0x276;
    pub(crate) const LASTCHECK_HI: usize = 0x277;
    pub(crate) const CHECKSUM: usize = 0x3FC;
}

/// `has_journal`, left out where there is none.
pub(crate) const COMPAT_HAS_JOURNAL: u32 = 0x4;
/// `ext_attr dir_index`.
pub(crate) const COMPAT: u32 = 0x8 | 0x20;
/// `filetype extent 64bit flex_bg`.
pub(crate) const INCOMPAT: u32 = 0x2 | 0x40 | 0x80 | 0x200;
/// `sparse_super large_file huge_file dir_nlink extra_isize metadata_csum verity`.
pub(crate) const RO_COMPAT: u32 = 0x1 | 0x2 | 0x8 | 0x20 | 0x40 | 0x400 | 0x8000;

/// Offsets in a group descriptor.
pub(crate) mod gd {
    pub(crate) const BLOCK_BITMAP: (usize, usize) = (0x00, 0x20);
    pub(crate) const INODE_BITMAP: (usize, usize) = (0x04, 0x24);
    pub(crate) const INODE_TABLE: (usize, usize) = (0x08, 0x28);
    pub(crate) const FREE_BLOCKS: (usize, usize) = (0x0C, 0x2C);
    pub(crate) const FREE_INODES: (usize, usize) = (0x0E, 0x2E);
    pub(crate) const USED_DIRS: (usize, usize) = (0x10, 0x30);
    pub(crate) const FLAGS: usize = 0x12;
    pub(crate) const BLOCK_BITMAP_CSUM: (usize, usize) = (0x18, 0x38);
    pub(crate) const INODE_BITMAP_CSUM: (usize, usize) = (0x1A, 0x3A);
    pub(crate) const ITABLE_UNUSED: (usize, usize) = (0x1C, 0x32);
    pub(crate) const CHECKSUM: usize = 0x1E;
    /// No inode of the group was ever used; its bitmap is not on disk.
    pub(crate) const INODE_UNINIT: u16 = 0x1;
    /// No block but the group's own metadata is used; its bitmap is not on disk.
    pub(crate) const BLOCK_UNINIT: u16 = 0x2;
    /// The inode table reads as zeros where it is not used.
    pub(crate) const INODE_ZEROED: u16 = 0x4;
}

/// Offsets in an inode.
pub(crate) mod ino {
    pub(crate) const MODE: usize = 0x00;
    pub(crate) const UID_LO: usize = 0x02;
    pub(crate) const SIZE_LO: usize = 0x04;
    pub(crate) const ATIME: usize = 0x08;
    pub(crate) const CTIME: usize = 0x0C;
    pub(crate) const MTIME: usize = 0x10;
    pub(crate) const GID_LO: usize = 0x18;
    pub(crate) const LINKS_COUNT: usize = 0x1A;
    pub(crate) const BLOCKS_LO: usize = 0x1C;
    pub(crate) const FLAGS: usize = 0x20;
    pub(crate) const BLOCK: usize = 0x28;
    pub(crate) const BLOCK_LENGTH: usize = 60;
    pub(crate) const FILE_ACL_LO: usize = 0x68;
    pub(crate) const SIZE_HI: usize = 0x6C;
    pub(crate) const BLOCKS_HI: usize = 0x74;
    pub(crate) const FILE_ACL_HI: usize = 0x76;
    pub(crate) const UID_HI: usize = 0x78;
    pub(crate) const GID_HI: usize = 0x7A;
    pub(crate) const CHECKSUM_LO: usize = 0x7C;
    pub(crate) const EXTRA_ISIZE: usize = 0x80;
    pub(crate) const CHECKSUM_HI: usize = 0x82;
    pub(crate) const CTIME_EXTRA: usize = 0x84;
    pub(crate) const MTIME_EXTRA: usize = 0x88;
    pub(crate) const ATIME_EXTRA: usize = 0x8C;
    pub(crate) const CRTIME: usize = 0x90;
    pub(crate) const CRTIME_EXTRA: usize = 0x94;
    /// First byte of the attributes in the inode.
    pub(crate) const XATTRS: usize = 0xA0;
    /// `chattr +i`.
    pub(crate) const IMMUTABLE_FLAG: u32 = 0x10;
    /// The directory has a hash tree.
    pub(crate) const INDEX_FLAG: u32 = 0x1000;
    /// `i_block` is the root of an extent tree.
    pub(crate) const EXTENTS_FLAG: u32 = 0x8_0000;
    /// fs-verity metadata lies behind the end of the file.
    pub(crate) const VERITY_FLAG: u32 = 0x10_0000;
}

/// Puts `value` at `at`.
pub(crate) fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

/// Puts `value` at `at`.
pub(crate) fn put32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Puts the halves of a 64-bit number where the format has them.
pub(crate) fn put64_split(bytes: &mut [u8], (low, high): (usize, usize), value: u64) {
    put32(bytes, low, low32(value));
    put32(bytes, high, high32(value));
}

/// Puts the halves of a 32-bit number where the format has them.
pub(crate) fn put32_split(bytes: &mut [u8], (low, high): (usize, usize), value: u32) {
    put16(bytes, low, low16(value));
    put16(bytes, high, high16(value));
}

/// Bits 0 to 31.
pub(crate) fn low32(value: u64) -> u32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Bits 32 to 63.
pub(crate) fn high32(value: u64) -> u32 {
    low32(value >> 32)
}

/// Bits 0 to 15.
pub(crate) fn low16(value: u32) -> u16 {
    let [a, b, ..] = value.to_le_bytes();
    u16::from_le_bytes([a, b])
}

/// Bits 16 to 31.
pub(crate) fn high16(value: u32) -> u16 {
    low16(value >> 16)
}

/// A count of things in memory as a length.
pub(crate) fn length(count: u64) -> usize {
    // Only called for what is in memory or shorter than a block; it fits wherever the thing itself does.
    usize::try_from(count).expect("a count of things in memory")
}

/// Blocks that hold so many bytes.
pub(crate) fn blocks_for(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_SIZE)
}

/// Bytes of so many blocks.
pub(crate) fn size_of_blocks(blocks: u64) -> ByteSize {
    ByteSize::new(blocks.saturating_mul(BLOCK_SIZE))
}
