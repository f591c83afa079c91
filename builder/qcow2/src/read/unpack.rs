//! Compressed clusters. QEMU, `docs/interop/qcow2.rst`, "Compressed Clusters Descriptor".

use std::io;

use builder_block::ReadAt;
use flate2::{Decompress, FlushDecompress, Status};
use zstd::bulk::Decompressor;

use crate::error::{Part, Qcow2Error};
use crate::header::Packing;
use crate::read::table::Packed;

/// Decompresses clusters one after the other. It is large, so it is made with the first.
pub(super) struct Unpacker {
    packing: Packing,
    decoder: Option<Decoder>,
    input: Vec<u8>,
}

enum Decoder {
    Deflate(Decompress),
    Zstd(Decompressor<'static>),
}

impl Unpacker {
    pub(super) fn new(packing: Packing) -> Self {
        Self { packing, decoder: None, input: Vec::new() }
    }

    /// Fills `output`, which is a cluster, with a cluster.
    pub(super) fn unpack(&mut self, file: &impl ReadAt, cluster: Packed, output: &mut [u8]) -> Result<(), Qcow2Error> {
        let (part, offset) = (Part::CompressedCluster { guest: cluster.guest }, cluster.offset);
        let damaged = |source| Qcow2Error::Compressed { part, offset, source };
        // At most 4 MiB, which are in the file.
        self.input.resize(usize::try_from(cluster.length).unwrap_or(usize::MAX), 0);
        file.read_at(offset, &mut self.input).map_err(|source| Qcow2Error::Read { part, offset, source })?;
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            None => self.decoder.insert(Decoder::new(self.packing).map_err(damaged)?),
        };
        let length = decoder.decode(&self.input, output).map_err(damaged)?;
        let cluster_size = output.len() as u64;
        if length != cluster_size {
            return Err(Qcow2Error::CompressedLength { part, offset, length, cluster_size });
        }
        Ok(())
    }
}

impl Decoder {
    fn new(packing: Packing) -> io::Result<Self> {
        Ok(match packing {
            // With the largest window: QEMU's own is smaller, but who else writes such files may not know.
            Packing::Deflate => Self::Deflate(Decompress::new(false)),
            Packing::Zstd => Self::Zstd(Decompressor::new()?),
        })
    }

    /// Decompresses `input` into `output`. Returns how much there is, or one byte more than fits.
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> io::Result<u64> {
        match self {
            Self::Deflate(state) => inflate(state, input, output),
            Self::Zstd(state) => unzstd(state, input, output),
        }
    }
}

/// A stream that the end of the input cuts short is not an error of its own, as it is none to QEMU.
fn inflate(state: &mut Decompress, input: &[u8], output: &mut [u8]) -> io::Result<u64> {
    state.reset(false);
    let room = output.len() as u64;
    let mut one_more = [0];
    loop {
        let before = (state.total_in(), state.total_out());
        // Neither is more than the slice that it counts in, but for the byte that ends the loop.
        let [read, written] = [before.0, before.1].map(|total| usize::try_from(total).unwrap_or(usize::MAX));
        let target = if before.1 < room { &mut output[written..] } else { &mut one_more[..] };
        let status = state.decompress(&input[read..], target, FlushDecompress::None)?;
        let ended = status == Status::StreamEnd || (state.total_in(), state.total_out()) == before;
        if ended || state.total_out() > room {
            return Ok(state.total_out());
        }
    }
}

/// Frames until the cluster is full: without a window of their own, which may claim a lot of memory.
fn unzstd(state: &mut Decompressor<'_>, input: &[u8], output: &mut [u8]) -> io::Result<u64> {
    let (mut read, mut written) = (0, 0);
    while written < output.len() && read < input.len() {
        let input = &input[read..];
        let length = zstd::zstd_safe::find_frame_compressed_size(input)
            .map_err(|code| io::Error::other(zstd::zstd_safe::get_error_name(code)))?;
        // Never 0, and never behind the input.
        written += state.decompress_to_buffer(&input[..length], &mut output[written..])?;
        read += length;
    }
    Ok(written as u64)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::write::DeflateEncoder;

    use super::Unpacker;
    use crate::header::Packing;
    use crate::read::table::Packed;

    fn pack(packing: Packing, bytes: &[u8]) -> Vec<u8> {
        match packing {
            // With a window of 32 KiB.
            Packing::Deflate => {
                let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Packing::Zstd => zstd::bulk::compress(bytes, 19).unwrap(),
        }
    }

    fn unpack(packing: Packing, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut output = vec![1; 1 << 16];
        let cluster = Packed { guest: 77 << 16, offset: 0, length: bytes.len() as u64 };
        let result = Unpacker::new(packing).unpack(&bytes, cluster, &mut output);
        result.map(|()| output).map_err(|error| error.to_string())
    }

    #[test]
    fn a_cluster_is_a_cluster_and_nothing_else() {
        // What repeats does so 30 KiB behind.
        let mut state = 1_u32;
        let part: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(30 << 10)
        .collect();
        let plain: Vec<u8> = part.iter().copied().cycle().take((1 << 16) + 1).collect();
        let (cluster, longer) = (&plain[..1 << 16], &plain[..]);
        for packing in [Packing::Deflate, Packing::Zstd] {
            let packed = pack(packing, cluster);
            assert!(packed.len() < 40 << 10);
            assert_eq!(unpack(packing, packed.clone()).as_deref(), Ok(cluster), "{packing:?}");
            // What follows in the last sector is not part of it.
            assert_eq!(unpack(packing, [&packed[..], &[0xff; 400]].concat()).as_deref(), Ok(cluster), "{packing:?}");
            for (bytes, texts) in [
                (pack(packing, longer), ["at least 65537 bytes instead of 65536", "cannot be decompressed"]),
                (pack(packing, &cluster[..65_535]), ["becomes 65535 bytes instead", "becomes 65535 bytes instead"]),
                (packed[..packed.len() / 2].to_vec(), ["bytes instead of 65536", "cannot be decompressed"]),
                (vec![0xff; 600], ["cannot be decompressed"; 2]),
                (vec![0; 600], ["cannot be decompressed"; 2]),
            ] {
                let error = unpack(packing, bytes).unwrap_err();
                let text = texts[if packing == Packing::Deflate { 0 } else { 1 }];
                assert!(error.contains(text) && error.contains("byte 5046272 of the disk"), "{packing:?}: {error}");
            }
        }
        let frames = [pack(Packing::Zstd, &cluster[..1000]), pack(Packing::Zstd, &cluster[1000..])].concat();
        assert_eq!(unpack(Packing::Zstd, frames).as_deref(), Ok(cluster));
    }
}
