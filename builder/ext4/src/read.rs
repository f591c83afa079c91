//! ext4 file systems of anyone's, read with suspicion.
//!
//! The crate `ext4-view` reads them, checksums and journal included; nothing of the writer here is used, so that the two
//! can be held against each other. What it takes from the file system without a look is looked at before: the number of
//! groups, for which it makes room at once, and the length of a symbolic link, which it reads whole.
//!
//! It does not give extended attributes, the numbers of devices, or which names are links to the same file. So in a
//! [`tree`](Ext4Reader::tree) files have no attributes, devices have the number 0:0, and each name is a file of its own.
//! Times are not read. [`metadata`](Ext4Reader::metadata) and [`xattrs`](Ext4Reader::xattrs) read the inode itself.

mod acl;
mod error;
mod lookup;
mod superblock;
mod tree;
mod volume;
mod xattr;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::rc::Rc;

use builder_block::{ByteSize, ReadAt};
use builder_tree::{Timestamp, join};
use ext4_view::{Ext4, Ext4Error as ViewError, Ext4Read};

pub use error::ReadError;
use error::{broken, failed};
use superblock::SUPERBLOCK;
use volume::{RawInode, Volume};

/// Longest symbolic link in bytes (PATH_MAX).
const LINK_LIMIT: u64 = 4096;
/// Symbolic links that are followed on one way.
const LINKS_LIMIT: usize = 40;
/// Longest name in bytes.
const NAME_LIMIT: usize = 255;
/// Most names below a directory that is read whole: the number that a layer of an image may have.
const NAME_COUNT_LIMIT: u64 = 1 << 22;
/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;

/// An ext4 file system on a device. Paths are bytes, from its root, without a leading slash.
pub struct Ext4Reader {
    view: Ext4,
    volume: Volume,
    kept: RefCell<lookup::Kept>,
    /// A directory's path as it was asked for last, and where it led.
    parent: RefCell<(Vec<u8>, Option<Vec<u8>>)>,
}

impl fmt::Debug for Ext4Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ext4Reader").field("view", &self.view).finish_non_exhaustive()
    }
}

/// What an inode says of itself, as `lstat` would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InodeFacts {
    /// Its number. Names with one number are links to one file.
    pub inode: u32,
    /// Type (`S_IFMT`) and permissions.
    pub mode: u16,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Bytes of the body or of the link's target.
    pub size: u64,
    /// Names it claims to have.
    pub links: u16,
    /// When the body was changed last.
    pub mtime: Timestamp,
}

/// What is at a path, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundKind {
    /// A regular file of so many bytes.
    File(u64),
    /// A directory.
    Directory,
    /// A device, a FIFO or a socket.
    Special,
}

impl Ext4Reader {
    /// Whether the device holds an ext4 file system, or one of its ancestors: by the superblock's magic number.
    ///
    /// # Errors
    /// The device cannot be read.
    pub fn is_there(device: &dyn ReadAt) -> io::Result<bool> {
        if device.size().bytes() < SUPERBLOCK.0 + SUPERBLOCK.1 as u64 {
            return Ok(false);
        }
        let mut magic = [0; 2];
        device.read_at(SUPERBLOCK.0 + 0x38, &mut magic)?;
        Ok(u16::from_le_bytes(magic) == 0xef53)
    }

    /// Reads the superblock and what belongs to it.
    ///
    /// # Errors
    /// [`ReadError`]: it is damaged, or has features that are not read.
    pub fn open(device: Box<dyn ReadAt>) -> Result<Self, ReadError> {
        let mut bytes = [0; SUPERBLOCK.1];
        device.read_at(SUPERBLOCK.0, &mut bytes)?;
        superblock::check(&bytes, device.size())?;
        let device: Rc<dyn ReadAt> = device.into();
        let view = Ext4::load(Box::new(Device(Rc::clone(&device)))).map_err(|source| failed(b"", source))?;
        Ok(Self { view, volume: Volume::new(device, &bytes)?, kept: RefCell::default(), parent: RefCell::default() })
    }

    /// Size of the file system, by its superblock.
    #[must_use]
    pub fn size(&self) -> ByteSize {
        ByteSize::new(self.volume.blocks.saturating_mul(self.volume.block_size))
    }

