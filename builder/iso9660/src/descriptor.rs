//! Volume descriptors; ECMA-119, section 8, and the Joliet specification.

use crate::directory::{Place, root};
use crate::hierarchy::Names;
use crate::joliet::ucs2;
use crate::number::{both16, both32, put};
use crate::time::Moment;
use crate::{BLOCK, Volume};

/// Bytes of a descriptor.
const SIZE: usize = 2048;
const _: () = assert!(SIZE as u64 == BLOCK);

/// First block of the descriptors: what is before is the system area.
pub(crate) const FIRST: u32 = 16;
/// Where the first descriptor has 512 bytes for applications; ECMA-119, section 8.4.32.
pub(crate) const APPLICATION_USE: usize = 883;
/// How many bytes that is.
pub(crate) const APPLICATION_USE_SIZE: usize = 512;

/// One hierarchy as its volume descriptor tells it.
pub(crate) struct Described<'a> {
    pub(crate) names: Names,
    pub(crate) volume: &'a Volume,
    pub(crate) moment: Moment,
    /// Blocks of the volume.
    pub(crate) blocks: u32,
    /// Bytes of a path table.
    pub(crate) table_length: u32,
    /// First blocks of the path tables: little end first, and big.
    pub(crate) tables: [u32; 2],
    pub(crate) root: Place,
}

/// The head of a descriptor: ECMA-119, section 8.1.
fn descriptor(kind: u8) -> Vec<u8> {
    let mut bytes = vec![0; SIZE];
    bytes[0] = kind;
    put(&mut bytes, 1, b"CD001");
    bytes[6] = 1;
    bytes
}

/// A text filled up with spaces; in UCS-2 for Joliet, which has room for half the characters.
fn text(names: Names, value: &str, size: usize) -> Vec<u8> {
    let (mut bytes, space) = match names {
        Names::Iso => (value.as_bytes().to_vec(), &b" "[..]),
        Names::Joliet => (ucs2(value), &b"\0 "[..]),
    };
    while bytes.len() < size {
        bytes.extend_from_slice(space);
    }
    bytes.truncate(size);
    bytes
}

/// The primary descriptor (ECMA-119, section 8.4) or Joliet's supplementary one (section 8.5).
///
/// What stays zero: the optional path tables, as there are none, and the hour of expiry, which is written in digits.
pub(crate) fn volume(described: &Described<'_>) -> Vec<u8> {
    let names = described.names;
    let mut bytes = descriptor(match names {
        Names::Iso => 1,
        Names::Joliet => 2,
    });
    if names == Names::Joliet {
        // UCS-2, level 3.
        put(&mut bytes, 88, b"%/E");
    }
    let volume = described.volume;
    put(&mut bytes, 80, &both32(described.blocks));
    // One volume in a set, the first of it, in blocks of 2048 bytes.
    put(&mut bytes, 120, &both16(1));
    put(&mut bytes, 124, &both16(1));
    put(&mut bytes, 128, &both16(2048));
    put(&mut bytes, 132, &both32(described.table_length));
    put(&mut bytes, 140, &described.tables[0].to_le_bytes());
    put(&mut bytes, 148, &described.tables[1].to_be_bytes());
    put(&mut bytes, 156, &root(described.root, described.moment));
    for (at, size, value) in [
        (8, 32, volume.system.as_str()),
        (40, 32, &volume.id),
        (190, 128, &volume.set),
        (318, 128, &volume.publisher),
        (446, 128, &volume.preparer),
        (574, 128, &volume.application),
        // Files of copyright, abstract and bibliography: none. Joliet's last byte of 37 stays out of the text.
        (702, 37, ""),
        (739, 37, ""),
        (776, 37, ""),
    ] {
        let whole = if names == Names::Joliet { size - size % 2 } else { size };
        put(&mut bytes, at, &text(names, value, whole));
    }
    // Made and changed then, never to expire, in effect at once.
    let never = *b"0000000000000000\0";
    for (at, time) in [(813, described.moment.digits()), (830, described.moment.digits()), (847, never), (864, never)] {
        put(&mut bytes, at, &time);
    }
    bytes[881] = 1;
    if names == Names::Iso {
        // Spaces say that it is free: for the checksum of the medium.
        put(&mut bytes, APPLICATION_USE, &[b' '; APPLICATION_USE_SIZE]);
    }
    bytes
}

/// El Torito, section 2: the boot record, which leads to the boot catalogue.
pub(crate) fn boot_record(catalogue: u32) -> Vec<u8> {
    let mut bytes = descriptor(0);
    put(&mut bytes, 7, b"EL TORITO SPECIFICATION");
    put(&mut bytes, 71, &catalogue.to_le_bytes());
    bytes
}

/// ECMA-119, section 8.3: the last descriptor.
pub(crate) fn terminator() -> Vec<u8> {
    descriptor(255)
}
