//! Little-endian fields.

/// The number at `at`; the caller's slice is that long.
pub(crate) fn get16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The number at `at`; the caller's slice is that long.
pub(crate) fn get32(bytes: &[u8], at: usize) -> u32 {
    u32::from(get16(bytes, at + 2)) << 16 | u32::from(get16(bytes, at))
}

/// A number in two halves.
pub(crate) fn get64(bytes: &[u8], low: usize, high: usize) -> u64 {
    u64::from(get32(bytes, high)) << 32 | u64::from(get32(bytes, low))
}

pub(crate) fn put16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn put32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Bits 0 to 15, and 16 to 31.
pub(crate) fn halves(value: u32) -> (u16, u16) {
    let [a, b, c, d] = value.to_le_bytes();
    (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
}

/// A length that is known to be one of something in memory, or shorter than 64 KiB.
pub(crate) fn length(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a length of something in memory")
}
