//! The whole of an initramfs, and questions to it.

use std::collections::btree_map;

use crate::tree::{NodeId, ROOT, Tree};
use crate::walk::{LastLink, Spot, walk};
use crate::{Archive, Entry, Ignored, InitramfsError};

/// What an initramfs holds, as the kernel has it after unpacking.
///
/// Paths are bytes, with or without a leading `/` or `./`. Made by [`Initramfs::read`].
#[derive(Debug)]
pub struct Initramfs {
    pub(crate) archives: Vec<Archive>,
    pub(crate) tree: Tree,
    pub(crate) ignored: Vec<Ignored>,
    pub(crate) ignored_count: u64,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<'a> {
    /// The path with all symbolic links followed, without a leading slash; empty for the root.
    pub path: Vec<u8>,
    /// What is there.
    pub entry: &'a Entry,
}

/// A regular file whose body was kept.
struct File<'a> {
    path: Vec<u8>,
    body: &'a [u8],
}

impl Initramfs {
    /// The archives, in their order.
    #[must_use]
    pub fn archives(&self) -> &[Archive] {
        &self.archives
    }

    /// All paths and what is there, each directory before what is in it, names in the order of their bytes.
    ///
    /// Paths have no leading slash. The root comes first, as the empty path, whether an archive has it or not.
    pub fn entries(&self) -> impl Iterator<Item = (Vec<u8>, &Entry)> {
        Entries { tree: &self.tree, path: Vec::new(), open: Vec::new(), is_begun: false }
    }

    /// What is at the path itself; a symbolic link at its end is not followed.
    #[must_use]
    pub fn entry(&self, path: impl AsRef<[u8]>) -> Option<&Entry> {
        let spot = self.walk(path.as_ref(), LastLink::Keep)?;
        Some(self.tree.entry(spot.node?))
    }

    /// Where the path leads when all symbolic links are followed. None for links into nowhere or in a circle.
    #[must_use]
    pub fn resolve(&self, path: impl AsRef<[u8]>) -> Option<Resolved<'_>> {
        let spot = self.walk(path.as_ref(), LastLink::Follow)?;
        let entry = self.tree.entry(spot.node?);
        Some(Resolved { path: spot.path, entry })
    }

    /// Whether the path leads to something.
    #[must_use]
    pub fn has(&self, path: impl AsRef<[u8]>) -> bool {
        self.resolve(path).is_some()
    }

    /// The body of the file that the path leads to; none if it leads to nothing.
    ///
    /// # Errors
    ///
    /// What is there is not a regular file, or its body was not wanted when the initramfs was read.
    pub fn body(&self, path: impl AsRef<[u8]>) -> Result<Option<&[u8]>, InitramfsError> {
        Ok(self.file(path.as_ref())?.map(|file| file.body))
    }

    /// The text of the file that the path leads to; none if it leads to nothing.
    ///
    /// # Errors
    ///
    /// As for [`body`](Self::body), or the file is not UTF-8.
    pub fn text(&self, path: impl AsRef<[u8]>) -> Result<Option<&str>, InitramfsError> {
        let Some(File { path, body }) = self.file(path.as_ref())? else { return Ok(None) };
        match std::str::from_utf8(body) {
            Ok(text) => Ok(Some(text)),
            Err(source) => Err(InitramfsError::NotText { path: lossy(&path), source }),
        }
    }

    /// The first entries that the kernel drops without a word, at most 100.
    #[must_use]
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }

    /// How many entries the kernel drops without a word.
    #[must_use]
    pub fn ignored_count(&self) -> u64 {
        self.ignored_count
    }

    fn file(&self, path: &[u8]) -> Result<Option<File<'_>>, InitramfsError> {
        let Some(Spot { path, node: Some(node), .. }) = self.walk(path, LastLink::Follow) else { return Ok(None) };
        if !self.tree.entry(node).kind.is_file() {
            return Err(InitramfsError::NotAFile { path: lossy(&path) });
        }
        match self.tree.body(node) {
            Some(body) => Ok(Some(File { path, body })),
            None => Err(InitramfsError::NotKept { path: lossy(&path) }),
        }
    }

    fn walk(&self, path: &[u8], last: LastLink) -> Option<Spot> {
        walk(&self.tree, path, last, &mut 0).ok()
    }
}

/// Bytes as text for people.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Goes through the tree without recursion, which a hostile archive could make deep.
struct Entries<'a> {
    tree: &'a Tree,
    /// Path of the innermost open directory.
    path: Vec<u8>,
    /// The open directories, each with the length of its path.
    open: Vec<(usize, btree_map::Iter<'a, Vec<u8>, NodeId>)>,
    is_begun: bool,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (Vec<u8>, &'a Entry);

    fn next(&mut self) -> Option<Self::Item> {
        if !self.is_begun {
            self.is_begun = true;
            self.open.push((0, self.tree.children(ROOT)));
            return Some((Vec::new(), self.tree.entry(ROOT)));
        }
        loop {
            let (length, children) = self.open.last_mut()?;
            self.path.truncate(*length);
            let Some((name, &id)) = children.next() else {
                self.open.pop();
                continue;
            };
            if !self.path.is_empty() {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name);
            let entry = self.tree.entry(id);
            if entry.kind.is_directory() {
                self.open.push((self.path.len(), self.tree.children(id)));
            }
            return Some((self.path.clone(), entry));
        }
    }
}
