//! An entry of the table: UEFI 2.10, table 5-6.

use crate::Guid;
use crate::bytes::{u16_at, u64_at};
use crate::header::ENTRY_SIZE;

/// UTF-16 units of a name.
const NAME_UNITS: usize = 36;
/// Where the name begins.
const NAME: usize = 56;
/// The end of an entry of the smallest size.
const END: usize = NAME + 2 * NAME_UNITS;
const _: () = assert!(END == ENTRY_SIZE as usize);

/// A used entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Offset 0: what the partition is for; not nil, as that is an unused entry.
    pub(crate) type_guid: Guid,
    /// Offset 16.
    pub(crate) guid: Guid,
    /// Offset 32: first sector.
    pub(crate) first: u64,
    /// Offset 40: last sector.
    pub(crate) last: u64,
    /// Offset 48: bits.
    pub(crate) attributes: u64,
    /// Offset 56: UTF-16 units up to a zero or the end.
    pub(crate) name: Vec<u16>,
    /// Whether something stands behind the zero that ends the name.
    pub(crate) text_behind_name: bool,
    /// Whether the bytes from 128 on, which are reserved, are zero.
    pub(crate) rest_is_zero: bool,
}

impl Entry {
    /// The entry in `slot` (128 bytes or more), or `None` where it is unused.
    pub(crate) fn parse(slot: &[u8]) -> Option<Self> {
        let type_guid = Guid::at(slot, 0);
        if type_guid == Guid::NIL {
            return None;
        }
        let units: Vec<u16> = (0..NAME_UNITS).map(|unit| u16_at(slot, NAME + 2 * unit)).collect();
        let (name, behind) = units.split_at(units.iter().position(|&unit| unit == 0).unwrap_or(NAME_UNITS));
        Some(Self {
            type_guid,
            guid: Guid::at(slot, 16),
            first: u64_at(slot, 32),
            last: u64_at(slot, 40),
            attributes: u64_at(slot, 48),
            name: name.to_vec(),
            text_behind_name: behind.iter().any(|&unit| unit != 0),
            rest_is_zero: slot[END..].iter().all(|&byte| byte == 0),
        })
    }

    /// The name, with a replacement character where it is not UTF-16.
    pub(crate) fn name_text(&self) -> String {
        String::from_utf16_lossy(&self.name)
    }

    /// How messages call it.
    pub(crate) fn title(&self, number: u32) -> String {
        if self.name.is_empty() {
            format!("partition {number}")
        } else {
            format!("partition {number} ({:?})", self.name_text())
        }
    }
}
