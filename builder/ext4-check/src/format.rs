//! Where the fields of ext4 lie. All numbers are little-endian, but for those of the journal.
//!
//! Source: Linux, Documentation/filesystems/ext4.

/// Where the superblock begins, in bytes from the start of the file system.
pub(crate) const SUPERBLOCK_OFFSET: u64 = 1024;
/// Bytes of a superblock.
pub(crate) const SUPERBLOCK_SIZE: usize = 1024;
/// Value of [`sb::MAGIC`].
pub(crate) const MAGIC: u16 = 0xEF53;

/// "Super Block": offsets in bytes.
pub(crate) mod sb {
    pub(crate) const INODES: usize = 0x00;
    pub(crate) const BLOCKS_LO: usize = 0x04;
    pub(crate) const RESERVED_BLOCKS_LO: usize = 0x08;
    pub(crate) const FREE_BLOCKS_LO: usize = 0x0C;
    pub(crate) const FREE_INODES: usize = 0x10;
    pub(crate) const FIRST_DATA_BLOCK: usize = 0x14;
    pub(crate) const LOG_BLOCK_SIZE: usize = 0x18;
    pub(crate) const LOG_CLUSTER_SIZE: usize = 0x1C;
    pub(crate) const BLOCKS_PER_GROUP: usize = 0x20;
    pub(crate) const CLUSTERS_PER_GROUP: usize = 0x24;
    pub(crate) const INODES_PER_GROUP: usize = 0x28;
    pub(crate) const MAGIC: usize = 0x38;
    pub(crate) const STATE: usize = 0x3A;
    pub(crate) const REVISION: usize = 0x4C;
    pub(crate) const FIRST_INODE: usize = 0x54;
    pub(crate) const INODE_SIZE: usize = 0x58;
    pub(crate) const GROUP: usize = 0x5A;
    pub(crate) const COMPAT: usize = 0x5C;
    pub(crate) const INCOMPAT: usize = 0x60;
    pub(crate) const RO_COMPAT: usize = 0x64;
    pub(crate) const UUID: usize = 0x68;
    pub(crate) const RESERVED_GDT_BLOCKS: usize = 0xCE;
    pub(crate) const JOURNAL_INODE: usize = 0xE0;
    pub(crate) const LAST_ORPHAN: usize = 0xE8;
    pub(crate) const HASH_SEED: usize = 0xEC;
    pub(crate) const DESCRIPTOR_SIZE: usize = 0xFE;
    pub(crate) const FIRST_META_GROUP: usize = 0x104;
    pub(crate) const BLOCKS_HI: usize = 0x150;
    pub(crate) const RESERVED_BLOCKS_HI: usize = 0x154;
    pub(crate) const FREE_BLOCKS_HI: usize = 0x158;
    pub(crate) const FLAGS: usize = 0x160;
    pub(crate) const MMP_BLOCK: usize = 0x168;
    pub(crate) const LOG_GROUPS_PER_FLEX: usize = 0x174;
    pub(crate) const CHECKSUM_TYPE: usize = 0x175;
    pub(crate) const ERROR_COUNT: usize = 0x194;
    pub(crate) const USER_QUOTA_INODE: usize = 0x240;
    pub(crate) const GROUP_QUOTA_INODE: usize = 0x244;
    pub(crate) const BACKUP_GROUPS: usize = 0x24C;
    pub(crate) const PROJECT_QUOTA_INODE: usize = 0x26C;
    pub(crate) const CHECKSUM_SEED: usize = 0x270;
    pub(crate) const ORPHAN_FILE_INODE: usize = 0x280;
    pub(crate) const CHECKSUM: usize = 0x3FC;

    /// Of [`STATE`]: unmounted in order.
    pub(crate) const STATE_CLEAN: u16 = 1;
    /// Of [`STATE`]: the kernel met errors.
    pub(crate) const STATE_ERRORS: u16 = 2;
    /// Of [`FLAGS`]: names are hashed as unsigned bytes.
    pub(crate) const UNSIGNED_HASH: u32 = 2;
}

