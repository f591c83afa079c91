//! The first walk: every inode by itself, and the blocks each of them claims.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::attributes::{Attributes, Taken};
use crate::bytes::{bit, is_zero};
use crate::claims::Claims;
use crate::findings::Findings;
use crate::format::{flag, inode as format, special};
use crate::inode::{Inode, Kind};
use crate::mapping::{Node, Run, Visitor, walk};
use crate::orphans::Orphans;
use crate::records::{Record, Records, State};
use crate::report::{CheckError, Finding};
use crate::resize;
use crate::structure::{InodeName, Structure};
use crate::volume::Volume;

/// Bytes of inode tables read at a time.
const READ: usize = 1 << 20;
/// Blocks claimed twice of which the owners are looked for.
const MOST_WANTED: usize = 256;

/// A block that an inode claims although somebody had it before.
#[derive(Clone, Debug)]
pub(crate) struct Twice {
    pub(crate) inode: u32,
    pub(crate) block: u64,
    /// Blocks in the same stretch that are claimed twice as well, this one included.
    pub(crate) count: u64,
}

/// What the first walk comes to.
pub(crate) struct Scan {
    pub(crate) records: Records,
    pub(crate) claims: Claims,
    pub(crate) twice: Vec<Twice>,
    /// Directories of each group.
    pub(crate) directories: Vec<u32>,
}

/// Looks at every inode in use.
pub(crate) fn scan(
    volume: &Volume<'_>,
    metadata: Claims,
    orphans: &Orphans,
    findings: &mut Findings,
) -> Result<Scan, CheckError> {
    let geometry = &volume.geometry;
    let mut walk = Walk {
        volume,
        orphans: &orphans.numbers,
        attributes: Attributes::default(),
        scan: Scan {
            records: Records::default(),
            claims: metadata,
            twice: Vec::new(),
            directories: vec![0; geometry.groups as usize],
        },
    };
    let at_a_time = READ / geometry.block_size * geometry.block_size / geometry.inode_size;
    for (group, descriptor) in (0_u32..).zip(&volume.descriptors) {
        if !descriptor.usable || volume.inodes_unwritten(descriptor) {
            continue;
        }
        let bitmap = volume.block(descriptor.inode_bitmap)?;
        let unused = if volume.superblock.has_group_flags() { descriptor.unused_inodes } else { 0 };
        let written = geometry.inodes_per_group.saturating_sub(unused) as usize;
        let mut index = 0;
        while index < written {
            let count = at_a_time.min(written - index);
            let first_byte = index * geometry.inode_size;
            let blocks = (count * geometry.inode_size).div_ceil(geometry.block_size);
            let start = descriptor.inode_table + (first_byte / geometry.block_size) as u64;
            let bytes = volume.run(start, blocks)?;
            for (place, bytes) in (index..index + count).zip(bytes.chunks_exact(geometry.inode_size)) {
                // Below the number of inodes, which is a u32.
                let place_word = u32::try_from(place).unwrap_or(u32::MAX);
                let number = (group * geometry.inodes_per_group).saturating_add(place_word).saturating_add(1);
                walk.inode(group, Inode::new(number, bytes), bit(&bitmap, place), findings)?;
            }
            index += count;
        }
    }
    walk.attributes.finish(findings);
    Ok(walk.scan)
}

struct Walk<'a> {
    volume: &'a Volume<'a>,
    orphans: &'a BTreeSet<u32>,
    attributes: Attributes,
    scan: Scan,
}

