//! Where everything lies: one sweep over the free blocks.
//!
//! Directories come first, then link targets, attribute blocks and the journal, then file bodies: those in memory,
//! and the others as they lie in the store, so that writing reads the store from front to back.

use std::collections::BTreeMap;

use builder_block::{Region, RegionMap};
use builder_tree::InodeKind;

use crate::alloc::{AllocationError, Allocator};
use crate::extent::{self, Extent};
use crate::format::FAST_SYMLINK_MAX;
use crate::geometry::{Geometry, GroupPlace};
use crate::runs;
use crate::walk::{Object, Walk};

/// The extents of an inode in [`Layout::extents`].
#[derive(Clone, Copy, Debug, Default)]
struct ExtentList {
    first: usize,
    count: u32,
}

/// Every block's owner is known.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) geometry: Geometry,
    /// Where the groups' metadata lies.
    pub(crate) groups: Vec<GroupPlace>,
    /// Blocks in use, in order, adjacent regions as one.
    pub(crate) used_regions: Vec<Region>,
    /// Their number.
    pub(crate) used: u64,
    /// The blocks of attributes.
    pub(crate) xattr_blocks: Vec<u64>,
    /// Slots of the regular files with a body, as the bodies come to lie.
    pub(crate) order: Vec<u32>,
    /// Blocks of the journal; 0 if there is none.
    pub(crate) journal_blocks: u32,
    extents: Vec<Extent>,
    lists: Vec<ExtentList>,
    journal: ExtentList,
    /// Blocks of extent trees, by slot; of the journal, at [`JOURNAL`].
    trees: BTreeMap<u32, Vec<u64>>,
}

/// Stands for the journal where slots are asked for; no slot has this number.
pub(crate) const JOURNAL: u32 = u32::MAX;

/// Blocks that files take, as far as they do not depend on where they lie.
pub(crate) fn demand(walk: &Walk<'_>) -> u64 {
    let slots = walk.slots.iter().map(|slot| match &slot.object {
        Object::Directory(directory) => u64::from(directory.blocks),
        Object::Leaf(inode) => match &inode.kind {
            InodeKind::Regular(_) => runs::of_inode(inode).iter().map(|run| run.blocks).sum(),
            InodeKind::Symlink(target) => u64::from(target.len() > FAST_SYMLINK_MAX),
            _ => 0,
        },
    });
    slots.fold(walk.xattr_blocks.len() as u64, u64::saturating_add)
}

impl Layout {
    /// Places everything; [`AllocationError::Full`] where it does not fit.
    pub(crate) fn new(walk: &Walk<'_>, geometry: Geometry, journal_blocks: u32) -> Result<Self, AllocationError> {
        let mut map = RegionMap::new();
        let groups = geometry.place(&mut map)?.ok_or(AllocationError::Full)?;
        let mut placer = Placer {
            allocator: Allocator::new(map, geometry.blocks),
            extents: Vec::new(),
            lists: vec![ExtentList::default(); walk.slots.len()],
            trees: BTreeMap::new(),
        };
        placer.directories_and_links(walk)?;
        let xattr_blocks = walk.xattr_blocks.iter().map(|_| placer.allocator.block("attributes"));
        let xattr_blocks = xattr_blocks.collect::<Result<_, _>>()?;
        let journal = placer.runs(JOURNAL, [(0, journal_blocks)], "journal")?;
        let order = order(walk);
        placer.bodies(walk, &order)?;
        Ok(Self {
            geometry,
            groups,
            used: placer.allocator.used(),
            used_regions: placer.allocator.into_used(),
            xattr_blocks,
            order,
            journal_blocks,
            extents: placer.extents,
            lists: placer.lists,
            journal,
            trees: placer.trees,
        })
    }

    /// The extents of a slot, or of the [`JOURNAL`].
    pub(crate) fn extents(&self, slot: u32) -> &[Extent] {
        let list = if slot == JOURNAL { self.journal } else { self.lists[slot as usize] };
        &self.extents[list.first..][..list.count as usize]
    }

    /// The blocks of the extent tree of a slot, or of the [`JOURNAL`].
    pub(crate) fn tree(&self, slot: u32) -> &[u64] {
        self.trees.get(&slot).map_or(&[], Vec::as_slice)
    }

    /// All slots with blocks of extent trees.
    pub(crate) fn trees(&self) -> impl Iterator<Item = (u32, &[u64])> {
        self.trees.iter().map(|(&slot, blocks)| (slot, blocks.as_slice()))
    }

    /// Blocks nobody has.
    pub(crate) fn free(&self) -> u64 {
        self.geometry.blocks - self.used
    }
}

/// Slots of the files with bodies: those in memory, then by their place in the store.
fn order(walk: &Walk<'_>) -> Vec<u32> {
    let mut bodies: Vec<(Option<u64>, u32)> = (0..)
        .zip(&walk.slots)
        .filter_map(|(number, slot)| match &slot.object {
            Object::Leaf(inode) => inode
                .content()
                .filter(|content| !content.is_empty() || inode.seal.is_some())
                .map(|content| (content, number)),
            Object::Directory(_) => None,
        })
        .map(|(content, number)| (content.store_position(), number))
        .collect();
    bodies.sort_unstable();
    bodies.into_iter().map(|(_, number)| number).collect()
}

struct Placer {
    allocator: Allocator,
    extents: Vec<Extent>,
    lists: Vec<ExtentList>,
    trees: BTreeMap<u32, Vec<u64>>,
}

impl Placer {
    fn directories_and_links(&mut self, walk: &Walk<'_>) -> Result<(), AllocationError> {
        for (number, slot) in (0..).zip(&walk.slots) {
            if let Object::Directory(directory) = &slot.object {
                self.lists[number as usize] = self.runs(number, [(0, directory.blocks)], "directories")?;
            }
        }
        for (number, slot) in (0..).zip(&walk.slots) {
            if let Object::Leaf(inode) = &slot.object
                && let InodeKind::Symlink(target) = &inode.kind
                && target.len() > FAST_SYMLINK_MAX
            {
                self.lists[number as usize] = self.runs(number, [(0, 1)], "link targets")?;
            }
        }
        Ok(())
    }

    fn bodies(&mut self, walk: &Walk<'_>, order: &[u32]) -> Result<(), AllocationError> {
        for &number in order {
            let Object::Leaf(inode) = &walk.slots[number as usize].object else { continue };
            let runs = runs::of_inode(inode).into_iter().map(|run| {
                // Files are checked to have fewer than 2^32 blocks.
                let block = |n: u64| u32::try_from(n).expect("a file has fewer than 2^32 blocks");
                (block(run.first), block(run.blocks))
            });
            self.lists[number as usize] = self.runs(number, runs, "files")?;
        }
        Ok(())
    }

    /// Places runs of a file, and behind them the blocks of its extent tree.
    fn runs(
        &mut self,
        slot: u32,
        runs: impl IntoIterator<Item = (u32, u32)>,
        owner: &'static str,
    ) -> Result<ExtentList, AllocationError> {
        let first = self.extents.len();
        for run in runs {
            self.allocator.extents(run, &mut self.extents, first, owner)?;
        }
        let count = self.extents.len() - first;
        let tree = (0..extent::tree_blocks(count)).map(|_| self.allocator.block("extent trees"));
        let tree = tree.collect::<Result<Vec<_>, _>>()?;
        if !tree.is_empty() {
            self.trees.insert(slot, tree);
        }
        // A file has fewer than 2^32 blocks, and so extents.
        Ok(ExtentList { first, count: u32::try_from(count).expect("a file has fewer than 2^32 extents") })
    }
}
