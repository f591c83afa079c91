//! The footer: VHD specification 1.0, "Hard Disk Footer Format". All numbers are big-endian.

use std::fmt;

use builder_block::{ByteSize, SECTOR_SIZE};

use crate::VhdError;
use crate::geometry::Geometry;

/// Bytes of the footer.
pub const FOOTER_SIZE: usize = 512;

/// The largest disk of the format: 2040 GiB.
pub const MAX_SIZE: ByteSize = ByteSize::gib(2040);

/// Azure takes only disks of whole MiB.
const UNIT: u64 = 1 << 20;

const COOKIE: [u8; 8] = *b"conectix";
/// "No features enabled"; the bit is reserved and always set.
const FEATURES: u32 = 2;
/// Version 1.0 of the format.
const VERSION: u32 = 0x0001_0000;
/// No further structure follows: a fixed disk.
const NO_DATA_OFFSET: u64 = u64::MAX;
/// Who made the file, and the reason to say that it was QEMU with a size of its own choice: readers decide by this
/// name whether the disk has the size that the footer tells or that of the geometry, which is mostly a little less.
/// QEMU's block/vpc.c takes the geometry for all names but a few; "qem2" (what `qemu-img` itself writes with
/// `force_size=on`) is one of these, and Azure and Hyper-V take the size of the footer whatever the name.
const CREATOR: [u8; 4] = *b"qem2";
/// The version that QEMU gives with that name.
const CREATOR_VERSION: u32 = 0x0005_0003;
/// Windows: the other value is the Macintosh.
const CREATOR_HOST: [u8; 4] = *b"Wi2k";
/// 2000-01-01T00:00:00Z in Unix seconds, where the time of the format begins.
const EPOCH: i64 = 946_684_800;

const COOKIE_AT: usize = 0x00;
const VERSION_AT: usize = 0x0C;
const CURRENT_SIZE_AT: usize = 0x30;
const KIND_AT: usize = 0x3C;
const CHECKSUM_AT: usize = 0x40;

/// What is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Size of the disk: 1 MiB to [`MAX_SIZE`], in whole MiB.
    pub size: ByteSize,
    /// UUID of the disk.
    pub unique_id: [u8; 16],
    /// When it was made, in Unix seconds; clamped to 2000-01-01 to 2136-02-07, which the format can tell.
    pub created: i64,
}

/// How the disk lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Fixed,
    /// In blocks, where they have data.
    Dynamic,
    /// In blocks, where they differ from another disk.
    Differencing,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fixed => "fixed",
            Self::Dynamic => "dynamic",
            Self::Differencing => "differencing",
        })
    }
}

/// What a footer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Size of the disk, in whole sectors of 512 bytes.
    pub size: ByteSize,
    /// How it lies in the file.
    pub kind: Kind,
}

/// The footer that makes a fixed VHD file of a raw disk that it is put behind.
///
/// # Errors
/// [`VhdError::Size`] for a size that is not possible.
pub fn footer(options: &Options) -> Result<[u8; FOOTER_SIZE], VhdError> {
    let size = options.size.bytes();
    if size == 0 || options.size > MAX_SIZE || !size.is_multiple_of(UNIT) {
        return Err(VhdError::Size { size: options.size });
    }
    let seconds = options.created.saturating_sub(EPOCH).max(0);
    let timestamp = u32::try_from(seconds).unwrap_or(u32::MAX);
    let geometry = Geometry::new(size / SECTOR_SIZE);
    let mut fields = Vec::with_capacity(FOOTER_SIZE);
    fields.extend(COOKIE); // 0x00
    fields.extend(FEATURES.to_be_bytes()); // 0x08
    fields.extend(VERSION.to_be_bytes()); // 0x0C
    fields.extend(NO_DATA_OFFSET.to_be_bytes()); // 0x10
    fields.extend(timestamp.to_be_bytes()); // 0x18
    fields.extend(CREATOR); // 0x1C
    fields.extend(CREATOR_VERSION.to_be_bytes()); // 0x20
    fields.extend(CREATOR_HOST); // 0x24
    fields.extend(size.to_be_bytes()); // 0x28 original size
    fields.extend(size.to_be_bytes()); // 0x30 current size
    fields.extend(geometry.cylinders.to_be_bytes()); // 0x38
    fields.extend([geometry.heads, geometry.sectors]); // 0x3A
    fields.extend(2_u32.to_be_bytes()); // 0x3C disk type: fixed
    fields.extend([0; 4]); // 0x40 checksum, see below
    fields.extend(options.unique_id); // 0x44
    // Zero stay: saved state (the machine is not suspended) and the reserved bytes.
    let mut footer = [0; FOOTER_SIZE];
    footer[..fields.len()].copy_from_slice(&fields);
    let checksum = checksum(&footer);
    footer[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&checksum.to_be_bytes());
    Ok(footer)
}

