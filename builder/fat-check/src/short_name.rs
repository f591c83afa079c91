//! Names of eight characters and three: Microsoft's FAT specification, section 6.1.

use crate::record::{DELETED, Record};

/// Bytes that no short name may have, besides those below a space and lower-case letters.
const FORBIDDEN: &[u8] = b"\"*+,./:;<=>?[\\]|\x7f";
/// Stands for a first byte of 0xE5, which would be a deleted entry.
const KANJI: u8 = 0x05;
/// Bits of the byte at offset 12.
const LOWER_BASE: u8 = 0x08;
const LOWER_EXTENSION: u8 = 0x10;
/// What other bits may be there.
pub(crate) const CASE_BITS: u8 = LOWER_BASE | LOWER_EXTENSION;

/// `.`, which leads to the directory itself.
pub(crate) const DOT: &[u8; 11] = b".          ";
/// `..`, which leads to the one above.
pub(crate) const DOT_DOT: &[u8; 11] = b"..         ";

/// The name as it is shown: `BOOTX64.EFI`. Bytes beyond ASCII, which depend on a code page, are shown as `\x8e`.
pub(crate) fn text(record: &Record) -> String {
    let mut name = record.name;
    if name[0] == KANJI {
        name[0] = DELETED;
    }
    let (base, extension) = name.split_at(8);
    let shown = |bytes: &[u8], lower: u8| -> String {
        let lower = record.case & lower != 0;
        let bytes = bytes.trim_ascii_end().iter();
        bytes
            .map(|&byte| match byte {
                0x80.. => format!("\\x{byte:02x}"),
                _ if lower => char::from(byte).to_ascii_lowercase().to_string(),
                _ => char::from(byte).to_string(),
            })
            .collect()
    };
    let (base, extension) = (shown(base, LOWER_BASE), shown(extension, LOWER_EXTENSION));
    if extension.is_empty() { base } else { format!("{base}.{extension}") }
}

/// What is wrong with the name of a file or directory.
pub(crate) fn fault(name: &[u8; 11]) -> Option<String> {
    if name[0] == b' ' {
        return Some("a name that begins with a space".into());
    }
    let mut bytes = name.iter().enumerate();
    let (at, byte) = bytes.find(|&(at, byte)| {
        let is_kanji = at == 0 && *byte == KANJI;
        !is_kanji && (*byte < b' ' || byte.is_ascii_lowercase() || FORBIDDEN.contains(byte))
    })?;
    let kind = if byte.is_ascii_lowercase() { "the lower-case letter" } else { "the character" };
    Some(format!("{kind} '{}' at byte {at}", byte.escape_ascii()))
}

/// What the pieces of a long name carry, so that a name of another entry is not taken for it. Section 7.2.
pub(crate) fn checksum(name: &[u8; 11]) -> u8 {
    name.iter().fold(0_u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

#[cfg(test)]
mod tests {
    use super::{checksum, fault};

    #[test]
    fn names_are_judged_byte_by_byte() {
        for (name, expected) in [
            (b"BOOTX64 EFI", None),
            (b"A_B~1   C  ", None),
            (b"\x05A         ", None),
            (b"\x80\x81\xff      \x90 ", None),
            (b" AB        ", Some("a name that begins with a space")),
            (b"ABc        ", Some("the lower-case letter 'c' at byte 2")),
            (b"A.B        ", Some("the character '.' at byte 1")),
            (b"A\x05         ", Some("the character '\\x05' at byte 1")),
        ] {
            assert_eq!(fault(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        // `mkfs.fat`, mtools and Linux give this one.
        assert_eq!(checksum(b"THEQUI~1FOX"), 0x07);
    }
}
