//! An image and the ways into it.

use builder_block::{ByteSize, ReadAt};
use zstd::bulk::Decompressor;

use super::directory::{Entry, Names};
use super::error::ReadError;
use super::file::File;
use super::inode::{DirectoryInode, FileInode, Inode, InodeKind};
use super::metadata::{Metadata, Recent};
use super::superblock::{Superblock, u64_at};
use crate::constants::{METADATA_BYTES, NAME_BYTES, SUPERBLOCK_BYTES};

/// Most names of a directory that are kept in memory.
const ENTRIES_LIMIT: usize = 1 << 20;

/// A squashfs 4.0 image that is compressed with zstd.
#[derive(Debug)]
pub struct Squashfs<R> {
    device: R,
    /// Where the image begins on the device, in bytes.
    start: u64,
    pub(super) superblock: Superblock,
    pub(super) recent: Recent,
}

impl<R: ReadAt> Squashfs<R> {
    /// Opens the image that begins at the byte `start` of `device`.
    ///
    /// # Errors
    /// [`ReadError`]: there is no such image, it is of a kind that is not read, or its superblock cannot be true.
    pub fn open(device: R, start: u64) -> Result<Self, ReadError> {
        let room = device.size().bytes().saturating_sub(start);
        if room < SUPERBLOCK_BYTES as u64 {
            let mut found = vec![0; usize::try_from(room.min(4)).unwrap_or_default()];
            if room > 0 {
                device.read_at(start, &mut found).map_err(|source| ReadError::Io { at: 0, source })?;
            }
            return Err(ReadError::Magic { found });
        }
        let mut bytes = [0; SUPERBLOCK_BYTES];
        device.read_at(start, &mut bytes).map_err(|source| ReadError::Io { at: 0, source })?;
        let superblock = Superblock::parse(&bytes, room)?;
        Ok(Self { device, start, superblock, recent: Recent::default() })
    }

    /// Bytes that the image has, without padding.
    #[must_use]
    pub fn bytes_used(&self) -> ByteSize {
        ByteSize::new(self.superblock.bytes_used)
    }

    /// Bytes of a file that are compressed together.
    #[must_use]
    pub fn block_size(&self) -> ByteSize {
        ByteSize::new(self.superblock.block_size())
    }

    /// When the image was made, in seconds since 1970.
    #[must_use]
    pub fn mtime(&self) -> u32 {
        self.superblock.mtime
    }

    /// How many inodes the image says it has.
    #[must_use]
    pub fn inode_count(&self) -> u32 {
        self.superblock.inodes
    }

    /// The root directory's inode.
    ///
    /// # Errors
    /// [`ReadError`]: it cannot be read, or is damaged.
    pub fn root(&self) -> Result<Inode, ReadError> {
        let (block, offset) = self.superblock.root;
        self.inode(block, offset)
    }

    /// What is at `path`: names with slashes between them, and none for the root. Symbolic links are not followed.
    ///
    /// # Errors
    /// As [`Squashfs::root`].
    pub fn lookup(&self, path: &[u8]) -> Result<Option<Inode>, ReadError> {
        let mut inode = self.root()?;
        for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            let InodeKind::Directory(directory) = &inode.kind else { return Ok(None) };
            if name.len() > NAME_BYTES {
                return Ok(None);
            }
            let mut names = Names::new(self, directory)?;
            inode = loop {
                match names.next()? {
                    None => return Ok(None),
                    Some(found) if found.name == name => break self.inode(u64::from(found.block), found.offset)?,
                    Some(_) => (),
                }
            };
        }
        Ok(Some(inode))
    }

    /// The names of a directory of this image, in the order of the image.
    ///
    /// # Errors
    /// [`ReadError`]: they cannot be read, are damaged, or more than 2^20.
    pub fn entries(&self, directory: &DirectoryInode) -> Result<Vec<Entry>, ReadError> {
        let mut names = Names::new(self, directory)?;
        let mut entries = Vec::new();
        while let Some(found) = names.next()? {
            if entries.len() == ENTRIES_LIMIT {
                let limit = ENTRIES_LIMIT as u64;
                return Err(ReadError::Limit { what: "a directory", value: limit + 1, limit });
            }
            entries.push(found.into_entry());
        }
        Ok(entries)
    }

    /// The inode that an entry of a directory of this image leads to.
    ///
    /// # Errors
    /// As [`Squashfs::root`].
    pub fn inode_of(&self, entry: &Entry) -> Result<Inode, ReadError> {
        self.inode(u64::from(entry.block), entry.offset)
    }

    /// Opens a file of this image: reads the list of its blocks, four bytes for each.
    ///
    /// # Errors
    /// [`ReadError`]: the list or the place of its fragment cannot be read or is damaged, or there are more blocks than
    /// [`BLOCKS_LIMIT`](crate::BLOCKS_LIMIT).
    pub fn file(&self, inode: &FileInode) -> Result<File<'_, R>, ReadError> {
        File::open(self, inode)
    }

    /// Opens the file at `path`, see [`Squashfs::lookup`] and [`Squashfs::file`].
    ///
    /// # Errors
    /// [`ReadError::Missing`] and [`ReadError::NoFile`], and those of both.
    pub fn open_file(&self, path: &[u8]) -> Result<File<'_, R>, ReadError> {
        match self.lookup(path)?.map(|inode| inode.kind) {
            Some(InodeKind::File(file)) => self.file(&file),
            Some(_) => Err(ReadError::NoFile { path: path.to_owned() }),
            None => Err(ReadError::Missing { path: path.to_owned() }),
        }
    }

    /// Fills `buffer` with `what` from the byte `at` of the image.
    pub(super) fn read(&self, what: &'static str, at: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        let inside = at.checked_add(buffer.len() as u64).is_some_and(|end| end <= self.superblock.bytes_used);
        let offset = self.start.checked_add(at).filter(|_| inside).ok_or(ReadError::Damaged {
            what,
            at,
            field: "a length of",
            value: buffer.len() as u64,
            limit: "the image ends before",
        })?;
        self.device.read_at(offset, buffer).map_err(|source| ReadError::Io { at, source })
    }

    /// The entry of this number in a table that has the places of its metadata blocks at `places`.
    pub(super) fn table_entry<const N: usize>(
        &self,
        what: &'static str,
        places: u64,
        number: u32,
    ) -> Result<[u8; N], ReadError> {
        let in_block = METADATA_BYTES / N;
        let (block, entry) = (number as usize / in_block, number as usize % in_block);
        let mut place = [0; 8];
        self.read(what, places.saturating_add(8 * block as u64), &mut place)?;
        // Less than 8192.
        let offset = u16::try_from(entry * N).unwrap_or(u16::MAX);
        Metadata::new(self, what, u64_at(&place, 0), offset, self.superblock.bytes_used)?.array()
    }
}

/// What zstd makes of `stored`, which is at the byte `at` and must not give more than `limit` bytes.
pub(super) fn decompress(stored: &[u8], limit: usize, what: &'static str, at: u64) -> Result<Vec<u8>, ReadError> {
    let failed = |source| ReadError::Zstd { what, at, source };
    let mut plain = Vec::with_capacity(limit);
    let mut decompressor = Decompressor::new().map_err(failed)?;
    let length = decompressor.decompress_to_buffer(stored, &mut plain).map_err(failed)?;
    plain.truncate(length);
    Ok(plain)
}
