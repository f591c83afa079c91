//! The hashes that hash trees are sorted by.
//!
//! Linux, ext4 "Hash Tree Directories". Half MD4 is the first half of the MD4 of RFC 1320 over eight words; TEA is the
//! cipher of Wheeler and Needham used as a compression function.

/// How a directory hashes its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hasher {
    family: Family,
    /// Whether bytes of names are signed numbers.
    signed: bool,
    seed: [u32; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Legacy,
    HalfMd4,
    Tea,
}

/// The state MD4 begins with.
const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

impl Hasher {
    /// The hasher of a version from 0 to 5; `None` for others, of which 6 needs a key.
    pub(crate) fn new(version: u8, unsigned: bool, seed: [u32; 4]) -> Option<Self> {
        let family = match version {
            0 | 3 => Family::Legacy,
            1 | 4 => Family::HalfMd4,
            2 | 5 => Family::Tea,
            _ => return None,
        };
        let signed = version < 3 && !unsigned;
        Some(Self { family, signed, seed: if seed == [0; 4] { INITIAL } else { seed } })
    }

    /// The hash of a name; its lowest bit is zero.
    pub(crate) fn hash(&self, name: &[u8]) -> u32 {
        let mut state = self.seed;
        let hash = match self.family {
            Family::Legacy => self.legacy(name),
            Family::HalfMd4 => {
                let mut rest = name;
                while !rest.is_empty() {
                    half_md4(&mut state, &self.words::<8>(rest));
                    rest = rest.get(32..).unwrap_or(&[]);
                }
                state[1]
            }
            Family::Tea => {
                let mut rest = name;
                while !rest.is_empty() {
                    tea(&mut state, &self.words::<4>(rest));
                    rest = rest.get(16..).unwrap_or(&[]);
                }
                state[0]
            }
        };
        let even = hash & !1;
        // The greatest value marks the end of a directory.
        if even == 0xffff_fffe { 0xffff_fffc } else { even }
    }

    fn number(&self, byte: u8) -> u32 {
        if self.signed { i32::from(byte.cast_signed()).cast_unsigned() } else { u32::from(byte) }
    }

    /// `N` words of a name, big-endian, filled up with its length.
    fn words<const N: usize>(&self, rest: &[u8]) -> [u32; N] {
        // A name has at most 255 bytes, and the kernel takes the rest of it for its length.
        let length = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        let pad = length | length << 8;
        let pad = pad | pad << 16;
        let mut words = [pad; N];
        for (word, bytes) in words.iter_mut().zip(rest.chunks(4)) {
            *word = bytes.iter().fold(pad, |word, &byte| self.number(byte).wrapping_add(word << 8));
        }
        words
    }

    fn legacy(&self, name: &[u8]) -> u32 {
        let (mut last, mut before) = (0x12a3_fe2d_u32, 0x37ab_e8f9_u32);
        for &byte in name {
            let mut hash = before.wrapping_add(last ^ self.number(byte).wrapping_mul(7_152_373));
            if hash & 0x8000_0000 != 0 {
                hash = hash.wrapping_sub(0x7fff_ffff);
            }
            before = last;
            last = hash;
        }
        last << 1
    }
}

fn half_md4(state: &mut [u32; 4], words: &[u32; 8]) {
    type Mix = fn(u32, u32, u32) -> u32;
    let rounds: [(Mix, u32, [usize; 8], [u32; 4]); 3] = [
        (|x, y, z| z ^ (x & (y ^ z)), 0, [0, 1, 2, 3, 4, 5, 6, 7], [3, 7, 11, 19]),
        (|x, y, z| (x & y).wrapping_add((x ^ y) & z), 0x5A82_7999, [1, 3, 5, 7, 0, 2, 4, 6], [3, 5, 9, 13]),
        (|x, y, z| x ^ y ^ z, 0x6ED9_EBA1, [3, 7, 2, 6, 1, 5, 0, 4], [3, 9, 11, 15]),
    ];
    let [mut a, mut b, mut c, mut d] = *state;
    for (mix, constant, order, shifts) in rounds {
        for (&word, &shift) in order.iter().zip(shifts.iter().cycle()) {
            let sum = a.wrapping_add(mix(b, c, d)).wrapping_add(words[word]).wrapping_add(constant);
            (a, b, c, d) = (d, sum.rotate_left(shift), b, c);
        }
    }
    for (state, new) in state.iter_mut().zip([a, b, c, d]) {
        *state = state.wrapping_add(new);
    }
}

fn tea(state: &mut [u32; 4], words: &[u32; 4]) {
    let [mut left, mut right, ..] = *state;
    let [a, b, c, d] = *words;
    let mut sum = 0_u32;
    for _ in 0..16 {
        sum = sum.wrapping_add(0x9E37_79B9);
        let mix = |half: u32, before: u32, behind: u32| {
            (half << 4).wrapping_add(before) ^ half.wrapping_add(sum) ^ (half >> 5).wrapping_add(behind)
        };
        left = left.wrapping_add(mix(right, a, b));
        right = right.wrapping_add(mix(left, c, d));
    }
    state[0] = state[0].wrapping_add(left);
    state[1] = state[1].wrapping_add(right);
}
