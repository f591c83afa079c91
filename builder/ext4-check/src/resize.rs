//! The inode that keeps blocks for more group descriptors.
//!
//! Its doubly indirect block lists the blocks kept behind the first table, each of which lists its own copies behind
//! the other tables. All but that one block belong to the groups.

use crate::bytes::{is_zero, le32};
use crate::findings::Findings;
use crate::inode::Inode;
use crate::report::{CheckError, Finding};
use crate::volume::Volume;

/// Index of the doubly indirect block among the words of an inode.
const DOUBLE: usize = 13;

/// What the inode takes.
pub(crate) struct Taken {
    /// The block that is its own.
    pub(crate) own: Option<u64>,
    /// All its blocks, with those that belong to the groups.
    pub(crate) blocks: u64,
}

/// Checks that the lists are those that the geometry asks for.
pub(crate) fn check(volume: &Volume<'_>, inode: Inode<'_>, findings: &mut Findings) -> Result<Taken, CheckError> {
    let geometry = &volume.geometry;
    let mut error = |field: &'static str, found: String, expected: String| {
        findings.push(Finding::error(inode.structure(), field, found, expected));
    };
    let body = inode.body();
    let double = le32(body, DOUBLE * 4);
    if !is_zero(body.get(..DOUBLE * 4).unwrap_or(&[])) || le32(body, (DOUBLE + 1) * 4) != 0 {
        error("block numbers", "more than one".into(), "the doubly indirect one alone".into());
    }
    if double == 0 {
        if geometry.reserved_descriptor_blocks > 0 {
            error("doubly indirect block", "0".into(), "a block".into());
        }
        return Ok(Taken { own: None, blocks: 0 });
    }
    if !geometry.holds(double.into(), 1) {
        error("doubly indirect block", double.to_string(), format!("below block {}", geometry.blocks));
        return Ok(Taken { own: None, blocks: 0 });
    }
    let list = volume.block(double.into())?;
    let words = list.len() / 4;
    let first = geometry.first_block + 1;
    let mut expected = vec![0_u64; words];
    let mut blocks = 1;
    for index in 0..geometry.reserved_descriptor_blocks {
        let index = u64::from(geometry.descriptor_blocks) + u64::from(index);
        let slot = usize::try_from(index).unwrap_or(0) % words;
        let block = first + index;
        if let Some(expected) = expected.get_mut(slot) {
            *expected = block;
        }
        if !geometry.holds(block, 1) {
            continue;
        }
        blocks += 1 + copies(volume, block, &mut error)?;
    }
    for (index, (word, expected)) in list.chunks_exact(4).zip(expected).enumerate() {
        if u64::from(le32(word, 0)) != expected {
            error("list of reserved blocks", format!("{} at {index}", le32(word, 0)), expected.to_string());
        }
    }
    Ok(Taken { own: Some(double.into()), blocks })
}

/// Checks the list of the copies of a block, and returns how many there are.
fn copies(
    volume: &Volume<'_>,
    block: u64,
    error: &mut dyn FnMut(&'static str, String, String),
) -> Result<u64, CheckError> {
    let geometry = &volume.geometry;
    let list = volume.block(block)?;
    let groups = (1..geometry.groups).filter(|&group| geometry.has_superblock(group));
    let copies = groups.clone().take(list.len() / 4).count() as u64;
    let expected = groups.map(|group| block + geometry.group_start(group) - geometry.first_block);
    for (word, expected) in list.chunks_exact(4).zip(expected.chain(std::iter::repeat(0))) {
        let found = u64::from(le32(word, 0));
        if found != expected {
            error("list of reserved blocks", format!("{found} in block {block}"), expected.to_string());
            break;
        }
    }
    Ok(copies)
}
