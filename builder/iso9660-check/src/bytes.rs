//! Numbers at fixed offsets. Callers pass the bytes of a whole structure, so the offsets lie in them.

use builder_block::Finding;

/// The little-endian 16-bit number at `at`.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The little-endian 32-bit number at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The big-endian 32-bit number at `at`.
pub(crate) fn u32_big_at(bytes: &[u8], at: usize) -> u32 {
    u32_at(bytes, at).swap_bytes()
}

/// What stands there with its little end first, and again with its big end; ECMA-119, sections 7.2.3 and 7.3.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Both {
    pub(crate) little: u32,
    big: u32,
}

impl Both {
    pub(crate) fn of_16(bytes: &[u8], at: usize) -> Self {
        Self { little: u16_at(bytes, at).into(), big: u16_at(bytes, at + 2).swap_bytes().into() }
    }

    pub(crate) fn of_32(bytes: &[u8], at: usize) -> Self {
        Self { little: u32_at(bytes, at), big: u32_big_at(bytes, at + 4) }
    }

    /// A finding where the two differ: programs disagree on what is meant.
    pub(crate) fn differs(self, structure: &str, field: &str) -> Option<Finding> {
        let Self { little, big } = self;
        (little != big).then(|| {
            let found = format!("{little} with its little end first and {big} with its big end first");
            Finding::error(structure, field, found, "the same number twice")
        })
    }
}
