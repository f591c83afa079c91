//! LZ4's legacy frame, as the kernel reads it.
//!
//! Linux, lib/decompress_unlz4.c; LZ4, doc/lz4_Frame_format.md, "Legacy frame". A magic, then blocks of 4 bytes of
//! size and that many bytes of LZ4, each 8 MiB or less unpacked. Nothing marks the end: the kernel stops at the end
//! of the initramfs and at a size of zero, and whatever else stands behind the last block is taken for a size.

use std::io::{self, Read};

use crate::window::{Stop, Window};

const MAGIC: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];
/// Most bytes of a block after unpacking.
const BLOCK_BYTES: usize = 8 << 20;
/// Most bytes of a block as it is packed: LZ4's `LZ4_compressBound(BLOCK_BYTES)`.
const PACKED_BYTES: u32 = (8 << 20) + (8 << 20) / 255 + 16;

/// Unpacks legacy frames.
pub(crate) struct LegacyDecoder<'a, R> {
    source: &'a mut Window<R>,
    packed: Vec<u8>,
    block: Vec<u8>,
    /// The bytes of `block` that were not yet given away.
    start: usize,
    end: usize,
}

impl<'a, R: Read> LegacyDecoder<'a, R> {
    /// A decoder for the frame that `source` is at.
    pub(crate) fn new(source: &'a mut Window<R>) -> Self {
        Self { source, packed: Vec::new(), block: Vec::new(), start: 0, end: 0 }
    }

    /// The size of the next block; none behind the last.
    fn next_size(&mut self) -> io::Result<Option<u32>> {
        loop {
            let ahead = match self.source.ahead(4) {
                Ok(ahead) => ahead,
                Err(stop) => return Err(self.fail(stop)),
            };
            let Some(&word) = ahead.first_chunk::<4>() else { return Ok(None) };
            if word == [0; 4] {
                return Ok(None);
            }
            self.source.advance(4);
            if word != MAGIC {
                return Ok(Some(u32::from_le_bytes(word)));
            }
        }
    }

    fn next_block(&mut self) -> io::Result<bool> {
        let Some(size) = self.next_size()? else { return Ok(false) };
        if size > PACKED_BYTES {
            return Err(invalid(format!(
                "a block claims {size} bytes, more than the {PACKED_BYTES} that one can have"
            )));
        }
        let Self { source, packed, .. } = self;
        packed.clear();
        let found = match source.pass(u64::from(size), |piece| packed.extend_from_slice(piece)) {
            Ok(found) => found,
            Err(stop) => return Err(self.fail(stop)),
        };
        if found < u64::from(size) {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("a block claims {size} bytes and {found} are there"),
            ));
        }
        self.block.resize(BLOCK_BYTES, 0);
        self.end = lz4_flex::block::decompress_into(&self.packed, &mut self.block)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        self.start = 0;
        Ok(true)
    }

    /// Leaves the reason where [`Window::take_stop`] finds it.
    fn fail(&mut self, stop: Stop) -> io::Error {
        self.source.set_stop(stop);
        io::Error::other("the compressed bytes cannot be read")
    }
}

impl<R: Read> Read for LegacyDecoder<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // A block may be empty.
        while self.start == self.end {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let count = out.len().min(self.end - self.start);
        out[..count].copy_from_slice(&self.block[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}
