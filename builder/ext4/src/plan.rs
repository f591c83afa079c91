//! How large the file system becomes.

use builder_block::ByteSize;

use crate::alloc::AllocationError;
use crate::error::Ext4Error;
use crate::format::{BLOCK_SIZE, BLOCKS_PER_GROUP, FIRST_INODE, MAX_INODES_PER_GROUP, blocks_for, size_of_blocks};
use crate::geometry::{Geometry, MAX_BLOCKS, NoGeometry};
use crate::journal;
use crate::options::{InodeRule, JournalRule, Options, SizeRule};
use crate::place::{self, Layout};
use crate::walk::Walk;

/// Step of minimized sizes, in blocks: 1 MiB.
const STEP: u64 = (1 << 20) / BLOCK_SIZE;
/// Least size in blocks: 8 MiB, the least with a journal.
const MIN_BLOCKS: u64 = 8 * STEP;
/// Most inodes: what is left to 2^32 is for rounding them up to whole tables.
const MAX_INODES: u64 = 4_000_000_000;

/// The size is looked for with these.
pub(crate) struct Sizing<'w, 'a> {
    pub(crate) walk: &'w Walk<'a>,
    pub(crate) options: &'w Options,
    demand: u64,
}

/// What the kernel keeps back from users who are not root: the reserved blocks, and blocks for delayed allocation
/// (`ext4_calculate_resv_clusters`: 2 percent, 4096 blocks at most).
pub(crate) fn kept_back(blocks: u64, reserved_percent: u8) -> u64 {
    reserved(blocks, reserved_percent) + (blocks / 50).min(4096)
}

/// Blocks only root may use.
pub(crate) fn reserved(blocks: u64, percent: u8) -> u64 {
    // At most 2^35 blocks.
    blocks * u64::from(percent) / 100
}

impl<'w, 'a> Sizing<'w, 'a> {
    pub(crate) fn new(walk: &'w Walk<'a>, options: &'w Options) -> Self {
        Self { walk, options, demand: place::demand(walk) }
    }

    /// The layout of the size the options ask for.
    pub(crate) fn layout(&self) -> Result<Layout, Ext4Error> {
        match self.options.size {
            SizeRule::Minimize { free_bytes, spare_inodes } => self.minimize(MIN_BLOCKS, free_bytes, spare_inodes),
            SizeRule::Fixed(size) => {
                let blocks = size.bytes() / BLOCK_SIZE;
                if blocks > MAX_BLOCKS {
                    return Err(Ext4Error::TooLarge { needed: size, limit: size_of_blocks(MAX_BLOCKS) });
                }
                let layout = if blocks < MIN_BLOCKS { None } else { self.try_fixed(blocks)? };
                if let Some(layout) = layout {
                    return Ok(layout);
                }
                // Smaller ones may fit where this one does not, as they have smaller journals. Nobody asked for those.
                let least = self.minimize(blocks.max(MIN_BLOCKS), ByteSize::ZERO, 0)?;
                Err(Ext4Error::TooSmall { needed: size_of_blocks(least.geometry.blocks), has: size })
            }
        }
    }

    fn try_fixed(&self, blocks: u64) -> Result<Option<Layout>, Ext4Error> {
        match self.geometry(blocks, 0)? {
            Ok(geometry) => self.try_layout(geometry),
            Err(NoGeometry::TooFewBlocks) => Ok(None),
            Err(NoGeometry::TooManyInodes) => Err(Ext4Error::Inodes {
                needed: self.needed_inodes(0),
                limit: blocks.div_ceil(BLOCKS_PER_GROUP) * MAX_INODES_PER_GROUP,
            }),
        }
    }

    /// The smallest layout of at least `least` blocks with so much room.
    fn minimize(&self, least: u64, free_bytes: ByteSize, spare_inodes: u32) -> Result<Layout, Ext4Error> {
        let needed_inodes = self.needed_inodes(spare_inodes);
        let full_groups = needed_inodes.div_ceil(MAX_INODES_PER_GROUP).saturating_sub(1) * BLOCKS_PER_GROUP;
        let mut blocks = self.demand.max(least).max(full_groups).next_multiple_of(STEP);
        let free = blocks_for(free_bytes.bytes());
        while blocks <= MAX_BLOCKS {
            let mut missing = 0;
            // A geometry that leaves out its last group was tried as the smaller size it is.
            if let Ok(geometry) = self.geometry(blocks, spare_inodes)?
                && geometry.blocks == blocks
            {
                let wanted = self.wanted(&geometry, free);
                missing = wanted.saturating_sub(blocks);
                if missing == 0
                    && let Some(layout) = self.try_layout(geometry)?
                {
                    // Extent trees are counted only now.
                    let room = layout.free().saturating_sub(kept_back(blocks, self.options.reserved_percent));
                    if room >= free {
                        return Ok(layout);
                    }
                }
            }
            // With so many blocks less it cannot fit either, for metadata grows with the size.
            blocks = blocks.saturating_add((missing - missing % STEP).max(STEP));
        }
        Err(Ext4Error::TooLarge {
            needed: size_of_blocks(self.demand.saturating_add(free)),
            limit: size_of_blocks(MAX_BLOCKS),
        })
    }

