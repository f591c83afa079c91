//! Which inode gets which number.
//!
//! The root is inode 2 and `lost+found` inode 11; from 12 on all follow in the order in which they are met, the
//! entries of one directory one after the other, so that their inodes share blocks.

use std::collections::HashMap;

use builder_tree::{Directory, Inode, InodeKind, Metadata, Node, Timestamp, Xattrs, join};

use crate::check;
use crate::error::{Ext4Error, Unrepresentable};
use crate::format::{FIRST_INODE, LINK_MAX, ROOT_INODE};
use crate::htree::{self, DirEntry};
use crate::sharing::{SharedBlock, SharedBlocks};
use crate::xattr::XattrError;

/// The directory for what e2fsck finds.
const LOST_AND_FOUND: &[u8] = b"lost+found";
/// Slot of the root directory.
pub(crate) const ROOT: u32 = 0;
/// Slot of `lost+found`.
pub(crate) const LOST: u32 = 1;
/// Blocks `lost+found` has at least: names can be put there without allocating anything.
const LOST_BLOCKS: u64 = 4;

/// An inode in use, apart from the journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<'a> {
    pub(crate) object: Object<'a>,
    /// Names; of a directory 2 and one for each subdirectory.
    pub(crate) links: u32,
    /// Number of the attribute block from 1, or 0.
    pub(crate) xattr_block: u32,
}

/// What an inode is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Object<'a> {
    /// A directory.
    Directory(PlannedDirectory<'a>),
    /// Anything else.
    Leaf(&'a Inode),
}

/// A directory and its place in the numbering.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedDirectory<'a> {
    /// `None` for a `lost+found` that is made.
    pub(crate) directory: Option<&'a Directory>,
    /// Slot of the parent.
    pub(crate) parent: u32,
    /// Where the slots of its entries begin in [`Walk::children`].
    children: usize,
    /// Blocks it takes.
    pub(crate) blocks: u32,
    /// It has a hash tree.
    pub(crate) indexed: bool,
    /// The root, where a `lost+found` is made: that is its last entry.
    adds_lost_and_found: bool,
}

/// All inodes of a tree.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    pub(crate) slots: Vec<Slot<'a>>,
    /// Slots of the entries of all directories.
    children: Vec<u32>,
    pub(crate) xattr_blocks: Vec<SharedBlock<'a>>,
    hash_seed: [u32; 4],
}

/// Number of the inode in a slot.
pub(crate) fn inode_number(slot: u32) -> u32 {
    // Slots are counted below 2^32 - 16, see `Builder::push`.
    if slot == ROOT { ROOT_INODE } else { FIRST_INODE - 1 + slot }
}

/// Slot of an inode, where it has one.
pub(crate) fn slot_of(inode: u32) -> Option<u32> {
    if inode == ROOT_INODE { Some(ROOT) } else { inode.checked_sub(FIRST_INODE - 1).filter(|&slot| slot > 0) }
}

impl<'a> Walk<'a> {
    /// Numbers everything below `root`, and checks that ext4 has a form for it.
    pub(crate) fn new(root: &'a Directory, hash_seed: [u32; 4]) -> Result<Self, Ext4Error> {
        let mut builder = Builder {
            walk: Self { slots: Vec::new(), children: Vec::new(), xattr_blocks: Vec::new(), hash_seed },
            xattr_blocks: SharedBlocks::default(),
            shared: HashMap::new(),
        };
        builder.directory(root, ROOT, b"")?;
        let mut waiting = vec![ROOT];
        match root.get(LOST_AND_FOUND) {
            Some(Node::Directory(lost)) => {
                waiting.push(builder.directory(lost, ROOT, LOST_AND_FOUND)?);
            }
            Some(other @ Node::Leaf(_)) => {
                let reason = Unrepresentable::LostFound { kind: other.kind_name() };
                return Err(Ext4Error::Unrepresentable { path: LOST_AND_FOUND.to_vec(), reason });
            }
            None => {
                builder.push(Object::Directory(PlannedDirectory::new(None, ROOT)), 2, 0)?;
            }
        }
        // `lost+found` is inode 11, so it comes before all that are met on the way; its entries come last.
        waiting.reverse();
        while let Some(slot) = waiting.pop() {
            let first = builder.walk.slots.len();
            builder.entries(slot)?;
            let slots = &builder.walk.slots;
            let found = (first..slots.len()).rev();
            let directories = found.filter(|&found| matches!(slots[found].object, Object::Directory(_)));
            // Slots are counted in 32 bits, see `push`.
            waiting.extend(directories.map(|slot| u32::try_from(slot).expect("slots have 32 bits")));
        }
        builder.finish(root)
    }

