//! Where the fields of EROFS and of the composefs header lie, and how numbers go into them. All are little-endian.
//!
//! Source: Linux, fs/erofs/erofs_fs.h and Documentation/filesystems/erofs.rst; composefs, libcomposefs/lcfs-erofs.h.

/// Bytes in a block. The only block size of composefs images.
pub(crate) const BLOCK: usize = 4096;
/// Inodes begin at multiples of this many bytes; the number of an inode in directories (nid) is its slot.
pub(crate) const SLOT: usize = 32;
/// Where the superblock begins.
const SUPERBLOCK_OFFSET: usize = 1024;
/// Where the first inode begins: right behind the superblock.
pub(crate) const INODES_OFFSET: usize = SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE;
const SUPERBLOCK_SIZE: usize = 128;
/// Bytes of an inode with 16-bit owner, group and link count and a 32-bit size.
pub(crate) const COMPACT_INODE_SIZE: usize = 32;
/// Bytes of any other inode.
pub(crate) const EXTENDED_INODE_SIZE: usize = 64;
/// Bytes before the names and ids of an inode's attributes (`erofs_xattr_ibody_header`).
pub(crate) const XATTR_HEADER_SIZE: usize = 12;
/// Bytes of an attribute before its name (`erofs_xattr_entry`), and of the id of a shared one.
pub(crate) const XATTR_ENTRY_SIZE: usize = 4;
/// Bytes of a directory entry without its name (`erofs_dirent`).
pub(crate) const DIRENT_SIZE: usize = 12;
/// Bytes of an entry of a chunk table.
pub(crate) const CHUNK_ENTRY_SIZE: usize = 4;
/// An entry of a chunk table that leads nowhere, byte by byte (`EROFS_NULL_ADDR`): the chunk is a hole.
pub(crate) const HOLE: u8 = 0xff;

/// `log2` of the smallest chunk: a block.
pub(crate) const MIN_CHUNK_BITS: u32 = 12;
/// `log2` of the largest chunk (`EROFS_CHUNK_FORMAT_BLKBITS_MASK` above a block).
pub(crate) const MAX_CHUNK_BITS: u32 = MIN_CHUNK_BITS + 31;

/// Longest name in bytes.
pub(crate) const NAME_MAX: usize = 255;
/// Longest link target or payload in bytes (`PATH_MAX` with the closing NUL).
pub(crate) const PATH_MAX: usize = 4095;

/// `LCFS_EROFS_MAGIC`.
const HEADER_MAGIC: u32 = 0xD078_629A;
/// `LCFS_EROFS_VERSION`.
const HEADER_VERSION: u32 = 1;
/// `LCFS_EROFS_FLAGS_HAS_ACL`.
const HEADER_HAS_ACL: u32 = 1;
/// `EROFS_SUPER_MAGIC_V1`.
const SUPERBLOCK_MAGIC: u32 = 0xE0F5_E1E2;
/// `EROFS_FEATURE_COMPAT_MTIME` and `EROFS_FEATURE_COMPAT_XATTR_FILTER`.
const FEATURES: u32 = 0x2 | 0x4;
/// `log2` of [`BLOCK`].
const BLOCK_BITS: u8 = 12;

/// What stands before the first inode.
pub(crate) struct Head {
    /// Whether any inode has an access control list.
    pub(crate) has_acl: bool,
    /// Slot of the root directory.
    pub(crate) root_nid: u16,
    /// Number of inodes.
    pub(crate) inodes: u64,
    /// Size of the image in blocks.
    pub(crate) blocks: u32,
    /// The block in which the shared attributes begin.
    pub(crate) xattr_block: u32,
}

impl Head {
    /// Begins the image: composefs header, nothing up to the superblock, superblock.
    ///
    /// Zero stay: `composefs_version` (1 is for trees that have whiteouts of their own, ostree's have none), checksum
    /// (needs a feature bit), build time (every time is 0), `meta_blkaddr` (slots count from byte 0), UUID and volume
    /// name (composefs sets none), incompatible features (none are needed for what is used here).
    pub(crate) fn append(&self, image: &mut Vec<u8>) {
        image.extend(HEADER_MAGIC.to_le_bytes()); // 0x00
        image.extend(HEADER_VERSION.to_le_bytes()); // 0x04
        image.extend(if self.has_acl { HEADER_HAS_ACL } else { 0 }.to_le_bytes()); // 0x08
        image.resize(SUPERBLOCK_OFFSET, 0);
        image.extend(SUPERBLOCK_MAGIC.to_le_bytes()); // 0x00 magic
        image.extend([0; 4]); // 0x04 checksum
        image.extend(FEATURES.to_le_bytes()); // 0x08 feature_compat
        image.extend([BLOCK_BITS, 0]); // 0x0C blkszbits, 0x0D sb_extslots
        image.extend(self.root_nid.to_le_bytes()); // 0x0E root_nid
        image.extend(self.inodes.to_le_bytes()); // 0x10 inos
        image.extend([0; 12]); // 0x18 build_time, build_time_nsec
        image.extend(self.blocks.to_le_bytes()); // 0x24 blocks
        image.extend([0; 4]); // 0x28 meta_blkaddr
        image.extend(self.xattr_block.to_le_bytes()); // 0x2C xattr_blkaddr
        image.resize(INODES_OFFSET, 0); // 0x30 to 0x80
    }
}

