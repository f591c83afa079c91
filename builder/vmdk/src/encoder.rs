//! Pieces of the disk become compressed grains.

use std::io;

use builder_block::{PIECE, Piece, SECTOR_SIZE};
use flate2::{Compress, Compression, FlushCompress, Status};

use crate::format::{GRAIN, GRAIN_MARKER, GRAIN_SECTORS, SECTOR};
use crate::{Options, VmdkError};

// A piece begins with a grain.
const _: () = assert!(PIECE.is_multiple_of(GRAIN as u64));

/// What a grain can grow to when it cannot be compressed. With less room than this zlib-rs 0.6 panics at level 1.
const BOUND: usize = GRAIN + GRAIN / 8 + 64;

static ZEROS: [u8; GRAIN] = [0; GRAIN];

/// Compresses pieces. It keeps nothing of them, so one serves any number of threads.
#[derive(Clone, Debug)]
pub struct Encoder {
    size: u64,
    level: Compression,
}

/// A piece as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Grains in ascending order: which one of the disk, and at which sector of `bytes` its marker begins.
    pub(crate) grains: Vec<(u64, u64)>,
    /// The grains with their markers, each padded to whole sectors.
    pub(crate) bytes: Vec<u8>,
}

impl Encoded {
    /// What the piece adds to the file, in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.bytes.len()
    }
}

impl Encoder {
    /// An encoder for the disk of `options`.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        Self { size: options.size.bytes(), level: Compression::new(options.level.min(9)) }
    }

    /// Compresses the grains of `piece` that are not all zero. The last grain of the disk is filled up with zeros.
    ///
    /// # Errors
    /// `InvalidInput` for a piece that is not one of a disk of this size.
    pub fn encode(&self, piece: &Piece) -> io::Result<Encoded> {
        let (offset, length) = (piece.offset(), piece.length() as u64);
        let expected = self.size.saturating_sub(offset).min(PIECE);
        if !offset.is_multiple_of(PIECE) || length != expected || length == 0 {
            return Err(VmdkError::Piece { offset, length, size: self.size }.into());
        }
        let mut encoded = Encoded { grains: Vec::new(), bytes: Vec::new() };
        let Some(bytes) = piece.bytes() else { return Ok(encoded) };
        let mut zlib = Compress::new(self.level, true);
        for (grain, bytes) in (offset / GRAIN as u64..).zip(bytes.chunks(GRAIN)) {
            if *bytes == ZEROS[..bytes.len()] {
                continue;
            }
            encoded.grains.push((grain, encoded.bytes.len() as u64 / SECTOR_SIZE));
            if bytes.len() == GRAIN {
                encoded.append(&mut zlib, grain, bytes)?;
            } else {
                let mut whole = bytes.to_vec();
                whole.resize(GRAIN, 0);
                encoded.append(&mut zlib, grain, &whole)?;
            }
        }
        Ok(encoded)
    }
}

impl Encoded {
    /// Appends a grain with its marker.
    fn append(&mut self, zlib: &mut Compress, grain: u64, bytes: &[u8]) -> io::Result<()> {
        let start = self.bytes.len() + GRAIN_MARKER;
        self.bytes.extend((grain * GRAIN_SECTORS).to_le_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.resize(start + BOUND, 0);
        zlib.reset();
        let status = zlib.compress(bytes, &mut self.bytes[start..], FlushCompress::Finish).map_err(io::Error::other)?;
        let length = u32::try_from(zlib.total_out()).map_err(io::Error::other)?;
        if status != Status::StreamEnd {
            return Err(io::Error::other(format!("zlib needs more than {BOUND} bytes for a grain")));
        }
        self.bytes[start - 4..start].copy_from_slice(&length.to_le_bytes());
        // At most BOUND, which is a usize.
        self.bytes.truncate(start + usize::try_from(length).unwrap_or(BOUND));
        self.bytes.resize(self.bytes.len().next_multiple_of(SECTOR), 0);
        Ok(())
    }
}
