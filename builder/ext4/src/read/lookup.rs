//! From a name to the number of its inode. Linux, ext4 "Directory Entries", "Extent Tree", "Direct/Indirect Block
//! Addressing".
//!
//! Directories are read from front to back: blocks of a hash tree look like empty ones. The last few stay in memory.

use std::collections::HashMap;
use std::rc::Rc;

use super::volume::{Fault, RawInode, Volume, le16, le32};

/// Inode of the root directory.
const ROOT: u32 = 2;
/// Most blocks of a directory: a million of long names.
const BLOCK_LIMIT: usize = 1 << 18;
/// Most blocks of a map.
const NODE_LIMIT: usize = 1 << 14;
/// Directories that are kept, and the most names of one that is.
const KEPT: usize = 8;
const KEPT_NAMES: usize = 1 << 18;

const DIRECTORY: u16 = 0o040_000;
pub(super) const TYPE: u16 = 0o170_000;
const EXTENTS: u32 = 0x8_0000;
const INLINE: u32 = 0x1000_0000;
const EXTENT_MAGIC: u16 = 0xf30a;

/// The names of a directory with their inodes.
type Names = HashMap<Vec<u8>, u32>;

/// Directories that were read last, the latest first.
#[derive(Default)]
pub(super) struct Kept {
    directories: Vec<(u32, Rc<Names>)>,
}

/// The inode that `path` leads to, no link followed; `None` where nothing is, or a name on the way is no directory's.
pub(super) fn inode_number(volume: &Volume, kept: &mut Kept, path: &[u8]) -> Result<Option<u32>, (u32, Fault)> {
    let mut at = ROOT;
    for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        let names = match kept.directories.iter().position(|(inode, _)| *inode == at) {
            Some(0) => Rc::clone(&kept.directories[0].1),
            Some(place) => {
                let found = kept.directories.remove(place);
                let names = Rc::clone(&found.1);
                kept.directories.insert(0, found);
                names
            }
            None => {
                let inode = volume.inode(at).map_err(|fault| (at, fault))?;
                if inode.mode() & TYPE != DIRECTORY {
                    return Ok(None);
                }
                let names = Rc::new(names(volume, &inode).map_err(|fault| (at, fault))?);
                if names.len() <= KEPT_NAMES {
                    kept.directories.insert(0, (at, Rc::clone(&names)));
                    kept.directories.truncate(KEPT);
                }
                names
            }
        };
        match names.get(name) {
            Some(&inode) => at = inode,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

fn names(volume: &Volume, inode: &RawInode) -> Result<Names, Fault> {
    let mut names = Names::new();
    for number in blocks(volume, inode)? {
        let block = volume.block(number)?;
        let mut at = 0;
        while at < block.len() {
            let claimed = usize::from(le16(&block, at + 4));
            // Blocks of 64 KiB have a length that does not fit.
            let length =
                if matches!(claimed, 0 | 0xffff) && block.len() == 1 << 16 { block.len() - at } else { claimed };
            let entry = block.get(at..at.saturating_add(length)).filter(|entry| entry.len() >= 8);
            let entry = entry.ok_or(Fault::Problem("is a directory with an entry that leads out of its block"))?;
            let (target, name_length) = (le32(entry, 0), usize::from(entry[6]));
            if target != 0 {
                let name = entry.get(8..8 + name_length).filter(|name| !name.is_empty());
                let name = name.ok_or(Fault::Problem("is a directory with a name that leads out of its entry"))?;
                names.entry(name.to_vec()).or_insert(target);
            }
            at += length;
        }
    }
    Ok(names)
}

/// The blocks of a directory.
fn blocks(volume: &Volume, inode: &RawInode) -> Result<Vec<u64>, Fault> {
    let flags = inode.word(0x20);
    if flags & INLINE != 0 {
        return Err(Fault::Problem("is a directory that lies in its inode, which is not read"));
    }
    let mut found = Vec::new();
    if flags & EXTENTS != 0 {
        by_extents(volume, inode, &mut found)?
    } else {
        by_pointers(volume, inode, &mut found)?
    }
    Ok(found)
}

fn by_extents(volume: &Volume, inode: &RawInode, found: &mut Vec<u64>) -> Result<(), Fault> {
    let mut nodes = vec![inode.map().to_vec()];
    let mut waiting: Vec<u64> = Vec::new();
    let mut read = 0;
    loop {
        let node = match nodes.pop() {
            Some(node) => node,
            None => match waiting.pop() {
                Some(number) => volume.block(number)?,
                None => return Ok(()),
            },
        };
        read += 1;
        let (entries, depth) = (usize::from(le16(&node, 2)), le16(&node, 6));
        if le16(&node, 0) != EXTENT_MAGIC || depth > 5 || 12 + entries * 12 > node.len() {
            return Err(Fault::Problem("has a tree of extents with a damaged node"));
        }
        if read > NODE_LIMIT || waiting.len() > NODE_LIMIT {
            return Err(Fault::Problem("has a tree of extents of more than 16,384 nodes"));
        }
        for entry in node[12..].chunks_exact(12).take(entries) {
            if depth > 0 {
                waiting.push(u64::from(le16(entry, 8)) << 32 | u64::from(le32(entry, 4)));
                continue;
            }
            let length = match le16(entry, 4) {
                length @ ..=0x8000 => u64::from(length),
                // Not written yet: reads as zeros, which is no directory.
                _ => continue,
            };
            let start = u64::from(le16(entry, 6)) << 32 | u64::from(le32(entry, 8));
            found.extend(start..start + length);
            check_size(volume, found)?;
        }
    }
}

fn check_size(volume: &Volume, found: &[u64]) -> Result<(), Fault> {
    match found.len() {
        length if length > BLOCK_LIMIT => Err(Fault::Problem("is a directory of more than 262,144 blocks")),
        length if length as u64 > volume.blocks => Err(Fault::Problem("is a directory that has blocks twice")),
        _ => Ok(()),
    }
}

fn by_pointers(volume: &Volume, inode: &RawInode, found: &mut Vec<u64>) -> Result<(), Fault> {
    // With how many blocks of pointers there are between.
    let mut waiting: Vec<(u64, u32)> = Vec::new();
    for (place, pointer) in (0_u32..).zip(inode.map().chunks_exact(4)) {
        waiting.push((le32(pointer, 0).into(), place.saturating_sub(11)));
    }
    let mut read = 0;
    while let Some((number, level)) = waiting.pop() {
        if number == 0 {
            continue;
        }
        if level == 0 {
            found.push(number);
            check_size(volume, found)?;
            continue;
        }
        read += 1;
        if read > NODE_LIMIT {
            return Err(Fault::Problem("has more than 16,384 blocks of pointers"));
        }
        let pointers = volume.block(number)?;
        waiting.extend(pointers.chunks_exact(4).map(|pointer| (le32(pointer, 0).into(), level - 1)));
    }
    Ok(())
}
