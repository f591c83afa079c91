//! Which structure or file a byte belongs to, in words.

use std::collections::HashMap;

use crate::format::{BLOCK_SIZE, FIRST_INODE, INODES_PER_BLOCK};
use crate::inode::INODE_LEN;
use crate::place::{JOURNAL, Layout};
use crate::walk::{Object, Walk, inode_number, slot_of};

/// What lies at `offset` (in bytes).
pub(crate) fn describe(walk: &Walk<'_>, layout: &Layout, offset: u64) -> String {
    let (block, within) = (offset / BLOCK_SIZE, offset % BLOCK_SIZE);
    group_metadata(walk, layout, block, within)
        .or_else(|| contents(walk, layout, block, within))
        .unwrap_or_else(|| format!("free space, block {block}"))
}

fn group_metadata(walk: &Walk<'_>, layout: &Layout, block: u64, within: u64) -> Option<String> {
    let geometry = &layout.geometry;
    for group in geometry.header_groups() {
        let start = geometry.group_start(group);
        let copy = if group == 0 { String::new() } else { format!("copy of the {group}th group: ") };
        if block == start {
            let byte = if group == 0 { within.saturating_sub(1024) } else { within };
            return Some(format!("{copy}superblock, byte {byte}"));
        }
        if block > start && block <= start + geometry.descriptor_blocks {
            return Some(format!("{copy}group descriptors, byte {}", (block - start - 1) * BLOCK_SIZE + within));
        }
    }
    let table_blocks = geometry.inodes_per_group.div_ceil(INODES_PER_BLOCK);
    for (group, place) in (0..).zip(&layout.groups) {
        if block == place.block_bitmap {
            return Some(format!("block bitmap of group {group}"));
        }
        if block == place.inode_bitmap {
            return Some(format!("inode bitmap of group {group}"));
        }
        if (place.inode_table..place.inode_table + table_blocks).contains(&block) {
            let byte = (block - place.inode_table) * BLOCK_SIZE + within;
            let number = group * geometry.inodes_per_group + byte / INODE_LEN as u64 + 1;
            let byte = byte % INODE_LEN as u64;
            let name = u32::try_from(number).ok().and_then(|number| name_of_inode(walk, number));
            let name = name.map_or(String::new(), |name| format!(" ({name})"));
            return Some(format!("inode {number}{name}, byte {byte}"));
        }
    }
    None
}

fn name_of_inode(walk: &Walk<'_>, number: u32) -> Option<String> {
    if number < FIRST_INODE && slot_of(number).is_none() {
        return Some("reserved".to_owned());
    }
    let slot = slot_of(number)?;
    walk.slots.get(slot as usize)?;
    path_of(walk, slot)
}

fn contents(walk: &Walk<'_>, layout: &Layout, block: u64, within: u64) -> Option<String> {
    let byte_of = |slot: u32| {
        let extents = layout.extents(slot).iter();
        let mut found =
            extents.filter(|extent| (extent.physical..extent.physical + u64::from(extent.length)).contains(&block));
        found.next().map(|extent| (u64::from(extent.logical) + block - extent.physical) * BLOCK_SIZE + within)
    };
    if let Some(byte) = byte_of(JOURNAL) {
        return Some(format!("journal, byte {byte}"));
    }
    // Slots are counted below 2^32.
    for slot in 0..u32::try_from(walk.slots.len()).unwrap_or(u32::MAX) {
        let Some(byte) = byte_of(slot) else { continue };
        let path = path_of(walk, slot).unwrap_or_else(|| format!("inode {}", inode_number(slot)));
        return Some(match walk.slots[slot as usize].object {
            Object::Directory(_) => format!("directory {path}, byte {byte}"),
            Object::Leaf(_) => format!("{path}, byte {byte}"),
        });
    }
    if let Some((slot, _)) = layout.trees().find(|(_, blocks)| blocks.contains(&block)) {
        let whose = if slot == JOURNAL { Some("the journal".to_owned()) } else { path_of(walk, slot) };
        return Some(format!("extent tree of {}", whose.unwrap_or_default()));
    }
    layout.xattr_blocks.contains(&block).then(|| format!("extended attributes in block {block}, byte {within}"))
}

/// A path that leads to a slot: of hard links, the one found first.
fn path_of(walk: &Walk<'_>, wanted: u32) -> Option<String> {
    // From each inode to its first name, so that one look at all directories is enough.
    let mut names: HashMap<u32, (u32, Vec<u8>)> = HashMap::new();
    for (number, slot) in (0..).zip(&walk.slots) {
        let Object::Directory(directory) = &slot.object else { continue };
        for entry in walk.dir_entries(directory) {
            if let Some(slot) = slot_of(entry.inode).filter(|&slot| slot != 0) {
                names.entry(slot).or_insert_with(|| (number, entry.name.to_vec()));
            }
        }
    }
    let mut parts = Vec::new();
    let mut slot = wanted;
    while slot != 0 {
        let (parent, name) = names.get(&slot)?;
        parts.push(name.as_slice());
        slot = *parent;
    }
    parts.reverse();
    Some(format!("/{}", parts.join(&b'/').escape_ascii()))
}
