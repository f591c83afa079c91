//! What a part of an initramfs is packed with.

use std::fmt;

use crate::InitramfsError;

/// What a part of an initramfs is packed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Nothing: the archive is plain.
    None,
    /// gzip, RFC 1952.
    Gzip,
    /// zstd, RFC 8878.
    Zstd,
    /// xz, with a CRC32 or no check.
    Xz,
    /// The old format of LZMA, `.lzma`.
    Lzma,
    /// LZ4's legacy frame.
    Lz4,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Lz4 => "lz4",
        })
    }
}

/// Bytes that [`detect`] needs to see, where there are so many.
pub(crate) const MAGIC_BYTES: usize = 8;

/// Tells from the first bytes what a part is packed with, as the kernel does.
///
/// `start` is the part's first byte, for errors.
pub(crate) fn detect(first: &[u8], start: u64) -> Result<Compression, InitramfsError> {
    let refuse = |format, remedy| Err(InitramfsError::NotSupported { start, format, remedy });
    // CONFIG_RD_BZIP2 and CONFIG_RD_LZO: kernels may have them, and hardly an initramfs does.
    let pass_over = |format, remedy| Err(InitramfsError::NotRead { start, format, remedy });
    // Linux, lib/decompress.c: `compressed_formats`.
    match first {
        [0x1f, 0x8b, ..] => Ok(Compression::Gzip),
        [0x28, 0xb5, ..] => Ok(Compression::Zstd),
        // The xz format, 2.1.1.2: the second byte of the stream flags names the check. The kernel knows CRC32 and
        // none (Documentation/staging/xz.rst).
        [0xfd, 0x37, _, _, _, _, _, check, ..] if check & 0x0f > 1 => refuse(
            "xz with a check other than CRC32",
            "the kernel cannot unpack it either; pack the initramfs with xz --check=crc32",
        ),
        [0xfd, 0x37, ..] => Ok(Compression::Xz),
        [0x5d, 0x00, ..] => Ok(Compression::Lzma),
        [0x02, 0x21, ..] => Ok(Compression::Lz4),
        [b'B', b'Z', ..] => pass_over("bzip2", "pack the initramfs with zstd, which is smaller and faster"),
        [0x89, b'L', ..] => pass_over("lzo", "pack the initramfs with zstd or lz4 -l"),
        [0x04, 0x22, 0x4d, 0x18, ..] => {
            refuse("LZ4's new frame", "the kernel cannot unpack it either; pack the initramfs with lz4 -l")
        }
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => refuse(
            "a skippable zstd frame",
            "the kernel cannot unpack it either; pack the initramfs with zstd, not pzstd",
        ),
        _ => Err(InitramfsError::Unrecognized { start, found: first.to_vec() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_known_by_its_first_bytes() {
        let table: &[(&[u8], Option<Compression>)] = &[
            (&[0x1f, 0x8b, 8], Some(Compression::Gzip)),
            (&[0x28, 0xb5, 0x2f, 0xfd], Some(Compression::Zstd)),
            (b"\xfd7zXZ\0\0\x01", Some(Compression::Xz)),
            (b"\xfd7zXZ\0\0\0", Some(Compression::Xz)),
            (b"\xfd7zXZ\0\0\x04", None),
            (&[0x5d, 0, 0, 0x80], Some(Compression::Lzma)),
            (&[0x02, 0x21, 0x4c, 0x18], Some(Compression::Lz4)),
            (&[0x04, 0x22, 0x4d, 0x18], None),
            (&[0x50, 0x2a, 0x4d, 0x18], None),
            (b"BZh9", None),
            (b"\x89LZO", None),
            (b"x", None),
        ];
        for (first, expected) in table {
            assert_eq!(detect(first, 0).ok(), *expected, "{first:02x?}");
        }
    }
}