    /// What `path` says of itself; `None` where nothing is. Links are followed on the way, but not at its end.
    ///
    /// # Errors
    /// [`ReadError`]: the file system is damaged, or its journal has to be replayed first.
    pub fn metadata(&self, path: &[u8]) -> Result<Option<InodeFacts>, ReadError> {
        let Some((number, inode)) = self.inode(path)? else { return Ok(None) };
        let both = |low: usize, high: usize| u32::from(inode.half(high)) << 16 | u32::from(inode.half(low));
        let regular = inode.mode() & lookup::TYPE == 0o100_000;
        // Linux, ext4 "Inode Timestamps": two bits more for the seconds, 30 for the nanoseconds.
        let (seconds, more) = (inode.word(0x10).cast_signed(), inode.extra_word(0x88));
        Ok(Some(InodeFacts {
            inode: number,
            mode: inode.mode(),
            uid: both(0x02, 0x78),
            gid: both(0x18, 0x7a),
            // Only of regular files it has always been the upper half of the size.
            size: if regular { u64::from(inode.word(0x6c)) << 32 } else { 0 } | u64::from(inode.word(0x04)),
            links: inode.half(0x1a),
            mtime: Timestamp {
                seconds: i64::from(seconds) + (i64::from(more & 3) << 32),
                nanoseconds: (more >> 2).min(999_999_999),
            },
        }))
    }

    /// The extended attributes of `path` with their full names, as the kernel gives them to root: access control lists
    /// in the form of the system calls, what the file system has for itself left out. Links are followed on the way, but
    /// not at its end.
    ///
    /// # Errors
    /// [`ReadError`]: nothing is there, the file system is damaged, its journal has to be replayed first, or a value is
    /// in an inode of its own.
    pub fn xattrs(&self, path: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadError> {
        let (number, inode) = self.inode(path)?.ok_or_else(|| ReadError::Missing { path: path.to_vec() })?;
        xattr::attributes(&self.volume, &inode).map_err(|fault| broken(path, number, fault))
    }

    /// The target of the symbolic link at `path`; `None` where none is. Links are followed on the way.
    ///
    /// # Errors
    /// [`ReadError`]: the file system is damaged, or the target is longer than 4096 bytes.
    pub fn target(&self, path: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(path) = self.place(path)? else { return Ok(None) };
        match self.view.symlink_metadata(&absolute(&path)) {
            Ok(metadata) if metadata.is_symlink() => self.link(&path, metadata.len()).map(Some),
            Ok(_) | Err(ViewError::NotFound | ViewError::NotADirectory) => Ok(None),
            Err(source) => Err(failed(&path, source)),
        }
    }

    /// Hands the body of the regular file that `path` leads to, of at most `limit` bytes, to `take`, and gives its length.
    ///
    /// # Errors
    /// [`ReadError`]: there is none, it is larger, or `take` failed.
    pub fn stream(
        &self,
        path: &[u8],
        limit: u64,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<u64, ReadError> {
        let missing = || ReadError::Missing { path: path.to_vec() };
        let mut found = self.place(path)?.ok_or_else(missing)?;
        match self.view.symlink_metadata(&absolute(&found)) {
            Ok(metadata) if !metadata.is_symlink() => {}
            Ok(_) => found = self.find(path)?.ok_or_else(missing)?,
            Err(ViewError::NotFound | ViewError::NotADirectory) => return Err(missing()),
            Err(source) => return Err(failed(path, source)),
        }
        let mut file = self.view.open(&absolute(&found)).map_err(|source| failed(path, source))?;
        let size = file.metadata().len();
        if size > limit {
            return Err(ReadError::Limit { path: path.to_vec(), what: "its bytes are", value: size, limit });
        }
        read_all(&mut file, &found, take)?;
        Ok(size)
    }

    /// `path` with links followed, but for one at its end.
    fn place(&self, path: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let mut names = components(path);
        match names.first() {
            None => Ok(Some(Vec::new())),
            Some(last) if last == b".." => self.find(path),
            Some(_) => {
                let last = names.remove(0);
                names.reverse();
                let parent = names.join(&b'/');
                if self.parent.borrow().0 != parent || parent.is_empty() {
                    let found = self.find(&parent)?;
                    *self.parent.borrow_mut() = (parent, found);
                }
                // Files are asked for directory by directory.
                Ok(self.parent.borrow().1.as_ref().map(|parent| join(parent, &last)))
            }
        }
    }

    fn inode(&self, path: &[u8]) -> Result<Option<(u32, RawInode)>, ReadError> {
        let Some(place) = self.place(path)? else { return Ok(None) };
        let found = lookup::inode_number(&self.volume, &mut self.kept.borrow_mut(), &place);
        let Some(number) = found.map_err(|(number, fault)| broken(path, number, fault))? else { return Ok(None) };
        let inode = self.volume.inode(number).map_err(|fault| broken(path, number, fault))?;
        Ok(Some((number, inode)))
    }

    /// Where `path` leads, symbolic links followed; `None` where nothing is.
    ///
    /// # Errors
    /// [`ReadError`]: the file system is damaged, or a way goes through more than 40 links.
    pub fn find(&self, path: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let mut found: Vec<u8> = Vec::new();
        let mut rest: Vec<Vec<u8>> = components(path);
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == b".." {
                let end = found.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
                found.truncate(end);
                continue;
            }
            let here = join(&found, &name);
            if name.len() > NAME_LIMIT || name.contains(&0) || here.len() as u64 > LINK_LIMIT {
                return Ok(None);
            }
            let metadata = match self.view.symlink_metadata(&absolute(&here)) {
                Ok(metadata) => metadata,
                Err(ViewError::NotFound | ViewError::NotADirectory) => return Ok(None),
                Err(source) => return Err(failed(&here, source)),
            };
            if metadata.is_symlink() {
                links += 1;
                if links > LINKS_LIMIT {
                    let (path, limit) = (path.to_vec(), LINKS_LIMIT as u64);
                    return Err(ReadError::Limit {
                        path,
                        what: "the symbolic links on the way are",
                        value: limit + 1,
                        limit,
                    });
                }
                let target = self.link(&here, metadata.len())?;
                if target.starts_with(b"/") {
                    found.clear();
                }
                rest.extend(components(&target));
            } else {
                found = here;
            }
        }
        Ok(Some(found))
    }

    /// What `path` leads to; `None` where nothing is.
    ///
    /// # Errors
    /// As [`Ext4Reader::find`].
    pub fn kind(&self, path: &[u8]) -> Result<Option<FoundKind>, ReadError> {
        let Some(found) = self.find(path)? else { return Ok(None) };
        let metadata = self.view.metadata(&absolute(&found)).map_err(|source| failed(&found, source))?;
        let kind = metadata.file_type();
        Ok(Some(if kind.is_dir() {
            FoundKind::Directory
        } else if kind.is_regular_file() {
            FoundKind::File(metadata.len())
        } else {
            FoundKind::Special
        }))
    }

    /// The names in the directory that `path` leads to, sorted; none where there is no such directory.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn names(&self, path: &[u8]) -> Result<Vec<Vec<u8>>, ReadError> {
        let Some(path) = self.find(path)? else { return Ok(Vec::new()) };
        let entries = match self.view.read_dir(&absolute(&path)) {
            Ok(entries) => entries,
            Err(ViewError::NotADirectory) => return Ok(Vec::new()),
            Err(source) => return Err(failed(&path, source)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| failed(&path, source))?;
            let name = entry.file_name().as_ref().to_vec();
            if name == b"." || name == b".." {
                continue;
            }
            if names.len() as u64 == NAME_COUNT_LIMIT {
                let limit = NAME_COUNT_LIMIT;
                return Err(ReadError::Limit { path, what: "the names in it are", value: limit + 1, limit });
            }
            names.push(name);
        }
        names.sort();
        Ok(names)
    }