/// Compatible features.
pub(crate) mod compat {
    pub(crate) const HAS_JOURNAL: u32 = 0x4;
    pub(crate) const RESIZE_INODE: u32 = 0x10;
    pub(crate) const DIR_INDEX: u32 = 0x20;
    pub(crate) const SPARSE_SUPER2: u32 = 0x200;
    pub(crate) const ORPHAN_FILE: u32 = 0x1000;
    /// All that Linux and e2fsprogs have a name and a use for: 0x400 is `fast_commit`, 0x800 `stable_inodes`.
    pub(crate) const KNOWN: u32 = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x200 | 0x400 | 0x800 | 0x1000;
}

/// Incompatible features.
pub(crate) mod incompat {
    pub(crate) const FILETYPE: u32 = 0x2;
    pub(crate) const RECOVER: u32 = 0x4;
    pub(crate) const JOURNAL_DEV: u32 = 0x8;
    pub(crate) const META_BG: u32 = 0x10;
    pub(crate) const EXTENTS: u32 = 0x40;
    pub(crate) const WIDE: u32 = 0x80;
    pub(crate) const MMP: u32 = 0x100;
    pub(crate) const FLEX_BG: u32 = 0x200;
    pub(crate) const EA_INODE: u32 = 0x400;
    pub(crate) const CSUM_SEED: u32 = 0x2000;
    pub(crate) const LARGEDIR: u32 = 0x4000;
    pub(crate) const INLINE_DATA: u32 = 0x8000;
    pub(crate) const ENCRYPT: u32 = 0x10000;
    pub(crate) const CASEFOLD: u32 = 0x20000;
    /// All that Linux mounts.
    pub(crate) const KNOWN: u32 = FILETYPE
        | RECOVER
        | META_BG
        | EXTENTS
        | WIDE
        | MMP
        | FLEX_BG
        | EA_INODE
        | CSUM_SEED
        | LARGEDIR
        | INLINE_DATA
        | ENCRYPT
        | CASEFOLD;
}

/// Features that are compatible as long as nothing is written.
pub(crate) mod ro_compat {
    pub(crate) const SPARSE_SUPER: u32 = 0x1;
    pub(crate) const LARGE_FILE: u32 = 0x2;
    pub(crate) const HUGE_FILE: u32 = 0x8;
    pub(crate) const GDT_CSUM: u32 = 0x10;
    pub(crate) const DIR_NLINK: u32 = 0x20;
    pub(crate) const EXTRA_ISIZE: u32 = 0x40;
    pub(crate) const QUOTA: u32 = 0x100;
    pub(crate) const BIGALLOC: u32 = 0x200;
    pub(crate) const METADATA_CSUM: u32 = 0x400;
    pub(crate) const PROJECT: u32 = 0x2000;
    pub(crate) const VERITY: u32 = 0x8000;
    pub(crate) const ORPHAN_PRESENT: u32 = 0x10000;
    /// All that Linux mounts for writing; 0x4 is `btree_dir`, which is known and never used.
    pub(crate) const KNOWN: u32 = SPARSE_SUPER
        | LARGE_FILE
        | 0x4
        | HUGE_FILE
        | GDT_CSUM
        | DIR_NLINK
        | EXTRA_ISIZE
        | QUOTA
        | BIGALLOC
        | METADATA_CSUM
        | PROJECT
        | VERITY
        | ORPHAN_PRESENT;
}