    /// The slot's directory, where it is one.
    pub(crate) fn planned_directory(&self, slot: u32) -> Option<&PlannedDirectory<'a>> {
        match &self.slots.get(slot as usize)?.object {
            Object::Directory(directory) => Some(directory),
            Object::Leaf(_) => None,
        }
    }

    /// The entries of a directory as they go to disk.
    pub(crate) fn dir_entries(&self, directory: &PlannedDirectory<'a>) -> Vec<DirEntry<'a>> {
        names(directory)
            .zip(&self.children[directory.children..])
            .map(|(name, &slot)| DirEntry {
                name,
                inode: inode_number(slot),
                file_type: self.slots[slot as usize].object.file_type(),
            })
            .collect()
    }

    /// Seed of name hashes.
    pub(crate) fn hash_seed(&self) -> [u32; 4] {
        self.hash_seed
    }

    /// The path of a directory, for messages.
    fn path(&self, slot: u32) -> Vec<u8> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = slot;
        while at != ROOT
            && let Some(PlannedDirectory { directory: Some(directory), parent, .. }) = self.planned_directory(at)
        {
            let is_it = |node: &Node| node.as_directory().is_some_and(|found| std::ptr::eq(found, *directory));
            let above = self.planned_directory(*parent).and_then(|parent| parent.directory);
            let entry = above.and_then(|above| above.entries.iter().find(|(_, node)| is_it(node)));
            names.extend(entry.map(|(name, _)| name.as_slice()));
            at = *parent;
        }
        names.iter().rev().fold(Vec::new(), |path, name| join(&path, name))
    }
}

/// Names of a directory in the order of its children.
fn names<'a>(directory: &PlannedDirectory<'a>) -> impl Iterator<Item = &'a [u8]> {
    let made = directory.adds_lost_and_found.then_some(LOST_AND_FOUND);
    directory.directory.into_iter().flat_map(|directory| directory.entries.keys().map(Vec::as_slice)).chain(made)
}

impl<'a> PlannedDirectory<'a> {
    fn new(directory: Option<&'a Directory>, parent: u32) -> Self {
        Self { directory, parent, children: 0, blocks: 0, indexed: false, adds_lost_and_found: false }
    }
}

impl Object<'_> {
    /// `file_type` of directory entries (Linux, ext4 "Directory Entries").
    fn file_type(&self) -> u8 {
        match self {
            Self::Directory(_) => 2,
            Self::Leaf(inode) => match inode.kind {
                InodeKind::Regular(_) => 1,
                InodeKind::CharDevice { .. } => 3,
                InodeKind::BlockDevice { .. } => 4,
                InodeKind::Fifo => 5,
                InodeKind::Socket => 6,
                InodeKind::Symlink(_) => 7,
            },
        }
    }
}

struct Builder<'a> {
    walk: Walk<'a>,
    xattr_blocks: SharedBlocks<'a>,
    /// Slots of inodes that other names may lead to.
    shared: HashMap<*const Inode, u32>,
}

impl<'a> Builder<'a> {
    fn push(&mut self, object: Object<'a>, links: u32, xattr_block: u32) -> Result<u32, Ext4Error> {
        let limit = u32::MAX - 16;
        let slot = u32::try_from(self.walk.slots.len()).ok().filter(|&slot| slot < limit);
        let slot = slot.ok_or(Ext4Error::Inodes { needed: u64::from(limit) + 1, limit: u64::from(limit) })?;
        self.walk.slots.push(Slot { object, links, xattr_block });
        Ok(slot)
    }

    fn directory(&mut self, directory: &'a Directory, parent: u32, name: &[u8]) -> Result<u32, Ext4Error> {
        let xattr_block = self.checked(check::metadata(&directory.metadata), &directory.metadata, parent, name)?;
        self.push(Object::Directory(PlannedDirectory::new(Some(directory), parent)), 2, xattr_block)
    }

