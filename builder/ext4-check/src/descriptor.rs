//! Group descriptors: where the bitmaps and the inode table of a group lie.

use crate::bytes::{joined, le16, le32};
use crate::checksum::old_descriptor;
use crate::findings::Findings;
use crate::format::{GROUP_CHECKSUM, group, incompat, ro_compat};
use crate::report::{CheckError, Finding};
use crate::structure::Structure;
use crate::volume::Volume;

/// Descriptor blocks read at a time.
const READ_BLOCKS: u32 = 256;

/// A descriptor as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) block_bitmap: u64,
    pub(crate) inode_bitmap: u64,
    pub(crate) inode_table: u64,
    pub(crate) free_blocks: u32,
    pub(crate) free_inodes: u32,
    pub(crate) directories: u32,
    pub(crate) unused_inodes: u32,
    pub(crate) flags: u16,
    pub(crate) block_bitmap_checksum: u32,
    pub(crate) inode_bitmap_checksum: u32,
    /// Whether the high halves of the checksums of the bitmaps are stored.
    pub(crate) wide: bool,
    /// Whether bitmaps and table lie within the file system.
    pub(crate) usable: bool,
}

impl Descriptor {
    /// Takes the fields from `bytes`, which are all of a descriptor.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let block = |high, low| joined(le32(bytes, high), le32(bytes, low));
        let count = |high, low| u32::from(le16(bytes, high)) << 16 | u32::from(le16(bytes, low));
        Self {
            block_bitmap: block(group::BLOCK_BITMAP_HI, group::BLOCK_BITMAP_LO),
            inode_bitmap: block(group::INODE_BITMAP_HI, group::INODE_BITMAP_LO),
            inode_table: block(group::INODE_TABLE_HI, group::INODE_TABLE_LO),
            free_blocks: count(group::FREE_BLOCKS_HI, group::FREE_BLOCKS_LO),
            free_inodes: count(group::FREE_INODES_HI, group::FREE_INODES_LO),
            directories: count(group::DIRECTORIES_HI, group::DIRECTORIES_LO),
            unused_inodes: count(group::UNUSED_INODES_HI, group::UNUSED_INODES_LO),
            flags: le16(bytes, group::FLAGS),
            block_bitmap_checksum: count(group::BLOCK_BITMAP_CSUM_HI, group::BLOCK_BITMAP_CSUM_LO),
            inode_bitmap_checksum: count(group::INODE_BITMAP_CSUM_HI, group::INODE_BITMAP_CSUM_LO),
            wide: bytes.len() > group::INODE_BITMAP_CSUM_HI,
            usable: false,
        }
    }

    /// Whether two descriptors say that the parts of the group lie at the same places.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        (self.block_bitmap, self.inode_bitmap, self.inode_table)
            == (other.block_bitmap, other.inode_bitmap, other.inode_table)
    }

    /// What its locations are, in words.
    pub(crate) fn places(&self) -> String {
        format!("blocks {}, {} and {}", self.block_bitmap, self.inode_bitmap, self.inode_table)
    }
}

/// Reads and checks all descriptors; those that lead out of the file system are not usable.
pub(crate) fn read_all(volume: &mut Volume<'_>, findings: &mut Findings) -> Result<(), CheckError> {
    let geometry = volume.geometry.clone();
    let mut descriptors = Vec::new();
    let mut index = 0;
    while index < geometry.descriptor_blocks {
        let block = geometry.descriptor_block(index);
        if block >= geometry.blocks {
            // Only a group of its own metadata can begin so late; the geometry has no room for it.
            break;
        }
        // In one table, many blocks follow each other.
        let mut count = 1;
        while count < READ_BLOCKS
            && index + count < geometry.descriptor_blocks
            && geometry.descriptor_block(index + count) == block + u64::from(count)
        {
            count += 1;
        }
        let bytes = volume.run(block, count as usize)?;
        for one in bytes.chunks_exact(geometry.block_size) {
            for bytes in one.chunks_exact(geometry.descriptor_size) {
                let Ok(group) = u32::try_from(descriptors.len()) else { break };
                if group < geometry.groups {
                    descriptors.push(check(volume, group, bytes, findings));
                }
            }
        }
        index += count;
    }
    volume.descriptors = descriptors;
    Ok(())
}

fn check(volume: &Volume<'_>, group: u32, bytes: &[u8], findings: &mut Findings) -> Descriptor {
    let structure = || Structure::GroupDescriptor { group };
    let geometry = &volume.geometry;
    let mut descriptor = Descriptor::parse(bytes);
    let found = le16(bytes, GROUP_CHECKSUM);
    let expected = if volume.superblock.has_checksums() {
        Some(volume.seed.descriptor(group, bytes))
    } else if volume.superblock.ro_compat(ro_compat::GDT_CSUM) {
        Some(old_descriptor(volume.superblock.uuid(), group, bytes))
    } else {
        None
    };
    if let Some(expected) = expected.filter(|&expected| expected != found) {
        let (found, expected) = (format!("{found:#06x}"), format!("{expected:#06x}"));
        findings.push(Finding::error(structure(), "checksum", found, expected));
    }
    descriptor.usable = true;
    let near = !volume.superblock.incompat(incompat::FLEX_BG);
    let (start, length) = (geometry.group_start(group), u64::from(geometry.group_blocks(group)));
    let parts = [
        ("location of the block bitmap", descriptor.block_bitmap, 1),
        ("location of the inode bitmap", descriptor.inode_bitmap, 1),
        ("location of the inode table", descriptor.inode_table, geometry.inode_table_blocks()),
    ];
    for (field, block, blocks) in parts {
        let inside = geometry.holds(block, blocks);
        if !inside {
            descriptor.usable = false;
            let last = geometry.blocks.saturating_sub(blocks);
            let expected = format!("a block from {} to {last}", geometry.first_block);
            findings.push(
                Finding::error(structure(), field, block, expected)
                    .hint("a backup of the descriptors may be whole: e2fsck -b uses one"),
            );
        } else if near && (block < start || block + blocks > start + length) {
            let expected = format!("within its group, {blocks} blocks from {start} to {}", start + length - 1);
            findings.push(Finding::error(structure(), field, block, expected));
        }
    }
    let counts = [
        ("free blocks", descriptor.free_blocks, geometry.group_blocks(group)),
        ("free inodes", descriptor.free_inodes, geometry.inodes_per_group),
        ("directories", descriptor.directories, geometry.inodes_per_group),
        ("unused inodes", descriptor.unused_inodes, geometry.inodes_per_group),
    ];
    for (field, count, most) in counts {
        if count > most && (field != "unused inodes" || volume.superblock.has_group_flags()) {
            findings.push(Finding::error(structure(), field, count, format_args!("0 to {most}")));
        }
    }
    descriptor
}
