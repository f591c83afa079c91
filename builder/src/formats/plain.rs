//! A disk as it is: raw, and fixed VHD, which is raw with a footer.

use std::io;

use builder_block::{Piece, Sink};

use super::line::{Encoded, Writer};

/// Bytes that are written at a time. Linux takes memory for a write in parts as large as the write, and large parts are
/// rarely among those that are warm: 4 MiB at a time took several times as long on a machine that gives free memory back
/// to its host.
const STRETCH: usize = 256 << 10;

/// Writes the runs of data and leaves the rest out; behind the disk comes `footer`.
pub(crate) struct PlainWriter {
    size: u64,
    footer: Vec<u8>,
}

impl PlainWriter {
    /// A raw disk of `size` bytes.
    pub(crate) fn raw(size: u64) -> Self {
        Self { size, footer: Vec::new() }
    }

    /// A fixed VHD of `size` bytes.
    pub(crate) fn vhd(size: u64, footer: &[u8]) -> Self {
        Self { size, footer: footer.to_vec() }
    }
}

impl Writer for PlainWriter {
    fn append(&mut self, sink: &mut dyn Sink, piece: &Piece, _: &Encoded) -> io::Result<()> {
        for (offset, bytes) in piece.data() {
            for (number, stretch) in (0..).zip(bytes.chunks(STRETCH)) {
                sink.write_at(offset + number * STRETCH as u64, stretch)?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64> {
        if !self.footer.is_empty() {
            sink.write_at(self.size, &self.footer)?;
        }
        let length = self.size + self.footer.len() as u64;
        sink.end_at(length)?;
        Ok(length)
    }
}