    /// Blocks that a file system of this geometry needs.
    fn wanted(&self, geometry: &Geometry, free: u64) -> u64 {
        let kept_back = if free > 0 { kept_back(geometry.blocks, self.options.reserved_percent) } else { 0 };
        [self.journal_blocks(geometry.blocks).into(), self.demand, free, kept_back]
            .into_iter()
            .fold(geometry.metadata_blocks(), u64::saturating_add)
    }

    fn try_layout(&self, geometry: Geometry) -> Result<Option<Layout>, Ext4Error> {
        if self.wanted(&geometry, 0) > geometry.blocks {
            return Ok(None);
        }
        let journal_blocks = self.journal_blocks(geometry.blocks);
        match Layout::new(self.walk, geometry, journal_blocks) {
            Ok(layout) => Ok(Some(layout)),
            Err(AllocationError::Full) => Ok(None),
            Err(AllocationError::Overlap(overlap)) => Err(overlap.into()),
        }
    }

    fn journal_blocks(&self, blocks: u64) -> u32 {
        let journal = match self.options.journal {
            JournalRule::Absent => 0,
            JournalRule::BySize => journal::default_blocks(blocks),
            JournalRule::Fixed(size) => blocks_for(size.bytes()),
        };
        // Options are checked before anything is planned.
        u32::try_from(journal).expect("a journal has at most 10,240,000 blocks")
    }

    /// The geometry of `blocks` blocks; the outer error is for what no size can hold.
    fn geometry(&self, blocks: u64, spare_inodes: u32) -> Result<Result<Geometry, NoGeometry>, Ext4Error> {
        let needed = self.needed_inodes(spare_inodes);
        if needed > MAX_INODES {
            return Err(Ext4Error::Inodes { needed, limit: MAX_INODES });
        }
        // What a rule asks for is taken as far as it goes.
        let most = MAX_INODES.min(blocks.div_ceil(BLOCKS_PER_GROUP) * MAX_INODES_PER_GROUP);
        Ok(Geometry::new(blocks, self.ruled_inodes(blocks).min(most).max(needed)))
    }

    fn needed_inodes(&self, spare: u32) -> u64 {
        // The root's slot is one of the reserved inodes.
        let used = u64::from(FIRST_INODE - 1) + (self.walk.slots.len() as u64 - 1) + u64::from(spare);
        match self.options.inodes {
            InodeRule::Count(count) => used.max(u64::from(count)),
            _ => used,
        }
    }

    fn ruled_inodes(&self, blocks: u64) -> u64 {
        const TIB: u64 = (1 << 40) / BLOCK_SIZE;
        let ratio = match self.options.inodes {
            InodeRule::Count(_) => return 0,
            InodeRule::BytesPerInode(bytes) => bytes.bytes().max(1024),
            InodeRule::BySize if blocks < 4 * TIB => 16 << 10,
            InodeRule::BySize if blocks < 16 * TIB => 32 << 10,
            InodeRule::BySize => 64 << 10,
        };
        // At most 2^35 blocks of 2^12 bytes.
        blocks * BLOCK_SIZE / ratio
    }
}

/// Checks what the types of the options do not say.
pub(crate) fn check(options: &Options) -> Result<(), Ext4Error> {
    let error = |option, value, allowed| Err(Ext4Error::Option { option, value, allowed });
    if options.uuid == [0; 16] {
        // e2fsck takes it for none and makes one up.
        return error("uuid", "all zeros".into(), "an identity");
    }
    if options.label.len() > crate::format::sb::VOLUME_NAME_LEN || options.label.contains(&0) {
        return error("label", options.label.escape_ascii().to_string(), "0 to 16 bytes without NUL");
    }
    if options.last_mounted.len() >= crate::format::sb::LAST_MOUNTED_LEN || options.last_mounted.contains(&0) {
        return error("last mounted", options.last_mounted.escape_ascii().to_string(), "0 to 63 bytes without NUL");
    }
    if !(0..=crate::format::TIME_MAX).contains(&options.created) {
        return error("created", options.created.to_string(), "a time from 1970 to 2310, in seconds");
    }
    if options.reserved_percent > 50 {
        return error("reserved percent", options.reserved_percent.to_string(), "0 to 50");
    }
    if let JournalRule::Fixed(size) = options.journal
        && !(journal::MIN_BLOCKS..=journal::MAX_BLOCKS).contains(&blocks_for(size.bytes()))
    {
        return error("journal size", size.to_string(), "4 MiB to 39 GiB");
    }
    Ok(())
}
