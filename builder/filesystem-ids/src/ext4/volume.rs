//! The superblock, and what follows from it. Linux, Documentation/filesystems/ext4, "Super Block".

use builder_block::ReadAt;

use super::checksum::{START, Seeds, crc32c};
use super::{damaged, failed};
use crate::IdError;
use crate::fields::{get16, get32, get64};

/// The superblock begins here in the first group, and with the group in others.
pub(super) const PRIMARY: u64 = 1024;
/// Bytes of it.
pub(super) const LENGTH: usize = 1024;

/// Offsets in the superblock.
pub(super) mod sb {
    pub(in crate::ext4) const INODES_COUNT: usize = 0x00;
    pub(in crate::ext4) const BLOCKS_COUNT_LO: usize = 0x04;
    pub(in crate::ext4) const FIRST_DATA_BLOCK: usize = 0x14;
    pub(in crate::ext4) const LOG_BLOCK_SIZE: usize = 0x18;
    pub(in crate::ext4) const BLOCKS_PER_GROUP: usize = 0x20;
    pub(in crate::ext4) const INODES_PER_GROUP: usize = 0x28;
    pub(in crate::ext4) const MAGIC: usize = 0x38;
    pub(in crate::ext4) const STATE: usize = 0x3A;
    pub(in crate::ext4) const REV_LEVEL: usize = 0x4C;
    pub(in crate::ext4) const INODE_SIZE: usize = 0x58;
    pub(in crate::ext4) const COMPAT: usize = 0x5C;
    pub(in crate::ext4) const INCOMPAT: usize = 0x60;
    pub(in crate::ext4) const RO_COMPAT: usize = 0x64;
    pub(in crate::ext4) const UUID: usize = 0x68;
    pub(in crate::ext4) const JOURNAL_INUM: usize = 0xE0;
    pub(in crate::ext4) const DESC_SIZE: usize = 0xFE;
    pub(in crate::ext4) const BLOCKS_COUNT_HI: usize = 0x150;
    pub(in crate::ext4) const CHECKSUM_TYPE: usize = 0x175;
    pub(in crate::ext4) const ORPHAN_FILE_INUM: usize = 0x280;
    pub(in crate::ext4) const CHECKSUM: usize = 0x3FC;
}

/// `dir_prealloc has_journal ext_attr resize_inode dir_index fast_commit orphan_file`.
const COMPAT: u32 = 0x1 | 0x4 | 0x8 | 0x10 | 0x20 | 0x400 | ORPHAN_FILE;
const HAS_JOURNAL: u32 = 0x4;
const ORPHAN_FILE: u32 = 0x1000;
/// `filetype extent 64bit flex_bg metadata_csum_seed large_dir inline_data`.
const INCOMPAT: u32 = 0x2 | 0x40 | BITS_64 | 0x200 | CSUM_SEED | 0x4000 | 0x8000;
const RECOVER: u32 = 0x4;
const BITS_64: u32 = 0x80;
const CSUM_SEED: u32 = 0x2000;
/// `sparse_super large_file btree_dir huge_file uninit_bg dir_nlink extra_isize quota metadata_csum read-only project
/// verity`.
const RO_COMPAT: u32 =
    SPARSE_SUPER | 0x2 | 0x4 | 0x8 | GDT_CSUM | 0x20 | 0x40 | 0x100 | METADATA_CSUM | 0x1000 | 0x2000 | 0x8000;
const SPARSE_SUPER: u32 = 0x1;
const GDT_CSUM: u32 = 0x10;
const METADATA_CSUM: u32 = 0x400;

/// What is done on a way through the file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Everything is compared with its checksum.
    Look,
    /// The new ones are written.
    Change,
}

/// What the UUID is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The superblocks alone: without checksums, or with a seed of their own.
    Superblocks,
    /// Group descriptors too (`uninit_bg`).
    Descriptors,
    /// All metadata (`metadata_csum`).
    Everything,
}

