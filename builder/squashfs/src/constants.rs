//! Numbers of the format, for the writer and the reader.
//!
//! Source: Linux, `fs/squashfs/squashfs_fs.h`.

/// `hsqs`, the first bytes of an image.
pub(crate) const MAGIC: [u8; 4] = *b"hsqs";
/// Version of the format: 4.0.
pub(crate) const VERSION: (u16, u16) = (4, 0);
/// Bytes of the superblock.
pub(crate) const SUPERBLOCK_BYTES: usize = 96;
/// Number of zstd among the compressors (`ZSTD_COMPRESSION`).
pub(crate) const ZSTD: u16 = 6;
/// Most bytes in a metadata block before it is compressed (`SQUASHFS_METADATA_SIZE`).
pub(crate) const METADATA_BYTES: usize = 8192;
/// Set in the length of a metadata block that is not compressed (`SQUASHFS_COMPRESSED_BIT`).
pub(crate) const METADATA_PLAIN: u16 = 1 << 15;
/// Set in the length of a block of a file that is not compressed (`SQUASHFS_COMPRESSED_BIT_BLOCK`).
pub(crate) const BLOCK_PLAIN: u32 = 1 << 24;
/// Number of a fragment that stands for none, and of attributes that stands for none.
pub(crate) const NONE: u32 = u32::MAX;
/// Place of a table that there is none of (`SQUASHFS_INVALID_BLK`).
pub(crate) const NO_TABLE: u64 = u64::MAX;
/// `log2` of the smallest and the largest block size.
pub(crate) const BLOCK_LOG: (u16, u16) = (12, 20);
/// Most names below one header of a directory (`SQUASHFS_DIR_COUNT`).
pub(crate) const DIRECTORY_GROUP: usize = 256;
/// Longest name in bytes. The format has room for 256, the kernel's other half has not.
pub(crate) const NAME_BYTES: usize = 255;
/// What the size of a directory counts besides its names: `.` and `..`.
pub(crate) const DIRECTORY_EXTRA: u32 = 3;
/// Bytes of an entry of the table of fragments.
pub(crate) const FRAGMENT_BYTES: usize = 16;
/// Bytes of an entry of the table of owners.
pub(crate) const ID_BYTES: usize = 4;
/// Most blocks of a file that is written or read: each is four bytes of memory. With blocks of 1 MiB they make 32 TiB.
pub const BLOCKS_LIMIT: u64 = 1 << 25;

/// Types of inodes (`SQUASHFS_DIR_TYPE` and so on); those of directory entries are the basic ones.
pub(crate) mod inode_type {
    /// A directory.
    pub(crate) const DIRECTORY: u16 = 1;
    /// A file.
    pub(crate) const FILE: u16 = 2;
    /// A symbolic link.
    pub(crate) const SYMLINK: u16 = 3;
    /// The first of the types that are only known here, a block device.
    pub(crate) const FIRST_OTHER: u16 = 4;
    /// The last of them, a socket.
    pub(crate) const LAST_OTHER: u16 = 7;
    /// A directory with room for a larger size, an index and attributes.
    pub(crate) const EXTENDED_DIRECTORY: u16 = 8;
    /// A file with room for a larger size and place, holes, names and attributes.
    pub(crate) const EXTENDED_FILE: u16 = 9;
    /// A symbolic link with attributes.
    pub(crate) const EXTENDED_SYMLINK: u16 = 10;
    /// The first of the types with attributes that are only known here, a block device.
    pub(crate) const FIRST_EXTENDED_OTHER: u16 = 11;
    /// The last of them, a socket.
    pub(crate) const LAST_EXTENDED_OTHER: u16 = 14;
}

/// Flags of the superblock.
pub(crate) mod flags {
    /// `SQUASHFS_EXPORT`: inodes are found by their numbers.
    pub(crate) const EXPORTABLE: u16 = 1 << 7;
    /// `SQUASHFS_NO_XATTR`.
    pub(crate) const NO_ATTRIBUTES: u16 = 1 << 9;
    /// `SQUASHFS_COMP_OPT`: the compressor's options are behind the superblock.
    pub(crate) const COMPRESSOR_OPTIONS: u16 = 1 << 10;
}