impl Walk<'_> {
    fn inode(&mut self, group: u32, inode: Inode<'_>, marked: bool, findings: &mut Findings) -> Result<(), CheckError> {
        let number = inode.number;
        let orphan = self.orphans.contains(&number);
        let is_special = number < self.volume.geometry.first_inode && number != special::ROOT;
        if is_special {
            if !marked {
                let field = format!("bit of inode {number}");
                findings.push(Finding::error(
                    Structure::InodeBitmap { group },
                    field,
                    "clear",
                    "set: the inode is special",
                ));
            }
            if inode.links() == 0 && inode.mode() == 0 && (number != special::BAD_BLOCKS || is_zero(inode.body())) {
                return Ok(());
            }
        } else if inode.links() == 0 && !orphan {
            if marked {
                self.marked_but_free(inode, findings);
            }
            return Ok(());
        } else if !marked {
            let field = format!("bit of inode {number}");
            let links = inode.links();
            let expected = format!("set: the inode has {links} links and is {}", inode.kind().word());
            findings.push(
                Finding::error(Structure::InodeBitmap { group }, field, "clear", expected)
                    .other(Some(inode.structure())),
            );
        }
        inode.check_checksum(self.volume, findings);
        inode.check_fields(self.volume, orphan, findings);
        let mut state = if orphan {
            State::Orphan
        } else if inode.is_value(self.volume) {
            State::Value
        } else {
            State::Plain
        };
        if number == special::RESIZE && self.volume.superblock.compat(crate::format::compat::RESIZE_INODE) {
            self.resize_inode(inode, findings)?;
        } else {
            let shared = self.body(inode, findings)?;
            if inode.kind() == Kind::Directory {
                state = shared.unwrap_or(state);
            }
        }
        if inode.kind() == Kind::Directory
            && let Some(directories) = self.scan.directories.get_mut(group as usize)
        {
            *directories += 1;
        }
        self.scan.records.push(Record {
            number,
            parent: 0,
            dotdot: 0,
            counted: 0,
            links: inode.links(),
            kind: inode.kind(),
            state,
        });
        Ok(())
    }

    fn marked_but_free(&self, inode: Inode<'_>, findings: &mut Findings) {
        let (group, _) = self.volume.geometry.inode_place(inode.number);
        let (structure, field, found) = if inode.mode() == 0 {
            (Structure::InodeBitmap { group }, format!("bit of inode {}", inode.number), "set")
        } else {
            (inode.structure(), "links".to_owned(), "0")
        };
        let expected =
            if inode.mode() == 0 { "clear: the inode is empty" } else { "at least 1, as the inode is marked as used" };
        findings.push(Finding::error(structure, field, found, expected));
    }

    fn resize_inode(&mut self, inode: Inode<'_>, findings: &mut Findings) -> Result<(), CheckError> {
        let taken = resize::check(self.volume, inode, findings)?;
        if let Some(block) = taken.own.filter(|&block| self.volume.geometry.holds(block, 1))
            && self.scan.claims.claim(block, 1).is_some()
        {
            self.scan.twice.push(Twice { inode: inode.number, block, count: 1 });
        }
        self.occupied(inode, taken.blocks, 0, findings);
        Ok(())
    }

    /// Checks the body and the attributes; says whether blocks or map are somebody else's as well.
    fn body(&mut self, inode: Inode<'_>, findings: &mut Findings) -> Result<Option<State>, CheckError> {
        let taken = self.attributes.take(self.volume, inode, &mut self.scan.claims, findings)?;
        if let Some(block) = taken.again {
            self.twice(Twice { inode: inode.number, block, count: 1 });
        }
        let mut claimer = Claimer {
            inode: inode.number,
            claims: &mut self.scan.claims,
            findings,
            twice: Vec::new(),
            shared: None,
            blocks: 0,
            end: 0,
            written_end: 0,
        };
        if inode.is_mapped() {
            walk(self.volume, inode, &mut claimer)?;
        }
        let Claimer { twice, shared, blocks, end, written_end, .. } = claimer;
        for twice in twice {
            self.twice(twice);
        }
        self.size(inode, &taken, end, written_end, findings)?;
        self.occupied(inode, blocks + taken.blocks, taken.elsewhere, findings);
        Ok(shared)
    }

    fn twice(&mut self, twice: Twice) {
        if self.scan.twice.len() < MOST_WANTED {
            self.scan.twice.push(twice);
        }
    }

    /// Compares the size with the blocks of the body: `end` blocks in all, the last written one before `written_end`.
    fn size(
        &self,
        inode: Inode<'_>,
        taken: &Taken,
        end: u64,
        written_end: u64,
        findings: &mut Findings,
    ) -> Result<(), CheckError> {
        let block = self.volume.geometry.block_size as u64;
        let size = inode.size();
        let mut error = |found: &dyn Display, expected: String| {
            findings.push(Finding::error(inode.structure(), "size", found, expected));
        };
        if inode.has(flag::INLINE_DATA) {
            let room = format::BLOCK_LENGTH as u64 + taken.inline_body.unwrap_or(0);
            if taken.inline_body.is_none() {
                findings.push(Finding::error(inode.structure(), "inline data", "missing", "an attribute system.data"));
            } else if size > room {
                error(&size, format!("at most {room}, as the body is in the inode"));
            }
            return Ok(());
        }
        match inode.kind() {
            Kind::Directory if !size.is_multiple_of(block) || size / block != end => {
                error(&size, format!("{}, for it has {end} blocks", end.saturating_mul(block)));
            }
            // What a verity file is measured by lies behind its end.
            Kind::Regular if !inode.has(flag::VERITY) => {
                // A written block that begins behind the end; the last one may begin at it.
                let begins = written_end.saturating_sub(1).saturating_mul(block);
                if size < begins {
                    error(&size, format!("at least {begins}, for it has data there"));
                }
            }
            Kind::Symlink if !inode.is_fast_symlink() => {
                if size >= block || end != 1 {
                    error(&size, format!("less than {block}, in 1 block; it has {end}"));
                } else if !inode.has(flag::ENCRYPT) {
                    self.target(inode, findings)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The target of a link in a block is as long as the link says.
    fn target(&self, inode: Inode<'_>, findings: &mut Findings) -> Result<(), CheckError> {
        let Some(run) = crate::mapping::Runs::first(self.volume, inode)? else { return Ok(()) };
        let bytes = self.volume.block(run.physical)?;
        let length = bytes.iter().take_while(|&&byte| byte != 0).count();
        if length as u64 != inode.size() {
            let expected = format!("{length}, the length of the target");
            findings.push(Finding::error(inode.structure(), "size", inode.size(), expected));
        }
        Ok(())
    }

    fn occupied(&self, inode: Inode<'_>, blocks: u64, elsewhere: u64, findings: &mut Findings) {
        if inode.number == special::BAD_BLOCKS {
            return;
        }
        let expected = u128::from(blocks) * self.volume.geometry.block_size as u128 + u128::from(elsewhere);
        let found = inode.occupied(self.volume);
        if found != expected {
            let (found, expected) = (format!("{} sectors", found / 512), format!("{} sectors", expected / 512));
            findings.push(Finding::error(inode.structure(), "blocks on the disk", found, expected));
        }
    }
}

/// Claims what a map leads to.
struct Claimer<'a> {
    inode: u32,
    claims: &'a mut Claims,
    findings: &'a mut Findings,
    twice: Vec<Twice>,
    shared: Option<State>,
    blocks: u64,
    end: u64,
    written_end: u64,
}

impl Claimer<'_> {
    fn structure(&self, node: Node) -> Structure {
        let inode = InodeName::new(self.inode);
        match node {
            Node::Root => Structure::Inode(inode),
            Node::Extents(block) => Structure::ExtentBlock { block, inode },
            Node::Indirect(block) => Structure::IndirectBlock { block, inode },
        }
    }

    fn claim(&mut self, block: u64, length: u64) -> bool {
        self.blocks += length;
        let Some(again) = self.claims.claim(block, length) else { return true };
        let full = self.twice.len() >= MOST_WANTED;
        match self.twice.last_mut() {
            Some(last) if last.block.checked_add(last.count) == Some(again.first) => last.count += again.count,
            _ if full => {}
            _ => self.twice.push(Twice { inode: self.inode, block: again.first, count: again.count }),
        }
        false
    }
}

impl Visitor for Claimer<'_> {
    fn node(&mut self, _node: Node, block: u64) -> bool {
        let fresh = self.claim(block, 1);
        if !fresh {
            self.shared = Some(State::SharedMap);
        }
        fresh
    }

    fn run(&mut self, run: Run) {
        if !self.claim(run.physical, run.length) && self.shared.is_none() {
            self.shared = Some(State::SharedBlocks);
        }
        self.end = self.end.max(run.logical + run.length);
        if run.written {
            self.written_end = self.written_end.max(run.logical + run.length);
        }
    }

    fn problem(&mut self, node: Node, field: &'static str, found: &dyn Display, expected: &dyn Display) {
        self.findings.push(Finding::error(self.structure(node), field, found, expected));
    }

    fn checksum(&mut self, node: Node, found: u32, expected: u32) {
        self.findings.push(Finding::checksum(self.structure(node), found, expected));
    }
}
