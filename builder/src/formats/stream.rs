//! A disk as one compressed stream: gzip, xz and zstd.
//!
//! Each piece of the disk is compressed by itself, so that several can be at a time, and the parts are put together to
//! what the format's own tool makes: one gzip member, one xz stream of many blocks, and for zstd one frame a piece.

use std::io;
use std::sync::{Arc, OnceLock};

use builder_block::{PIECE, Piece, Sink};
use flate2::{Compress, Crc, FlushCompress, Status};
use liblzma::stream::{Action, Check, Filters, LzmaOptions, Stream};

use super::xz;

/// How a stream is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compressor {
    /// RFC 1952.
    Gzip,
    /// The .xz file format 1.2.
    Xz,
    /// RFC 8878.
    Zstd,
}

impl Compressor {
    /// The level that is a good bargain.
    pub(crate) fn default_level(self) -> i32 {
        match self {
            Self::Gzip | Self::Xz => 6,
            Self::Zstd => 3,
        }
    }

    /// The lowest and the highest level.
    pub(crate) fn levels(self) -> (i32, i32) {
        match self {
            Self::Gzip => (1, 9),
            Self::Xz => (0, 9),
            Self::Zstd => (1, 22),
        }
    }
}

/// A compressed part of a stream, with what the whole needs to know of it.
#[derive(Debug)]
pub(crate) struct Part {
    bytes: Vec<u8>,
    /// Length of what was compressed.
    plain: u64,
    /// gzip: the checksum of what was compressed.
    crc: Crc,
    /// xz: length of the block without padding.
    unpadded: u64,
}

/// Compresses parts of a stream.
pub(crate) struct Encoder {
    compressor: Compressor,
    level: i32,
    /// What a whole piece of zeros becomes.
    hole: OnceLock<Arc<Part>>,
}

impl Encoder {
    pub(crate) fn new(compressor: Compressor, level: i32) -> Self {
        Self { compressor, level, hole: OnceLock::new() }
    }

    /// Compresses a piece, zeros and all.
    pub(crate) fn piece(&self, piece: &Piece) -> io::Result<Arc<Part>> {
        if let Some(bytes) = piece.bytes() {
            return self.part(bytes).map(Arc::new);
        }
        let zeros = || self.part(&vec![0; piece.length()]).map(Arc::new);
        if piece.length() as u64 != PIECE {
            return zeros();
        }
        match self.hole.get() {
            Some(part) => Ok(Arc::clone(part)),
            None => zeros().map(|part| Arc::clone(self.hole.get_or_init(|| part))),
        }
    }

    /// Compresses some bytes.
    pub(crate) fn part(&self, plain: &[u8]) -> io::Result<Part> {
        let mut crc = Crc::new();
        let (bytes, unpadded) = match self.compressor {
            Compressor::Gzip => {
                crc.update(plain);
                (deflate(plain, self.level)?, 0)
            }
            Compressor::Xz => xz_block(plain, self.level)?,
            Compressor::Zstd => {
                let mut compressor = zstd::bulk::Compressor::new(self.level)?;
                compressor.include_checksum(true)?;
                (compressor.compress(plain)?, 0)
            }
        };
        Ok(Part { bytes, plain: plain.len() as u64, crc, unpadded })
    }
}

/// Deflate blocks that end at a byte, without a last one.
fn deflate(plain: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let level = flate2::Compression::new(u32::try_from(level).unwrap_or(6));
    let mut state = Compress::new(level, false);
    // More than incompressible data needs: the compressor is not made for output that runs full.
    let mut bytes = Vec::with_capacity(plain.len() + plain.len() / 8 + 64);
    let status = state.compress_vec(plain, &mut bytes, FlushCompress::Full)?;
    if status != Status::Ok || state.total_in() != plain.len() as u64 || bytes.len() == bytes.capacity() {
        return Err(io::Error::other(format!("deflate ended with {status:?} after {} bytes", state.total_in())));
    }
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// The block of an xz stream that has only one, and its length without padding.
fn xz_block(plain: &[u8], level: i32) -> io::Result<(Vec<u8>, u64)> {
    let preset = u32::try_from(level).unwrap_or(6);
    let mut options = LzmaOptions::new_preset(preset)?;
    // No match can be further away than the part is long, and memory goes with it.
    let most = u32::try_from(PIECE).unwrap_or(1 << 22);
    options.dict_size(most);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let mut stream = Stream::new_stream_encoder(&filters, Check::Crc64)?;
    let mut bytes = Vec::with_capacity(plain.len() + plain.len() / 8 + 1024);
    let status = stream.process_vec(plain, &mut bytes, Action::Finish)?;
    if status != liblzma::stream::Status::StreamEnd {
        return Err(io::Error::other(format!("xz ended with {status:?}")));
    }
    xz::only_block(&bytes).ok_or_else(|| io::Error::other("the xz library wrote a stream that is none"))
}

/// Puts parts together.
pub(crate) struct StreamWriter {
    compressor: Compressor,
    at: u64,
    crc: Crc,
    blocks: Vec<xz::Block>,
}

impl StreamWriter {
    pub(crate) fn new(compressor: Compressor) -> Self {
        Self { compressor, at: 0, crc: Crc::new(), blocks: Vec::new() }
    }

    /// Appends a part.
    pub(crate) fn part(&mut self, sink: &mut dyn Sink, part: &Part) -> io::Result<()> {
        if self.at == 0 {
            match self.compressor {
                // RFC 1952 2.3: no name, no time, unknown system.
                Compressor::Gzip => self.write(sink, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?,
                Compressor::Xz => self.write(sink, &xz::STREAM_HEADER)?,
                Compressor::Zstd => {}
            }
        }
        match self.compressor {
            Compressor::Gzip => self.crc.combine(&part.crc),
            Compressor::Xz => self.blocks.push(xz::Block { unpadded: part.unpadded, plain: part.plain }),
            Compressor::Zstd => {}
        }
        self.write(sink, &part.bytes)
    }

    /// Ends the stream and returns its length.
    pub(crate) fn end(mut self, sink: &mut dyn Sink) -> io::Result<u64> {
        match self.compressor {
            Compressor::Gzip => {
                // A last block, which is empty, the checksum, and the length modulo 2^32.
                let mut end = vec![0x03, 0x00];
                end.extend_from_slice(&self.crc.sum().to_le_bytes());
                end.extend_from_slice(&self.crc.amount().to_le_bytes());
                self.write(sink, &end)?;
            }
            Compressor::Xz => {
                let end = xz::index_and_footer(&self.blocks);
                self.write(sink, &end)?;
            }
            Compressor::Zstd => {}
        }
        sink.end_at(self.at)?;
        Ok(self.at)
    }

    fn write(&mut self, sink: &mut dyn Sink, bytes: &[u8]) -> io::Result<()> {
        sink.write_at(self.at, bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}
