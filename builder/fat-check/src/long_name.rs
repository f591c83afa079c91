//! Long names in pieces before the short one: Microsoft's FAT specification, section 7.

use crate::bytes::u16_at;
use crate::record;

/// Units of UTF-16 in a piece.
const UNITS: usize = 13;
/// Where they are in it.
const PLACES: [usize; UNITS] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// Bit of the ordinal of the piece that comes first, which is the last of the name.
const LAST: u8 = 0x40;
/// Most pieces of a name: 255 units.
const MOST_PIECES: u8 = 20;
/// Longest name in units.
const MOST_UNITS: usize = 255;
/// Characters that no long name may have, besides those below a space.
const FORBIDDEN: &str = "\"*/:<>?\\|\x7f";

/// Pieces that were seen, and wait for their short name.
#[derive(Clone, Debug)]
pub(crate) struct Pieces {
    /// Ordinal of the last piece seen; 1 is the one right before the short name.
    ordinal: u8,
    checksum: u8,
    /// By piece, the end of the name first.
    units: Vec<[u16; UNITS]>,
    /// The first thing that is wrong with the order or the checksums.
    fault: Option<String>,
    /// Whether type and first cluster are zero in all of them.
    pub(crate) reserved_is_zero: bool,
}

impl Pieces {
    /// Whether a piece is the first of a name.
    pub(crate) fn is_start(bytes: &[u8]) -> bool {
        bytes[0] & LAST != 0
    }

    /// The first piece seen, or one whose start is missing.
    pub(crate) fn start(bytes: &[u8]) -> Self {
        let ordinal = bytes[0] & !LAST;
        let fault = if !Self::is_start(bytes) {
            Some(format!("piece {ordinal} without the pieces before it"))
        } else if ordinal == 0 || ordinal > MOST_PIECES {
            Some(format!("a name of {ordinal} pieces"))
        } else {
            None
        };
        let mut pieces = Self { ordinal, checksum: bytes[13], units: Vec::new(), fault, reserved_is_zero: true };
        pieces.keep(bytes);
        pieces
    }

    /// The next piece.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let ordinal = bytes[0];
        if ordinal.checked_add(1) != Some(self.ordinal) {
            self.fault.get_or_insert(format!("piece {ordinal} behind piece {}", self.ordinal));
        } else if bytes[13] != self.checksum {
            let checksum = self.checksum;
            self.fault.get_or_insert(format!("checksum {:#04x} behind checksum {checksum:#04x}", bytes[13]));
        }
        self.ordinal = ordinal;
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.reserved_is_zero &= bytes[12] == 0 && u16_at(bytes, 26) == 0;
        // More are of no use: the name is wrong then.
        if self.units.len() < usize::from(MOST_PIECES) {
            self.units.push(PLACES.map(|place| u16_at(bytes, place)));
        }
    }

    /// What the pieces seen so far say, for messages.
    pub(crate) fn text(&self) -> String {
        let units: Vec<u16> = self.units.iter().rev().flatten().copied().collect();
        let end = units.iter().position(|&unit| unit == 0).unwrap_or(units.len());
        String::from_utf16_lossy(&units[..end])
    }

    /// The whole name, as the pieces are followed by a short name of that checksum.
    pub(crate) fn finish(&self, checksum: u8) -> Result<LongName, String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if self.ordinal != 1 {
            return Err(format!("piece {} right before the short name", self.ordinal));
        }
        if self.checksum != checksum {
            return Err(format!("checksum {:#04x}, which the short name does not have", self.checksum));
        }
        let units: Vec<u16> = self.units.iter().rev().flatten().copied().collect();
        let (name, padding) = units.split_at(units.iter().position(|&unit| unit == 0).unwrap_or(units.len()));
        if name.is_empty() {
            return Err("an empty name".into());
        }
        if name.len() > MOST_UNITS {
            return Err(format!("a name of {} units", name.len()));
        }
        if padding.len() >= UNITS {
            return Err("a name that ends before its last piece".into());
        }
        Ok(LongName {
            text: String::from_utf16_lossy(name),
            is_utf16: String::from_utf16(name).is_ok(),
            padding_is_right: padding.iter().skip(1).all(|&unit| unit == 0xFFFF),
        })
    }
}

/// A name whose pieces fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LongName {
    /// With a replacement character where it is not UTF-16.
    pub(crate) text: String,
    is_utf16: bool,
    padding_is_right: bool,
}

impl LongName {
    /// What no system accepts in a name.
    pub(crate) fn forbidden(&self) -> Option<String> {
        let mut characters = self.text.chars();
        let bad = characters.find(|c| *c < ' ' || FORBIDDEN.contains(*c))?;
        Some(format!("the character {bad:?}"))
    }

    /// What is odd, though it can be read.
    pub(crate) fn oddity(&self) -> Option<&'static str> {
        if !self.is_utf16 {
            Some("half a surrogate pair")
        } else if self.text.ends_with(['.', ' ']) {
            Some("a dot or a space at the end, which Windows drops")
        } else if !self.padding_is_right {
            Some("other units than 0xffff behind its end")
        } else {
            None
        }
    }
}

const _: () = assert!(PLACES[UNITS - 1] + 2 == record::SIZE);