/// What the last 512 bytes of a file tell.
///
/// # Errors
/// - [`VhdError::NotVhd`] for bytes that are no footer
/// - [`VhdError::Checksum`] for a footer that was changed
/// - [`VhdError::Field`] for a version or a type of disk that is not known, and for a size of no or broken sectors
pub fn parse_footer(footer: &[u8; FOOTER_SIZE]) -> Result<Footer, VhdError> {
    if array_at(footer, COOKIE_AT) != COOKIE {
        return Err(VhdError::NotVhd);
    }
    let (found, computed) = (u32::from_be_bytes(array_at(footer, CHECKSUM_AT)), checksum(footer));
    if found != computed {
        return Err(VhdError::Checksum { found, computed });
    }
    let field = |field, value, allowed| Err(VhdError::Field { field, value, allowed });
    let version = u32::from_be_bytes(array_at(footer, VERSION_AT));
    // A reader of version 1.0 can read 1.x.
    if version >> 16 != VERSION >> 16 {
        return field("major version", u64::from(version >> 16), "only 1 is known");
    }
    let kind = match u32::from_be_bytes(array_at(footer, KIND_AT)) {
        2 => Kind::Fixed,
        3 => Kind::Dynamic,
        4 => Kind::Differencing,
        other => return field("disk type", other.into(), "2 (fixed), 3 (dynamic) and 4 (differencing) are known"),
    };
    let size = u64::from_be_bytes(array_at(footer, CURRENT_SIZE_AT));
    if size == 0 || !size.is_multiple_of(SECTOR_SIZE) {
        return field("disk size in bytes", size, "a disk has whole sectors of 512 bytes");
    }
    Ok(Footer { size: ByteSize::new(size), kind })
}

/// One's complement of the sum of all bytes but those of the checksum.
fn checksum(footer: &[u8; FOOTER_SIZE]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    !(sum(&footer[..CHECKSUM_AT]) + sum(&footer[CHECKSUM_AT + 4..]))
}

fn array_at<const N: usize>(footer: &[u8; FOOTER_SIZE], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&footer[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use builder_block::ByteSize;

    use super::{CHECKSUM_AT, Footer, Kind, MAX_SIZE, Options, checksum, footer, parse_footer};
    use crate::VhdError;

    const OPTIONS: Options =
        Options { size: ByteSize::mib(5), unique_id: *b"0123456789abcdef", created: 1_700_000_000 };

    #[test]
    fn the_bytes_are_pinned() {
        let made = footer(&OPTIONS).unwrap();
        let mut expected =
            b"conectix\0\0\0\x02\0\x01\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x2c\xe6\xad\x80qem2\0\x05\0\x03Wi2k\
            \0\0\0\0\0\x50\0\0\0\0\0\0\0\x50\0\0\0\x96\x04\x11\0\0\0\x02\xff\xff\xe0\x00"
                .to_vec();
        expected.extend(b"0123456789abcdef");
        expected.resize(512, 0);
        // The checksum has a test of its own.
        expected[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&made[CHECKSUM_AT..CHECKSUM_AT + 4]);
        assert_eq!(made[..], expected);
        let sum: u32 = made[..64].iter().chain(&made[68..]).map(|&byte| u32::from(byte)).sum();
        assert_eq!(made[64..68], (u32::MAX - sum).to_be_bytes());
        assert_eq!(parse_footer(&made).unwrap(), Footer { size: OPTIONS.size, kind: Kind::Fixed });
    }

    #[test]
    fn sizes_are_whole_mebibytes_and_others_get_a_hint() {
        for (bytes, hint) in [
            (1 << 20, None),
            (MAX_SIZE.bytes(), None),
            (0, Some("use 1048576 bytes (1 MiB)")),
            (512, Some("use 1048576 bytes (1 MiB)")),
            ((10 << 20) + 512, Some("use 11534336 bytes (11 MiB)")),
            (MAX_SIZE.bytes() + (1 << 20), Some("make the disk smaller or use another format")),
            (u64::MAX, Some("make the disk smaller or use another format")),
        ] {
            let made = footer(&Options { size: ByteSize::new(bytes), ..OPTIONS });
            assert_eq!(made.err().and_then(|error| error.hint()).as_deref(), hint, "{bytes}");
        }
    }

    #[test]
    fn times_that_the_format_cannot_tell_are_clamped() {
        for (created, expected) in
            [(i64::MIN, 0), (0, 0), (946_684_801, 1), (946_684_800 + (1 << 32), u32::MAX), (i64::MAX, u32::MAX)]
        {
            let made = footer(&Options { created, ..OPTIONS }).unwrap();
            assert_eq!(made[24..28], expected.to_be_bytes(), "{created}");
        }
    }

    #[test]
    fn a_changed_footer_is_an_error() {
        let made = footer(&OPTIONS).unwrap();
        for at in 0..512 {
            let mut changed = made;
            changed[at] ^= 0x10;
            assert!(parse_footer(&changed).is_err(), "{at}");
        }
        for (at, bytes, expected) in [
            (0, &b"c0"[..], "does not begin"),
            (0x0D, &[2], "major version 2"),
            (0x3F, &[3], "Dynamic"),
            (0x3F, &[4], "Differencing"),
            (0x3F, &[5], "disk type 5"),
            (0x30, &[0; 8], "disk size in bytes 0"),
            (0x37, &[1], "disk size in bytes 5242881"),
        ] {
            let mut changed = made;
            changed[at..at + bytes.len()].copy_from_slice(bytes);
            let sum = checksum(&changed);
            changed[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_be_bytes());
            let found = match parse_footer(&changed) {
                Ok(footer) => format!("{footer:?}"),
                Err(VhdError::NotVhd) => "does not begin".into(),
                Err(error) => error.to_string(),
            };
            assert!(found.contains(expected), "{at}: {found}");
        }
    }
}
