//! Which blocks hold the body of an inode: extent trees, and the block maps of older file systems.

use std::fmt::Display;

use crate::bytes::{joined, le16, le32};
use crate::format::{extent, flag};
use crate::inode::Inode;
use crate::report::CheckError;
use crate::volume::Volume;

/// Blocks of a body that lie next to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// The first one, counted in the body.
    pub(crate) logical: u64,
    /// The first one, counted in the file system.
    pub(crate) physical: u64,
    pub(crate) length: u64,
    /// Whether it has been written; else it reads as zeros.
    pub(crate) written: bool,
}

impl Run {
    /// Where block `logical` of the body lies, if it is in here.
    pub(crate) fn find(self, logical: u64) -> Option<u64> {
        let behind = logical.checked_sub(self.logical)?;
        (behind < self.length).then(|| self.physical + behind)
    }
}

/// A block of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// In the inode.
    Root,
    /// Of an extent tree.
    Extents(u64),
    /// Of a block map.
    Indirect(u64),
}

/// What a map leads to, as it is walked from its start to its end.
pub(crate) trait Visitor {
    /// A block of the map itself, within the file system. Its content is walked if this returns true, which it must not
    /// for a block that was walked before: maps that share their blocks would never end.
    fn node(&mut self, node: Node, block: u64) -> bool;

    /// A run of the body, within the file system.
    fn run(&mut self, run: Run);

    /// Something that cannot be; what it leads to is left out.
    fn problem(&mut self, _node: Node, _field: &'static str, _found: &dyn Display, _expected: &dyn Display) {}

    /// A checksum that does not fit.
    fn checksum(&mut self, _node: Node, _found: u32, _expected: u32) {}
}

/// Walks the map of an inode that has one.
pub(crate) fn walk(volume: &Volume<'_>, inode: Inode<'_>, visitor: &mut dyn Visitor) -> Result<(), CheckError> {
    if inode.has(flag::EXTENTS) {
        let range = Range { from: 0, to: 1 << 32 };
        Extents { volume, inode }.node(inode.body(), Node::Root, None, range, visitor)
    } else {
        Indirect { volume }.root(inode, visitor)
    }
}

/// The part of a body that a node may map: from `from` to below `to`.
#[derive(Clone, Copy)]
struct Range {
    from: u64,
    to: u64,
}

struct Extents<'a> {
    volume: &'a Volume<'a>,
    inode: Inode<'a>,
}

impl Extents<'_> {
    /// Walks a node; `depth` is what its parent expects of it. Not deeper than the five levels there can be.
    fn node(
        &self,
        bytes: &[u8],
        node: Node,
        depth: Option<u16>,
        range: Range,
        visitor: &mut dyn Visitor,
    ) -> Result<(), CheckError> {
        let (magic, entries, most) = (le16(bytes, 0), le16(bytes, 2), le16(bytes, 4));
        let found_depth = le16(bytes, 6);
        if magic != extent::MAGIC {
            visitor.problem(node, "extent magic", &format_args!("{magic:#06x}"), &"0xf30a");
            return Ok(());
        }
        let room = bytes.len() / extent::ENTRY - 1;
        if usize::from(most) > room || most == 0 {
            visitor.problem(node, "room for extents", &most, &format_args!("1 to {room}"));
            return Ok(());
        }
        if let (Node::Extents(_), true) = (node, self.volume.superblock.has_checksums()) {
            let at = extent::ENTRY * (usize::from(most) + 1);
            let seed = self.volume.seed.inode(self.inode.number, self.inode.generation());
            let (found, expected) = (le32(bytes, at), seed.of(bytes.get(..at).unwrap_or(bytes)));
            if found != expected {
                visitor.checksum(node, found, expected);
            }
        }
        if entries > most {
            visitor.problem(node, "number of extents", &entries, &format_args!("0 to {most}"));
            return Ok(());
        }
        match depth {
            Some(depth) if depth != found_depth => {
                visitor.problem(node, "depth", &found_depth, &format_args!("{depth}, one less than above"));
                return Ok(());
            }
            None if found_depth > extent::MOST_LEVELS => {
                visitor.problem(node, "depth", &found_depth, &format_args!("0 to {}", extent::MOST_LEVELS));
                return Ok(());
            }
            _ => {}
        }
        if entries == 0 && (depth.is_some() || found_depth > 0) {
            visitor.problem(node, "number of extents", &0, &"at least 1");
        }
        let first = u64::from(le32(bytes, extent::ENTRY));
        if depth.is_some() && entries > 0 && first != range.from {
            visitor.problem(node, "first block", &first, &format_args!("{}, as the node above says", range.from));
        }
        let list = bytes.get(extent::ENTRY..).unwrap_or(&[]).chunks_exact(extent::ENTRY).take(entries.into());
        if found_depth == 0 {
            self.leaf(list, node, range, visitor);
            Ok(())
        } else {
            self.index(list, node, found_depth, range, visitor)
        }
    }

    fn leaf<'b>(&self, entries: impl Iterator<Item = &'b [u8]>, node: Node, range: Range, visitor: &mut dyn Visitor) {
        let mut next = range.from;
        for entry in entries {
            let logical = u64::from(le32(entry, 0));
            let length = le16(entry, 4);
            let physical = joined(le16(entry, 6).into(), le32(entry, 8));
            let written = length <= extent::MOST_WRITTEN;
            let length = u64::from(if written { length } else { length - extent::MOST_WRITTEN });
            if length == 0 {
                visitor.problem(node, "length of an extent", &0, &"at least 1");
                continue;
            }
            if logical < next || logical + length > range.to {
                let found = format_args!("blocks {logical} to {}", logical + length - 1);
                let expected = format_args!("in order and within blocks {next} to {}", range.to.saturating_sub(1));
                visitor.problem(node, "place of an extent in the file", &found, &expected);
                continue;
            }
            next = logical + length;
            if !self.volume.geometry.holds(physical, length) {
                let found = format_args!("blocks {physical} to {}", physical + length - 1);
                let expected = format_args!("below block {}", self.volume.geometry.blocks);
                visitor.problem(node, "place of an extent", &found, &expected);
                continue;
            }
            visitor.run(Run { logical, physical, length, written });
        }
    }

    fn index<'b>(
        &self,
        entries: impl Iterator<Item = &'b [u8]>,
        node: Node,
        depth: u16,
        range: Range,
        visitor: &mut dyn Visitor,
    ) -> Result<(), CheckError> {
        let mut next = range.from;
        let mut entries = entries.peekable();
        while let Some(entry) = entries.next() {
            let logical = u64::from(le32(entry, 0));
            let block = joined(le16(entry, 8).into(), le32(entry, 4));
            let end = entries.peek().map_or(range.to, |entry| u64::from(le32(entry, 0)));
            if logical < next || logical >= end || end > range.to {
                let found = format_args!("blocks {logical} to below {end}");
                let expected = format_args!("in order and within blocks {next} to {}", range.to.saturating_sub(1));
                visitor.problem(node, "place of a node in the file", &found, &expected);
                continue;
            }
            next = end;
            if !self.volume.geometry.holds(block, 1) {
                let expected = format_args!("below block {}", self.volume.geometry.blocks);
                visitor.problem(node, "place of a node", &format_args!("block {block}"), &expected);
                continue;
            }
            let child = Node::Extents(block);
            if visitor.node(child, block) {
                let bytes = self.volume.block(block)?;
                self.node(&bytes, child, Some(depth - 1), Range { from: logical, to: end }, visitor)?;
            }
        }
        Ok(())
    }
}

