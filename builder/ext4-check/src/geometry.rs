//! How a file system is divided: the numbers of the superblock, once they are known to fit together.

use builder_block::ByteSize;

use crate::findings::Findings;
use crate::format::{NARROW_DESCRIPTOR, WIDE_DESCRIPTOR, compat, incompat, inode, ro_compat, sb, special};
use crate::report::Finding;
use crate::structure::Structure;
use crate::superblock::Superblock;

/// Fewest blocks of a group that are looked at: no tool makes smaller ones, and smaller ones would need more
/// descriptors than data.
const FEWEST_BLOCKS_PER_GROUP: u32 = 256;
/// `log2` of the largest block in KiB.
const MOST_LOG_BLOCK_SIZE: u32 = 6;

/// The numbers of a file system that all else depends on.
#[derive(Clone, Debug)]
pub(crate) struct Geometry {
    /// Bytes.
    pub(crate) block_size: usize,
    pub(crate) blocks: u64,
    /// The block that group 0 begins with.
    pub(crate) first_block: u64,
    pub(crate) blocks_per_group: u32,
    pub(crate) groups: u32,
    pub(crate) inodes_per_group: u32,
    /// All inodes.
    pub(crate) inodes: u32,
    /// Bytes.
    pub(crate) inode_size: usize,
    /// The first inode that is not special.
    pub(crate) first_inode: u32,
    /// Bytes.
    pub(crate) descriptor_size: usize,
    pub(crate) descriptors_per_block: u32,
    /// Blocks of the table of descriptors.
    pub(crate) descriptor_blocks: u32,
    pub(crate) reserved_descriptor_blocks: u32,
    /// The first block of descriptors that lies with its groups instead of in the table; none without `meta_bg`.
    first_meta: Option<u32>,
    sparse: bool,
    sparse2: Option<[u32; 2]>,
    pub(crate) bigalloc: bool,
}

/// A group's part of the backups: how many blocks of which kind it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whether there is a superblock.
    pub(crate) superblock: bool,
    /// Blocks of descriptors behind it.
    pub(crate) descriptors: u32,
    /// Blocks that are kept for more descriptors.
    pub(crate) reserved: u32,
}

impl Geometry {
    /// The geometry that a superblock describes, or `None` where its numbers contradict each other or the device.
    pub(crate) fn new(superblock: &Superblock, device: ByteSize, findings: &mut Findings) -> Option<Self> {
        match Self::derive(superblock, device, findings) {
            Ok(geometry) => Some(geometry),
            Err(finding) => {
                findings.push(*finding);
                findings.unchecked("nothing behind the superblock was looked at: its numbers do not fit together");
                None
            }
        }
    }