/// Where the body of an inode lies (`i_format`, bits 1 to 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Nowhere, or in blocks.
    Plain = 0,
    /// In blocks, the end of it behind the inode.
    InlineTail = 2,
    /// In chunks that a table behind the inode lists.
    Chunks = 4,
}

/// The fixed part of an inode.
///
/// Zero stay the times (all of the tree's are 0, and so is the image's build time that compact inodes take theirs from)
/// and the reserved fields.
#[derive(Debug)]
pub(crate) struct InodeFields {
    /// Where the body lies.
    pub(crate) layout: Layout,
    /// Attribute words, see [`xattr_count`].
    pub(crate) xattr_count: u16,
    /// `st_mode`.
    pub(crate) mode: u16,
    /// Link count.
    pub(crate) links: u32,
    /// Length in bytes.
    pub(crate) size: u64,
    /// `i_u`: first block, or the chunk format.
    pub(crate) union: u32,
    /// `st_ino`.
    pub(crate) number: u32,
    /// Owner.
    pub(crate) uid: u32,
    /// Group.
    pub(crate) gid: u32,
}

/// The fields that are narrower in a compact inode.
struct Narrow {
    links: u16,
    size: u32,
    uid: u16,
    gid: u16,
}

impl Narrow {
    fn new(links: u32, size: u64, uid: u32, gid: u32) -> Option<Self> {
        Some(Self {
            links: links.try_into().ok()?,
            size: size.try_into().ok()?,
            uid: uid.try_into().ok()?,
            gid: gid.try_into().ok()?,
        })
    }
}

/// Bytes of the fixed part of an inode with these fields: [`COMPACT_INODE_SIZE`] or [`EXTENDED_INODE_SIZE`].
pub(crate) fn inode_size(links: u32, size: u64, uid: u32, gid: u32) -> usize {
    if Narrow::new(links, size, uid, gid).is_some() { COMPACT_INODE_SIZE } else { EXTENDED_INODE_SIZE }
}

impl InodeFields {
    /// Writes the [`inode_size`] bytes.
    pub(crate) fn append(&self, image: &mut Vec<u8>) {
        let format = (self.layout as u16) << 1;
        match Narrow::new(self.links, self.size, self.uid, self.gid) {
            Some(narrow) => {
                image.extend(format.to_le_bytes()); // 0x00 i_format
                image.extend(self.xattr_count.to_le_bytes()); // 0x02 i_xattr_icount
                image.extend(self.mode.to_le_bytes()); // 0x04 i_mode
                image.extend(narrow.links.to_le_bytes()); // 0x06 i_nlink
                image.extend(narrow.size.to_le_bytes()); // 0x08 i_size
                image.extend([0; 4]); // 0x0C reserved
                image.extend(self.union.to_le_bytes()); // 0x10 i_u
                image.extend(self.number.to_le_bytes()); // 0x14 i_ino
                image.extend(narrow.uid.to_le_bytes()); // 0x18 i_uid
                image.extend(narrow.gid.to_le_bytes()); // 0x1A i_gid
                image.extend([0; 4]); // 0x1C reserved
            }
            None => {
                image.extend((format | 1).to_le_bytes()); // 0x00 i_format, bit 0: extended
                image.extend(self.xattr_count.to_le_bytes()); // 0x02 i_xattr_icount
                image.extend(self.mode.to_le_bytes()); // 0x04 i_mode
                image.extend([0; 2]); // 0x06 reserved
                image.extend(self.size.to_le_bytes()); // 0x08 i_size
                image.extend(self.union.to_le_bytes()); // 0x10 i_u
                image.extend(self.number.to_le_bytes()); // 0x14 i_ino
                image.extend(self.uid.to_le_bytes()); // 0x18 i_uid
                image.extend(self.gid.to_le_bytes()); // 0x1C i_gid
                image.extend([0; 12]); // 0x20 i_mtime, i_mtime_nsec
                image.extend(self.links.to_le_bytes()); // 0x2C i_nlink
                image.extend([0; 16]); // 0x30 reserved
            }
        }
    }
}

/// `i_xattr_icount` of an attribute area of so many bytes: one for the header, one for each word behind it.
pub(crate) fn xattr_count(area: usize) -> usize {
    area.checked_sub(XATTR_HEADER_SIZE).map_or(0, |words| words / XATTR_ENTRY_SIZE + 1)
}

/// `file_type` of a directory entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileType {
    /// `EROFS_FT_REG_FILE`.
    Regular = 1,
    /// `EROFS_FT_DIR`.
    Directory = 2,
    /// `EROFS_FT_CHRDEV`.
    CharDevice = 3,
    /// `EROFS_FT_SYMLINK`.
    Symlink = 7,
}

/// Writes a directory entry whose name lies `name_offset` bytes behind the block's start.
pub(crate) fn append_dirent(image: &mut Vec<u8>, nid: u64, name_offset: u16, file_type: FileType) {
    image.extend(nid.to_le_bytes());
    image.extend(name_offset.to_le_bytes());
    image.extend([file_type as u8, 0]);
}
