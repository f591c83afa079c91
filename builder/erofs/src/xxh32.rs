//! xxHash, 32 bits: the hash behind the name filter of EROFS. Specification: xxHash "XXH32 algorithm description".

const PRIME_1: u32 = 0x9E37_79B1;
const PRIME_2: u32 = 0x85EB_CA77;
const PRIME_3: u32 = 0xC2B2_AE3D;
const PRIME_4: u32 = 0x27D4_EB2F;
const PRIME_5: u32 = 0x1656_67B1;

/// Bytes that the four lanes take at a time.
const STRIPE: usize = 16;

/// The hash of `bytes`.
pub(crate) fn xxh32(bytes: &[u8], seed: u32) -> u32 {
    let (stripes, rest) = bytes.split_at(bytes.len() - bytes.len() % STRIPE);
    let mut hash = if stripes.is_empty() {
        seed.wrapping_add(PRIME_5)
    } else {
        let mut lanes = [
            seed.wrapping_add(PRIME_1).wrapping_add(PRIME_2),
            seed.wrapping_add(PRIME_2),
            seed,
            seed.wrapping_sub(PRIME_1),
        ];
        for stripe in stripes.chunks_exact(STRIPE) {
            for (lane, word) in lanes.iter_mut().zip(words(stripe)) {
                *lane = lane.wrapping_add(word.wrapping_mul(PRIME_2)).rotate_left(13).wrapping_mul(PRIME_1);
            }
        }
        [1, 7, 12, 18].into_iter().zip(lanes).fold(0, |sum: u32, (by, lane)| sum.wrapping_add(lane.rotate_left(by)))
    };
    // The length goes in modulo 2³², as the algorithm says.
    let length = bytes.len().to_le_bytes();
    hash = hash.wrapping_add(u32::from_le_bytes([length[0], length[1], length[2], length[3]]));
    for word in words(rest) {
        hash = hash.wrapping_add(word.wrapping_mul(PRIME_3)).rotate_left(17).wrapping_mul(PRIME_4);
    }
    for &byte in &rest[rest.len() - rest.len() % 4..] {
        hash = hash.wrapping_add(u32::from(byte).wrapping_mul(PRIME_5)).rotate_left(11).wrapping_mul(PRIME_1);
    }
    hash = (hash ^ (hash >> 15)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 13)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 16)
}

/// The whole little-endian words of `bytes`.
fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

#[cfg(test)]
mod tests {
    use super::xxh32;

    /// Values of `xxhsum -H0` (Debian package `xxhash`), whose seed is 0; the golden images judge other seeds.
    #[test]
    fn values_are_those_of_xxhsum() {
        for (bytes, hash) in [
            ("", 0x02cc_5d05),
            ("a", 0x550d_7456),
            ("abc", 0x32d1_53ff),
            ("selinux", 0x37f2_761d),
            ("sixteen bytes ok", 0xbfcc_4550),
            ("more than sixteen bytes, and a rest", 0x8b31_38da),
        ] {
            assert_eq!(xxh32(bytes.as_bytes(), 0), hash, "{bytes}");
        }
    }
}