/// Block numbers in an inode that lead to blocks of the body.
const DIRECT: u64 = 12;

struct Indirect<'a> {
    volume: &'a Volume<'a>,
}

impl Indirect<'_> {
    fn root(&self, inode: Inode<'_>, visitor: &mut dyn Visitor) -> Result<(), CheckError> {
        let per_block = self.volume.geometry.block_size as u64 / 4;
        let (mut logical, mut level) = (0_u64, 0_u32);
        for (index, word) in (0..).zip(inode.body().chunks_exact(4)) {
            let span = per_block.saturating_pow(level);
            self.pointer(le32(word, 0), Node::Root, level, logical, visitor)?;
            logical = logical.saturating_add(span);
            if index + 1 >= DIRECT {
                level += 1;
            }
        }
        Ok(())
    }

    /// Follows a block number that is `level` blocks of numbers away from the body, at most three.
    fn pointer(
        &self,
        block: u32,
        node: Node,
        level: u32,
        logical: u64,
        visitor: &mut dyn Visitor,
    ) -> Result<(), CheckError> {
        let physical = u64::from(block);
        if block == 0 {
            return Ok(());
        }
        if !self.volume.geometry.holds(physical, 1) {
            let expected = format_args!("0, or below block {}", self.volume.geometry.blocks);
            visitor.problem(node, "block number", &block, &expected);
            return Ok(());
        }
        if level == 0 {
            visitor.run(Run { logical, physical, length: 1, written: true });
            return Ok(());
        }
        let child = Node::Indirect(physical);
        if visitor.node(child, physical) {
            let bytes = self.volume.block(physical)?;
            let span = (bytes.len() as u64 / 4).saturating_pow(level - 1);
            let mut logical = logical;
            for word in bytes.chunks_exact(4) {
                self.pointer(le32(word, 0), child, level - 1, logical, visitor)?;
                logical = logical.saturating_add(span);
            }
        }
        Ok(())
    }
}

/// The runs of a body in their order, without a word on what is wrong with the map.
#[derive(Default)]
pub(crate) struct Runs {
    pub(crate) runs: Vec<Run>,
    nodes: std::collections::BTreeSet<u64>,
    /// Runs that are kept; what follows is left out.
    most: Option<usize>,
}

impl Runs {
    /// All runs of an inode. The map was walked before, so their number is that of real entries.
    pub(crate) fn of(volume: &Volume<'_>, inode: Inode<'_>) -> Result<Vec<Run>, CheckError> {
        let mut runs = Self::default();
        if inode.is_mapped() {
            walk(volume, inode, &mut runs)?;
        }
        Ok(runs.runs)
    }

    /// The first run of an inode.
    pub(crate) fn first(volume: &Volume<'_>, inode: Inode<'_>) -> Result<Option<Run>, CheckError> {
        let mut runs = Self { most: Some(1), ..Self::default() };
        if inode.is_mapped() {
            walk(volume, inode, &mut runs)?;
        }
        Ok(runs.runs.first().copied())
    }
}

impl Visitor for Runs {
    fn node(&mut self, _node: Node, block: u64) -> bool {
        self.most.is_none_or(|most| self.runs.len() < most) && self.nodes.insert(block)
    }

    fn run(&mut self, run: Run) {
        let full = self.most.is_some_and(|most| self.runs.len() >= most);
        match self.runs.last_mut() {
            Some(last)
                if last.written == run.written
                    && last.logical + last.length == run.logical
                    && last.physical + last.length == run.physical =>
            {
                last.length += run.length;
            }
            _ if full => {}
            _ => self.runs.push(run),
        }
    }
}