/// A file system whose numbers can be.
#[derive(Clone, Debug)]
pub(super) struct Volume {
    pub(super) old: [u8; 16],
    pub(super) new: [u8; 16],
    /// Of the file system's checksums.
    pub(super) seeds: Seeds,
    pub(super) scope: Scope,
    /// Whether superblocks have a checksum.
    pub(super) has_checksum: bool,
    /// In bytes: 1 to 64 KiB.
    pub(super) block_size: u64,
    pub(super) blocks: u64,
    /// First block of the first group: 1 where a block has 1 KiB.
    pub(super) first_block: u64,
    pub(super) groups: u64,
    pub(super) blocks_per_group: u64,
    pub(super) inodes_per_group: u64,
    /// In bytes.
    pub(super) inode_size: usize,
    /// In bytes: 32, or 64 and more.
    pub(super) descriptor_size: usize,
    /// Block numbers have 64 bits.
    pub(super) has_64_bits: bool,
    /// Whether only some groups have a copy of the superblock.
    is_sparse: bool,
    /// The inode of the orphan file.
    pub(super) orphan_file: Option<u32>,
}

impl Volume {
    /// Reads the superblock; `new` is the UUID that there will be, or `None` for the one that there is.
    pub(super) fn open(device: &dyn ReadAt, new: Option<[u8; 16]>) -> Result<Self, IdError> {
        let none = |problem| IdError::None { filesystem: "ext4", problem };
        let unsupported = |problem| IdError::Unsupported { filesystem: "ext4", problem };
        let size = device.size().bytes();
        if size < PRIMARY + LENGTH as u64 {
            return Err(none("its partition is shorter than a superblock"));
        }
        let mut bytes = [0; LENGTH];
        device.read_at(PRIMARY, &mut bytes).map_err(failed)?;
        if get16(&bytes, sb::MAGIC) != 0xEF53 {
            return Err(none("there is no superblock"));
        }
        let (compat, incompat, ro_compat) =
            (get32(&bytes, sb::COMPAT), get32(&bytes, sb::INCOMPAT), get32(&bytes, sb::RO_COMPAT));
        if get32(&bytes, sb::REV_LEVEL) == 0 {
            return Err(unsupported("is of the first revision, without features"));
        }
        if incompat & RECOVER != 0 {
            return Err(unsupported("has a journal to replay"));
        }
        if get16(&bytes, sb::STATE) & 3 != 1 {
            return Err(unsupported("was not unmounted, or has errors"));
        }
        if compat & !COMPAT != 0 || incompat & !INCOMPAT != 0 || ro_compat & !RO_COMPAT != 0 {
            return Err(unsupported("has a feature that is not known here"));
        }
        if compat & HAS_JOURNAL != 0 && get32(&bytes, sb::JOURNAL_INUM) == 0 {
            return Err(unsupported("has its journal on another device"));
        }
        let has_checksum = ro_compat & METADATA_CSUM != 0;
        if has_checksum && bytes[sb::CHECKSUM_TYPE] != 1 {
            return Err(unsupported("has checksums of an unknown kind"));
        }
        if has_checksum && crc32c(START, &bytes[..sb::CHECKSUM]) != get32(&bytes, sb::CHECKSUM) {
            return Err(damaged("the checksum of its superblock is wrong".to_owned()));
        }
        let mut old = [0; 16];
        old.copy_from_slice(&bytes[sb::UUID..][..16]);
        let new = new.unwrap_or(old);
        let scope = match incompat & CSUM_SEED != 0 {
            true if has_checksum => Scope::Superblocks,
            _ if has_checksum => Scope::Everything,
            _ if ro_compat & GDT_CSUM != 0 => Scope::Descriptors,
            _ => Scope::Superblocks,
        };
        let log = get32(&bytes, sb::LOG_BLOCK_SIZE);
        if log > 6 {
            return Err(wrong("power of its block size", log.into()));
        }
        let block_size = 1024_u64 << log;
        let has_64_bits = incompat & BITS_64 != 0;
        let high = if has_64_bits { get32(&bytes, sb::BLOCKS_COUNT_HI) } else { 0 };
        let blocks = u64::from(high) << 32 | u64::from(get32(&bytes, sb::BLOCKS_COUNT_LO));
        if blocks.checked_mul(block_size).is_none_or(|end| end > size) {
            return Err(wrong("number of blocks", blocks));
        }
        let first_block = u64::from(get32(&bytes, sb::FIRST_DATA_BLOCK));
        if first_block != u64::from(block_size == 1024) || blocks <= first_block {
            return Err(wrong("first block", first_block));
        }
        let blocks_per_group = u64::from(get32(&bytes, sb::BLOCKS_PER_GROUP));
        let inodes_per_group = u64::from(get32(&bytes, sb::INODES_PER_GROUP));
        // Fewer blocks than 256 are refused by mke2fs, too.
        for (what, value, least) in
            [("blocks of a group", blocks_per_group, 256), ("inodes of a group", inodes_per_group, 8)]
        {
            if value < least || value % 8 != 0 || value > block_size * 8 {
                return Err(wrong(what, value));
            }
        }
        let groups = (blocks - first_block).div_ceil(blocks_per_group);
        let inodes = u64::from(get32(&bytes, sb::INODES_COUNT));
        if groups * inodes_per_group != inodes {
            return Err(wrong("number of inodes", inodes));
        }
        let inode_size = u64::from(get16(&bytes, sb::INODE_SIZE));
        if !inode_size.is_power_of_two() || !(128..=block_size).contains(&inode_size) {
            return Err(wrong("size of an inode", inode_size));
        }
        let descriptor_size = if has_64_bits { u64::from(get16(&bytes, sb::DESC_SIZE)) } else { 32 };
        if !descriptor_size.is_power_of_two() || descriptor_size > block_size || has_64_bits && descriptor_size < 64 {
            return Err(wrong("size of a group descriptor", descriptor_size));
        }
        let orphan_file = (compat & ORPHAN_FILE != 0).then(|| get32(&bytes, sb::ORPHAN_FILE_INUM));
        let volume = Self {
            seeds: Seeds::new(&old, &new),
            old,
            new,
            scope,
            has_checksum,
            block_size,
            blocks,
            first_block,
            groups,
            blocks_per_group,
            inodes_per_group,
            // Both are at most 64 KiB.
            inode_size: crate::fields::length(inode_size),
            descriptor_size: crate::fields::length(descriptor_size),
            has_64_bits,
            is_sparse: ro_compat & SPARSE_SUPER != 0,
            orphan_file,
        };
        let header = 1 + volume.descriptor_blocks();
        let last = volume.headers().last().copied().unwrap_or(0);
        // So all copies together are no more than the file system.
        if header > blocks_per_group || volume.group_start(last) + header > blocks {
            return Err(wrong("number of groups", groups));
        }
        Ok(volume)
    }

