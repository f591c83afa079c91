//! The root file system as the kernel has it after unpacking.

use std::collections::{BTreeMap, btree_map};

use crate::entry::{Entry, EntryKind};
use crate::header::{S_IFDIR, S_IFMT};
use crate::ignored::IgnoredReason;
use crate::walk::{LastLink, Spot, walk};

/// Index of a node.
pub(crate) type NodeId = usize;
/// The root directory.
pub(crate) const ROOT: NodeId = 0;

/// Directories that the kernel has before it unpacks, with their permissions. Linux, usr/default_cpio_list.
const BUILT_IN: [(&[u8], u32); 2] = [(b"dev", 0o755), (b"root", 0o700)];

/// What tells hard links in one archive: inode, device, type.
pub(crate) type LinkKey = (u32, (u32, u32), u32);

#[derive(Debug)]
struct Node {
    entry: Entry,
    children: BTreeMap<Vec<u8>, NodeId>,
    /// Whether one of its names is wanted.
    is_wanted: bool,
    body: Option<Vec<u8>>,
}

/// The root file system as the kernel has it after unpacking.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// First names of files with several, as the archive has them, whatever became of the entry.
    links: BTreeMap<LinkKey, Vec<u8>>,
    lookups: u64,
}

/// What became of an entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Placed {
    /// It is a regular file, and its body is to follow.
    File {
        /// Which.
        node: NodeId,
        /// The path without links.
        path: Vec<u8>,
        /// Whether it is a further name of a file that was there before.
        is_link: bool,
    },
    /// It is done.
    Other,
}

impl Tree {
    pub(crate) fn new() -> Self {
        let mut tree = Self { nodes: Vec::new(), links: BTreeMap::new(), lookups: 0 };
        tree.add(directory(0o755));
        tree
    }

    pub(crate) fn entry(&self, id: NodeId) -> &Entry {
        &self.nodes[id].entry
    }

    pub(crate) fn child(&self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        self.nodes[parent].children.get(name).copied()
    }

