//! One block of a tar archive as a header: POSIX ustar, GNU and old headers.

use std::ops::Range;

use builder_tree::Timestamp;
use tar_core::{GnuHeader, Header};

use crate::problem::EntryProblem;

/// Bytes in a block; headers and bodies begin at multiples of it.
pub(crate) const BLOCK: u64 = 512;
/// Where a header has its checksum.
const CHECKSUM: Range<usize> = 148..156;

/// A block as it lies in the stream.
pub(crate) type Block = [u8; 512];

/// Zeros that follow a body of `size` bytes.
pub(crate) fn padding(size: u64) -> u64 {
    (BLOCK - size % BLOCK) % BLOCK
}

/// A header whose checksum is right.
pub(crate) struct TarHeader<'a> {
    header: &'a Header,
}

impl<'a> TarHeader<'a> {
    /// Takes a block for a header.
    pub(crate) fn new(block: &'a Block) -> Result<Self, EntryProblem> {
        let header = Header::from_bytes(block);
        let field = &header.as_ustar().cksum;
        let computed = sum(block, i32::from);
        // Some old tars added the bytes up as signed numbers (GNU tar, `tar_checksum`).
        let is_right = octal(field).is_some_and(|stored| {
            stored == i64::from(computed) || stored == i64::from(sum(block, |byte| i32::from(byte.cast_signed())))
        });
        if !is_right {
            return Err(EntryProblem::Checksum { stored: text(field), computed: u64::from(computed.unsigned_abs()) });
        }
        Ok(Self { header })
    }

    pub(crate) fn type_flag(&self) -> u8 {
        self.header.as_ustar().typeflag[0]
    }

    /// The name, with the prefix of ustar headers.
    pub(crate) fn name(&self) -> Vec<u8> {
        let name = self.header.path_bytes();
        match self.header.prefix() {
            Some(prefix) if !prefix.is_empty() => [prefix, b"/", name].concat(),
            _ => name.to_vec(),
        }
    }

    pub(crate) fn link_name(&self) -> Vec<u8> {
        self.header.link_name_bytes().to_vec()
    }

    pub(crate) fn size(&self) -> Result<u64, EntryProblem> {
        unsigned("size", &self.header.as_ustar().size)
    }

    /// Permission bits; some tars add the type, which the type flag says already.
    pub(crate) fn mode(&self) -> Result<u16, EntryProblem> {
        let mode = unsigned("mode", &self.header.as_ustar().mode)? & 0o7777;
        // Twelve bits fit.
        Ok(u16::try_from(mode).unwrap_or(0o7777))
    }

    pub(crate) fn uid(&self) -> Result<u32, EntryProblem> {
        id("uid", &self.header.as_ustar().uid)
    }

    pub(crate) fn gid(&self) -> Result<u32, EntryProblem> {
        id("gid", &self.header.as_ustar().gid)
    }

    pub(crate) fn mtime(&self) -> Result<Timestamp, EntryProblem> {
        let field = &self.header.as_ustar().mtime;
        let seconds = number(field).ok_or_else(|| bad("modification time", field))?;
        Ok(Timestamp { seconds, nanoseconds: 0 })
    }

    /// Major and minor number of a device.
    pub(crate) fn device(&self) -> Result<(u32, u32), EntryProblem> {
        let header = self.header.as_ustar();
        Ok((id("major device number", &header.dev_major)?, id("minor device number", &header.dev_minor)?))
    }

    /// The fields of GNU's own headers.
    pub(crate) fn gnu(&self) -> Option<&'a GnuHeader> {
        self.header.try_as_gnu()
    }
}

/// Adds up what the bytes of a block count, those of the checksum itself as spaces (POSIX, ustar). In two runs without a
/// question in them, of which the compiler makes additions of many bytes at once: an image can have millions of headers.
fn sum(block: &Block, value: impl Fn(u8) -> i32) -> i32 {
    let run = |bytes: &[u8]| bytes.iter().map(|&byte| value(byte)).sum::<i32>();
    run(&block[..CHECKSUM.start]) + CHECKSUM.map(|_| value(b' ')).sum::<i32>() + run(&block[CHECKSUM.end..])
}

fn id(field: &'static str, bytes: &[u8]) -> Result<u32, EntryProblem> {
    u32::try_from(unsigned(field, bytes)?).map_err(|_| EntryProblem::Number {
        field,
        text: text(bytes),
        reason: "larger than 4,294,967,295",
    })
}

/// A field that holds no negative number.
pub(crate) fn unsigned(field: &'static str, bytes: &[u8]) -> Result<u64, EntryProblem> {
    number(bytes).and_then(|value| u64::try_from(value).ok()).ok_or_else(|| bad(field, bytes))
}

fn bad(field: &'static str, bytes: &[u8]) -> EntryProblem {
    EntryProblem::Number { field, text: text(bytes), reason: "no number that can be meant" }
}

/// Octal digits, or GNU's base 256: a set top bit, then a big-endian two's complement number.
fn number(field: &[u8]) -> Option<i64> {
    let (&first, rest) = field.split_first()?;
    if first & 0x80 == 0 {
        return octal(field);
    }
    let negative = first & 0x40 != 0;
    let start = i128::from(first & 0x3f) - if negative { 0x40 } else { 0 };
    let mut value = start;
    for &byte in rest {
        value = (value << 8) | i128::from(byte);
        // Wider than any field can mean; it stays far from 128 bits.
        i64::try_from(value).ok()?;
    }
    i64::try_from(value).ok()
}

fn octal(field: &[u8]) -> Option<i64> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !is_blank(byte)) else { return Some(0) };
    let digits = field[start..].split(is_blank).next()?;
    digits.iter().try_fold(0_i64, |value, &byte| {
        let digit = matches!(byte, b'0'..=b'7').then(|| i64::from(byte - b'0'))?;
        value.checked_mul(8)?.checked_add(digit)
    })
}

/// A field for messages.
fn text(field: &[u8]) -> String {
    let end = field.iter().rposition(|byte| !matches!(byte, b' ' | 0)).map_or(0, |at| at + 1);
    field[..end].trim_ascii_start().escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::{CHECKSUM, TarHeader, number, padding};

    #[test]
    fn numbers_of_both_kinds_are_read() {
        let cases: [(&[u8], Option<i64>); 12] = [
            (b"0000644\0", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"77777777777\0", Some(0o77_777_777_777)),
            (b"0000689\0", None),
            (b"-000001\0", None),
            (b"\x80\0\0\0\0\0\0\0\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\x00", Some(-256)),
            (b"\x80\0\0\0\x80\0\0\0\0\0\0\0", None),
            (b"\x80\x01\0\0\0\0\0\0\0\0\0\0", None),
            (b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ];
        for (field, value) in cases {
            assert_eq!(number(field), value, "{}", field.escape_ascii());
        }
    }

    #[test]
    fn checksums_of_both_kinds_are_right_and_no_others() {
        // The name `é` has 0xc3 and 0xa9: 364 of unsigned bytes, 148 less than nothing of signed ones.
        for (sum, is_right) in [(256 + 364, true), (256 - 148, true), (256, false), (256 + 365, false), (0, false)] {
            let mut block = [0; 512];
            block[..2].copy_from_slice("é".as_bytes());
            block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            assert_eq!(TarHeader::new(&block).is_ok(), is_right, "{sum}");
        }
    }

    #[test]
    fn bodies_are_padded_to_blocks() {
        for (size, zeros) in [(0, 0), (1, 511), (512, 0), (513, 511)] {
            assert_eq!(padding(size), zeros);
        }
    }
}
