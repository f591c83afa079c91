//! The bytes of a file.

use std::io;
use std::sync::{Mutex, PoisonError};

use builder_block::{ByteSize, DiskSource, ReadAt, Region};

use super::error::ReadError;
use super::image::{Squashfs, decompress};
use super::inode::FileInode;
use super::superblock::{u32_at, u64_at};
use crate::constants::{BLOCK_PLAIN, BLOCKS_LIMIT, FRAGMENT_BYTES};

/// Blocks whose places are found by one of [`File::places`].
const GROUP: usize = 256;
/// Words of the list of blocks that are read at once.
const WORDS: usize = 2048;
/// Longest run of data that is told at once, in blocks.
const RUN: usize = 256;

/// A file of an image: readable at any offset, and its holes are known.
///
/// The last block that was read is kept, so reading on in small pieces decompresses each block once.
#[derive(Debug)]
pub struct File<'a, R> {
    image: &'a Squashfs<R>,
    size: u64,
    /// The word of each block: its length, and whether it is compressed; 0 for one that is a hole.
    words: Vec<u32>,
    /// Where every 256th block begins in the image, and where the last one ends.
    places: Vec<u64>,
    /// What is behind the blocks.
    tail: Option<Tail>,
    /// The number of a block, and its bytes.
    recent: Mutex<Option<(usize, Vec<u8>)>>,
}

/// The end of a file, in a fragment.
#[derive(Clone, Copy, Debug)]
struct Tail {
    /// Where the fragment is in the image.
    at: u64,
    word: u32,
    /// Where the tail begins in it.
    offset: usize,
}

impl<'a, R: ReadAt> File<'a, R> {
    pub(super) fn open(image: &'a Squashfs<R>, inode: &FileInode) -> Result<Self, ReadError> {
        let block_size = image.superblock.block_size();
        let count = match inode.fragment {
            None => inode.size.div_ceil(block_size),
            Some(_) => inode.size / block_size,
        };
        if count > BLOCKS_LIMIT {
            return Err(ReadError::Limit { what: "a file with blocks", value: count, limit: BLOCKS_LIMIT });
        }
        // At most 2^25.
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let tail = match inode.fragment {
            Some(fragment) if !inode.size.is_multiple_of(block_size) => Some(tail(image, fragment)?),
            _ => None,
        };
        let mut file =
            Self { image, size: inode.size, words: Vec::new(), places: Vec::new(), tail, recent: Mutex::new(None) };
        file.read_words(inode, count)?;
        Ok(file)
    }

    fn read_words(&mut self, inode: &FileInode, count: usize) -> Result<(), ReadError> {
        let mut table = self.image.inodes(inode.inode)?;
        table.fill(&mut [0; 56][..inode.head])?;
        let mut at = inode.start;
        while self.words.len() < count {
            let mut bytes = vec![0; 4 * WORDS.min(count - self.words.len())];
            table.fill(&mut bytes)?;
            for word in bytes.chunks_exact(4).map(|bytes| u32_at(bytes, 0)) {
                if self.words.len().is_multiple_of(GROUP) {
                    self.places.push(at);
                }
                at = at.saturating_add(u64::from(self.check_word(at, word)?));
                self.words.push(word);
            }
        }
        self.places.push(at);
        Ok(())
    }

    /// The length in the word of a block, which must be there.
    fn check_word(&self, at: u64, word: u32) -> Result<u32, ReadError> {
        check_word(self.image, "a block of a file", at, word)
    }

    /// How many bytes of the file a block has.
    fn length_of(&self, block: usize) -> usize {
        let block_size = self.image.superblock.block_size();
        let length = self.size.saturating_sub((block as u64).saturating_mul(block_size)).min(block_size);
        // At most 1 MiB.
        usize::try_from(length).unwrap_or(usize::MAX)
    }

