//! Where the fields of an image lie, and how numbers go into them. All are little-endian.
//!
//! Source: Linux, `fs/squashfs/squashfs_fs.h`.

use crate::constants::{
    DIRECTORY_EXTRA, FRAGMENT_BYTES, MAGIC, METADATA_PLAIN, NO_TABLE, NONE, SUPERBLOCK_BYTES, VERSION, ZSTD, flags,
    inode_type,
};

/// What the image begins with (`squashfs_super_block`).
#[derive(Debug)]
pub(crate) struct Superblock {
    /// Number of inodes.
    pub(crate) inodes: u32,
    /// Seconds since 1970.
    pub(crate) mtime: u32,
    /// `log2` of the block size in bytes.
    pub(crate) block_log: u16,
    /// Number of fragments.
    pub(crate) fragments: u32,
    /// Whether the options of the compressor are behind this.
    pub(crate) has_options: bool,
    /// Number of owners and groups.
    pub(crate) ids: u16,
    /// Reference of the root's inode.
    pub(crate) root: Reference,
    /// Length of the image in bytes.
    pub(crate) bytes_used: u64,
    /// Where the tables begin, in bytes.
    pub(crate) id_table: u64,
    pub(crate) inode_table: u64,
    pub(crate) directory_table: u64,
    pub(crate) fragment_table: u64,
    pub(crate) export_table: u64,
}

impl Superblock {
    /// The flags say what is not compressed (nothing is left so on purpose) and what the tree has not.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let options = if self.has_options { flags::COMPRESSOR_OPTIONS } else { 0 };
        let mut bytes = Vec::with_capacity(SUPERBLOCK_BYTES);
        bytes.extend(MAGIC); // 0x00 s_magic
        bytes.extend(self.inodes.to_le_bytes()); // 0x04 inodes
        bytes.extend(self.mtime.to_le_bytes()); // 0x08 mkfs_time
        bytes.extend((1_u32 << self.block_log).to_le_bytes()); // 0x0C block_size
        bytes.extend(self.fragments.to_le_bytes()); // 0x10 fragments
        bytes.extend(ZSTD.to_le_bytes()); // 0x14 compression
        bytes.extend(self.block_log.to_le_bytes()); // 0x16 block_log
        bytes.extend((flags::EXPORTABLE | flags::NO_ATTRIBUTES | options).to_le_bytes()); // 0x18 flags
        bytes.extend(self.ids.to_le_bytes()); // 0x1A no_ids
        bytes.extend(VERSION.0.to_le_bytes()); // 0x1C s_major
        bytes.extend(VERSION.1.to_le_bytes()); // 0x1E s_minor
        bytes.extend(self.root.encode()); // 0x20 root_inode
        bytes.extend(self.bytes_used.to_le_bytes()); // 0x28 bytes_used
        bytes.extend(self.id_table.to_le_bytes()); // 0x30 id_table_start
        bytes.extend(NO_TABLE.to_le_bytes()); // 0x38 xattr_id_table_start
        bytes.extend(self.inode_table.to_le_bytes()); // 0x40 inode_table_start
        bytes.extend(self.directory_table.to_le_bytes()); // 0x48 directory_table_start
        bytes.extend(self.fragment_table.to_le_bytes()); // 0x50 fragment_table_start
        bytes.extend(self.export_table.to_le_bytes()); // 0x58 lookup_table_start
        bytes
    }
}

/// The options of zstd as a metadata block that is not compressed: its level. `mksquashfs` writes it likewise.
pub(crate) fn options(level: i32) -> [u8; 6] {
    let [a, b, c, d] = level.to_le_bytes();
    let [e, f] = (METADATA_PLAIN | 4).to_le_bytes();
    [e, f, a, b, c, d]
}

/// Where something begins in a table: in which of its metadata blocks, and at which byte of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reference {
    /// Where the block begins, in bytes from the begin of the table.
    pub(crate) block: u32,
    /// Less than 8192.
    pub(crate) offset: u16,
}

