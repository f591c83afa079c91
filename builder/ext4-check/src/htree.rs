//! The hash tree of a directory: its nodes, and which hashes belong to which block.

use std::collections::{BTreeMap, BTreeSet};

use crate::bytes::{byte, le16, le32};
use crate::checksum::{Seed, crc32c};
use crate::findings::Findings;
use crate::format::{dirent, dx, flag, incompat, sb};
use crate::hash::Hasher;
use crate::inode::Inode;
use crate::report::{CheckError, Finding};
use crate::structure::{InodeName, Structure};
use crate::volume::Volume;

/// Hashes of the names of a leaf, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// What the tree says about the blocks of a directory.
#[derive(Default)]
pub(crate) struct Tree {
    /// Blocks that are nodes, counted in the directory; they hold no entries.
    pub(crate) nodes: BTreeSet<u64>,
    /// The leaves.
    pub(crate) leaves: BTreeMap<u64, Hashes>,
    /// What hashes the names; `None` where it is not known.
    pub(crate) hasher: Option<Hasher>,
    /// Whether all of it could be read, so that what it does not name is lost.
    pub(crate) complete: bool,
}

/// Reads the tree of `inode`. `place` says where a block of the directory lies.
pub(crate) fn read(
    volume: &Volume<'_>,
    inode: Inode<'_>,
    place: &dyn Fn(u64) -> Option<u64>,
    findings: &mut Findings,
) -> Result<Tree, CheckError> {
    let mut tree = Tree { complete: true, ..Tree::default() };
    let Some(physical) = place(0) else {
        tree.complete = false;
        return Ok(tree);
    };
    tree.nodes.insert(0);
    let root = volume.block(physical)?;
    let name = InodeName::new(inode.number);
    let structure = Structure::HtreeNode { block: physical, inode: name };
    let version = byte(&root, dx::HASH_VERSION);
    let unsigned = volume.superblock.word(sb::FLAGS) & sb::UNSIGNED_HASH != 0;
    let seed = std::array::from_fn(|index| volume.superblock.word(sb::HASH_SEED + 4 * index));
    let most_levels = if volume.superblock.incompat(incompat::LARGEDIR) { 2 } else { 1 };
    let levels = byte(&root, dx::LEVELS);
    let wrong = if version > 6 {
        Some(("hash version", version, "0 to 6".to_owned()))
    } else if byte(&root, dx::INFO_LENGTH) != 8 {
        Some(("length of the tree's information", byte(&root, dx::INFO_LENGTH), "8".to_owned()))
    } else if levels > most_levels {
        Some(("levels", levels, format!("0 to {most_levels}")))
    } else {
        None
    };
    if let Some((field, found, expected)) = wrong {
        findings.push(Finding::error(structure, field, found, expected));
        tree.complete = false;
        return Ok(tree);
    }
    // Folded names hash as what they are folded to, which needs the tables of Unicode.
    tree.hasher = Hasher::new(version, unsigned, seed).filter(|_| !inode.has(flag::CASEFOLD));
    let mut reader =
        Reader { volume, inode, place, findings, tree, seed: volume.seed.inode(inode.number, inode.generation()) };
    reader.node(&root, physical, dx::ROOT_LIMIT, levels, Hashes { from: 0, to: u32::MAX })?;
    Ok(reader.tree)
}

struct Reader<'a> {
    volume: &'a Volume<'a>,
    inode: Inode<'a>,
    place: &'a dyn Fn(u64) -> Option<u64>,
    findings: &'a mut Findings,
    tree: Tree,
    seed: Seed,
}

