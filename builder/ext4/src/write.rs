//! Turns a layout into writes. Decides nothing.

use std::io;

use builder_block::WriteAt;
use builder_tree::{Content, InodeKind, Metadata, Source};

use crate::checksum;
use crate::dirblock;
use crate::extent::{self, Extent};
use crate::format::{
    BLOCK_LEN, BLOCK_SIZE, FAST_SYMLINK_MAX, FIRST_INODE, INODES_PER_BLOCK, JOURNAL_INODE, ino, length, low32, sb,
};
use crate::group::{DESCRIPTOR_LEN, Groups};
use crate::htree::{self, DirectoryEntries};
use crate::inode::{DIRECTORY, INODE_LEN, InodeFields, device_block};
use crate::journal;
use crate::options::Options;
use crate::place::{JOURNAL, Layout};
use crate::runs;
use crate::seal;
use crate::superblock::SuperblockFields;
use crate::sweep::Sweep;
use crate::walk::{self, LOST, Object, PlannedDirectory, Slot, Walk, inode_number, slot_of};
use crate::xattr;

/// Blocks of an inode table made before they are handed on: 1 MiB.
const CHUNK_BLOCKS: u64 = 256;

/// Everything there is to write.
pub(crate) struct Writer<'i, 'a> {
    walk: &'i Walk<'a>,
    layout: &'i Layout,
    options: &'i Options,
    seed: u32,
    lost_and_found: Metadata,
    journal: Metadata,
}

impl<'i, 'a> Writer<'i, 'a> {
    pub(crate) fn new(walk: &'i Walk<'a>, layout: &'i Layout, options: &'i Options) -> Self {
        let lost_and_found = walk::lost_and_found_metadata(options.created);
        let journal = Metadata { mode: 0o600, ..lost_and_found.clone() };
        Self { walk, layout, options, seed: checksum::filesystem_seed(&options.uuid), lost_and_found, journal }
    }

    /// Writes everything.
    pub(crate) fn write(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        let mut sweep = Sweep::new(device);
        self.groups(&mut sweep)?;
        self.inode_tables(&mut sweep)?;
        self.directories(&mut sweep)?;
        self.link_targets(&mut sweep)?;
        self.xattr_blocks(&mut sweep)?;
        self.journal(&mut sweep)?;
        self.bodies(&mut sweep)?;
        sweep.finish()
    }

    /// Superblocks, descriptors and bitmaps.
    fn groups(&self, sweep: &mut Sweep<'_, 'i>) -> io::Result<()> {
        let geometry = &self.layout.geometry;
        let directories = self.directories_per_group();
        let groups = || Groups {
            geometry,
            places: &self.layout.groups,
            used: &self.layout.used_regions,
            last_inode: self.last_inode(),
            directories: &directories,
            next: 0,
        };
        let mut descriptors: Vec<u8> = Vec::with_capacity(self.layout.groups.len() * DESCRIPTOR_LEN);
        for (number, group) in (0..).zip(groups()) {
            descriptors.extend(group.descriptor(number, geometry.inodes_per_group, self.seed));
            if let Some(bitmap) = &group.block_bitmap {
                sweep.write(group.place.block_bitmap, bitmap)?;
            }
        }
        // Once more for these: they lie behind the block bitmaps of 16 groups.
        for group in groups().take_while(|group| group.inode_bitmap.is_some()) {
            if let Some(bitmap) = &group.inode_bitmap {
                sweep.write(group.place.inode_bitmap, bitmap)?;
            }
        }
        let journal = (self.layout.journal_blocks > 0)
            .then(|| (self.layout.journal_blocks, self.layout.extents(JOURNAL), self.layout.tree(JOURNAL)));
        let superblock = SuperblockFields {
            options: self.options,
            geometry,
            free_blocks: self.layout.free(),
            free_inodes: geometry.inodes() - self.last_inode(),
            journal,
        };
        for group in geometry.header_groups() {
            let mut block = [0; BLOCK_LEN];
            let at = if group == 0 { sb::PRIMARY_OFFSET } else { 0 };
            block[at..at + sb::LENGTH].copy_from_slice(&superblock.encode(group));
            sweep.write(geometry.group_start(group), &block)?;
            sweep.write(geometry.group_start(group) + 1, &descriptors)?;
        }
        Ok(())
    }

    /// Number of the last inode in use; all before it are in use or reserved.
    pub(crate) fn last_inode(&self) -> u64 {
        u64::from(FIRST_INODE - 1) + self.walk.slots.len() as u64 - 1
    }

    fn directories_per_group(&self) -> Vec<u32> {
        let per_group = self.layout.geometry.inodes_per_group;
        let mut counts = vec![0; length(self.last_inode().div_ceil(per_group))];
        for (number, slot) in (0..).zip(&self.walk.slots) {
            if let Object::Directory(_) = slot.object {
                counts[length((u64::from(inode_number(number)) - 1) / per_group)] += 1;
            }
        }
        counts
    }

