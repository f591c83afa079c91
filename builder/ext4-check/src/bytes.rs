//! Numbers in bytes. What lies behind the end of a slice reads as zero, so that nothing here can fail.

/// `N` bytes from `at`.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    for (to, from) in array.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *from;
    }
    array
}

/// One byte.
pub(crate) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Little-endian, 16 bits.
pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

/// Little-endian, 32 bits.
pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

/// Little-endian, 64 bits.
pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// Big-endian, 32 bits: the journal's.
pub(crate) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(bytes, at))
}

/// Two halves of a number.
pub(crate) fn joined(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Whether all bytes are zero.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// Bit `at` of a bitmap, the lowest of a byte first.
pub(crate) fn bit(bitmap: &[u8], at: usize) -> bool {
    bitmap.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

/// How many of the first `length` bits of a bitmap are clear.
pub(crate) fn clear_bits(bitmap: &[u8], length: usize) -> u32 {
    let whole: u32 = bitmap.iter().take(length / 8).map(|byte| byte.count_zeros()).sum();
    let rest = (length / 8 * 8..length).filter(|&at| !bit(bitmap, at)).count();
    whole + u32::try_from(rest).unwrap_or(0)
}

/// The first clear bit from `from` to the end of the bitmap.
pub(crate) fn first_clear(bitmap: &[u8], from: usize) -> Option<usize> {
    let end = bitmap.len().saturating_mul(8);
    let mut at = from;
    while at < end {
        if at.is_multiple_of(8) && bitmap[at / 8] == 0xff {
            at += 8;
        } else if bit(bitmap, at) {
            at += 1;
        } else {
            return Some(at);
        }
    }
    None
}

/// The last set bit among the first `length`.
pub(crate) fn last_set(bitmap: &[u8], length: usize) -> Option<usize> {
    (0..length.min(bitmap.len().saturating_mul(8))).rev().find(|&at| bit(bitmap, at))
}

#[cfg(test)]
mod tests {
    use super::{be32, bit, clear_bits, first_clear, last_set, le16, le64};

    #[test]
    fn numbers_behind_the_end_are_zero() {
        assert_eq!(le16(&[1, 2, 3], 1), 0x0302);
        assert_eq!(le16(&[1, 2, 3], 2), 3);
        assert_eq!(le64(&[1], 9), 0);
        assert_eq!(be32(&[1, 2], 0), 0x0102_0000);
    }

    #[test]
    fn bits_are_counted_from_the_lowest() {
        let bitmap = [0b0000_0101, 0xff, 0x7f];
        assert!(bit(&bitmap, 2) && !bit(&bitmap, 1) && !bit(&bitmap, 99));
        assert_eq!(clear_bits(&bitmap, 8), 6);
        assert_eq!(clear_bits(&bitmap, 3), 1);
        assert_eq!(first_clear(&bitmap, 3), Some(3));
        assert_eq!(first_clear(&bitmap, 8), Some(23));
        assert_eq!(first_clear(&bitmap, 24), None);
        assert_eq!(last_set(&bitmap, 8), Some(2));
        assert_eq!(last_set(&bitmap, 64), Some(22));
    }
}
