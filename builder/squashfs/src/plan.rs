//! Everything about an image that does not depend on how well it compresses.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use builder_block::ByteSize;

use crate::constants::{BLOCKS_LIMIT, NONE};
use crate::error::PlanError;
use crate::options::Options;
use crate::tree::{Content, Kind, ROOT, Tree};

/// An image whose shape is decided; only reading, compressing and writing are left.
///
/// Inodes are numbered breadth-first: those of a directory's names are consecutive, and behind the directory's own.
#[derive(Debug)]
pub struct Plan<'t> {
    pub(crate) tree: &'t Tree<'t>,
    pub(crate) options: Options,
    pub(crate) block_log: u16,
    /// The nodes of the tree in the order of their inode numbers, of which the first is 1.
    pub(crate) order: Vec<usize>,
    /// Inode number of each node.
    pub(crate) numbers: Vec<u32>,
    /// Owners and groups, ascending, with their places in the table.
    pub(crate) ids: BTreeMap<u32, u16>,
    /// All files in the order of their inode numbers.
    pub(crate) files: Vec<PlannedFile<'t>>,
    /// The files in fragments, in the order of the fragments.
    pub(crate) small: Vec<usize>,
    pub(crate) fragments: Vec<Fragment>,
}

/// A file with its place.
#[derive(Debug)]
pub(crate) struct PlannedFile<'t> {
    pub(crate) node: usize,
    pub(crate) content: &'t Content<'t>,
    pub(crate) size: u64,
    /// Number of its blocks; a file in a fragment has none.
    pub(crate) blocks: usize,
    /// The fragment and the byte in it; [`NONE`] where it is in none.
    pub(crate) fragment: (u32, u32),
}

/// Files that are compressed together.
#[derive(Debug)]
pub(crate) struct Fragment {
    /// Which of [`Plan::small`].
    pub(crate) members: Range<usize>,
    /// What they have together, in bytes.
    pub(crate) length: usize,
}

impl<'t> Plan<'t> {
    /// Decides the image of `tree`.
    ///
    /// # Errors
    /// [`PlanError`]: an option that is not offered, a file that is too large, or more owners or names than the format
    /// can number.
    pub fn new(tree: &'t Tree<'t>, options: &Options) -> Result<Self, PlanError> {
        let block_log = options.block_log()?;
        options.check_level()?;
        // One number is kept for the parent that the root does not have.
        let limit = u64::from(u32::MAX) - 1;
        let count = tree.nodes.len() as u64;
        if count > limit {
            return Err(PlanError::Count { what: "files and directories", count, limit });
        }
        let mut plan = Self {
            tree,
            options: *options,
            block_log,
            order: breadth_first(tree),
            numbers: vec![0; tree.nodes.len()],
            ids: ids(tree)?,
            files: Vec::new(),
            small: Vec::new(),
            fragments: Vec::new(),
        };
        for (number, &node) in (1_u32..).zip(&plan.order) {
            plan.numbers[node] = number;
        }
        for position in 0..plan.order.len() {
            let node = plan.order[position];
            if let Kind::File(content) = &tree.nodes[node].kind {
                let file = plan.place(node, content)?;
                plan.files.push(file);
            }
        }
        Ok(plan)
    }

    /// Length of all files in bytes: the end of what [`Plan::write_to`] says of its progress.
    #[must_use]
    pub fn content_size(&self) -> ByteSize {
        self.files.iter().map(|file| ByteSize::new(file.size)).sum()
    }

    /// Bytes of a block.
    pub(crate) fn block_size(&self) -> u64 {
        1 << self.block_log
    }

