//! Directory blocks: records one after the other, then a checksum. Linux, ext4 "Linear (Classic) Directories".
//!
//! ```text
//!  inode u32 │ rec_len u16 │ name_len u8 │ file_type u8 │ name …     a multiple of 4 bytes; the last one up to the tail
//!  0 u32     │ 12 u16      │ 0 u8        │ 0xDE u8      │ checksum   the tail looks like an unused record
//! ```

use crate::checksum::crc32c;

/// Size of a block.
pub(crate) const BLOCK_SIZE: usize = 4096;
/// Size of the record that holds the checksum (`ext4_dir_entry_tail`).
const TAIL_SIZE: usize = 12;
/// Bytes of a block for records.
pub(crate) const ROOM: usize = BLOCK_SIZE - TAIL_SIZE;
/// Size of a record before the name.
const RECORD_HEADER: usize = 8;
/// `file_type` of a directory.
pub(crate) const TYPE_DIRECTORY: u8 = 2;
/// `file_type` that marks the tail.
const TYPE_TAIL: u8 = 0xDE;

/// One name of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirEntry<'a> {
    /// The name, 1 to 255 bytes.
    pub(crate) name: &'a [u8],
    /// Number of the inode.
    pub(crate) inode: u32,
    /// Type: 1 regular file, 2 directory, 3 character device, 4 block device, 5 FIFO, 6 socket, 7 symbolic link.
    pub(crate) file_type: u8,
}

/// A record that holds no name.
pub(crate) const UNUSED: DirEntry<'static> = DirEntry { name: b"", inode: 0, file_type: 0 };

/// Bytes that a name takes in a directory block.
pub(crate) fn record_size(name: &[u8]) -> usize {
    (RECORD_HEADER + name.len()).next_multiple_of(4)
}

/// Seed of all checksums of a directory: that of the file system, continued with number and generation of the inode.
pub(crate) fn directory_seed(csum_seed: u32, inode: u32, generation: u32) -> u32 {
    crc32c(crc32c(csum_seed, &inode.to_le_bytes()), &generation.to_le_bytes())
}

/// Appends one directory block with these entries to `blocks`; without entries, an empty one.
///
/// `seed` is the [`directory_seed`]. The entries must fit: their [`record_size`]s add up to [`ROOM`] or less, and
/// names have 255 bytes or less.
pub(crate) fn append<'a>(blocks: &mut Vec<u8>, entries: impl IntoIterator<Item = DirEntry<'a>>, seed: u32) {
    let start = blocks.len();
    let end = start + ROOM;
    let mut entries = entries.into_iter().peekable();
    if entries.peek().is_none() {
        append_record(blocks, UNUSED, ROOM);
    }
    while let Some(entry) = entries.next() {
        let size = match entries.peek() {
            Some(_) => record_size(entry.name),
            None => end - blocks.len(),
        };
        append_record(blocks, entry, size);
    }
    let checksum = crc32c(seed, &blocks[start..]);
    append_record(blocks, DirEntry { file_type: TYPE_TAIL, ..UNUSED }, TAIL_SIZE);
    let length = blocks.len();
    blocks[length - 4..].copy_from_slice(&checksum.to_le_bytes());
}

/// Appends one record of `size` bytes.
fn append_record(blocks: &mut Vec<u8>, entry: DirEntry<'_>, size: usize) {
    let end = blocks.len() + size;
    begin_record(blocks, entry, size);
    blocks.resize(end, 0);
}

/// Appends header and name of a record of `size` bytes, without what follows the name.
pub(crate) fn begin_record(blocks: &mut Vec<u8>, entry: DirEntry<'_>, size: usize) {
    let end = blocks.len() + record_size(entry.name);
    blocks.extend(entry.inode.to_le_bytes());
    // A record is in a block of 4096 bytes.
    blocks.extend(u16::try_from(size).expect("a record is smaller than 64 KiB").to_le_bytes());
    // Names are checked before they come here.
    blocks.push(u8::try_from(entry.name.len()).expect("a name has 255 bytes or less"));
    blocks.push(entry.file_type);
    blocks.extend(entry.name);
    blocks.resize(end, 0);
}

/// The names of one directory block, in order, with what belongs to them. For tests.
#[cfg(test)]
pub(crate) fn entries(block: &[u8]) -> Vec<(usize, DirEntry<'_>)> {
    let mut found = Vec::new();
    let mut offset = 0;
    while offset < ROOM {
        let size = usize::from(u16::from_le_bytes([block[offset + 4], block[offset + 5]]));
        let name = &block[offset + RECORD_HEADER..][..usize::from(block[offset + 6])];
        let inode = u32::from_le_bytes(block[offset..offset + 4].try_into().unwrap());
        found.push((size, DirEntry { name, inode, file_type: block[offset + 7] }));
        offset += size;
    }
    assert_eq!(offset, ROOM);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_takes_a_multiple_of_four() {
        for (length, size) in [(0, 8), (1, 12), (4, 12), (5, 16), (8, 16), (255, 264)] {
            assert_eq!(record_size(&vec![b'n'; length]), size);
        }
    }

    #[test]
    fn the_last_record_reaches_to_the_tail() {
        let names = [&b"a"[..], b"lib64", b"usr"].map(|name| DirEntry { name, inode: 7, file_type: 1 });
        let mut blocks = Vec::new();
        append(&mut blocks, names, 1);
        assert_eq!(blocks.len(), BLOCK_SIZE);
        assert_eq!(entries(&blocks), [(12, names[0]), (16, names[1]), (ROOM - 28, names[2])]);
        let tail = crc32c(1, &blocks[..ROOM]).to_le_bytes();
        assert_eq!(blocks[ROOM..], [0, 0, 0, 0, 12, 0, 0, TYPE_TAIL, tail[0], tail[1], tail[2], tail[3]]);
    }

    #[test]
    fn without_entries_the_block_is_one_unused_record() {
        let mut blocks = vec![0xFF; BLOCK_SIZE];
        append(&mut blocks, [], 1);
        assert_eq!(entries(&blocks[BLOCK_SIZE..]), [(ROOM, UNUSED)]);
    }
}