    /// The body of the regular file that `path` leads to, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`ReadError`]: there is none, or it is larger.
    pub fn read(&self, path: &[u8], limit: u64) -> Result<Vec<u8>, ReadError> {
        let mut body = Vec::new();
        self.stream(path, limit, &mut |bytes| {
            body.extend_from_slice(bytes);
            Ok(())
        })?;
        Ok(body)
    }

    fn link(&self, path: &[u8], length: u64) -> Result<Vec<u8>, ReadError> {
        if length > LINK_LIMIT {
            let path = path.to_vec();
            return Err(ReadError::Limit {
                path,
                what: "the bytes of the symbolic link are",
                value: length,
                limit: LINK_LIMIT,
            });
        }
        let target = self.view.read_link(&absolute(path)).map_err(|source| failed(path, source))?;
        Ok(target.as_ref().to_vec())
    }
}

fn read_all(
    file: &mut ext4_view::File,
    path: &[u8],
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), ReadError> {
    let mut buffer = vec![0; CHUNK];
    let mut filled = 0;
    // The crate gives a block at a time.
    loop {
        let now = file.read_bytes(&mut buffer[filled..]).map_err(|source| failed(path, source))?;
        filled += now;
        if now == 0 || filled == buffer.len() {
            take(&buffer[..filled])?;
            filled = 0;
        }
        if now == 0 {
            return Ok(());
        }
    }
}

/// The names of a path, the first one last.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && *name != b".");
    let mut names: Vec<_> = names.map(<[u8]>::to_vec).collect();
    names.reverse();
    names
}

fn absolute(path: &[u8]) -> ext4_view::PathBuf {
    ext4_view::PathBuf::new(b"/").join(path)
}

/// The device as the crate wants it.
struct Device(Rc<dyn ReadAt>);

impl Ext4Read for Device {
    fn read(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(self.0.read_at(offset, bytes)?)
    }
}
