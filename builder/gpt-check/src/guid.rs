//! GUIDs and how they lie on a disk.

use std::fmt;

use crate::bytes::{u16_at, u32_at};

/// A GUID. Prints as `c12a7328-f81f-11d2-ba4b-00a0c93ec93b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(u128);

impl Guid {
    /// The GUID of zeros: an unused entry, or no identity.
    pub const NIL: Self = Self(0);
    /// Bytes of a GUID.
    pub(crate) const SIZE: usize = 16;

    /// The GUID whose text has these digits.
    #[must_use]
    pub const fn from_u128(digits: u128) -> Self {
        Self(digits)
    }

    /// The digits of its text as a number.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// The 16 bytes at `at`. UEFI 2.10, appendix A: the first three fields are little-endian, others as in the text.
    pub(crate) fn at(bytes: &[u8], at: usize) -> Self {
        let head = u128::from(u32_at(bytes, at)) << 96
            | u128::from(u16_at(bytes, at + 4)) << 80
            | u128::from(u16_at(bytes, at + 6)) << 64;
        Self(
            bytes[at + 8..at + Self::SIZE]
                .iter()
                .rev()
                .zip(0..)
                .fold(head, |sum, (&byte, place)| sum | u128::from(byte) << (8 * place)),
        )
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let [a, b, c, d] = [8, 12, 16, 20];
        write!(f, "{}-{}-{}-{}-{}", &digits[..a], &digits[a..b], &digits[b..c], &digits[c..d], &digits[d..])
    }
}

#[cfg(test)]
mod tests {
    use super::Guid;

    #[test]
    fn three_fields_are_little_endian() {
        let bytes = [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];
        assert_eq!(Guid::at(&bytes, 0).to_string(), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
        assert_eq!(Guid::from_u128(1).to_string(), "00000000-0000-0000-0000-000000000001");
    }
}
