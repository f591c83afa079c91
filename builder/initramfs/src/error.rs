//! Why an initramfs cannot be read.

use std::io;

use crate::position::{Position, grouped};

/// Why an initramfs cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum InitramfsError {
    /// The reader failed.
    #[error("cannot read the initramfs at byte {}", grouped(*offset))]
    Read {
        /// How many bytes were taken before.
        offset: u64,
        /// The answer.
        source: io::Error,
    },
    /// Neither an archive nor anything that the kernel unpacks.
    #[error(
        "byte {} of the initramfs is neither the begin of a cpio archive nor of a known compression: it reads {}",
        grouped(*start), shown(found)
    )]
    Unrecognized {
        /// Byte of the initramfs.
        start: u64,
        /// The first bytes there.
        found: Vec<u8>,
    },
    /// A compression that is known and that no kernel unpacks.
    #[error("the part of the initramfs from byte {} is packed with {format}, which is not supported", grouped(*start))]
    NotSupported {
        /// Byte of the initramfs.
        start: u64,
        /// Name of the format.
        format: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A compression that kernels may unpack and this reader does not.
    #[error("the part of the initramfs from byte {} is packed with {format}, which is not read here", grouped(*start))]
    NotRead {
        /// Byte of the initramfs.
        start: u64,
        /// Name of the format.
        format: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A zstd frame with a larger window than the kernel unpacks.
    #[error(
        "the zstd frame from byte {} of the initramfs needs a window of {} bytes, more than the {} that the kernel allows",
        grouped(*start), grouped(*window), grouped(*limit)
    )]
    ZstdWindow {
        /// Byte of the initramfs.
        start: u64,
        /// In bytes.
        window: u64,
        /// In bytes.
        limit: u64,
    },
    /// An xz or lzma stream that takes too much memory to unpack.
    #[error("{position}: unpacking takes more memory than the {} bytes that are allowed", grouped(*limit))]
    DecoderMemory {
        /// Where.
        position: Position,
        /// In bytes.
        limit: u64,
    },
    /// Compressed data that is damaged or ends too early.
    #[error("{position}: the compressed data is damaged; the decoder had read up to byte {}", grouped(*offset))]
    Damaged {
        /// How far unpacking came.
        position: Position,
        /// Byte of the initramfs up to which the decoder had read.
        offset: u64,
        /// The decoder's answer.
        source: io::Error,
    },
    /// An archive or part that does not begin at a multiple of 4 bytes.
    #[error("{position}: what begins here is not at a multiple of 4 bytes")]
    Unaligned {
        /// Where.
        position: Position,
    },
    /// Something between the archives of a compressed part.
    #[error("{position}: expected an archive, zeros or the end, found {}", shown(found))]
    Junk {
        /// Where.
        position: Position,
        /// The first bytes there.
        found: Vec<u8>,
    },
    /// An archive ends inside of an entry.
    #[error("{position}: the archive ends inside of {what}, {} bytes are missing", grouped(*missing))]
    Truncated {
        /// Where the entry begins.
        position: Position,
        /// Part of the entry.
        what: String,
        /// In bytes.
        missing: u64,
    },
    /// A header without a magic.
    #[error("{position}: a header must begin with 070701 or 070702, found {}", shown(found))]
    Magic {
        /// Where.
        position: Position,
        /// The first bytes there.
        found: Vec<u8>,
    },
    /// A header of the old form.
    #[error("{position}: the archive has the old cpio form 070707, which the kernel does not unpack")]
    OldForm {
        /// Where.
        position: Position,
    },
    /// A number in a header that is none.
    #[error("{position}: the field {field} of the header is not a hexadecimal number")]
    Digits {
        /// Where the header begins.
        position: Position,
        /// The field's name.
        field: &'static str,
    },
    /// A name that is empty or longer than any path.
    #[error("{position}: the name has {} bytes, it must have 1 to {}", grouped(*size), grouped(*limit))]
    NameSize {
        /// Where the entry begins.
        position: Position,
        /// Claimed, in bytes with the NUL at the end.
        size: u64,
        /// In bytes.
        limit: u64,
    },
    /// A name without its end.
    #[error("{position}: the name {name:?} does not end with a NUL")]
    NameEnd {
        /// Where the entry begins.
        position: Position,
        /// The name.
        name: String,
    },
    /// A symbolic link that is longer than any path.
    #[error("{position}: the target of {name:?} has {} bytes, more than {}", grouped(*size), grouped(*limit))]
    TargetSize {
        /// Where the entry begins.
        position: Position,
        /// The link.
        name: String,
        /// Claimed, in bytes.
        size: u64,
        /// In bytes.
        limit: u64,
    },
    /// A body whose bytes do not add up to the sum in its header.
    #[error("{position}: the bytes of {name:?} add up to {computed:#010x}, its header says {expected:#010x}")]
    Sum {
        /// Where the entry begins.
        position: Position,
        /// The file.
        name: String,
        /// In the header.
        expected: u32,
        /// Of the body.
        computed: u32,
    },
    /// More of something than is read.
    #[error("{position}: the initramfs has more than {} {what}", grouped(*limit))]
    TooMuch {
        /// Where the limit was passed.
        position: Position,
        /// What is too much, with its unit.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A body that should be kept and is too large for it.
    #[error("{position}: {path:?} has {} bytes, more than the {} that are read of one file", grouped(*size), grouped(*limit))]
    BodyTooLarge {
        /// Where the entry begins.
        position: Position,
        /// The file.
        path: String,
        /// In bytes.
        size: u64,
        /// In bytes.
        limit: u64,
    },
    /// A wanted name of a file whose body came before, with a name that was not wanted.
    #[error("{position}: the body of {path:?} came with an earlier hard link to the same file and was skipped")]
    BodyPassed {
        /// Where the entry begins.
        position: Position,
        /// The wanted name.
        path: String,
    },
    /// A file whose body was asked for after it had not been wanted.
    #[error("the body of {path:?} was not kept when the initramfs was read")]
    NotKept {
        /// The file, with all links followed.
        path: String,
    },
    /// Not a file.
    #[error("{path:?} of the initramfs is not a regular file")]
    NotAFile {
        /// With all links followed.
        path: String,
    },
    /// A file that is not text.
    #[error("{path:?} of the initramfs is not UTF-8 text")]
    NotText {
        /// With all links followed.
        path: String,
        /// Where it stops to be.
        source: std::str::Utf8Error,
    },
}