/// "Block Group Descriptors": offsets in bytes.
pub(crate) mod group {
    pub(crate) const BLOCK_BITMAP_LO: usize = 0x00;
    pub(crate) const INODE_BITMAP_LO: usize = 0x04;
    pub(crate) const INODE_TABLE_LO: usize = 0x08;
    pub(crate) const FREE_BLOCKS_LO: usize = 0x0C;
    pub(crate) const FREE_INODES_LO: usize = 0x0E;
    pub(crate) const DIRECTORIES_LO: usize = 0x10;
    pub(crate) const FLAGS: usize = 0x12;
    pub(crate) const BLOCK_BITMAP_CSUM_LO: usize = 0x18;
    pub(crate) const INODE_BITMAP_CSUM_LO: usize = 0x1A;
    pub(crate) const UNUSED_INODES_LO: usize = 0x1C;
    pub(crate) const BLOCK_BITMAP_HI: usize = 0x20;
    pub(crate) const INODE_BITMAP_HI: usize = 0x24;
    pub(crate) const INODE_TABLE_HI: usize = 0x28;
    pub(crate) const FREE_BLOCKS_HI: usize = 0x2C;
    pub(crate) const FREE_INODES_HI: usize = 0x2E;
    pub(crate) const DIRECTORIES_HI: usize = 0x30;
    pub(crate) const UNUSED_INODES_HI: usize = 0x32;
    pub(crate) const BLOCK_BITMAP_CSUM_HI: usize = 0x38;
    pub(crate) const INODE_BITMAP_CSUM_HI: usize = 0x3A;

    /// Of [`FLAGS`]: no inode is used, the bitmap is not written.
    pub(crate) const INODE_UNINIT: u16 = 1;
    /// Of [`FLAGS`]: no block but metadata is used, the bitmap is not written.
    pub(crate) const BLOCK_UNINIT: u16 = 2;
}
/// Offset of the checksum in a group descriptor.
pub(crate) const GROUP_CHECKSUM: usize = 0x1E;
/// Bytes of a group descriptor without the `64bit` feature.
pub(crate) const NARROW_DESCRIPTOR: u32 = 32;
/// Fewest bytes of a group descriptor with it.
pub(crate) const WIDE_DESCRIPTOR: u32 = 64;

/// "Index Nodes": offsets in bytes.
pub(crate) mod inode {
    pub(crate) const MODE: usize = 0x00;
    pub(crate) const SIZE_LO: usize = 0x04;
    pub(crate) const CTIME: usize = 0x0C;
    pub(crate) const DTIME: usize = 0x14;
    pub(crate) const LINKS: usize = 0x1A;
    pub(crate) const BLOCKS_LO: usize = 0x1C;
    pub(crate) const FLAGS: usize = 0x20;
    pub(crate) const VERSION: usize = 0x24;
    pub(crate) const BLOCK: usize = 0x28;
    pub(crate) const GENERATION: usize = 0x64;
    pub(crate) const XATTR_BLOCK_LO: usize = 0x68;
    pub(crate) const SIZE_HI: usize = 0x6C;
    pub(crate) const FRAGMENT: usize = 0x70;
    pub(crate) const BLOCKS_HI: usize = 0x74;
    pub(crate) const XATTR_BLOCK_HI: usize = 0x76;
    pub(crate) const EXTRA_SIZE: usize = 0x80;

    /// Bytes of [`BLOCK`].
    pub(crate) const BLOCK_LENGTH: usize = 60;
    /// Bytes of the oldest inode.
    pub(crate) const OLD_SIZE: usize = 128;
}
/// Offset of the low half of an inode's checksum.
pub(crate) const INODE_CHECKSUM_LOW: usize = 0x7C;
/// Offset of its high half.
pub(crate) const INODE_CHECKSUM_HIGH: usize = 0x82;

/// Flags of an inode.
pub(crate) mod flag {
    pub(crate) const ENCRYPT: u32 = 0x800;
    pub(crate) const INDEX: u32 = 0x1000;
    pub(crate) const HUGE_FILE: u32 = 0x4_0000;
    pub(crate) const EXTENTS: u32 = 0x8_0000;
    pub(crate) const VERITY: u32 = 0x10_0000;
    pub(crate) const EA_INODE: u32 = 0x20_0000;
    pub(crate) const INLINE_DATA: u32 = 0x1000_0000;
    pub(crate) const CASEFOLD: u32 = 0x4000_0000;
}

/// "Special inodes".
pub(crate) mod special {
    pub(crate) const BAD_BLOCKS: u32 = 1;
    pub(crate) const ROOT: u32 = 2;
    pub(crate) const RESIZE: u32 = 7;
    pub(crate) const JOURNAL: u32 = 8;
    /// The first inode that is not special, in the oldest revision.
    pub(crate) const FIRST_FREE: u32 = 11;
}

