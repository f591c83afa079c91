//! The names in a directory.

use builder_block::ReadAt;

use super::error::ReadError;
use super::image::Squashfs;
use super::inode::DirectoryInode;
use super::metadata::Metadata;
use super::superblock::{u16_at, u32_at};
use crate::constants::{DIRECTORY_GROUP, NAME_BYTES, inode_type};

/// Longest list of names in bytes that is gone through.
const SIZE_LIMIT: u32 = 1 << 26;

/// A name in a directory, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name: bytes, without a slash in images that are not damaged.
    pub name: Vec<u8>,
    /// What it is the name of.
    pub kind: EntryKind,
    pub(super) block: u32,
    pub(super) offset: u16,
}

/// What a directory says that a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A symbolic link.
    Symlink,
    /// A device, a pipe or a socket.
    Other,
}

/// A name as it is in the image.
pub(super) struct Found {
    pub(super) name: Vec<u8>,
    kind: EntryKind,
    pub(super) block: u32,
    pub(super) offset: u16,
}

impl Found {
    pub(super) fn into_entry(self) -> Entry {
        Entry { name: self.name, kind: self.kind, block: self.block, offset: self.offset }
    }
}

/// Goes through the names of a directory.
pub(super) struct Names<'a, R> {
    /// None where there are no names.
    table: Option<Metadata<'a, R>>,
    /// Bytes that are left of the list.
    left: u32,
    /// Names that are left below the last header.
    group: u32,
    /// Where their inodes are.
    block: u32,
}

impl<'a, R: ReadAt> Names<'a, R> {
    pub(super) fn new(image: &'a Squashfs<R>, directory: &DirectoryInode) -> Result<Self, ReadError> {
        let left = directory.size;
        if left > SIZE_LIMIT {
            let (value, limit) = (u64::from(left), u64::from(SIZE_LIMIT));
            return Err(ReadError::Limit { what: "bytes of the names of a directory", value, limit });
        }
        let superblock = &image.superblock;
        let begin = superblock.directory_table.saturating_add(u64::from(directory.block));
        let table = (left > 0)
            .then(|| Metadata::new(image, "the table of directories", begin, directory.offset, superblock.bytes_used));
        Ok(Self { table: table.transpose()?, left, group: 0, block: 0 })
    }

    /// The next name.
    pub(super) fn next(&mut self) -> Result<Option<Found>, ReadError> {
        let Some(table) = &mut self.table else { return Ok(None) };
        if self.group == 0 {
            if self.left == 0 {
                return Ok(None);
            }
            take(&mut self.left, 12, table.at())?;
            let header: [u8; 12] = table.array()?;
            let more = u32_at(&header, 0);
            if more as usize >= DIRECTORY_GROUP {
                return Err(damaged(
                    table.at(),
                    "a header of one more than",
                    u64::from(more),
                    "it has 256 names at most",
                ));
            }
            (self.group, self.block) = (more + 1, u32_at(&header, 4));
        }
        take(&mut self.left, 8, table.at())?;
        let entry: [u8; 8] = table.array()?;
        let length = usize::from(u16_at(&entry, 6)) + 1;
        if length > NAME_BYTES {
            return Err(damaged(table.at(), "a name of", length as u64, "names have 255 bytes at most"));
        }
        // At most 255.
        take(&mut self.left, u32::try_from(length).unwrap_or(u32::MAX), table.at())?;
        let mut name = vec![0; length];
        table.fill(&mut name)?;
        let kind = match u16_at(&entry, 4) {
            inode_type::DIRECTORY => EntryKind::Directory,
            inode_type::FILE => EntryKind::File,
            inode_type::SYMLINK => EntryKind::Symlink,
            inode_type::FIRST_OTHER..=inode_type::LAST_OTHER => EntryKind::Other,
            value => return Err(damaged(table.at(), "a name of type", u64::from(value), "there are 1 to 7")),
        };
        self.group -= 1;
        Ok(Some(Found { name, kind, block: self.block, offset: u16_at(&entry, 0) }))
    }
}

fn take(left: &mut u32, length: u32, at: u64) -> Result<(), ReadError> {
    *left = left
        .checked_sub(length)
        .ok_or_else(|| damaged(at, "names that need", u64::from(length), "its inode says that fewer bytes are left"))?;
    Ok(())
}

fn damaged(at: u64, field: &'static str, value: u64, limit: &'static str) -> ReadError {
    ReadError::Damaged { what: "a directory", at, field, value, limit }
}
