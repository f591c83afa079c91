//! The container formats by themselves: qcow2 and VMDK.

use std::io;

use builder_block::{Piece, Sink};

use super::line::{Encoded, Writer, mismatch};

impl Writer for builder_qcow2::Writer {
    fn append(&mut self, sink: &mut dyn Sink, piece: &Piece, encoded: &Encoded) -> io::Result<()> {
        let Encoded::Qcow2(encoded) = encoded else { return Err(mismatch()) };
        Self::append(self, sink, piece, encoded)
    }

    fn finish(self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64> {
        Self::finish(*self, sink)
    }
}

impl Writer for builder_vmdk::Writer {
    fn append(&mut self, sink: &mut dyn Sink, _: &Piece, encoded: &Encoded) -> io::Result<()> {
        let Encoded::Vmdk(encoded) = encoded else { return Err(mismatch()) };
        Self::append(self, sink, encoded)
    }

    fn finish(self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64> {
        Self::finish(*self, sink)
    }
}