    fn derive(superblock: &Superblock, device: ByteSize, findings: &mut Findings) -> Result<Self, Box<Finding>> {
        let word = |at| superblock.word(at);
        let log = word(sb::LOG_BLOCK_SIZE);
        if log > MOST_LOG_BLOCK_SIZE {
            return Err(Box::new(bad("block size", format!("2^{log} KiB"), "1 KiB to 64 KiB")));
        }
        let block_size = 1024_u32 << log;
        let bigalloc = superblock.ro_compat(ro_compat::BIGALLOC);
        if !bigalloc && word(sb::LOG_CLUSTER_SIZE) != log {
            return Err(Box::new(bad(
                "cluster size",
                format!("2^{} KiB", word(sb::LOG_CLUSTER_SIZE)),
                "the block size",
            )));
        }
        let blocks = superblock.blocks();
        let device_blocks = device.bytes() / u64::from(block_size);
        if blocks > device_blocks {
            return Err(Box::new(
                bad("blocks", blocks.to_string(), &format!("at most {device_blocks}, the size of the device"))
                    .hint("the end of the file system is missing: the device or file was truncated"),
            ));
        }
        let first = word(sb::FIRST_DATA_BLOCK);
        let expected_first = u32::from(block_size == 1024);
        if first != expected_first && !bigalloc {
            return Err(Box::new(bad("first data block", first.to_string(), &expected_first.to_string())));
        }
        if u64::from(first) >= blocks {
            return Err(Box::new(bad("blocks", blocks.to_string(), &format!("more than {first}"))));
        }
        let bits = block_size * 8;
        let blocks_per_group = word(sb::BLOCKS_PER_GROUP);
        let most_blocks = if bigalloc { u32::MAX } else { bits };
        if !(FEWEST_BLOCKS_PER_GROUP..=most_blocks).contains(&blocks_per_group) || !blocks_per_group.is_multiple_of(8) {
            let expected = format!("a multiple of 8 from {FEWEST_BLOCKS_PER_GROUP} to {most_blocks}");
            return Err(Box::new(bad("blocks per group", blocks_per_group.to_string(), &expected)));
        }
        if !bigalloc && word(sb::CLUSTERS_PER_GROUP) != blocks_per_group {
            let found = word(sb::CLUSTERS_PER_GROUP).to_string();
            return Err(Box::new(bad("clusters per group", found, &blocks_per_group.to_string())));
        }
        let groups = (blocks - u64::from(first)).div_ceil(u64::from(blocks_per_group));
        let groups =
            u32::try_from(groups).map_err(|_| Box::new(bad("groups", groups.to_string(), "less than 2^32")))?;

        let dynamic = word(sb::REVISION) > 0;
        let inode_size = if dynamic { u32::from(superblock.half(sb::INODE_SIZE)) } else { 128 };
        // 128 fits.
        if inode_size < u32::try_from(inode::OLD_SIZE).unwrap_or(128)
            || inode_size > block_size
            || !inode_size.is_power_of_two()
        {
            return Err(Box::new(bad(
                "inode size",
                inode_size.to_string(),
                &format!("a power of two, 128 to {block_size}"),
            )));
        }
        let inodes_per_group = word(sb::INODES_PER_GROUP);
        let per_block = block_size / inode_size;
        if inodes_per_group < per_block || inodes_per_group > bits {
            return Err(Box::new(bad(
                "inodes per group",
                inodes_per_group.to_string(),
                &format!("{per_block} to {bits}"),
            )));
        }
        let inodes = word(sb::INODES);
        let all = u64::from(groups) * u64::from(inodes_per_group);
        if u64::from(inodes) != all {
            let expected = format!("{all}: {groups} groups of {inodes_per_group}");
            return Err(Box::new(bad("inodes", inodes.to_string(), &expected)));
        }
        let first_inode = if dynamic { word(sb::FIRST_INODE) } else { special::FIRST_FREE };
        if first_inode < special::FIRST_FREE || first_inode > inodes {
            return Err(Box::new(bad("first inode", first_inode.to_string(), &format!("11 to {inodes}"))));
        }
        let wide = superblock.incompat(incompat::WIDE);
        let descriptor_size = if wide { u32::from(superblock.half(sb::DESCRIPTOR_SIZE)) } else { NARROW_DESCRIPTOR };
        if wide && (!(WIDE_DESCRIPTOR..=1024).contains(&descriptor_size) || !descriptor_size.is_power_of_two()) {
            return Err(Box::new(bad("descriptor size", descriptor_size.to_string(), "a power of two, 64 to 1024")));
        }
        let descriptors_per_block = block_size / descriptor_size;
        let descriptor_blocks = groups.div_ceil(descriptors_per_block);
        let reserved =
            if superblock.incompat(incompat::META_BG) { 0 } else { superblock.half(sb::RESERVED_GDT_BLOCKS) };
        let reserved = u32::from(reserved);
        if reserved > block_size / 4 {
            return Err(Box::new(bad(
                "reserved descriptor blocks",
                reserved.to_string(),
                &format!("0 to {}", block_size / 4),
            )));
        }
        let first_meta = superblock.incompat(incompat::META_BG).then(|| word(sb::FIRST_META_GROUP));
        if let Some(first) = first_meta.filter(|&first| first > descriptor_blocks) {
            return Err(Box::new(bad("first meta group", first.to_string(), &format!("0 to {descriptor_blocks}"))));
        }
        let head = 1 + u64::from(first_meta.unwrap_or(descriptor_blocks)) + u64::from(reserved);
        if head + u64::from(first) > blocks.min(u64::from(blocks_per_group) + u64::from(first)) {
            return Err(Box::new(bad(
                "reserved descriptor blocks",
                reserved.to_string(),
                "all descriptors within group 0",
            )));
        }
        Self::check_numbers(superblock, blocks, inodes, findings);
        // All of these are below 2^16, or a few bytes above.
        let small = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Self {
            block_size: small(block_size),
            blocks,
            first_block: u64::from(first),
            blocks_per_group,
            groups,
            inodes_per_group,
            inodes,
            inode_size: small(inode_size),
            first_inode,
            descriptor_size: small(descriptor_size),
            descriptors_per_block,
            descriptor_blocks,
            reserved_descriptor_blocks: reserved,
            first_meta,
            sparse: superblock.ro_compat(ro_compat::SPARSE_SUPER),
            sparse2: superblock
                .compat(compat::SPARSE_SUPER2)
                .then(|| [word(sb::BACKUP_GROUPS), word(sb::BACKUP_GROUPS + 4)]),
            bigalloc,
        })
    }

    /// Numbers that nothing else is derived from.
    fn check_numbers(superblock: &Superblock, blocks: u64, inodes: u32, findings: &mut Findings) {
        let wide = superblock.incompat(incompat::WIDE);
        let high = if wide { superblock.word(sb::RESERVED_BLOCKS_HI) } else { 0 };
        let reserved = crate::bytes::joined(high, superblock.word(sb::RESERVED_BLOCKS_LO));
        if reserved > blocks / 2 {
            findings.push(bad("blocks kept for the super-user", reserved.to_string(), &format!("0 to {}", blocks / 2)));
        }
        if superblock.free_blocks() > blocks {
            let found = superblock.free_blocks().to_string();
            findings.push(bad("free blocks", found, &format!("0 to {blocks}")));
        }
        if superblock.word(sb::FREE_INODES) > inodes {
            let found = superblock.word(sb::FREE_INODES).to_string();
            findings.push(bad("free inodes", found, &format!("0 to {inodes}")));
        }
        if superblock.incompat(incompat::FLEX_BG) && superblock.byte(sb::LOG_GROUPS_PER_FLEX) > 31 {
            let found = format!("2^{}", superblock.byte(sb::LOG_GROUPS_PER_FLEX));
            findings.push(bad("groups of a flexible group", found, "1 to 2^31"));
        }
    }

    /// The first block of a group.
    pub(crate) fn group_start(&self, group: u32) -> u64 {
        self.first_block + u64::from(group) * u64::from(self.blocks_per_group)
    }

    /// Blocks of a group: the last one may have fewer.
    pub(crate) fn group_blocks(&self, group: u32) -> u32 {
        let left = self.blocks.saturating_sub(self.group_start(group));
        u32::try_from(left).map_or(self.blocks_per_group, |left| left.min(self.blocks_per_group))
    }

    /// Blocks of the inode table of each group.
    pub(crate) fn inode_table_blocks(&self) -> u64 {
        (u64::from(self.inodes_per_group) * self.inode_size as u64).div_ceil(self.block_size as u64)
    }

    /// The group of an inode, and its place there, both from 0. `number` is from 1 to the number of inodes.
    pub(crate) fn inode_place(&self, number: u32) -> (u32, u32) {
        let index = number.saturating_sub(1);
        (index / self.inodes_per_group, index % self.inodes_per_group)
    }

    /// Whether all of `length` blocks from `start` belong to the file system.
    pub(crate) fn holds(&self, start: u64, length: u64) -> bool {
        length > 0 && start >= self.first_block && start.checked_add(length).is_some_and(|end| end <= self.blocks)
    }

    /// Whether a group begins with a superblock.
    pub(crate) fn has_superblock(&self, group: u32) -> bool {
        if group == 0 {
            return true;
        }
        if let Some(backups) = self.sparse2 {
            return backups.contains(&group);
        }
        group == 1 || !self.sparse || [3, 5, 7].into_iter().any(|base| is_power_of(group, base))
    }

    /// What a group begins with.
    pub(crate) fn head(&self, group: u32) -> Head {
        let superblock = self.has_superblock(group);
        let meta = group / self.descriptors_per_block;
        match self.first_meta {
            Some(first) if meta >= first => {
                let place = group % self.descriptors_per_block;
                let holds = place < 2 || place == self.descriptors_per_block - 1;
                Head { superblock, descriptors: u32::from(holds), reserved: 0 }
            }
            first if superblock => Head {
                superblock,
                descriptors: first.unwrap_or(self.descriptor_blocks),
                reserved: self.reserved_descriptor_blocks,
            },
            _ => Head { superblock, descriptors: 0, reserved: 0 },
        }
    }

    /// Where the descriptors numbered from `index * descriptors_per_block` are read from.
    pub(crate) fn descriptor_block(&self, index: u32) -> u64 {
        match self.first_meta {
            Some(first) if index >= first => {
                let group = index.saturating_mul(self.descriptors_per_block);
                let start = self.group_start(group);
                start + u64::from(self.has_superblock(group))
            }
            // Block 0 of larger blocks and block 1 of small ones hold the superblock.
            _ => self.first_block + 1 + u64::from(index),
        }
    }

    /// The descriptor blocks that `group` holds a copy of, as indices, and the first block of the copy.
    pub(crate) fn descriptor_copies(&self, group: u32) -> (std::ops::Range<u32>, u64) {
        let head = self.head(group);
        let start = self.group_start(group) + u64::from(head.superblock);
        let meta = group / self.descriptors_per_block;
        let first = match self.first_meta {
            Some(first) if meta >= first => meta,
            _ => 0,
        };
        (first..first + head.descriptors, start)
    }
}

fn bad(field: &'static str, found: String, expected: &str) -> Finding {
    Finding::error(Structure::Superblock, field, found, expected)
}

/// Whether `number`, at least 1, is a power of `base`.
fn is_power_of(mut number: u32, base: u32) -> bool {
    while number > 1 && number.is_multiple_of(base) {
        number /= base;
    }
    number == 1
}

#[cfg(test)]
mod tests {
    use super::is_power_of;

    #[test]
    fn backups_lie_at_powers() {
        let groups: Vec<u32> =
            (1..130).filter(|&group| [3, 5, 7].iter().any(|&base| is_power_of(group, base))).collect();
        assert_eq!(groups, [1, 3, 5, 7, 9, 25, 27, 49, 81, 125]);
    }
}