    /// The blocks of inode tables that hold an inode.
    fn inode_tables(&self, sweep: &mut Sweep<'_, 'i>) -> io::Result<()> {
        let per_group = self.layout.geometry.inodes_per_group;
        let mut chunk = Vec::new();
        for (group, place) in (0..).zip(&self.layout.groups) {
            let first = group * per_group;
            let used = self.last_inode().saturating_sub(first).min(per_group);
            let blocks = used.div_ceil(INODES_PER_BLOCK);
            let mut block = 0;
            while block < blocks {
                let now = (blocks - block).min(CHUNK_BLOCKS);
                chunk.clear();
                let start = first + block * INODES_PER_BLOCK;
                for index in start..start + now * INODES_PER_BLOCK {
                    // Inodes count from 1, and there are fewer than 2^32.
                    chunk.extend(self.inode(low32(index + 1)));
                }
                sweep.write(place.inode_table + block, &chunk)?;
                block += now;
            }
            if used < per_group {
                break;
            }
        }
        Ok(())
    }

    /// An inode's bytes; zeros where it is not used.
    fn inode(&self, number: u32) -> [u8; INODE_LEN] {
        let seed = checksum::inode_seed(self.seed, number);
        if number == JOURNAL_INODE && self.layout.journal_blocks > 0 {
            return self.journal_inode(seed);
        }
        let slot = slot_of(number).and_then(|slot| Some((slot, self.walk.slots.get(slot as usize)?)));
        match slot {
            Some((number, slot)) => self.slot_inode(number, slot, seed),
            None => [0; INODE_LEN],
        }
    }

    fn journal_inode(&self, seed: u32) -> [u8; INODE_LEN] {
        let (block, _) = extent::encode(self.layout.extents(JOURNAL), self.layout.tree(JOURNAL), seed);
        let fields = InodeFields {
            metadata: &self.journal,
            type_bits: 0o100_000,
            links: 1,
            size: u64::from(self.layout.journal_blocks) * BLOCK_SIZE,
            blocks: self.blocks(JOURNAL),
            flags: ino::EXTENTS_FLAG,
            block,
            xattr_block: 0,
            in_inode: &[],
            created: self.options.created,
        };
        fields.encode(seed)
    }

    fn slot_inode(&self, number: u32, slot: &Slot<'a>, seed: u32) -> [u8; INODE_LEN] {
        let extents = || extent::encode(self.layout.extents(number), self.layout.tree(number), seed).0;
        let (metadata, type_bits, size, flags, block) = match &slot.object {
            Object::Directory(directory) => {
                let index = if directory.indexed { ino::INDEX_FLAG } else { 0 };
                let size = u64::from(directory.blocks) * BLOCK_SIZE;
                (self.metadata(directory), DIRECTORY, size, ino::EXTENTS_FLAG | index, extents())
            }
            Object::Leaf(inode) => {
                let (flags, block) = match &inode.kind {
                    InodeKind::Regular(_) => {
                        let verity = if inode.seal.is_some() { ino::VERITY_FLAG } else { 0 };
                        (ino::EXTENTS_FLAG | verity, extents())
                    }
                    InodeKind::Symlink(target) if target.len() <= FAST_SYMLINK_MAX => {
                        let mut block = [0; ino::BLOCK_LENGTH];
                        block[..target.len()].copy_from_slice(target);
                        (0, block)
                    }
                    InodeKind::Symlink(_) => (ino::EXTENTS_FLAG, extents()),
                    &(InodeKind::CharDevice { major, minor } | InodeKind::BlockDevice { major, minor }) => {
                        (0, device_block(major, minor))
                    }
                    InodeKind::Fifo | InodeKind::Socket => (0, [0; ino::BLOCK_LENGTH]),
                };
                (&inode.metadata, inode.kind.type_bits(), inode.size(), flags, block)
            }
        };
        // The attributes were encoded when they were planned.
        let in_inode = match metadata.xattrs.is_empty() {
            true => Vec::new(),
            false => xattr::encode(&metadata.xattrs).expect("encoded before, in the plan").in_inode,
        };
        let xattr_block = slot.xattr_block.checked_sub(1).map_or(0, |index| self.layout.xattr_blocks[index as usize]);
        let fields = InodeFields {
            metadata,
            type_bits,
            links: slot.links,
            size,
            blocks: self.blocks(number),
            flags,
            block,
            xattr_block,
            in_inode: &in_inode,
            created: self.options.created,
        };
        fields.encode(seed)
    }

    fn metadata<'s>(&'s self, directory: &PlannedDirectory<'a>) -> &'s Metadata
    where
        'a: 's,
    {
        directory.directory.map_or(&self.lost_and_found, |directory| &directory.metadata)
    }

    /// Blocks of body and extent tree.
    fn blocks(&self, slot: u32) -> u64 {
        let body: u64 = self.layout.extents(slot).iter().map(|extent| u64::from(extent.length)).sum();
        body + self.layout.tree(slot).len() as u64
    }