impl Reader<'_> {
    /// Reads a node that has `levels` of nodes below, at most two, and may lead to names with `hashes`.
    fn node(
        &mut self,
        bytes: &[u8],
        physical: u64,
        limit_at: usize,
        levels: u8,
        hashes: Hashes,
    ) -> Result<(), CheckError> {
        let structure = || Structure::HtreeNode { block: physical, inode: InodeName::new(self.inode.number) };
        let has_checksums = self.volume.superblock.has_checksums();
        let tail = if has_checksums { dx::ENTRY } else { 0 };
        let room = (bytes.len() - limit_at - tail) / dx::ENTRY;
        let (limit, count) = (usize::from(le16(bytes, limit_at)), usize::from(le16(bytes, limit_at + 2)));
        if limit != room {
            self.findings.push(Finding::error(structure(), "limit", limit, room));
            self.tree.complete = false;
            return Ok(());
        }
        if count == 0 || count > limit {
            self.findings.push(Finding::error(structure(), "count", count, format_args!("1 to {limit}")));
            self.tree.complete = false;
            return Ok(());
        }
        if has_checksums {
            let tail = limit_at + limit * dx::ENTRY;
            let crc = self.seed.of(&bytes[..limit_at + count * dx::ENTRY]);
            let crc = crc32c(crc, &bytes[tail..tail + 4]);
            let (found, expected) = (le32(bytes, tail + 4), crc32c(crc, &[0; 4]));
            if found != expected {
                self.findings.push(Finding::checksum(structure(), found, expected));
            }
        }
        // The first entry has the count in the place of its hash.
        let hash_of = |index: usize| if index == 0 { hashes.from } else { le32(bytes, limit_at + index * dx::ENTRY) };
        let mut children = Vec::with_capacity(count);
        for index in 0..count {
            let (from, next) = (hash_of(index), (index + 1 < count).then(|| hash_of(index + 1)));
            if next.is_some_and(|next| next < from) || from < hashes.from || from > hashes.to {
                let expected = format!("in order, {:#x} to {:#x}", hashes.from, hashes.to);
                self.findings.push(Finding::error(
                    structure(),
                    format!("hash {index}"),
                    format_args!("{from:#x}"),
                    expected,
                ));
                self.tree.complete = false;
            }
            // Where a hash is odd, names with that hash are in the block before as well.
            let to = next.map_or(hashes.to, |next| if next & 1 == 1 { next } else { next.saturating_sub(1) });
            let logical = u64::from(le32(bytes, limit_at + index * dx::ENTRY + 4) & 0x0fff_ffff);
            let known = self.tree.nodes.contains(&logical) || self.tree.leaves.contains_key(&logical);
            match (self.place)(logical) {
                Some(physical) if !known => {
                    let hashes = Hashes { from: from & !1, to };
                    if levels == 0 {
                        self.tree.leaves.insert(logical, hashes);
                    } else {
                        self.tree.nodes.insert(logical);
                        children.push((physical, hashes));
                    }
                }
                _ => {
                    let expected = if known { "a block not named before" } else { "a block of the directory" };
                    self.findings.push(Finding::error(structure(), format!("block {index}"), logical, expected));
                    self.tree.complete = false;
                }
            }
        }
        for (physical, hashes) in children {
            let bytes = self.volume.block(physical)?;
            // A node looks like an unused entry that takes the whole block.
            let fake = usize::from(le16(&bytes, 4));
            if le32(&bytes, 0) != 0 || (fake != bytes.len() && bytes.len() < 1 << 16) {
                let inode = InodeName::new(self.inode.number);
                let structure = Structure::HtreeNode { block: physical, inode };
                let found = format!("inode {} and length {fake}", le32(&bytes, 0));
                let expected = format!("inode 0 and length {}", bytes.len());
                self.findings.push(Finding::error(structure, "head", found, expected));
                self.tree.complete = false;
                continue;
            }
            self.node(&bytes, physical, dx::NODE_LIMIT, levels - 1, hashes)?;
        }
        Ok(())
    }
}

/// Where the entries of the first block end: behind `..`, which covers the root of the tree.
pub(crate) const ROOT_ENTRIES: usize = dirent::TAIL * 2;
