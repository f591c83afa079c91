//! Where in an initramfs something is.

use std::fmt;

use crate::Compression;

/// Where in an initramfs something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Number of the archive, counted from 1.
    pub archive: u32,
    /// What the archive is packed with.
    pub compression: Compression,
    /// Byte of the initramfs at which the part that holds the archive begins.
    pub start: u64,
    /// Byte of the initramfs; for a compressed part, byte of its unpacked contents.
    pub at: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { archive, compression, start, at } = *self;
        if compression == Compression::None {
            write!(f, "archive {archive}, byte {}", grouped(at))
        } else {
            write!(
                f,
                "archive {archive} ({compression}, from byte {}), byte {} of its unpacked contents",
                grouped(start),
                grouped(at)
            )
        }
    }
}

/// The number with commas between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_049_600, "1,049,600")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn an_offset_in_a_compressed_part_says_that_it_counts_unpacked_bytes() {
        let plain = Position { archive: 1, compression: Compression::None, start: 0, at: 1024 };
        assert_eq!(plain.to_string(), "archive 1, byte 1,024");
        let packed = Position { archive: 2, compression: Compression::Zstd, start: 56_832, at: 110 };
        assert_eq!(packed.to_string(), "archive 2 (zstd, from byte 56,832), byte 110 of its unpacked contents");
    }
}
