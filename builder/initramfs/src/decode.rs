//! The decoders, each for one part of an initramfs.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::Stream;

use crate::lz4::LegacyDecoder;
use crate::window::{Stop, Window};
use crate::{Compression, InitramfsError};

/// Largest zstd window that the kernel unpacks: 2^27 bytes. Linux, lib/decompress_unzstd.c: `ZSTD_WINDOWSIZE_MAX`.
const ZSTD_WINDOW_LOG: u32 = 27;
/// Most bytes of the header of a zstd frame, with its magic. RFC 8878, 3.1.1.
const ZSTD_HEADER_BYTES: usize = 18;

/// A decoder for the one member, frame or stream that `source` is at; it takes nothing behind it.
///
/// One, because that is what the kernel unpacks before it looks for the next magic.
pub(crate) fn open<'a, R: Read>(
    compression: Compression,
    source: &'a mut Window<R>,
    decoder_bytes: u64,
) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match compression {
        Compression::None => Box::new(source),
        Compression::Gzip => Box::new(GzDecoder::new(source)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?.single_frame();
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        Compression::Xz => Box::new(XzDecoder::new_stream(source, Stream::new_stream_decoder(decoder_bytes, 0)?)),
        Compression::Lzma => Box::new(XzDecoder::new_stream(source, Stream::new_lzma_decoder(decoder_bytes)?)),
        Compression::Lz4 => Box::new(LegacyDecoder::new(source)),
    })
}

/// Refuses a zstd frame that needs more memory than the kernel gives it.
pub(crate) fn check_zstd_window<R: Read>(source: &mut Window<R>) -> Result<(), Refusal> {
    let start = source.offset();
    let header = source.ahead(ZSTD_HEADER_BYTES).map_err(Refusal::Stop)?;
    let limit = 1 << ZSTD_WINDOW_LOG;
    match zstd_window(header) {
        Some(needed) if needed > limit => {
            Err(Refusal::Error(InitramfsError::ZstdWindow { start, window: needed, limit }))
        }
        // A header that ends too early is the decoder's to refuse.
        _ => Ok(()),
    }
}

/// Why a frame is not unpacked.
#[derive(Debug)]
pub(crate) enum Refusal {
    Stop(Stop),
    Error(InitramfsError),
}

/// Whether a decoder stopped because it would have needed more memory than it may have.
pub(crate) fn is_memory_limit(error: &io::Error) -> bool {
    error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>())
        .is_some_and(|inner| matches!(inner, liblzma::stream::Error::MemLimit))
}

/// The window in bytes that a frame asks for. RFC 8878, 3.1.1.1.
fn zstd_window(frame: &[u8]) -> Option<u64> {
    let descriptor = *frame.get(4)?;
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let window = *frame.get(5)?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // Then the window is as large as the content, whose size stands behind the number of the dictionary.
    let dictionary_bytes = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let (size_bytes, bias) = [(1, 0), (2, 256), (4, 0), (8, 0)][usize::from(descriptor >> 6)];
    let at = 5 + dictionary_bytes;
    let mut size = [0; 8];
    size[..size_bytes].copy_from_slice(frame.get(at..at + size_bytes)?);
    Some(u64::from_le_bytes(size).saturating_add(bias))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_of_a_zstd_frame_is_read_from_its_header() {
        let table: &[(&[u8], Option<u64>)] = &[
            (&[0, 0, 0, 0, 0x00, 0x00], Some(1024)),
            (&[0, 0, 0, 0, 0x00, 17 << 3], Some(1 << 27)),
            (&[0, 0, 0, 0, 0x00, 17 << 3 | 1], Some((1 << 27) + (1 << 24))),
            (&[0, 0, 0, 0, 0x00, 0xff], Some((1 << 41) + 7 * (1 << 38))),
            (&[0, 0, 0, 0, 0x20, 200], Some(200)),
            (&[0, 0, 0, 0, 0x61, 9, 1, 1], Some(0x101 + 256)),
            (&[0, 0, 0, 0, 0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Some(u64::MAX)),
            (&[0, 0, 0, 0, 0xe0, 1], None),
            (&[0, 0, 0, 0], None),
        ];
        for (frame, expected) in table {
            assert_eq!(zstd_window(frame), *expected, "{frame:02x?}");
        }
    }
}
