//! The header of a cpio entry, "newc" form.
//!
//! Linux, Documentation/driver-api/early-userspace/buffer-format.rst. A header is text: a magic of 6 characters and
//! 13 numbers of 8 hexadecimal digits each. The name follows, with a NUL at its end, then zeros up to a multiple of
//! 4 bytes, then the body, then zeros up to a multiple of 4 bytes.

/// Bytes of a header.
pub(crate) const HEADER_BYTES: usize = MAGIC_LEN + FIELDS.len() * DIGITS;
/// Every header, name and body begins at a multiple of this many bytes.
pub(crate) const ALIGNMENT: u64 = 4;
/// Most bytes of a name with its NUL, and of a link's target. Linux, include/uapi/linux/limits.h: `PATH_MAX`.
pub(crate) const PATH_MAX: u64 = 4096;
/// Most bytes of one component of a name. Linux, include/uapi/linux/limits.h: `NAME_MAX`.
pub(crate) const NAME_MAX: usize = 255;
/// Name of the entry behind the last.
pub(crate) const TRAILER: &[u8] = b"TRAILER!!!";
/// Magic of the plain form.
pub(crate) const MAGIC_NEWC: &[u8; MAGIC_LEN] = b"070701";
/// Magic of the form with sums of the bodies' bytes.
const MAGIC_CRC: &[u8; MAGIC_LEN] = b"070702";
/// Magic of the old form, which the kernel refuses by name.
const MAGIC_ODC: &[u8; MAGIC_LEN] = b"070707";

const MAGIC_LEN: usize = 6;
const DIGITS: usize = 8;
const FIELDS: [&str; 13] = [
    "c_ino",
    "c_mode",
    "c_uid",
    "c_gid",
    "c_nlink",
    "c_mtime",
    "c_filesize",
    "c_maj",
    "c_min",
    "c_rmaj",
    "c_rmin",
    "c_namesize",
    "c_chksum",
];
const _: () = assert!(HEADER_BYTES == 110);

/// Bits of the mode that name the type. Linux, include/uapi/linux/stat.h.
pub(crate) const S_IFMT: u32 = 0o170_000;
pub(crate) const S_IFSOCK: u32 = 0o140_000;
pub(crate) const S_IFLNK: u32 = 0o120_000;
pub(crate) const S_IFREG: u32 = 0o100_000;
pub(crate) const S_IFBLK: u32 = 0o060_000;
pub(crate) const S_IFDIR: u32 = 0o040_000;
pub(crate) const S_IFCHR: u32 = 0o020_000;
pub(crate) const S_IFIFO: u32 = 0o010_000;

/// Header of one entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// Inode number; with the device it tells hard links.
    pub(crate) ino: u32,
    /// Type and permissions.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Names of the inode, where it was packed.
    pub(crate) nlink: u32,
    /// Seconds since 1970.
    pub(crate) mtime: u32,
    /// Bytes of the body; for a link of the target.
    pub(crate) body_bytes: u32,
    /// Device that the inode is on.
    pub(crate) device: (u32, u32),
    /// Device that the inode is.
    pub(crate) special: (u32, u32),
    /// Bytes of the name with its NUL.
    pub(crate) name_bytes: u32,
    /// Sum of the body's bytes, in the form that has it.
    pub(crate) sum: Option<u32>,
}

/// What is wrong with a header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// It does not begin as one.
    Magic,
    /// It is of the old form with octal digits.
    OldForm,
    /// A field is not a number.
    Digits {
        /// Its name.
        field: &'static str,
    },
}

impl Header {
    /// Reads a header.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderFault> {
        let (magic, digits) = bytes.split_at(MAGIC_LEN);
        let has_sum = match magic {
            magic if magic == MAGIC_NEWC => false,
            magic if magic == MAGIC_CRC => true,
            magic if magic == MAGIC_ODC => return Err(HeaderFault::OldForm),
            _ => return Err(HeaderFault::Magic),
        };
        let mut numbers = [0_u32; FIELDS.len()];
        for ((number, text), field) in numbers.iter_mut().zip(digits.chunks_exact(DIGITS)).zip(FIELDS) {
            *number = hexadecimal(text).ok_or(HeaderFault::Digits { field })?;
        }
        let [ino, mode, uid, gid, nlink, mtime, body_bytes, maj, min, rmaj, rmin, name_bytes, sum] = numbers;
        Ok(Self {
            ino,
            mode,
            uid,
            gid,
            nlink,
            mtime,
            body_bytes,
            device: (maj, min),
            special: (rmaj, rmin),
            name_bytes,
            sum: has_sum.then_some(sum),
        })
    }

    /// The header's bytes, in the form without sums.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let numbers: [u32; FIELDS.len()] = [
            self.ino,
            self.mode,
            self.uid,
            self.gid,
            self.nlink,
            self.mtime,
            self.body_bytes,
            self.device.0,
            self.device.1,
            self.special.0,
            self.special.1,
            self.name_bytes,
            0,
        ];
        let mut bytes = MAGIC_NEWC.to_vec();
        for number in numbers {
            bytes.extend_from_slice(format!("{number:08X}").as_bytes());
        }
        bytes
    }
}

/// Zero bytes between `offset` and the next multiple of [`ALIGNMENT`].
pub(crate) fn padding(offset: u64) -> u64 {
    offset.wrapping_neg() % ALIGNMENT
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |number, &digit| {
        let value = char::from(digit).to_digit(16)?;
        Some(number << 4 | value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Header {
            ino: 1,
            mode: S_IFREG | 0o644,
            uid: 2,
            gid: 3,
            nlink: 4,
            mtime: u32::MAX,
            body_bytes: 0xabcd_ef01,
            device: (5, 6),
            special: (7, 8),
            name_bytes: 9,
            sum: None,
        };
        let bytes: [u8; HEADER_BYTES] = header.to_bytes().try_into().unwrap();
        assert_eq!(Header::parse(&bytes), Ok(header));
    }

    #[test]
    fn what_is_not_a_header_is_refused() {
        let good: [u8; HEADER_BYTES] = Header::default().to_bytes().try_into().unwrap();
        let with = |at: usize, byte: u8| {
            let mut bytes = good;
            bytes[at] = byte;
            Header::parse(&bytes)
        };
        assert_eq!(with(0, b'1'), Err(HeaderFault::Magic));
        assert_eq!(with(5, b'7'), Err(HeaderFault::OldForm));
        assert_eq!(with(5, b'2').unwrap().sum, Some(0));
        for (at, field) in [(6, "c_ino"), (14, "c_mode"), (109, "c_chksum")] {
            for byte in [b' ', b'g', b'-', b'+', 0, 0xff] {
                assert_eq!(with(at, byte), Err(HeaderFault::Digits { field }));
            }
        }
        assert_eq!(with(13, b'a').unwrap(), with(13, b'A').unwrap());
    }
}
