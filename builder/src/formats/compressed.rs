//! A raw disk in a compressed stream.

use std::io;

use builder_block::{Piece, Sink};

use super::line::{Encoded, Writer, mismatch};
use super::stream::{Compressor, StreamWriter};

pub(crate) struct CompressedWriter(StreamWriter);

impl CompressedWriter {
    pub(crate) fn new(compressor: Compressor) -> Self {
        Self(StreamWriter::new(compressor))
    }
}

impl Writer for CompressedWriter {
    fn append(&mut self, sink: &mut dyn Sink, _: &Piece, encoded: &Encoded) -> io::Result<()> {
        let Encoded::Stream(part) = encoded else { return Err(mismatch()) };
        self.0.part(sink, part)
    }

    fn finish(self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64> {
        self.0.end(sink)
    }
}