    /// Gives the bytes of a block that is not a hole, or of the tail, to `take`.
    fn with_block(&self, block: usize, take: impl FnOnce(&[u8])) -> Result<(), ReadError> {
        // Not kept while a block is decompressed: other threads may want others.
        let recent = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, bytes)) = &*recent()
            && *number == block
        {
            take(bytes);
            return Ok(());
        }
        let bytes = self.load(block)?;
        take(&bytes);
        *recent() = Some((block, bytes));
        Ok(())
    }

    fn load(&self, block: usize) -> Result<Vec<u8>, ReadError> {
        let length = self.length_of(block);
        let Some(&word) = self.words.get(block) else { return self.load_tail(length) };
        let before = &self.words[block - block % GROUP..block];
        // Every word was checked, and their sum lies in the image.
        let at = before.iter().fold(self.places[block / GROUP], |at, &word| at + u64::from(word & !BLOCK_PLAIN));
        let bytes = load(self.image, "a block of a file", at, word, length)?;
        if bytes.len() != length {
            return Err(ReadError::Damaged {
                what: "a block of a file",
                at,
                field: "a length of",
                value: bytes.len() as u64,
                limit: "the size of the file says otherwise",
            });
        }
        Ok(bytes)
    }

    fn load_tail(&self, length: usize) -> Result<Vec<u8>, ReadError> {
        // Without a fragment, all of the file is in blocks.
        let Some(Tail { at, word, offset }) = self.tail else { return Ok(vec![0; length]) };
        let block_size = usize::try_from(self.image.superblock.block_size()).unwrap_or(usize::MAX);
        let mut bytes = load(self.image, "a fragment", at, word, block_size)?;
        let (end, there) = (offset.saturating_add(length), bytes.len());
        if end > there {
            return Err(ReadError::Damaged {
                what: "a fragment",
                at,
                field: "the end of a file at byte",
                value: end as u64,
                limit: "the fragment ends before",
            });
        }
        bytes.truncate(end);
        bytes.drain(..offset);
        Ok(bytes)
    }

    fn read_block(&self, block: usize, from: usize, buffer: &mut [u8]) -> Result<(), ReadError> {
        if self.words.get(block) == Some(&0) {
            buffer.fill(0);
            return Ok(());
        }
        // The block has as many bytes as its part of the file, which the buffer lies in.
        self.with_block(block, |bytes| buffer.copy_from_slice(&bytes[from..from + buffer.len()]))
    }

    /// The first block at or behind `block` that is not a hole; the number of blocks where there is none.
    fn skip_holes(&self, mut block: usize) -> usize {
        while let Some(&word) = self.words.get(block) {
            let group = block / GROUP;
            if block.is_multiple_of(GROUP) && self.places[group] == self.places[group + 1] {
                block += GROUP;
            } else if word == 0 {
                block += 1;
            } else {
                return block;
            }
        }
        self.words.len()
    }
}

impl<R: ReadAt> ReadAt for File<'_, R> {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.size)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let block_size = self.image.superblock.block_size();
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            // At most as many as there are blocks, and a tail.
            let block = usize::try_from(at / block_size).unwrap_or(usize::MAX);
            let from = usize::try_from(at % block_size).unwrap_or(usize::MAX);
            let length = rest.len().min(self.length_of(block) - from);
            let (now, later) = rest.split_at_mut(length);
            self.read_block(block, from, now)?;
            at += length as u64;
            rest = later;
        }
        Ok(())
    }
}

impl<R: ReadAt> DiskSource for File<'_, R> {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        if from >= self.size {
            return Ok(None);
        }
        let block_size = self.image.superblock.block_size();
        // The file has at most 2^25 blocks, and a tail.
        let first = self.skip_holes(usize::try_from(from / block_size).unwrap_or(usize::MAX));
        let run = self.words.get(first..).unwrap_or_default().iter().take(RUN).take_while(|&&word| word != 0).count();
        // Behind the last block is nothing, or the tail.
        let behind = first + run.max(1);
        let start = from.max(first as u64 * block_size);
        let end = self.size.min(behind as u64 * block_size);
        Ok((start < end).then_some(Region { start, end }))
    }
}

/// Where the fragment of this number is.
fn tail<R: ReadAt>(image: &Squashfs<R>, (number, offset): (u32, u32)) -> Result<Tail, ReadError> {
    let superblock = &image.superblock;
    if number >= superblock.fragments {
        return Err(ReadError::Damaged {
            what: "the inode of a file",
            at: superblock.inode_table,
            field: "a fragment of number",
            value: u64::from(number),
            limit: "there are fewer",
        });
    }
    let entry: [u8; FRAGMENT_BYTES] = image.table_entry("the table of fragments", superblock.fragment_table, number)?;
    let (at, word) = (u64_at(&entry, 0), u32_at(&entry, 8));
    check_word(image, "a fragment", at, word)?;
    // A fragment has 1 MiB at most; what is behind it is found when it is read.
    Ok(Tail { at, word, offset: offset as usize })
}

/// The length in a word, of bytes at `at` that must be there.
fn check_word<R: ReadAt>(image: &Squashfs<R>, what: &'static str, at: u64, word: u32) -> Result<u32, ReadError> {
    let length = word & !BLOCK_PLAIN;
    let damaged = |limit| ReadError::Damaged { what, at, field: "a length of", value: u64::from(word), limit };
    if u64::from(length) > image.superblock.block_size() {
        return Err(damaged("it is longer than a block"));
    }
    if length == 0 && word != 0 {
        return Err(damaged("only what is left out has no bytes"));
    }
    if at.checked_add(u64::from(length)).is_none_or(|end| length > 0 && end > image.superblock.bytes_used) {
        return Err(damaged("the image ends before"));
    }
    Ok(length)
}

/// The bytes of a block or fragment, at most `limit`.
fn load<R: ReadAt>(
    image: &Squashfs<R>,
    what: &'static str,
    at: u64,
    word: u32,
    limit: usize,
) -> Result<Vec<u8>, ReadError> {
    let mut stored = vec![0; (word & !BLOCK_PLAIN) as usize];
    image.read(what, at, &mut stored)?;
    if word & BLOCK_PLAIN == 0 { decompress(&stored, limit, what, at) } else { Ok(stored) }
}
