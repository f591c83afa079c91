//! Whose a block is, looked for only when somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use crate::inode::Inode;
use crate::mapping::{Node, Run, Visitor, walk};
use crate::metadata;
use crate::records::Records;
use crate::report::CheckError;
use crate::structure::{InodeName, Structure};
use crate::volume::Volume;

/// Owners of one block that are kept.
const MOST: usize = 4;

/// The owners of blocks.
#[derive(Debug, Default)]
pub(crate) struct Owners(BTreeMap<u64, Vec<Structure>>);

impl Owners {
    /// Looks for the owners of the `wanted` blocks; walks all maps again if there are any.
    pub(crate) fn find(volume: &Volume<'_>, records: &Records, wanted: BTreeSet<u64>) -> Result<Self, CheckError> {
        let mut owners = Self::default();
        if wanted.is_empty() {
            return Ok(owners);
        }
        for (block, structure) in metadata::owners(volume, &wanted) {
            owners.add(block, structure);
        }
        let mut search = Search { wanted, owners, inode: 0, nodes: BTreeSet::new() };
        for record in records.all() {
            let Some(bytes) = volume.inode(record.number)? else { continue };
            let inode = Inode::new(record.number, &bytes);
            search.inode = record.number;
            let block = inode.xattr_block(volume);
            if search.wanted.contains(&block) {
                let structure = Structure::XattrBlock { block, inode: InodeName::new(record.number) };
                search.owners.add(block, structure);
            }
            if inode.is_mapped() {
                walk(volume, inode, &mut search)?;
            }
        }
        Ok(search.owners)
    }

    fn add(&mut self, block: u64, structure: Structure) {
        let list = self.0.entry(block).or_default();
        if list.len() < MOST {
            list.push(structure);
        }
    }

    /// The first owner of a block that is not the inode `except`; 0 excepts none.
    pub(crate) fn of(&self, block: u64, except: u32) -> Option<Structure> {
        let list = self.0.get(&block)?;
        let other = |structure: &&Structure| (*structure).clone().inode_name().is_none_or(|name| name.number != except);
        // Where an inode claims a block twice, it is its own other owner.
        list.iter().find(other).or_else(|| list.first()).cloned()
    }
}

struct Search {
    wanted: BTreeSet<u64>,
    owners: Owners,
    inode: u32,
    /// Blocks of maps that were walked, of all inodes: none is walked twice.
    nodes: BTreeSet<u64>,
}

impl Visitor for Search {
    fn node(&mut self, node: Node, block: u64) -> bool {
        if self.wanted.contains(&block) {
            let inode = InodeName::new(self.inode);
            let structure = match node {
                Node::Indirect(block) => Structure::IndirectBlock { block, inode },
                Node::Root | Node::Extents(_) => Structure::ExtentBlock { block, inode },
            };
            self.owners.add(block, structure);
        }
        self.nodes.insert(block)
    }

    fn run(&mut self, run: Run) {
        let range = run.physical..run.physical + run.length;
        for &block in self.wanted.range(range) {
            self.owners.add(block, Structure::inode(self.inode));
        }
    }
}
