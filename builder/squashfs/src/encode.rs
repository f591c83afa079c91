//! Blocks are compressed.

use std::io;

use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, compress_bound};

/// `log2` of a metadata block, the smallest window that the kernel makes room for.
const LEAST_WINDOW_LOG: u16 = 13;

/// Makes one frame of each block.
///
/// The frames say how long their content is and have no checksum, as those of `mksquashfs`; their window is not longer
/// than a block, for which the kernel makes room (`zstd_init` in `fs/squashfs/zstd_wrapper.c`).
pub(crate) struct Encoder {
    compressor: Compressor<'static>,
}

impl Encoder {
    /// # Errors
    /// zstd has no memory, or does not know the level.
    pub(crate) fn new(level: i32, block_log: u16) -> io::Result<Self> {
        let mut compressor = Compressor::new(level)?;
        for parameter in [
            CParameter::CompressionLevel(level),
            CParameter::WindowLog(u32::from(block_log.max(LEAST_WINDOW_LOG))),
            CParameter::EnableLongDistanceMatching(false),
            CParameter::ContentSizeFlag(true),
            CParameter::ChecksumFlag(false),
            CParameter::DictIdFlag(false),
        ] {
            compressor.set_parameter(parameter)?;
        }
        Ok(Self { compressor })
    }

    /// Compresses `plain` into `packed`, whatever is in it; whether that made it shorter: if not, it is of no use.
    ///
    /// # Errors
    /// zstd failed.
    pub(crate) fn compress(&mut self, plain: &[u8], packed: &mut Vec<u8>) -> io::Result<bool> {
        packed.clear();
        packed.reserve(compress_bound(plain.len()));
        let length = self.compressor.compress_to_buffer(plain, packed)?;
        Ok(length < plain.len())
    }
}

#[cfg(test)]
mod tests {
    use super::Encoder;

    /// Bytes that compress somewhat.
    fn bytes(seed: u32, length: usize) -> Vec<u8> {
        let mut state = seed;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let word = [b"the ", b"and ", b"not ", b"zero"][usize::try_from(state >> 30).unwrap()];
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(&state.to_le_bytes()[2..3]);
        }
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn what_was_compressed_before_leaves_no_trace() {
        for level in [1, 3, 5, 7, 9, 12, 13, 15, 16, 18, 19, 22] {
            let mut used = Encoder::new(level, 17).unwrap();
            let mut packed = Vec::new();
            for round in 0..4 {
                used.compress(&bytes(round, 1 << (10 + 2 * round)), &mut packed).unwrap();
            }
            let plain = bytes(77, 100_000);
            let (mut one, mut other) = (Vec::new(), Vec::new());
            assert!(used.compress(&plain, &mut one).unwrap());
            assert!(Encoder::new(level, 17).unwrap().compress(&plain, &mut other).unwrap());
            assert!(one == other, "level {level}");
            assert!(!used.compress(b"abc", &mut one).unwrap());
        }
    }
}
