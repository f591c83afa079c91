//! Blocks of directory entries.

use crate::bytes::{byte, le16, le32};
use crate::format::dirent;

/// An entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// Where it begins in its block.
    pub(crate) at: usize,
    /// The inode it leads to; 0 where it is unused.
    pub(crate) inode: u32,
    pub(crate) name: &'a [u8],
    pub(crate) file_type: u8,
}

/// An entry whose length cannot be: what follows it is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) at: usize,
    pub(crate) length: usize,
    pub(crate) name_length: usize,
    /// Bytes left in the block.
    pub(crate) left: usize,
}

/// How entries are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Whether entries have file types; else the length of a name has two bytes.
    pub(crate) file_types: bool,
}

/// The entries of `bytes` from `start`, to the first that is broken.
pub(crate) fn entries(bytes: &[u8], start: usize, style: Style) -> Entries<'_> {
    Entries { bytes, at: start, style }
}

/// Reads entries one after the other.
pub(crate) struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    style: Style,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        let (bytes, at) = (self.bytes, self.at);
        if at >= bytes.len() {
            return None;
        }
        let left = bytes.len() - at;
        let length = record_length(le16(bytes, at + 4), bytes.len());
        let (name_length, file_type) = if self.style.file_types {
            (usize::from(byte(bytes, at + 6)), byte(bytes, at + 7))
        } else {
            (usize::from(le16(bytes, at + 6)), 0)
        };
        let shortest = dirent::HEADER + name_length.next_multiple_of(4);
        // An entry has room for a name of one byte, used or not.
        if left < dirent::TAIL || length < shortest.max(dirent::TAIL) || !length.is_multiple_of(4) || length > left {
            self.at = bytes.len();
            return Some(Err(Broken { at, length, name_length, left }));
        }
        self.at = at + length;
        let name = bytes.get(at + dirent::HEADER..at + dirent::HEADER + name_length).unwrap_or(&[]);
        Some(Ok(Entry { at, inode: le32(bytes, at), name, file_type }))
    }
}

/// The length of an entry: blocks of 64 KiB do not fit into its two bytes.
fn record_length(stored: u16, block: usize) -> usize {
    const WIDEST: usize = 1 << 16;
    let stored = usize::from(stored);
    if block < WIDEST - dirent::TAIL {
        stored
    } else if stored == 0 || stored == WIDEST - 1 {
        WIDEST
    } else {
        (stored & 0xfffc) | (stored & 3) << 16
    }
}

/// Whether a block ends with the entry that holds its checksum.
pub(crate) fn has_tail(block: &[u8]) -> bool {
    let Some(tail) = block.len().checked_sub(dirent::TAIL) else { return false };
    le32(block, tail) == 0
        && usize::from(le16(block, tail + 4)) == dirent::TAIL
        && byte(block, tail + 6) == 0
        && byte(block, tail + 7) == dirent::TAIL_TYPE
}

#[cfg(test)]
mod tests {
    use super::{Style, entries};

    /// Inode, length of the entry, name.
    fn block(list: &[(u32, u16, &str)]) -> Vec<u8> {
        let mut block = vec![0; 64];
        let mut at = 0;
        for &(inode, length, name) in list {
            block[at..at + 4].copy_from_slice(&inode.to_le_bytes());
            block[at + 4..at + 6].copy_from_slice(&length.to_le_bytes());
            block[at + 6] = u8::try_from(name.len()).unwrap();
            block[at + 7] = 1;
            block[at + 8..at + 8 + name.len()].copy_from_slice(name.as_bytes());
            at += usize::from(length);
        }
        block
    }

    #[test]
    fn a_chain_of_entries_ends_with_the_block() {
        let style = Style { file_types: true };
        for (list, good, broken) in [
            (&[(12, 12, "a"), (13, 52, "bc")][..], 2, false),
            (&[(12, 12, "a"), (13, 40, "bc"), (0, 12, "")], 3, false),
            // Too long, too short for the name, not a multiple of four, no length at all.
            (&[(12, 12, "a"), (13, 56, "bc")], 1, true),
            (&[(12, 12, "abcde"), (13, 52, "bc")], 0, true),
            (&[(12, 14, "a")], 0, true),
            (&[(12, 0, "")], 0, true),
        ] {
            let block = block(list);
            let seen: Vec<_> = entries(&block, 0, style).collect();
            assert_eq!(seen.iter().filter(|entry| entry.is_ok()).count(), good);
            assert_eq!(seen.iter().any(Result::is_err), broken);
        }
    }
}
