//! Clusters are compressed: the part that several threads do at a time.

use std::io;
use std::ops::Range;

use builder_block::{Piece, is_zero};
use flate2::{Compress, FlushCompress, Status};

use crate::options::{Compression, Options, OptionsError};

/// QEMU's decoder has a window of 2^12 bytes (`qcow2_zlib_decompress` in `block/qcow2-threads.c`).
const ZLIB_WINDOW_BITS: u8 = 12;

/// Compresses the clusters of a piece.
#[derive(Clone, Copy, Debug)]
pub struct Encoder {
    cluster_size: usize,
    compression: Compression,
    level: i32,
}

/// The clusters of a piece that are not zero, in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Encoded {
    pub(crate) clusters: Vec<Cluster>,
    /// The compressed ones, one behind the other.
    pub(crate) bytes: Vec<u8>,
}

/// A cluster that is not zero.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    /// Number of the cluster on the disk.
    pub(crate) number: u64,
    pub(crate) body: Body,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// As it is, at this place in the piece; the last one of a disk may be shorter than a cluster.
    Plain(Range<usize>),
    /// Compressed, at this place of [`Encoded::bytes`].
    Compressed(Range<usize>),
}

impl Encoder {
    /// An encoder for files of these options.
    ///
    /// # Errors
    /// [`OptionsError`] where no such file can be.
    pub fn new(options: &Options) -> Result<Self, OptionsError> {
        options.geometry()?;
        Ok(Self {
            // At most 2 MiB.
            cluster_size: usize::try_from(options.cluster_size.bytes()).unwrap_or(usize::MAX),
            compression: options.compression,
            level: options.level,
        })
    }

    /// Compresses a piece.
    ///
    /// # Errors
    /// A compressor failed, which is a defect of it or of the machine.
    pub fn encode(&self, piece: &Piece) -> io::Result<Encoded> {
        let mut encoded = Encoded::default();
        let Some(bytes) = piece.bytes() else { return Ok(encoded) };
        let mut compressor = Compressor::new(self.compression, self.level, self.cluster_size)?;
        let first = piece.offset() / self.cluster_size as u64;
        let mut number_behind = first;
        for (offset, run) in piece.data() {
            // Runs are of pages and may begin inside of a cluster that the run before ended in.
            let from = (offset / self.cluster_size as u64).max(number_behind);
            let to = (offset + run.len() as u64).div_ceil(self.cluster_size as u64);
            for number in from..to {
                // Inside of the piece, whose length is a usize.
                let start = usize::try_from(number - first).unwrap_or(usize::MAX) * self.cluster_size;
                let range = start..bytes.len().min(start + self.cluster_size);
                let plain = &bytes[range.clone()];
                if is_zero(plain) {
                    continue;
                }
                let body = match compressor.compress(plain, &mut encoded.bytes)? {
                    Some(compressed) => Body::Compressed(compressed),
                    None => Body::Plain(range),
                };
                encoded.clusters.push(Cluster { number, body });
            }
            number_behind = to.max(number_behind);
        }
        Ok(encoded)
    }
}

enum Compressor {
    None,
    Zlib { state: Compress, cluster: Filled, room: usize },
    Zstd { state: zstd::bulk::Compressor<'static>, cluster: Filled, room: usize },
}

impl Compressor {
    fn new(compression: Compression, level: i32, cluster_size: usize) -> io::Result<Self> {
        let cluster = Filled { size: cluster_size, bytes: Vec::new() };
        Ok(match compression {
            Compression::None => Self::None,
            Compression::Zlib => {
                let level = flate2::Compression::new(u32::try_from(level).unwrap_or(6));
                // More than incompressible data needs: the compressor is not made for output that runs full.
                let room = cluster_size + cluster_size / 8 + 64;
                let state = Compress::new_with_window_bits(level, false, ZLIB_WINDOW_BITS);
                Self::Zlib { state, cluster, room }
            }
            Compression::Zstd => {
                let room = zstd::zstd_safe::compress_bound(cluster_size);
                Self::Zstd { state: zstd::bulk::Compressor::new(level)?, cluster, room }
            }
        })
    }

    /// Puts `plain`, filled up to a cluster, behind `bytes` in compressed form; `None`, and nothing, where that would
    /// not save a sector.
    fn compress(&mut self, plain: &[u8], bytes: &mut Vec<u8>) -> io::Result<Option<Range<usize>>> {
        let start = bytes.len();
        let length = match self {
            Self::None => return Ok(None),
            Self::Zlib { state, cluster, room } => {
                let input = cluster.fill(plain);
                state.reset();
                bytes.reserve(*room);
                match state.compress_vec(input, bytes, FlushCompress::Finish)? {
                    Status::StreamEnd => bytes.len() - start,
                    status => return Err(io::Error::other(format!("deflate ended with {status:?}"))),
                }
            }
            Self::Zstd { state, cluster, room } => {
                let input = cluster.fill(plain);
                bytes.resize(start + *room, 0);
                let length = state.compress_to_buffer(input, &mut bytes[start..])?;
                bytes.truncate(start + length);
                length
            }
        };
        if length + 512 > plain.len() {
            bytes.truncate(start);
            return Ok(None);
        }
        Ok(Some(start..start + length))
    }
}

/// A cluster for the end of a disk that is none.
struct Filled {
    size: usize,
    bytes: Vec<u8>,
}

impl Filled {
    fn fill<'a>(&'a mut self, plain: &'a [u8]) -> &'a [u8] {
        if plain.len() == self.size {
            return plain;
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(plain);
        self.bytes.resize(self.size, 0);
        &self.bytes
    }
}