    /// The number of the attribute block, or the error with its path.
    fn checked(
        &mut self,
        check: Result<(), Unrepresentable>,
        metadata: &'a Metadata,
        parent: u32,
        name: &[u8],
    ) -> Result<u32, Ext4Error> {
        let shared = &mut self.xattr_blocks;
        let xattr_block: Result<u32, XattrError> = shared.add(&metadata.xattrs);
        let path = |walk: &Walk<'_>| join(&walk.path(parent), name);
        check.map_err(|reason| Ext4Error::Unrepresentable { path: path(&self.walk), reason })?;
        xattr_block.map_err(|source| Ext4Error::Xattr { path: path(&self.walk), source })
    }

    /// Numbers the entries of the directory in `slot`.
    fn entries(&mut self, slot: u32) -> Result<(), Ext4Error> {
        let Some(mut planned) = self.walk.planned_directory(slot).copied() else { return Ok(()) };
        planned.children = self.walk.children.len();
        let mut subdirectories = 0;
        for (name, node) in planned.directory.map(|directory| &directory.entries).into_iter().flatten() {
            let child = match node {
                Node::Directory(below) => {
                    subdirectories += 1;
                    if slot == ROOT && name == LOST_AND_FOUND { LOST } else { self.directory(below, slot, name)? }
                }
                Node::Leaf(inode) => {
                    let known = self.shared.get(&std::sync::Arc::as_ptr(inode)).copied();
                    if let Some(known) = known {
                        let links = &mut self.walk.slots[known as usize].links;
                        *links = links.saturating_add(1);
                        known
                    } else {
                        let xattr_block = self.checked(check::leaf(inode), &inode.metadata, slot, name)?;
                        let new = self.push(Object::Leaf(inode), 1, xattr_block)?;
                        // Where no other name can have it, there is nothing to remember.
                        if std::sync::Arc::strong_count(inode) > 1 {
                            self.shared.insert(std::sync::Arc::as_ptr(inode), new);
                        }
                        new
                    }
                }
            };
            self.walk.children.push(child);
        }
        planned.adds_lost_and_found = slot == ROOT && self.makes_lost_and_found();
        if planned.adds_lost_and_found {
            subdirectories += 1;
            self.walk.children.push(LOST);
        }
        let source = |source| Ext4Error::Directory { path: self.walk.path(slot), source };
        let blocks = htree::block_count(names(&planned), self.walk.hash_seed).map_err(source)?;
        planned.indexed = blocks > 1;
        let blocks = if slot == LOST { blocks.max(LOST_BLOCKS) } else { blocks };
        // A hash tree without `large_dir` has fewer than 2^18 blocks.
        planned.blocks = u32::try_from(blocks).expect("a directory has fewer than 2^32 blocks");
        let entry = &mut self.walk.slots[slot as usize];
        entry.object = Object::Directory(planned);
        entry.links = entry.links.saturating_add(subdirectories);
        Ok(())
    }

    fn makes_lost_and_found(&self) -> bool {
        self.walk.planned_directory(LOST).is_some_and(|lost| lost.directory.is_none())
    }

    fn finish(mut self, root: &'a Directory) -> Result<Walk<'a>, Ext4Error> {
        if self.makes_lost_and_found() {
            // An empty one is a block of `.` and `..`, and then empty blocks.
            self.entries(LOST)?;
        }
        let too_many = self.walk.slots.iter().find_map(|slot| match slot.object {
            Object::Leaf(inode) if slot.links > LINK_MAX => Some((inode, slot.links)),
            _ => None,
        });
        if let Some((inode, links)) = too_many {
            return Err(Ext4Error::Links { path: first_path(root, inode), links: u64::from(links), limit: LINK_MAX });
        }
        self.walk.xattr_blocks = self.xattr_blocks.into_blocks();
        Ok(self.walk)
    }
}

/// The first path of an inode, for messages.
fn first_path(root: &Directory, inode: &Inode) -> Vec<u8> {
    let found = root.walk(&mut |path, node| match node {
        Node::Leaf(leaf) if std::ptr::eq(&**leaf, inode) => Err(path.to_vec()),
        _ => Ok(()),
    });
    found.err().unwrap_or_default()
}

/// Metadata of a `lost+found` that is made.
pub(crate) fn lost_and_found_metadata(created: i64) -> Metadata {
    Metadata { mtime: Timestamp { seconds: created, nanoseconds: 0 }, xattrs: Xattrs::new(), ..Metadata::root(0o700) }
}
