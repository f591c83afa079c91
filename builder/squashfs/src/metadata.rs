//! Bytes become metadata blocks.

use std::io;

use crate::constants::{METADATA_BYTES, METADATA_PLAIN};
use crate::encode::Encoder;
use crate::error::WriteError;
use crate::format::Reference;

/// A table of metadata blocks that is being written: two bytes of length, then up to 8 KiB, compressed.
#[derive(Debug)]
pub(crate) struct Metadata {
    /// Which table it is, for people.
    name: &'static str,
    /// Less than a block.
    plain: Vec<u8>,
    /// Blocks that are complete and not taken yet.
    complete: Vec<u8>,
    /// Bytes of the blocks that were taken.
    taken: u64,
    scratch: Vec<u8>,
}

impl Metadata {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, plain: Vec::new(), complete: Vec::new(), taken: 0, scratch: Vec::new() }
    }

    /// Where the next byte will be.
    ///
    /// # Errors
    /// The table has become larger than references can tell.
    pub(crate) fn reference(&self) -> Result<Reference, WriteError> {
        let bytes = self.length();
        let block = u32::try_from(bytes);
        let block = block.map_err(|_| WriteError::Table { table: self.name, bytes, limit: u64::from(u32::MAX) })?;
        // Less than a block of 8 KiB.
        Ok(Reference { block, offset: u16::try_from(self.plain.len()).unwrap_or(u16::MAX) })
    }

    /// Appends `bytes`.
    pub(crate) fn append(&mut self, encoder: &mut Encoder, mut bytes: &[u8]) -> Result<(), WriteError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(METADATA_BYTES - self.plain.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
            if self.plain.len() == METADATA_BYTES {
                self.complete_block(encoder).map_err(WriteError::Compress)?;
            }
        }
        Ok(())
    }

    /// Completes the last block.
    pub(crate) fn end(&mut self, encoder: &mut Encoder) -> Result<(), WriteError> {
        if self.plain.is_empty() { Ok(()) } else { self.complete_block(encoder).map_err(WriteError::Compress) }
    }

    /// The blocks that are complete, once.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.taken += self.complete.len() as u64;
        std::mem::take(&mut self.complete)
    }

    /// Length of all complete blocks in bytes, and so where the next one begins.
    pub(crate) fn length(&self) -> u64 {
        self.taken + self.complete.len() as u64
    }

    fn complete_block(&mut self, encoder: &mut Encoder) -> io::Result<()> {
        let shorter = encoder.compress(&self.plain, &mut self.scratch)?;
        let (stored, mark) = if shorter { (&self.scratch, 0) } else { (&self.plain, METADATA_PLAIN) };
        // At most 8 KiB.
        let length = u16::try_from(stored.len()).unwrap_or(u16::MAX) | mark;
        self.complete.extend(length.to_le_bytes());
        self.complete.extend_from_slice(stored);
        self.plain.clear();
        Ok(())
    }
}