    fn place(&mut self, node: usize, content: &'t Content<'t>) -> Result<PlannedFile<'t>, PlanError> {
        let size = content.size();
        let mut file = PlannedFile { node, content, size, blocks: 0, fragment: (NONE, 0) };
        if size >= self.block_size() {
            let blocks = size.div_ceil(self.block_size());
            let too_large = || PlanError::FileSize { path: self.tree.path(node), size: ByteSize::new(size), blocks };
            if blocks > BLOCKS_LIMIT {
                return Err(too_large());
            }
            file.blocks = usize::try_from(blocks).map_err(|_| too_large())?;
        } else if size > 0 {
            file.fragment = self.pack(size);
        }
        Ok(file)
    }

    /// Finds a place in a fragment for the next of the files, which is shorter than a block.
    fn pack(&mut self, size: u64) -> (u32, u32) {
        // Blocks have 1 MiB at most, which fits every usize and u32.
        let length = usize::try_from(size).unwrap_or(usize::MAX);
        let block = usize::try_from(self.block_size()).unwrap_or(usize::MAX);
        let next = self.small.len();
        self.small.push(self.files.len());
        match self.fragments.last_mut() {
            Some(last) if last.length + length <= block => {
                let offset = last.length;
                last.members.end = next + 1;
                last.length += length;
                // There are not more fragments than inodes, whose number fits.
                (u32::try_from(self.fragments.len() - 1).unwrap_or(NONE), u32::try_from(offset).unwrap_or(NONE))
            }
            _ => {
                self.fragments.push(Fragment { members: next..next + 1, length });
                (u32::try_from(self.fragments.len() - 1).unwrap_or(NONE), 0)
            }
        }
    }
}

fn breadth_first(tree: &Tree<'_>) -> Vec<usize> {
    let mut order = vec![ROOT];
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        if let Kind::Directory(names) = &tree.nodes[node].kind {
            order.extend(names.values());
        }
        next += 1;
    }
    order
}

fn ids(tree: &Tree<'_>) -> Result<BTreeMap<u32, u16>, PlanError> {
    let ids: BTreeSet<u32> = tree.nodes.iter().flat_map(|node| [node.attributes.uid, node.attributes.gid]).collect();
    // The superblock has their number in 16 bits.
    let (count, limit) = (ids.len() as u64, u64::from(u16::MAX));
    if count > limit {
        return Err(PlanError::Count { what: "different owners and groups", count, limit });
    }
    Ok(ids.into_iter().zip(0..).collect())
}

#[cfg(test)]
mod tests {
    use builder_block::ByteSize;

    use super::Plan;
    use crate::{Attributes, Content, Options, PlanError, Tree};

    #[test]
    fn small_files_share_fragments_and_large_ones_have_blocks() {
        let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
        let block = 128 << 10;
        for (name, size) in
            [("a", 100), ("b", block - 100), ("c", 1), ("d", block), ("e", 0), ("f", block + 1), ("g", block - 1)]
        {
            tree.file(name.as_bytes(), Attributes::root(0), Content::Bytes(vec![1; size].into())).unwrap();
        }
        let options = Options { block_size: ByteSize::kib(128), ..Options::new(0) };
        let plan = Plan::new(&tree, &options).unwrap();
        let none = u32::MAX;
        let found: Vec<_> = plan.files.iter().map(|file| (file.blocks, file.fragment)).collect();
        let expected =
            [(0, (0, 0)), (0, (0, 100)), (0, (1, 0)), (1, (none, 0)), (0, (none, 0)), (2, (none, 0)), (0, (1, 1))];
        assert_eq!(found, expected);
        assert_eq!(plan.content_size().bytes(), 4 * block as u64 + 1);
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
        for id in 1..=32_768 {
            let attributes = Attributes { mode: 0, uid: 2 * id, gid: 2 * id + 1 };
            tree.directory(id.to_string().as_bytes(), attributes).unwrap();
        }
        let plan = |tree: &Tree<'_>, block_size, level| {
            Plan::new(tree, &Options { block_size, level, mtime: 0 }).map(|_| ()).unwrap_err()
        };
        assert!(matches!(plan(&tree, ByteSize::mib(1), 3), PlanError::Count { count: 65_537, .. }));
        assert!(matches!(plan(&tree, ByteSize::kib(64), 3), PlanError::BlockSize { bytes: 65_536 }));
        assert!(matches!(plan(&tree, ByteSize::kib(192), 3), PlanError::BlockSize { .. }));
        for level in [0, 23] {
            assert_eq!(plan(&tree, ByteSize::mib(1), level), PlanError::Level { level });
        }
    }
}