impl Reference {
    pub(crate) fn encode(self) -> [u8; 8] {
        (u64::from(self.block) << 16 | u64::from(self.offset)).to_le_bytes()
    }
}

/// What every inode begins with (`squashfs_base_inode`), but for the type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InodeHead {
    /// Permissions.
    pub(crate) mode: u16,
    /// Places in the table of owners and groups.
    pub(crate) uid: u16,
    pub(crate) gid: u16,
    /// Seconds since 1970.
    pub(crate) mtime: u32,
    /// The inode's number.
    pub(crate) number: u32,
}

impl InodeHead {
    fn begin(self, inode_type: u16) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(inode_type.to_le_bytes()); // 0x00 inode_type
        bytes.extend(self.mode.to_le_bytes()); // 0x02 mode
        bytes.extend(self.uid.to_le_bytes()); // 0x04 uid
        bytes.extend(self.gid.to_le_bytes()); // 0x06 guid
        bytes.extend(self.mtime.to_le_bytes()); // 0x08 mtime
        bytes.extend(self.number.to_le_bytes()); // 0x0C inode_number
        bytes
    }

    /// The inode of a directory (`squashfs_dir_inode`, `squashfs_ldir_inode`).
    pub(crate) fn directory(self, directory: &DirectoryFields) -> Vec<u8> {
        let size = directory.size.saturating_add(DIRECTORY_EXTRA);
        let mut bytes;
        if let Ok(size) = u16::try_from(size) {
            bytes = self.begin(inode_type::DIRECTORY);
            bytes.extend(directory.names.block.to_le_bytes()); // 0x10 start_block
            bytes.extend(directory.links.to_le_bytes()); // 0x14 nlink
            bytes.extend(size.to_le_bytes()); // 0x18 file_size
            bytes.extend(directory.names.offset.to_le_bytes()); // 0x1A offset
            bytes.extend(directory.parent.to_le_bytes()); // 0x1C parent_inode
        } else {
            bytes = self.begin(inode_type::EXTENDED_DIRECTORY);
            bytes.extend(directory.links.to_le_bytes()); // 0x10 nlink
            bytes.extend(size.to_le_bytes()); // 0x14 file_size
            bytes.extend(directory.names.block.to_le_bytes()); // 0x18 start_block
            bytes.extend(directory.parent.to_le_bytes()); // 0x1C parent_inode
            bytes.extend([0; 2]); // 0x20 i_count: no index
            bytes.extend(directory.names.offset.to_le_bytes()); // 0x22 offset
            bytes.extend(NONE.to_le_bytes()); // 0x24 xattr
        }
        bytes
    }

    /// The inode of a file (`squashfs_reg_inode`, `squashfs_lreg_inode`), without the list of its blocks.
    pub(crate) fn file(self, file: &FileFields) -> Vec<u8> {
        let (fragment, offset) = file.fragment;
        let mut bytes;
        match (u32::try_from(file.start), u32::try_from(file.size)) {
            (Ok(start), Ok(size)) if file.sparse == 0 => {
                bytes = self.begin(inode_type::FILE);
                bytes.extend(start.to_le_bytes()); // 0x10 start_block
                bytes.extend(fragment.to_le_bytes()); // 0x14 fragment
                bytes.extend(offset.to_le_bytes()); // 0x18 offset
                bytes.extend(size.to_le_bytes()); // 0x1C file_size
            }
            _ => {
                bytes = self.begin(inode_type::EXTENDED_FILE);
                bytes.extend(file.start.to_le_bytes()); // 0x10 start_block
                bytes.extend(file.size.to_le_bytes()); // 0x18 file_size
                bytes.extend(file.sparse.to_le_bytes()); // 0x20 sparse
                bytes.extend(1_u32.to_le_bytes()); // 0x28 nlink
                bytes.extend(fragment.to_le_bytes()); // 0x2C fragment
                bytes.extend(offset.to_le_bytes()); // 0x30 offset
                bytes.extend(NONE.to_le_bytes()); // 0x34 xattr
            }
        }
        bytes
    }

    /// The inode of a symbolic link (`squashfs_symlink_inode`).
    pub(crate) fn symlink(self, target: &[u8]) -> Vec<u8> {
        let mut bytes = self.begin(inode_type::SYMLINK);
        bytes.extend(1_u32.to_le_bytes()); // 0x10 nlink
        // At most TARGET_BYTES.
        bytes.extend(u32::try_from(target.len()).unwrap_or(u32::MAX).to_le_bytes()); // 0x14 symlink_size
        bytes.extend_from_slice(target);
        bytes
    }
}