impl InitramfsError {
    /// Whether it is this reader that cannot go on, by a limit or for lack of a decoder, and a kernel may.
    #[must_use]
    pub fn may_boot(&self) -> bool {
        matches!(
            self,
            Self::NotRead { .. }
                | Self::DecoderMemory { .. }
                | Self::TooMuch { .. }
                | Self::BodyTooLarge { .. }
                | Self::BodyPassed { .. }
        )
    }

    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Read { .. } | Self::NotKept { .. } => return None,
            Self::NotSupported { remedy, .. } | Self::NotRead { remedy, .. } => remedy,
            Self::ZstdWindow { .. } => "pack the initramfs with zstd --long=27 or a lower level",
            Self::DecoderMemory { .. } => "pack the initramfs with a smaller dictionary, such as xz --lzma2=dict=1MiB",
            Self::OldForm { .. } => "make the archive with cpio -o -H newc",
            Self::Unaligned { .. } => {
                "put zero bytes between the archives, so that each begins at a multiple of 4 bytes"
            }
            Self::Unrecognized { .. } => {
                "check that the file is an initramfs and was copied whole; behind lz4 data four zero bytes are needed"
            }
            Self::Damaged { position, .. } if position.compression == crate::Compression::Lz4 => {
                "make the initramfs again, and put at least four zero bytes behind lz4 data if something follows it"
            }
            Self::TooMuch { .. } => "no real initramfs is so large; make it again, with dracut or mkinitramfs",
            Self::BodyTooLarge { .. } => "this file should be short; look at what put it into the initramfs",
            Self::BodyPassed { .. } => "pack the initramfs with GNU cpio, which writes bodies with the last name",
            Self::NotAFile { .. } | Self::NotText { .. } => "look at what put it into the initramfs",
            Self::Damaged { .. }
            | Self::Junk { .. }
            | Self::Truncated { .. }
            | Self::Magic { .. }
            | Self::Digits { .. }
            | Self::NameSize { .. }
            | Self::NameEnd { .. }
            | Self::TargetSize { .. }
            | Self::Sum { .. } => {
                "the kernel would stop here too; make the initramfs again, with dracut or mkinitramfs, in the image's build"
            }
        };
        Some(text.into())
    }
}

/// The bytes as text with escapes, quoted.
fn shown(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}