    /// First block of a group.
    pub(super) fn group_start(&self, group: u64) -> u64 {
        self.first_block + group * self.blocks_per_group
    }

    /// Blocks of the table of group descriptors, behind each superblock.
    pub(super) fn descriptor_blocks(&self) -> u64 {
        (self.groups * self.descriptor_size as u64).div_ceil(self.block_size)
    }

    /// Groups that have a superblock: with `sparse_super` 0, 1 and the powers of 3, 5 and 7.
    pub(super) fn headers(&self) -> Vec<u64> {
        if !self.is_sparse {
            return (0..self.groups).collect();
        }
        let powers = |base: u64| std::iter::successors(Some(base), move |power| power.checked_mul(base));
        let below = |base: u64| powers(base).take_while(|&group| group < self.groups);
        let mut groups: Vec<u64> = [0, 1].into_iter().filter(|&group| group < self.groups).collect();
        groups.extend([3, 5, 7].into_iter().flat_map(below));
        groups.sort_unstable();
        groups
    }

    /// First byte of a superblock.
    pub(super) fn superblock_at(&self, group: u64) -> u64 {
        if group == 0 { PRIMARY } else { self.group_start(group) * self.block_size }
    }

    /// First byte of `blocks` blocks, all of them in the file system.
    pub(super) fn at(&self, block: u64, blocks: u64, what: &str) -> Result<u64, IdError> {
        if block <= self.first_block || block.checked_add(blocks).is_none_or(|end| end > self.blocks) {
            return Err(damaged(format!("{what} is in block {block}, and there are {} blocks", self.blocks)));
        }
        Ok(block * self.block_size)
    }
}

/// A number of two fields that is in the first 32 bits where numbers have no more.
pub(super) fn block_number(bytes: &[u8], low: usize, high: Option<usize>) -> u64 {
    match high {
        Some(high) => get64(bytes, low, high),
        None => get32(bytes, low).into(),
    }
}

fn wrong(what: &str, value: u64) -> IdError {
    damaged(format!("its superblock gives {value} as the {what}"))
}
