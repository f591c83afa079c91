//! What a file is, apart from its names.

use builder_block::{ByteSize, ReadAt};

use super::error::ReadError;
use super::image::Squashfs;
use super::metadata::Metadata;
use super::superblock::{u16_at, u32_at, u64_at};
use crate::constants::{DIRECTORY_EXTRA, ID_BYTES, NONE, inode_type};

/// Longest target of a symbolic link in bytes; the kernel takes 4095.
const TARGET_LIMIT: u32 = 1 << 16;

/// What a file is, apart from its names.
#[derive(Clone, Debug)]
pub struct Inode {
    /// Its number; unique in images that are not damaged.
    pub number: u32,
    /// Permissions, set-user-ID, set-group-ID and sticky bit.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Seconds since 1970.
    pub mtime: u32,
    /// What it is.
    pub kind: InodeKind,
}

/// What an inode is of.
#[derive(Clone, Debug)]
pub enum InodeKind {
    /// A directory.
    Directory(DirectoryInode),
    /// A file.
    File(FileInode),
    /// A symbolic link, and its target.
    Symlink(Vec<u8>),
    /// A device, a pipe or a socket.
    Other,
}

/// Where the names of a directory are.
#[derive(Clone, Copy, Debug)]
pub struct DirectoryInode {
    pub(super) block: u32,
    pub(super) offset: u16,
    /// Length of the names with their headers in bytes.
    pub(super) size: u32,
}

/// Where the bytes of a file are.
#[derive(Clone, Copy, Debug)]
pub struct FileInode {
    /// Where its inode is: block in the table, byte in the block.
    pub(super) inode: (u64, u16),
    /// Bytes of the inode before the list of blocks.
    pub(super) head: usize,
    /// Where the first block begins in the image.
    pub(super) start: u64,
    pub(super) size: u64,
    /// Number of the fragment, and the byte in it.
    pub(super) fragment: Option<(u32, u32)>,
}

impl FileInode {
    /// Its length.
    #[must_use]
    pub fn size(&self) -> ByteSize {
        ByteSize::new(self.size)
    }
}

impl<R: ReadAt> Squashfs<R> {
    /// The table of inodes from byte `offset` of the block at byte `block` of it.
    pub(super) fn inodes(&self, (block, offset): (u64, u16)) -> Result<Metadata<'_, R>, ReadError> {
        let begin = self.superblock.inode_table.saturating_add(block);
        Metadata::new(self, "the table of inodes", begin, offset, self.superblock.directory_table)
    }

    /// The inode that begins there.
    pub(super) fn inode(&self, block: u64, offset: u16) -> Result<Inode, ReadError> {
        let mut table = self.inodes((block, offset))?;
        let head: [u8; 16] = table.array()?;
        let kind = match u16_at(&head, 0) {
            inode_type::DIRECTORY => {
                let fields: [u8; 16] = table.array()?;
                let size = u32::from(u16_at(&fields, 8));
                directory(u32_at(&fields, 0), u16_at(&fields, 10), size)
            }
            inode_type::EXTENDED_DIRECTORY => {
                let fields: [u8; 24] = table.array()?;
                directory(u32_at(&fields, 8), u16_at(&fields, 18), u32_at(&fields, 4))
            }
            inode_type::FILE => {
                let fields: [u8; 16] = table.array()?;
                InodeKind::File(FileInode {
                    inode: (block, offset),
                    head: 32,
                    start: u64::from(u32_at(&fields, 0)),
                    size: u64::from(u32_at(&fields, 12)),
                    fragment: fragment(u32_at(&fields, 4), u32_at(&fields, 8)),
                })
            }
            inode_type::EXTENDED_FILE => {
                let fields: [u8; 40] = table.array()?;
                InodeKind::File(FileInode {
                    inode: (block, offset),
                    head: 56,
                    start: u64_at(&fields, 0),
                    size: u64_at(&fields, 8),
                    fragment: fragment(u32_at(&fields, 28), u32_at(&fields, 32)),
                })
            }
            inode_type::SYMLINK | inode_type::EXTENDED_SYMLINK => {
                let fields: [u8; 8] = table.array()?;
                let length = u32_at(&fields, 4);
                if length > TARGET_LIMIT {
                    let (value, limit) = (u64::from(length), u64::from(TARGET_LIMIT));
                    return Err(ReadError::Limit { what: "the target of a symbolic link", value, limit });
                }
                let mut target = vec![0; length as usize];
                table.fill(&mut target)?;
                InodeKind::Symlink(target)
            }
            inode_type::FIRST_OTHER..=inode_type::LAST_OTHER
            | inode_type::FIRST_EXTENDED_OTHER..=inode_type::LAST_EXTENDED_OTHER => InodeKind::Other,
            value => {
                return Err(ReadError::Damaged {
                    what: "an inode",
                    at: table.at(),
                    field: "the type",
                    value: u64::from(value),
                    limit: "there are 1 to 14",
                });
            }
        };
        Ok(Inode {
            number: u32_at(&head, 12),
            mode: u16_at(&head, 2) & 0o7777,
            uid: self.id(u16_at(&head, 4))?,
            gid: self.id(u16_at(&head, 6))?,
            mtime: u32_at(&head, 8),
            kind,
        })
    }

    /// The owner or group at this place of their table.
    fn id(&self, number: u16) -> Result<u32, ReadError> {
        if number >= self.superblock.ids {
            return Err(ReadError::Damaged {
                what: "an inode",
                at: self.superblock.id_table,
                field: "an owner or group of number",
                value: u64::from(number),
                limit: "the table of them ends before",
            });
        }
        let entry: [u8; ID_BYTES] =
            self.table_entry("the table of owners", self.superblock.id_table, u32::from(number))?;
        Ok(u32::from_le_bytes(entry))
    }
}

fn directory(block: u32, offset: u16, size: u32) -> InodeKind {
    InodeKind::Directory(DirectoryInode { block, offset, size: size.saturating_sub(DIRECTORY_EXTRA) })
}

fn fragment(number: u32, offset: u32) -> Option<(u32, u32)> {
    (number != NONE).then_some((number, offset))
}
