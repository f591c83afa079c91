//! Whether a file of an image would be made by tmpfiles.d as well.

use builder_tree::{FileTree, InodeKind, Node};

use crate::place::{LastLink, follow, names};
use crate::tmpfiles::TmpfilesConfig;
use crate::tmpfiles::line::{LineKind, LinePath, TmpfilesLine};

/// The types of file that tmpfiles.d can make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MadeKind {
    /// A directory; subvolumes count as such.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A regular file.
    RegularFile,
    /// A named pipe.
    Fifo,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
}

impl MadeKind {
    /// The type of a node; `None` for sockets.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        let Node::Leaf(inode) = node else { return Some(Self::Directory) };
        Some(match inode.kind {
            InodeKind::Regular(_) => Self::RegularFile,
            InodeKind::Symlink(_) => Self::Symlink,
            InodeKind::Fifo => Self::Fifo,
            InodeKind::CharDevice { .. } => Self::CharDevice,
            InodeKind::BlockDevice { .. } => Self::BlockDevice,
            InodeKind::Socket => return None,
        })
    }
}

/// What a line that copies makes of its source in the tree; `None` without one.
pub(crate) fn copied(tree: &FileTree, line: &TmpfilesLine) -> Option<MadeKind> {
    let source = line.argument.as_deref().filter(|_| line.kind == LineKind::Copy)?;
    MadeKind::of(follow(tree, source, LastLink::Keep).ok()?.node?)
}

impl TmpfilesConfig {
    /// The line that makes something of this kind at `path`, a true path of the tree as
    /// [`builder_tree::Directory::walk`] gives it (a leading slash makes no difference).
    ///
    /// A line `d /root/.ssh` covers `var/roothome/.ssh` where `/root` is a link there. Lines that need a credential do
    /// not count, nor do those whose path depends on the running machine, nor links made only for targets that exist
    /// (`L?`).
    ///
    /// That the parents of what a line makes come with it is another question: see [`Self::implies`].
    #[must_use]
    pub fn covers(&self, path: &[u8], kind: MadeKind) -> Option<&TmpfilesLine> {
        self.about(path).find(|line| line.made() == Some(kind))
    }

    /// The line that makes something below the directory `path`, which so comes to exist, as root's and with the
    /// mode 0755. `path` is as for [`Self::covers`].
    ///
    /// bootc's lint `var-tmpfiles` does not accept that: it wants a line for every directory.
    #[must_use]
    pub fn implies(&self, path: &[u8]) -> Option<&TmpfilesLine> {
        let mut below = key(path);
        if !below.is_empty() {
            below.push(b'/');
        }
        self.places
            .range(below.clone()..)
            .take_while(|(place, _)| place.starts_with(&below))
            .flat_map(|(_, numbers)| numbers)
            .map(|&number| &self.lines[number])
            .find(|line| line.made().is_some())
    }

    /// The lines about `path`, whatever they do with it: bootc's lint `var-tmpfiles` is content with any. `path` is as
    /// for [`Self::covers`]; patterns count only for the path they spell.
    pub fn about(&self, path: &[u8]) -> impl Iterator<Item = &TmpfilesLine> {
        self.places.get(&key(path)).into_iter().flatten().map(|&number| &self.lines[number])
    }

    /// The line that brings `path` by copying a directory above it, whose copy is `kind` in `tree`. `path` is as for
    /// [`Self::covers`].
    #[must_use]
    pub fn copies(&self, tree: &FileTree, path: &[u8], kind: MadeKind) -> Option<&TmpfilesLine> {
        let path = key(path);
        let slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
        slashes.map(|(slash, _)| path.split_at(slash)).find_map(|(above, below)| {
            let copy = self.covers(above, MadeKind::Directory).filter(|line| line.kind == LineKind::Copy)?;
            let source = [copy.argument.as_deref()?, below].concat();
            let node = follow(tree, &source, LastLink::Keep).ok()?.node?;
            (MadeKind::of(node) == Some(kind)).then_some(copy)
        })
    }
}

impl TmpfilesLine {
    /// What the line makes on every boot of every machine, where nothing is there yet.
    #[must_use]
    pub fn made(&self) -> Option<MadeKind> {
        let sure =
            !self.modifiers.credential && !self.modifiers.if_target_exists && matches!(self.path, LinePath::Known(_));
        self.kind.makes().or(self.copied).filter(|_| sure)
    }
}

/// A path as the places are kept.
fn key(path: &[u8]) -> Vec<u8> {
    names(path).collect::<Vec<_>>().join(&b'/')
}
