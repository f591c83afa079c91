//! Directories: blocks that begin with all their entries, behind which the names stand. Linux,
//! Documentation/filesystems/erofs.rst, "Directories".

use crate::format::{BLOCK, DIRENT_SIZE, append_dirent};
use crate::node::{Kind, Node};

/// The last block of a directory is a tail behind the inode if it is no larger.
const TAIL_LIMIT: usize = BLOCK / 2;

/// A name in a directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    name: &'a [u8],
    /// The node.
    target: usize,
}

/// The entries of the directory `index`, with `.` and `..`, in order of names; nothing for what is no directory.
pub(crate) fn entries<'a>(nodes: &'a [Node<'_>], index: usize) -> Vec<Entry<'a>> {
    let Kind::Directory { children, .. } = &nodes[index].kind else { return Vec::new() };
    let mut entries = Vec::with_capacity(children.len() + 2);
    entries.extend(children.clone().map(|target| Entry { name: &nodes[target].name, target }));
    for (name, target) in [(&b"."[..], index), (b"..", nodes[index].parent)] {
        let place = entries.partition_point(|entry| entry.name < name);
        entries.insert(place, Entry { name, target });
    }
    entries
}

/// The entries by blocks: as many in each as fit.
pub(crate) fn blocks<'e, 'a>(entries: &'e [Entry<'a>]) -> impl Iterator<Item = &'e [Entry<'a>]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let mut size = 0;
        let fitting = rest
            .iter()
            .take_while(|entry| {
                size += DIRENT_SIZE + entry.name.len();
                size <= BLOCK
            })
            .count();
        let block;
        (block, rest) = rest.split_at(fitting);
        (!block.is_empty()).then_some(block)
    })
}

/// How many blocks entries need, and how many bytes behind the inode.
pub(crate) fn measure(entries: &[Entry<'_>]) -> (usize, usize) {
    let (blocks, last) = blocks(entries).fold((0, 0), |(count, _), block| (count + 1, size(block)));
    if last > TAIL_LIMIT { (blocks, 0) } else { (blocks - 1, last) }
}

/// Bytes of a block but for what fills it up.
fn size(block: &[Entry<'_>]) -> usize {
    block.iter().map(|entry| DIRENT_SIZE + entry.name.len()).sum()
}

/// Writes a block, without what fills it up; `nid` gives the slot of a node.
pub(crate) fn append(image: &mut Vec<u8>, block: &[Entry<'_>], nodes: &[Node<'_>], nid: impl Fn(usize) -> u64) {
    let mut offset = block.len() * DIRENT_SIZE;
    for entry in block {
        // Offsets are below the size of a block.
        let name_offset = u16::try_from(offset).expect("below 4096");
        append_dirent(image, nid(entry.target), name_offset, nodes[entry.target].file_type());
        offset += entry.name.len();
    }
    for entry in block {
        image.extend_from_slice(entry.name);
    }
}
