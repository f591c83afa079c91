//! A part of the root file system, as the repository's reader wants it.

use std::cell::Cell;
use std::io;

use builder_ext4::read::{Ext4Reader, FoundKind, InodeFacts};
use builder_ostree::verify::{Attributes, FileFacts, RepoFiles};
use builder_tree::join;

use super::HOLES;

/// A directory of the file system, as the repository's reader wants it.
pub(super) struct Below<'r> {
    root: &'r Ext4Reader,
    directory: Vec<u8>,
    /// Bytes of bodies that are left to be read.
    left: Cell<u64>,
}

impl<'r> Below<'r> {
    pub(super) fn new(root: &'r Ext4Reader, directory: &[u8]) -> Self {
        let left = Cell::new(root.size().bytes().saturating_mul(2).saturating_add(HOLES));
        Self { root, directory: directory.to_vec(), left }
    }

    fn at(&self, path: &[u8]) -> Vec<u8> {
        below_of(&self.directory, path)
    }
}

impl RepoFiles for Below<'_> {
    fn metadata(&self, path: &[u8]) -> io::Result<Option<FileFacts>> {
        let facts = self.root.metadata(&self.at(path)).map_err(io::Error::other)?;
        Ok(facts.map(|InodeFacts { inode, mode, uid, gid, size, .. }| FileFacts {
            mode: mode.into(),
            uid,
            gid,
            size,
            inode: inode.into(),
        }))
    }

    fn list(&self, path: &[u8]) -> io::Result<Option<Vec<Vec<u8>>>> {
        let path = self.at(path);
        match self.root.kind(&path).map_err(io::Error::other)? {
            Some(FoundKind::Directory) => self.root.names(&path).map(Some).map_err(io::Error::other),
            _ => Ok(None),
        }
    }

    fn read(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        self.root.read(&self.at(path), limit).map_err(io::Error::other)
    }

    fn target(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let target = self.root.target(&self.at(path)).map_err(io::Error::other)?;
        target.ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    fn xattrs(&self, path: &[u8]) -> io::Result<Attributes> {
        self.root.xattrs(&self.at(path)).map_err(io::Error::other)
    }

    fn stream(&self, path: &[u8], take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let taken = self.root.stream(&self.at(path), self.left.get(), &mut |bytes| {
            take(bytes);
            Ok(())
        });
        self.left.set(self.left.get().saturating_sub(taken.map_err(io::Error::other)?));
        Ok(())
    }
}

/// A path below a directory, or the directory itself.
pub(super) fn below_of(directory: &[u8], below: &[u8]) -> Vec<u8> {
    if below.is_empty() { directory.to_vec() } else { join(directory, below) }
}
