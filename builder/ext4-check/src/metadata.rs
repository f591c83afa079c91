//! The blocks that the groups themselves take: backups, descriptors, bitmaps, inode tables.

use std::collections::BTreeSet;

use crate::claims::Claims;
use crate::findings::Findings;
use crate::format::incompat;
use crate::report::Finding;
use crate::structure::Structure;
use crate::volume::Volume;

/// Overlaps of which both sides are told.
const MOST_OVERLAPS: usize = 100;

/// A stretch of blocks of one structure.
struct Part {
    structure: Structure,
    start: u64,
    blocks: u64,
}

/// What one group takes; parts of descriptors that are not usable are left out.
fn parts(volume: &Volume<'_>, group: u32) -> Vec<Part> {
    let geometry = &volume.geometry;
    let mut parts = Vec::new();
    let head = geometry.head(group);
    let mut at = geometry.group_start(group);
    if head.superblock {
        let structure = if group == 0 { Structure::Superblock } else { Structure::BackupSuperblock { group } };
        parts.push(Part { structure, start: at, blocks: 1 });
        at += 1;
    }
    let (copied, _) = geometry.descriptor_copies(group);
    for index in copied {
        let first = index.saturating_mul(geometry.descriptors_per_block);
        let used = geometry.descriptor_block(index) == at;
        let structure = if used {
            Structure::GroupDescriptor { group: first }
        } else {
            Structure::BackupDescriptor { group: first, copy: group }
        };
        parts.push(Part { structure, start: at, blocks: 1 });
        at += 1;
    }
    if head.reserved > 0 {
        parts.push(Part {
            structure: Structure::ReservedDescriptors { group },
            start: at,
            blocks: u64::from(head.reserved),
        });
    }
    if let Some(descriptor) = volume.descriptors.get(group as usize).filter(|descriptor| descriptor.usable) {
        let blocks = geometry.inode_table_blocks();
        parts.push(Part { structure: Structure::BlockBitmap { group }, start: descriptor.block_bitmap, blocks: 1 });
        parts.push(Part { structure: Structure::InodeBitmap { group }, start: descriptor.inode_bitmap, blocks: 1 });
        parts.push(Part { structure: Structure::InodeTable { group }, start: descriptor.inode_table, blocks });
    }
    parts
}

/// What the groups take.
pub(crate) struct Metadata {
    pub(crate) claims: Claims,
    /// Whether each part lies within the file system, and over no other.
    pub(crate) sound: bool,
}

/// Claims the metadata of all groups, and tells where two of them want the same block.
pub(crate) fn claim(volume: &Volume<'_>, findings: &mut Findings) -> Metadata {
    let geometry = &volume.geometry;
    let mut claims = Claims::new(geometry);
    let mut sound = true;
    let mut overlaps = Vec::new();
    for group in 0..geometry.groups {
        for part in parts(volume, group) {
            // The last group may be too small for its own backups; such a file system cannot be made.
            if !geometry.holds(part.start, part.blocks) {
                let found = format!("{} blocks from {}", part.blocks, part.start);
                let expected = format!("at most {} blocks in all", geometry.blocks);
                findings.push(Finding::error(part.structure, "location", found, expected));
                sound = false;
                continue;
            }
            if let Some(again) = claims.claim(part.start, part.blocks) {
                sound = false;
                if overlaps.len() < MOST_OVERLAPS {
                    overlaps.push((part.structure, again.first));
                }
            }
        }
    }
    if volume.superblock.incompat(incompat::MMP) {
        let block = volume.superblock.mmp_block();
        let structure = Structure::MmpBlock { block };
        if !geometry.holds(block, 1) {
            let expected = format!("a block from {} to {}", geometry.first_block, geometry.blocks - 1);
            findings.push(Finding::error(Structure::Superblock, "location of the MMP block", block, expected));
        } else if claims.claim(block, 1).is_some() {
            overlaps.push((structure, block));
        }
    }
    let owners = owners(volume, &overlaps.iter().map(|overlap| overlap.1).collect());
    for (structure, block) in overlaps {
        let other = owners.iter().find(|owner| owner.0 == block && owner.1 != structure).map(|owner| owner.1.clone());
        let found = format!("over another structure at block {block}");
        findings.push(Finding::error(structure, "location", found, "blocks of its own").other(other));
    }
    Metadata { claims, sound }
}

/// Which of the metadata take the `wanted` blocks.
pub(crate) fn owners(volume: &Volume<'_>, wanted: &BTreeSet<u64>) -> Vec<(u64, Structure)> {
    let mut owners = Vec::new();
    if wanted.is_empty() {
        return owners;
    }
    for part in (0..volume.geometry.groups).flat_map(|group| parts(volume, group)) {
        let range = part.start..part.start.saturating_add(part.blocks);
        owners.extend(wanted.range(range).map(|&block| (block, part.structure.clone())));
    }
    owners
}
