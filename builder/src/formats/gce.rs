//! What Google Compute Engine imports: `disk.raw` in an old-GNU tar archive in a gzip stream.
//!
//! Holes stay out of the archive: the header of an old-GNU sparse entry lists the runs of data. GNU tar manual, "Old GNU
//! Format" and "Storing Sparse Files".

use std::io;

use builder_block::{DiskSource, Piece, Region, Sink, runs};
use tar::{EntryType, GnuExtSparseHeader, GnuSparseHeader, Header};

use super::line::{Encoded, Writer, mismatch};
use super::stream::{Compressor, Encoder, Part, StreamWriter};

/// GNU tar fills archives up to records of this size.
const RECORD: u64 = 20 * super::archive::BLOCK;

pub(crate) struct GceWriter {
    stream: StreamWriter,
    /// Compresses what is not of the disk.
    frame: Encoder,
    header: Option<Part>,
    /// Length of the archive so far.
    length: u64,
    /// What it must be before its end: that of the header, and of the runs that it lists.
    listed: u64,
}

impl GceWriter {
    /// Lists the runs of data of `disk`.
    pub(crate) fn new(disk: &(dyn DiskSource + Sync), created: i64, level: i32) -> io::Result<Self> {
        let runs = runs(disk)?;
        let header = headers(disk.size().bytes(), &runs, created)?;
        let listed = header.len() as u64 + runs.iter().map(|run| run.end - run.start).sum::<u64>();
        let frame = Encoder::new(Compressor::Gzip, level);
        Ok(Self {
            stream: StreamWriter::new(Compressor::Gzip),
            length: header.len() as u64,
            listed,
            header: Some(frame.part(&header)?),
            frame,
        })
    }
}

impl Writer for GceWriter {
    fn append(&mut self, sink: &mut dyn Sink, piece: &Piece, encoded: &Encoded) -> io::Result<()> {
        if let Some(header) = self.header.take() {
            self.stream.part(sink, &header)?;
        }
        if piece.is_hole() {
            return Ok(());
        }
        let Encoded::Stream(part) = encoded else { return Err(mismatch()) };
        self.length += piece.data().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
        self.stream.part(sink, part)
    }

    fn finish(mut self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64> {
        if self.length != self.listed {
            return Err(io::Error::other("the disk has changed while it was read"));
        }
        let end = (self.length + super::archive::END).next_multiple_of(RECORD) - self.length;
        // At most a record and the end.
        let end = self.frame.part(&vec![0; usize::try_from(end).unwrap_or_default()])?;
        self.stream.part(sink, &end)?;
        self.stream.end(sink)
    }
}

fn headers(size: u64, runs: &[Region], created: i64) -> io::Result<Vec<u8>> {
    let stored: u64 = runs.iter().map(|run| run.end - run.start).sum();
    // The end of the file is a run of its own, of no length, so that a hole may come last.
    let mut list: Vec<Region> = runs.to_vec();
    list.push(Region { start: size, end: size });

    let mut header = Header::new_gnu();
    header.set_path("disk.raw")?;
    header.set_entry_type(EntryType::GNUSparse);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(stored);
    header.set_mtime(u64::try_from(created).unwrap_or(0));
    let gnu = header.as_gnu_mut().ok_or_else(|| io::Error::other("a GNU header is none"))?;
    gnu.set_real_size(size);
    let (here, further) = list.split_at(list.len().min(gnu.sparse.len()));
    fill(&mut gnu.sparse, here);
    gnu.set_is_extended(!further.is_empty());
    header.set_cksum();

    let mut bytes = header.as_bytes().to_vec();
    let mut chunks = further.chunks(21).peekable();
    while let Some(chunk) = chunks.next() {
        let mut extension = GnuExtSparseHeader::new();
        fill(extension.sparse_mut(), chunk);
        extension.set_is_extended(chunks.peek().is_some());
        bytes.extend_from_slice(extension.as_bytes());
    }
    Ok(bytes)
}

fn fill(entries: &mut [GnuSparseHeader], runs: &[Region]) {
    for (entry, run) in entries.iter_mut().zip(runs) {
        entry.set_offset(run.start);
        entry.set_length(run.end - run.start);
    }
}
