//! Bytes out of metadata blocks.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use builder_block::ReadAt;

use super::error::ReadError;
use super::image::{Squashfs, decompress};
use crate::constants::{METADATA_BYTES, METADATA_PLAIN};

/// Metadata blocks that are kept, of 8 KiB each.
const RECENT_BLOCKS: usize = 16;

/// Reads a table on, from metadata block to metadata block.
pub(super) struct Metadata<'a, R> {
    image: &'a Squashfs<R>,
    /// What it is a table of, for people.
    what: &'static str,
    /// Where the next block begins.
    next: u64,
    /// Where the last one must end.
    end: u64,
    block: Arc<Block>,
    /// The next byte of the block.
    offset: usize,
}

impl<'a, R: ReadAt> Metadata<'a, R> {
    /// Reads from byte `offset` of the block at `block` on, and not past `end`.
    ///
    /// # Errors
    /// There is no such byte.
    pub(super) fn new(
        image: &'a Squashfs<R>,
        what: &'static str,
        block: u64,
        offset: u16,
        end: u64,
    ) -> Result<Self, ReadError> {
        let none = Arc::new(Block { bytes: Vec::new(), next: block });
        let mut metadata = Self { image, what, next: block, end, block: none, offset: 0 };
        metadata.load()?;
        metadata.offset = usize::from(offset);
        if metadata.offset >= metadata.block.bytes.len() {
            return Err(ReadError::Damaged {
                what,
                at: block,
                field: "an offset of",
                value: u64::from(offset),
                limit: "the metadata block ends before",
            });
        }
        Ok(metadata)
    }

    /// Fills `buffer`.
    ///
    /// # Errors
    /// The table ends before, or is damaged.
    pub(super) fn fill(&mut self, mut buffer: &mut [u8]) -> Result<(), ReadError> {
        while !buffer.is_empty() {
            if self.offset == self.block.bytes.len() {
                self.load()?;
            }
            let rest = &self.block.bytes[self.offset..];
            let length = rest.len().min(buffer.len());
            let (now, later) = buffer.split_at_mut(length);
            now.copy_from_slice(&rest[..length]);
            self.offset += length;
            buffer = later;
        }
        Ok(())
    }

    /// So many bytes.
    ///
    /// # Errors
    /// As [`Metadata::fill`].
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Where what is read now is: the block behind.
    pub(super) fn at(&self) -> u64 {
        self.next
    }

    /// Takes the next block.
    fn load(&mut self) -> Result<(), ReadError> {
        let block = self.image.recent.get(self.next, || read_block(self.image, self.what, self.next))?;
        if block.next > self.end {
            let (field, value, limit) = ("a metadata block up to byte", block.next, "it ends before");
            return Err(ReadError::Damaged { what: self.what, at: self.next, field, value, limit });
        }
        (self.next, self.offset) = (block.next, 0);
        self.block = block;
        Ok(())
    }
}

/// A metadata block as it was before it was compressed.
#[derive(Debug)]
pub(super) struct Block {
    /// At least one.
    bytes: Vec<u8>,
    /// Where the next block begins.
    next: u64,
}

/// The metadata blocks that were read last, by where they begin: names, inodes and owners that belong together are
/// mostly in the same ones.
#[derive(Debug, Default)]
pub(super) struct Recent {
    blocks: Mutex<VecDeque<(u64, Arc<Block>)>>,
}

impl Recent {
    /// The block at `at`, that is there or is read now.
    fn get(&self, at: u64, read: impl FnOnce() -> Result<Block, ReadError>) -> Result<Arc<Block>, ReadError> {
        let blocks = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, block)) = blocks().iter().find(|(known, _)| *known == at) {
            return Ok(Arc::clone(block));
        }
        // Not locked meanwhile: other threads may want others.
        let block = Arc::new(read()?);
        let mut blocks = blocks();
        blocks.truncate(RECENT_BLOCKS - 1);
        blocks.push_front((at, Arc::clone(&block)));
        Ok(block)
    }
}

fn read_block<R: ReadAt>(image: &Squashfs<R>, what: &'static str, at: u64) -> Result<Block, ReadError> {
    let damaged = |value, limit| ReadError::Damaged { what, at, field: "a metadata block of", value, limit };
    let mut head = [0; 2];
    image.read(what, at, &mut head)?;
    let head = u16::from_le_bytes(head);
    let length = usize::from(head & !METADATA_PLAIN);
    if !(1..=METADATA_BYTES).contains(&length) {
        return Err(damaged(length as u64, "it must have 1 to 8192 bytes"));
    }
    let mut stored = vec![0; length];
    // The head was there, so this does not pass the last of all numbers.
    image.read(what, at + 2, &mut stored)?;
    let bytes = if head & METADATA_PLAIN == 0 { decompress(&stored, METADATA_BYTES, what, at)? } else { stored };
    if bytes.is_empty() {
        return Err(damaged(0, "it must have a byte at least"));
    }
    Ok(Block { bytes, next: at + 2 + length as u64 })
}