/// What the inode of a directory says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DirectoryFields {
    /// Where its names are.
    pub(crate) names: Reference,
    /// Length of the names with their headers in bytes.
    pub(crate) size: u32,
    /// Two, and one for each directory in it.
    pub(crate) links: u32,
    /// Number of the inode of the directory that it is in.
    pub(crate) parent: u32,
}

/// What the inode of a file says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileFields {
    /// Where its blocks begin in the image, in bytes; 0 where it has none.
    pub(crate) start: u64,
    /// In bytes.
    pub(crate) size: u64,
    /// How many of them are in blocks that are left out.
    pub(crate) sparse: u64,
    /// Number of its fragment, and the byte in that.
    pub(crate) fragment: (u32, u32),
}

/// A header in a directory, of names whose inodes begin in one metadata block (`squashfs_dir_header`).
pub(crate) fn directory_header(names: u32, block: u32, first_number: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&names.saturating_sub(1).to_le_bytes()); // 0x00 count
    bytes[4..8].copy_from_slice(&block.to_le_bytes()); // 0x04 start_block
    bytes[8..].copy_from_slice(&first_number.to_le_bytes()); // 0x08 inode_number
    bytes
}

/// A name in a directory (`squashfs_dir_entry`): 1 to 255 bytes.
pub(crate) fn directory_entry(offset: u16, number_behind: i16, inode_type: u16, name: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + name.len());
    bytes.extend(offset.to_le_bytes()); // 0x00 offset
    bytes.extend(number_behind.to_le_bytes()); // 0x02 inode_number
    bytes.extend(inode_type.to_le_bytes()); // 0x04 type
    // At most 254.
    bytes.extend(u16::try_from(name.len().saturating_sub(1)).unwrap_or(u16::MAX).to_le_bytes()); // 0x06 size
    bytes.extend_from_slice(name);
    bytes
}

/// Where a fragment is, and how long (`squashfs_fragment_entry`).
pub(crate) fn fragment_entry(start: u64, word: u32) -> [u8; FRAGMENT_BYTES] {
    let mut bytes = [0; FRAGMENT_BYTES];
    bytes[..8].copy_from_slice(&start.to_le_bytes()); // 0x00 start_block
    bytes[8..12].copy_from_slice(&word.to_le_bytes()); // 0x08 size
    bytes // 0x0C unused
}

#[cfg(test)]
mod tests {
    use super::{FileFields, InodeHead};

    #[test]
    fn files_have_the_smaller_inode_wherever_it_can_hold_them() {
        let head = InodeHead { mode: 0, uid: 0, gid: 0, mtime: 0, number: 1 };
        let most = u64::from(u32::MAX);
        for (start, size, sparse, length) in [
            (0, 0, 0, 32),
            (most, most, 0, 32),
            (most + 1, 1, 0, 56),
            (96, most + 1, 0, 56),
            (96, 1 << 20, 1 << 19, 56),
        ] {
            let inode = head.file(&FileFields { start, size, sparse, fragment: (u32::MAX, 0) });
            assert_eq!(inode.len(), length, "{start} {size} {sparse}");
            assert_eq!(inode[0], if length == 32 { 2 } else { 9 });
        }
    }
}