/// "Extent Tree".
pub(crate) mod extent {
    pub(crate) const MAGIC: u16 = 0xF30A;
    /// Bytes of a header, and of an entry.
    pub(crate) const ENTRY: usize = 12;
    /// Levels below the root.
    pub(crate) const MOST_LEVELS: u16 = 5;
    /// Longest extent that is written; what is longer is not written, and longer by this.
    pub(crate) const MOST_WRITTEN: u16 = 32768;
}

/// "Directory Entries".
pub(crate) mod dirent {
    /// Bytes before the name.
    pub(crate) const HEADER: usize = 8;
    /// Bytes of the entry that holds a block's checksum.
    pub(crate) const TAIL: usize = 12;
    /// File type of that entry.
    pub(crate) const TAIL_TYPE: u8 = 0xDE;
}

/// "Hash Tree Directories".
pub(crate) mod dx {
    /// Offset of `limit` in the root.
    pub(crate) const ROOT_LIMIT: usize = 0x20;
    /// Offset of `limit` in another node.
    pub(crate) const NODE_LIMIT: usize = 8;
    /// Offset of the hash version in the root.
    pub(crate) const HASH_VERSION: usize = 0x1C;
    /// Offset of `info_length` in the root.
    pub(crate) const INFO_LENGTH: usize = 0x1D;
    /// Offset of the number of levels below the root.
    pub(crate) const LEVELS: usize = 0x1E;
    /// Bytes of an entry, and of the tail.
    pub(crate) const ENTRY: usize = 8;
}

/// "Extended Attributes".
pub(crate) mod xattr {
    pub(crate) const MAGIC: u32 = 0xEA02_0000;
    pub(crate) const BLOCK_HEADER: usize = 32;
    pub(crate) const REFERENCES: usize = 0x4;
    pub(crate) const BLOCKS: usize = 0x8;
    pub(crate) const CHECKSUM: usize = 0x10;
    pub(crate) const ENTRY: usize = 16;
    pub(crate) const VALUE_OFFSET: usize = 2;
    pub(crate) const VALUE_INODE: usize = 4;
    pub(crate) const VALUE_SIZE: usize = 8;
    pub(crate) const HASH: usize = 12;
    /// Name index of `system.`, under which `data` is the second part of an inline body.
    pub(crate) const SYSTEM: u8 = 7;
}

/// "Journal (jbd2)": offsets in bytes. All are big-endian.
pub(crate) mod journal {
    pub(crate) const MAGIC: u32 = 0xC03B_3998;
    pub(crate) const TYPE: usize = 0x4;
    pub(crate) const BLOCK_SIZE: usize = 0xC;
    pub(crate) const LENGTH: usize = 0x10;
    pub(crate) const FIRST: usize = 0x14;
    pub(crate) const START: usize = 0x1C;
    pub(crate) const ERROR: usize = 0x20;
    pub(crate) const INCOMPAT: usize = 0x28;
    pub(crate) const CHECKSUM: usize = 0xFC;
    pub(crate) const SIZE: usize = 1024;
    /// Superblock of version 1.
    pub(crate) const V1: u32 = 3;
    /// Superblock of version 2.
    pub(crate) const V2: u32 = 4;
    /// The incompatible features Linux knows: revocations, 64 bits, asynchronous commits, checksums of two kinds, fast
    /// commits.
    pub(crate) const KNOWN_INCOMPAT: u32 = 0x3F;
    /// Of these, checksums of both kinds.
    pub(crate) const CHECKSUMS: u32 = 0x18;
    /// The smallest journal Linux uses, in blocks.
    pub(crate) const FEWEST_BLOCKS: u32 = 1024;
}

/// "Orphan file": the word before the checksum of each block.
pub(crate) const ORPHAN_MAGIC: u32 = 0x0B10_CA04;
/// "Multiple Mount Protection": the first word of its block.
pub(crate) const MMP_MAGIC: u32 = 0x004D_4D50;
/// Offset of that block's checksum.
pub(crate) const MMP_CHECKSUM: usize = 0x3FC;
