//! The name hash of indexed directories: half MD4. Linux, ext4 "Hash Tree Directories".
//!
//! The hash takes characters as signed or as unsigned numbers, which differs for bytes above 0x7F. The choice is
//! the file system's: superblock `s_flags` (0x160) bit 0 says signed, bit 1 unsigned. This crate takes **signed**,
//! as `mke2fs` does on x86; [`SUPERBLOCK_FLAGS`] goes with it.

/// Superblock `s_flags` (0x160) that says what [`half_md4`] does: directory hashes are signed.
pub(crate) const SUPERBLOCK_FLAGS: u32 = 1;

/// `s_def_hash_version` (0xFC) of the superblock and `hash_version` of an index root: half MD4.
pub(crate) const HASH_VERSION: u8 = 1;

/// State to begin with where the seed is all zeros; that of MD4 (RFC 1320, section 3.3).
const INITIAL_STATE: [u32; 4] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];

/// Major hash that readdir takes as the end of the directory; no name may have it.
const END_OF_DIRECTORY: u32 = 0xFFFF_FFFE;

/// One round: the message words in order of use, rotations, additive constant.
type Round = ([usize; 8], [u32; 4], u32);

/// The rounds of MD4 with 8 words instead of 16.
const ROUNDS: [Round; 3] = [
    ([0, 1, 2, 3, 4, 5, 6, 7], [3, 7, 11, 19], 0),
    ([1, 3, 5, 7, 0, 2, 4, 6], [3, 5, 9, 13], 0x5A82_7999),
    ([3, 7, 2, 6, 1, 5, 0, 4], [3, 9, 11, 15], 0x6ED9_EBA1),
];

/// Major and minor hash of `name` in a file system whose `s_hash_seed` (0xEC) is `seed`.
///
/// The major hash is even: bit 0 of an index entry says that the leaf before ends with the same hash.
pub(crate) fn half_md4(name: &[u8], seed: [u32; 4]) -> (u32, u32) {
    let mut state = if seed == [0; 4] { INITIAL_STATE } else { seed };
    let mut rest = name;
    while !rest.is_empty() {
        mix(&mut state, &words(rest));
        rest = rest.get(32..).unwrap_or_default();
    }
    let major = state[1] & !1;
    (if major == END_OF_DIRECTORY { END_OF_DIRECTORY - 2 } else { major }, state[2])
}

/// The next 32 bytes of a name as 8 words, filled up with the low byte of the length of all that is left.
fn words(rest: &[u8]) -> [u32; 8] {
    // A name has at most 255 bytes; the hash of a longer one would mean nothing.
    let length = u8::try_from(rest.len()).unwrap_or(u8::MAX);
    let padding = u32::from_le_bytes([length; 4]);
    let mut words = [padding; 8];
    for (word, bytes) in words.iter_mut().zip(rest.chunks(4)) {
        for &byte in bytes {
            // Signed, see above: 0x80 to 0xFF are negative and borrow from the bits before them.
            let character = i32::from(byte.cast_signed()).cast_unsigned();
            *word = (*word << 8).wrapping_add(character);
        }
    }
    words
}

/// Mixes 8 words into the state.
fn mix(state: &mut [u32; 4], words: &[u32; 8]) {
    let mut turning = *state;
    for (round, (order, rotations, constant)) in ROUNDS.iter().enumerate() {
        for (step, &word) in order.iter().enumerate() {
            let [a, b, c, d] = turning;
            let mixed = match round {
                0 => d ^ (b & (c ^ d)),
                1 => (b & c) | (b & d) | (c & d),
                _ => b ^ c ^ d,
            };
            let sum = a.wrapping_add(mixed).wrapping_add(words[word]).wrapping_add(*constant);
            turning = [d, sum.rotate_left(rotations[step % 4]), b, c];
        }
    }
    for (old, new) in state.iter_mut().zip(turning) {
        *old = old.wrapping_add(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 7a1d9c34-55e2-4b8f-8d21-90aa3b17c6f5 as the superblock stores it.
    const SEED: [u32; 4] = [0x349C_1D7A, 0x8F4B_E255, 0xAA90_218D, 0xF5C6_173B];

    #[test]
    fn hashes_are_those_of_debugfs() {
        // `debugfs -R "dx_hash -h half_md4 -s SEED name"`, e2fsprogs 1.47.0; first the seed of zeros, then SEED.
        let longest = "x".repeat(255);
        let cases = [
            ("a", (0xd5fa_7d7a, 0xacb4_8187), (0x7de7_9632, 0x7eb7_7112)),
            ("lost+found", (0x591d_e422, 0x6ffc_56e0), (0x53fc_8c6a, 0x0935_d2b5)),
            ("usr", (0x8015_3bf2, 0x1fce_d2ef), (0x1132_cbc8, 0x3a34_0402)),
            ("abcdefghijklmnopqrstuvwxyz012345", (0x1964_3b1a, 0xdde3_a0bf), (0x7714_b2e4, 0x7cd1_3d78)),
            ("abcdefghijklmnopqrstuvwxyz0123456", (0x16ed_9a9c, 0x2fb8_454f), (0x39e8_0a84, 0x257b_62a5)),
            ("schlüssel-日本", (0x8f49_ebfc, 0xd251_782c), (0x13c4_a140, 0xbc4c_9c33)),
            (&longest, (0x2aa7_169e, 0x655f_9d9c), (0x646b_3f70, 0x54b9_78c3)),
        ];
        for (name, without_seed, with_seed) in cases {
            assert_eq!(half_md4(name.as_bytes(), [0; 4]), without_seed, "{name}");
            assert_eq!(half_md4(name.as_bytes(), SEED), with_seed, "{name}");
        }
    }
}
