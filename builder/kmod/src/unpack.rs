//! Unpacks compressed modules.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use crate::ModuleFault;
use crate::elf::Elf;

/// Memory in bytes that an xz decoder may use. The largest dictionary of `xz -9` needs 65 MiB.
const XZ_MEMORY_BYTES: u64 = 128 << 20;
/// Largest zstd window: 2^27 bytes, what `zstd` itself unpacks without a word.
const ZSTD_WINDOW_LOG: u32 = 27;

/// The module in a file: as it is, or unpacked with gzip, xz or zstd. As for kmod, the first bytes decide, not the name.
///
/// # Errors
/// The bytes begin as none of these, are damaged, or give more than `limit` bytes.
pub fn unpack(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, ModuleFault> {
    let (format, decoder): (_, io::Result<Box<dyn Read + '_>>) = match bytes {
        _ if Elf::is_magic(bytes) => {
            let size = bytes.len() as u64;
            return if size > limit { Err(ModuleFault::TooLarge { limit }) } else { Ok(Cow::Borrowed(bytes)) };
        }
        [0x1F, 0x8B, ..] => ("gzip", Ok(Box::new(GzDecoder::new(bytes)))),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => ("xz", xz(bytes)),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => ("zstd", zstd(bytes)),
        _ => return Err(ModuleFault::Format { found: bytes[..bytes.len().min(8)].to_vec() }),
    };
    let mut module = Vec::new();
    decoder
        .and_then(|decoder| decoder.take(limit.saturating_add(1)).read_to_end(&mut module))
        .map_err(|source| ModuleFault::Packed { format, source })?;
    if module.len() as u64 > limit {
        return Err(ModuleFault::TooLarge { limit });
    }
    Ok(Cow::Owned(module))
}

fn xz(bytes: &[u8]) -> io::Result<Box<dyn Read + '_>> {
    Ok(Box::new(XzDecoder::new_stream(bytes, Stream::new_stream_decoder(XZ_MEMORY_BYTES, CONCATENATED)?)))
}

fn zstd(bytes: &[u8]) -> io::Result<Box<dyn Read + '_>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(Box::new(decoder))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(module: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(module).unwrap();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
        xz.write_all(module).unwrap();
        vec![
            ("plain", module.to_vec()),
            ("gzip", gzip.finish().unwrap()),
            ("xz", xz.finish().unwrap()),
            ("zstd", zstd::encode_all(module, 3).unwrap()),
        ]
    }

    #[test]
    fn every_packing_gives_the_module() {
        let module = [b"\x7fELF".to_vec(), b"module ".repeat(10_000)].concat();
        for (packing, bytes) in packed(&module) {
            assert_eq!(*unpack(&bytes, 70_004).unwrap(), module, "{packing}");
            assert!(matches!(unpack(&bytes, 70_003), Err(ModuleFault::TooLarge { limit: 70_003 })), "{packing}");
            if packing != "plain" {
                let cut = unpack(&bytes[..bytes.len() - 3], 70_004);
                assert!(matches!(cut, Err(ModuleFault::Packed { format, .. }) if format == packing), "{packing}");
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        for (packing, bytes) in packed(&[b"\x7fELF".to_vec(), vec![0; 50 << 20]].concat()) {
            assert!(matches!(unpack(&bytes, 1 << 20), Err(ModuleFault::TooLarge { .. })), "{packing}");
        }
    }

    #[test]
    fn something_else_is_named_by_its_first_bytes() {
        for (bytes, words) in [(&b""[..], "it is empty"), (b"BZh9", "\"BZh9\""), (b"!<arch>\nx", "\"!<arch>\\n\"")] {
            let error = unpack(bytes, 100).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