    fn directories(&self, sweep: &mut Sweep<'_, 'i>) -> io::Result<()> {
        for (number, slot) in (0..).zip(&self.walk.slots) {
            let Object::Directory(directory) = &slot.object else { continue };
            let entries = DirectoryEntries {
                inode: inode_number(number),
                parent: inode_number(directory.parent),
                csum_seed: self.seed,
                hash_seed: self.walk.hash_seed(),
                entries: self.walk.dir_entries(directory),
            };
            // The names were checked when the blocks were counted.
            let mut blocks = htree::encode(&entries).expect("counted before, in the plan").blocks;
            if number == LOST {
                let seed = dirblock::directory_seed(self.seed, entries.inode, 0);
                while blocks.len() < directory.blocks as usize * BLOCK_LEN {
                    dirblock::append(&mut blocks, [], seed);
                }
            }
            self.place(sweep, number, &blocks)?;
        }
        Ok(())
    }

    fn link_targets(&self, sweep: &mut Sweep<'_, 'i>) -> io::Result<()> {
        for (number, slot) in (0..).zip(&self.walk.slots) {
            if let Object::Leaf(inode) = &slot.object
                && let InodeKind::Symlink(target) = &inode.kind
                && target.len() > FAST_SYMLINK_MAX
            {
                self.place(sweep, number, target)?;
            }
        }
        Ok(())
    }

    fn xattr_blocks(&self, sweep: &mut Sweep<'_, 'i>) -> io::Result<()> {
        for (shared, &block) in self.walk.xattr_blocks.iter().zip(&self.layout.xattr_blocks) {
            // They were encoded when they were planned, and there was a block.
            let encoded = xattr::encode(shared.xattrs).expect("encoded before, in the plan");
            let mut bytes = encoded.block.expect("a block, as in the plan");
            xattr::set_refcount(&mut bytes, shared.users);
            xattr::set_block_checksum(&mut bytes, self.seed, block);
            sweep.write(block, &bytes)?;
        }
        Ok(())
    }

    fn journal(&self, sweep: &mut Sweep<'_, 'i>) -> io::Result<()> {
        if let Some(first) = self.layout.extents(JOURNAL).first() {
            sweep.write(first.physical, &journal::superblock(self.layout.journal_blocks, &self.options.uuid))?;
        }
        Ok(())
    }

    /// Bodies of files, and all blocks of extent trees.
    fn bodies(&self, sweep: &mut Sweep<'_, 'i>) -> io::Result<()> {
        for &number in &self.layout.order {
            if let Object::Leaf(inode) = &self.walk.slots[number as usize].object
                && let Some(content) = inode.content()
            {
                self.body(sweep, number, content, 0)?;
                if let Some(seal) = inode.seal.as_deref() {
                    let run = seal::run(content.size(), seal);
                    self.body(sweep, number, &seal.tree, run.first)?;
                    for (physical, ..) in pieces(self.layout.extents(number), run.end() - 1, 1) {
                        sweep.write(physical, &seal::descriptor_block(seal))?;
                    }
                }
            }
        }
        for (number, blocks) in self.layout.trees() {
            let inode = if number == JOURNAL { JOURNAL_INODE } else { inode_number(number) };
            let seed = checksum::inode_seed(self.seed, inode);
            let (_, encoded) = extent::encode(self.layout.extents(number), blocks, seed);
            for (&block, bytes) in blocks.iter().zip(&encoded) {
                sweep.write(block, bytes)?;
            }
        }
        Ok(())
    }

    /// Writes `content` to the blocks of a slot's file from `first` on.
    fn body(&self, sweep: &mut Sweep<'_, 'i>, slot: u32, content: &'i Content, first: u64) -> io::Result<()> {
        let extents = self.layout.extents(slot);
        for (run, source) in runs::written(content) {
            for (physical, skipped, blocks) in pieces(extents, first + run.first, run.blocks) {
                match source {
                    Source::File { file, offset } => {
                        sweep.copy(physical, file, offset + skipped * BLOCK_SIZE, blocks)?;
                    }
                    Source::Bytes(bytes) => {
                        let from = length(skipped * BLOCK_SIZE);
                        let to = length((skipped + blocks) * BLOCK_SIZE).min(bytes.len());
                        sweep.write(physical, &bytes[from..to])?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes the whole body of a slot.
    fn place(&self, sweep: &mut Sweep<'_, 'i>, slot: u32, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        for extent in self.layout.extents(slot) {
            let (now, later) = rest.split_at(rest.len().min(usize::from(extent.length) * BLOCK_LEN));
            sweep.write(extent.physical, now)?;
            rest = later;
        }
        Ok(())
    }
}

/// Where `blocks` blocks of a file from `first` on lie: first block on disk, blocks of the run before it, blocks.
fn pieces(extents: &[Extent], first: u64, blocks: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let end = first + blocks;
    let from = extents.partition_point(|extent| extent.end() <= first);
    extents[from..].iter().take_while(move |extent| u64::from(extent.logical) < end).map(move |extent| {
        let logical = u64::from(extent.logical);
        let start = logical.max(first);
        (extent.physical + (start - logical), start - first, extent.end().min(end) - start)
    })
}
