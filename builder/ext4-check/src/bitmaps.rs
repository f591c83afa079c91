//! The bitmaps of the groups by themselves: checksums, counts and what lies behind their ends.

use crate::bytes::{clear_bits, first_clear, last_set};
use crate::claims::Claims;
use crate::descriptor::Descriptor;
use crate::findings::Findings;
use crate::format::sb;
use crate::report::{CheckError, Finding};
use crate::structure::Structure;
use crate::volume::Volume;

/// The sums of the superblock are old after a crash, and no kernel believes them.
const HINT: &str = "Linux counts anew when it mounts the file system";

/// Checks the bitmaps of all usable groups, and the sums in the superblock. `metadata` are the claims of the groups.
pub(crate) fn check(volume: &Volume<'_>, metadata: &Claims, findings: &mut Findings) -> Result<(), CheckError> {
    let (mut free_blocks, mut free_inodes) = (0_u64, 0_u64);
    let mut complete = volume.descriptors.len() == volume.geometry.groups as usize;
    for (group, descriptor) in (0..).zip(&volume.descriptors) {
        if !descriptor.usable {
            complete = false;
            continue;
        }
        free_blocks += u64::from(blocks(volume, group, descriptor, metadata, findings)?);
        free_inodes += u64::from(inodes(volume, group, descriptor, findings)?);
    }
    if !complete {
        findings
            .unchecked("the counts of the superblock were not compared, because some group descriptors are damaged");
        return Ok(());
    }
    let found = volume.superblock.free_blocks();
    if found != free_blocks {
        findings.push(Finding::warning(Structure::Superblock, "free blocks", found, free_blocks).hint(HINT));
    }
    let found = volume.superblock.word(sb::FREE_INODES);
    if u64::from(found) != free_inodes {
        findings.push(Finding::warning(Structure::Superblock, "free inodes", found, free_inodes).hint(HINT));
    }
    Ok(())
}

/// Compares a stored checksum of a bitmap, of which old descriptors have the low half alone.
fn checksum(descriptor: &Descriptor, structure: Structure, found: u32, computed: u32, findings: &mut Findings) {
    let expected = if descriptor.wide { computed } else { computed & 0xffff };
    if found != expected {
        findings.push(Finding::checksum(structure, found, expected));
    }
}

/// Checks a block bitmap, and returns how many blocks of the group are free.
fn blocks(
    volume: &Volume<'_>,
    group: u32,
    descriptor: &Descriptor,
    metadata: &Claims,
    findings: &mut Findings,
) -> Result<u32, CheckError> {
    let geometry = &volume.geometry;
    let length = geometry.group_blocks(group);
    let free = if volume.blocks_unwritten(descriptor) {
        length.saturating_sub(metadata.count(group))
    } else {
        let structure = || Structure::BlockBitmap { group };
        let bitmap = volume.block(descriptor.block_bitmap)?;
        if volume.superblock.has_checksums() {
            let counted = bitmap.get(..geometry.blocks_per_group as usize / 8).unwrap_or(&bitmap);
            let computed = volume.seed.of(counted);
            checksum(descriptor, structure(), descriptor.block_bitmap_checksum, computed, findings);
        }
        if let Some(at) = first_clear(&bitmap, length as usize) {
            let expected = format!("set, as all from {length} on, where the group ends");
            findings.push(Finding::error(structure(), format!("bit {at}"), "clear", expected));
        }
        clear_bits(&bitmap, length as usize)
    };
    if descriptor.free_blocks != free {
        let structure = Structure::GroupDescriptor { group };
        findings.push(Finding::error(structure, "free blocks", descriptor.free_blocks, free));
    }
    Ok(free)
}

/// Checks an inode bitmap, and returns how many inodes of the group are free.
fn inodes(
    volume: &Volume<'_>,
    group: u32,
    descriptor: &Descriptor,
    findings: &mut Findings,
) -> Result<u32, CheckError> {
    let length = volume.geometry.inodes_per_group;
    let free = if volume.inodes_unwritten(descriptor) {
        length
    } else {
        let structure = || Structure::InodeBitmap { group };
        let bitmap = volume.block(descriptor.inode_bitmap)?;
        if volume.superblock.has_checksums() {
            let computed = volume.seed.of(bitmap.get(..length as usize / 8).unwrap_or(&bitmap));
            checksum(descriptor, structure(), descriptor.inode_bitmap_checksum, computed, findings);
        }
        if let Some(at) = first_clear(&bitmap, length as usize) {
            let expected = format!("set, as all from {length} on, where the group ends");
            findings.push(Finding::error(structure(), format!("bit {at}"), "clear", expected));
        }
        let written = length.saturating_sub(descriptor.unused_inodes);
        if let Some(last) = last_set(&bitmap, length as usize)
            && volume.superblock.has_group_flags()
            && last >= written as usize
        {
            let expected = format!("at most {}, for inode {last} of the group is in use", length as usize - last - 1);
            let structure = Structure::GroupDescriptor { group };
            findings.push(Finding::error(structure, "unused inodes", descriptor.unused_inodes, expected));
        }
        clear_bits(&bitmap, length as usize)
    };
    if descriptor.free_inodes != free {
        let structure = Structure::GroupDescriptor { group };
        findings.push(Finding::error(structure, "free inodes", descriptor.free_inodes, free));
    }
    Ok(free)
}