    pub(crate) fn children(&self, parent: NodeId) -> btree_map::Iter<'_, Vec<u8>, NodeId> {
        self.nodes[parent].children.iter()
    }

    pub(crate) fn body(&self, id: NodeId) -> Option<&[u8]> {
        self.nodes[id].body.as_deref()
    }

    /// How many names were looked at so far.
    pub(crate) fn lookups(&self) -> u64 {
        self.lookups
    }

    /// Forgets which files have several names: at the end of an archive.
    pub(crate) fn forget_links(&mut self) {
        self.links.clear();
    }

    /// Marks that the file's body is to be kept under one of its names. Returns whether one of them says so.
    pub(crate) fn want(&mut self, id: NodeId, is_wanted: bool) -> bool {
        let node = &mut self.nodes[id];
        node.is_wanted |= is_wanted;
        node.is_wanted
    }

    /// Replaces the body of a file. Returns how many bytes of the old one were kept.
    pub(crate) fn set_body(&mut self, id: NodeId, size: u64, body: Option<Vec<u8>>) -> usize {
        let node = &mut self.nodes[id];
        node.entry.size = size;
        std::mem::replace(&mut node.body, body).map_or(0, |old| old.len())
    }

    /// Does with one entry what the kernel does. Linux, init/initramfs.c: `do_name` and `do_symlink`.
    ///
    /// `link` is there for entries with several names.
    pub(crate) fn place(&mut self, name: &[u8], entry: Entry, link: Option<LinkKey>) -> Result<Placed, IgnoredReason> {
        self.add_built_in(name);
        let found = self.find(name);
        let found = found.map(|mut spot| {
            self.clean(&mut spot, Some(&entry.kind));
            spot
        });
        if let Some(key) = link.filter(|_| !matches!(entry.kind, EntryKind::Directory | EntryKind::Symlink { .. })) {
            match self.links.entry(key) {
                btree_map::Entry::Occupied(first) => {
                    let first = first.get().clone();
                    return self.link(found?, &first, &entry);
                }
                btree_map::Entry::Vacant(first) => {
                    first.insert(name.to_vec());
                }
            }
        }
        let spot = found?;
        let id = match spot.node {
            Some(id) => self.update(id, entry)?,
            None => self.create(&spot, entry)?,
        };
        Ok(if self.entry(id).kind.is_file() {
            Placed::File { node: id, path: spot.path, is_link: false }
        } else {
            Placed::Other
        })
    }

    /// Removes what is at a path, as the kernel does before it sees that it cannot make what comes in its place.
    pub(crate) fn displace(&mut self, name: &[u8]) {
        if let Ok(mut spot) = self.find(name) {
            self.clean(&mut spot, None);
        }
    }

    fn find(&mut self, name: &[u8]) -> Result<Spot, IgnoredReason> {
        let mut lookups = self.lookups;
        let found = walk(self, name, LastLink::Keep, &mut lookups);
        self.lookups = lookups;
        found
    }

    /// Adds a name to what is at the path `first` now. `maybe_link`.
    fn link(&mut self, mut spot: Spot, first: &[u8], entry: &Entry) -> Result<Placed, IgnoredReason> {
        self.clean(&mut spot, None);
        // That may be something else than it was, or gone, for this very entry even.
        let first = self.find(first).ok().and_then(|first| first.node).ok_or(IgnoredReason::NothingToLinkTo)?;
        if self.entry(first).kind.is_directory() {
            return Err(IgnoredReason::NothingToLinkTo);
        }
        // A spot without a name always has a node: the directory itself.
        let (None, Some(name)) = (spot.node, spot.name) else { return Err(IgnoredReason::DirectoryInPlace) };
        self.nodes[spot.parent].children.insert(name, first);
        let there = &mut self.nodes[first].entry;
        there.names += 1;
        if !entry.kind.is_file() || !there.kind.is_file() {
            return Ok(Placed::Other);
        }
        there.touch(entry);
        Ok(Placed::File { node: first, path: spot.path, is_link: true })
    }

    /// Removes what is in the place of something of another type. `clean_path`.
    ///
    /// Symbolic links, and hard links for which `kind` is none, take the place of everything.
    fn clean(&mut self, spot: &mut Spot, kind: Option<&EntryKind>) {
        let (Some(id), Some(name)) = (spot.node, &spot.name) else { return };
        let there = &self.nodes[id];
        let may_stay =
            kind.is_some_and(|kind| !matches!(kind, EntryKind::Symlink { .. }) && there.entry.kind.is_like(kind));
        if may_stay || !there.children.is_empty() {
            return;
        }
        self.nodes[spot.parent].children.remove(name);
        self.nodes[id].entry.names -= 1;
        spot.node = None;
    }

    /// Writes over what is there, which keeps its type, its names and a device's numbers.
    fn update(&mut self, id: NodeId, entry: Entry) -> Result<NodeId, IgnoredReason> {
        let there = &mut self.nodes[id].entry;
        if there.kind.is_like(&entry.kind) {
            there.touch(&entry);
            return Ok(id);
        }
        // The kernel does not ask whether it could make a link or device before it sets the owner and permissions.
        match entry.kind {
            EntryKind::File => {}
            EntryKind::Symlink { .. } => (there.uid, there.gid) = (entry.uid, entry.gid),
            _ => there.touch(&entry),
        }
        Err(IgnoredReason::DirectoryInPlace)
    }

    fn create(&mut self, spot: &Spot, entry: Entry) -> Result<NodeId, IgnoredReason> {
        let id = self.add(entry);
        // A spot without a name always has a node.
        let name = spot.name.clone().ok_or(IgnoredReason::DirectoryInPlace)?;
        self.nodes[spot.parent].children.insert(name, id);
        Ok(id)
    }

    fn add(&mut self, entry: Entry) -> NodeId {
        self.nodes.push(Node { entry, children: BTreeMap::new(), is_wanted: false, body: None });
        self.nodes.len() - 1
    }

    /// Adds a directory of the kernel's own once something is put into it, so that listings show no others.
    fn add_built_in(&mut self, name: &[u8]) {
        let name = name.strip_prefix(b".").unwrap_or(name);
        let name = name.strip_prefix(b"/").unwrap_or(name);
        for (directory_name, permissions) in BUILT_IN {
            let is_below = name.strip_prefix(directory_name).is_some_and(|rest| rest.starts_with(b"/") && rest != b"/");
            if is_below && self.child(ROOT, directory_name).is_none() {
                let id = self.add(directory(permissions));
                self.nodes[ROOT].children.insert(directory_name.to_vec(), id);
            }
        }
    }
}

impl Entry {
    /// Takes over all but the type, the size and the names.
    fn touch(&mut self, from: &Self) {
        self.mode = self.mode & S_IFMT | from.mode & !S_IFMT;
        (self.uid, self.gid, self.mtime, self.archive) = (from.uid, from.gid, from.mtime, from.archive);
    }
}

fn directory(permissions: u32) -> Entry {
    debug_assert_eq!(permissions & S_IFMT, 0);
    Entry {
        mode: S_IFDIR | permissions,
        uid: 0,
        gid: 0,
        mtime: 0,
        size: 0,
        names: 1,
        archive: 0,
        kind: EntryKind::Directory,
    }
}
