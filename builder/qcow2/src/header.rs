//! The header of a qcow2 file that is read. QEMU, `docs/interop/qcow2.rst`, "Header". All numbers are big-endian.

use crate::error::Qcow2Error;
use crate::format::{ENTRY_BYTES, L1_LIMIT};

/// How much of a file's beginning [`Header::parse`] looks at, in bytes; it is enough for the names in it.
pub(crate) const HEADER_ROOM: u64 = 64 << 10;

const MAGIC: [u8; 4] = *b"QFI\xfb";

/// Length of the header of version 2 in bytes.
const LENGTH_2: u64 = 72;

/// Length of the shortest header of version 3 in bytes.
const LENGTH_3: u64 = 104;

/// Incompatible feature: refcounts may be wrong. They do not matter to a reader.
const DIRTY: u64 = 1 << 0;
/// Incompatible feature: any structure may be wrong.
const CORRUPT: u64 = 1 << 1;
/// Incompatible feature: data is in another file.
const EXTERNAL_DATA: u64 = 1 << 2;
/// Incompatible feature: the compression type is not zlib.
const COMPRESSION_TYPE: u64 = 1 << 3;
/// Incompatible feature: L2 entries have 16 bytes and tell of subclusters.
const EXTENDED_L2: u64 = 1 << 4;

/// Header extension: the name of the external data file.
const EXTENSION_DATA_FILE: u32 = 0x4441_5441;

/// The longest name of a backing file in bytes.
const NAME_LIMIT: u32 = 1023;

/// What compressed clusters are compressed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Raw deflate, without a header of zlib.
    Deflate,
    /// Zstandard frames.
    Zstd,
}

/// What a reader needs to know of the header.
///
/// The refcounts (bytes 48 to 59, 96) and the internal snapshots (60 to 71) are of no concern to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// 4: Version of the format: 2 or 3.
    pub(crate) version: u32,
    /// 20: Size of a cluster as a power of two: 9 to 21, with extended L2 entries 14 to 21.
    pub(crate) cluster_bits: u32,
    /// 24: Virtual size in bytes.
    pub(crate) size: u64,
    /// 36: Entries of the L1 table: enough for the size, at most those of [`L1_LIMIT`].
    pub(crate) l1_entries: u32,
    /// 40: Where it begins in the file, in bytes: a multiple of the cluster size. Of no meaning without entries.
    pub(crate) l1_offset: u64,
    /// 72, incompatible feature 4: Whether L2 entries are extended.
    pub(crate) extended_l2: bool,
    /// 104: What clusters are compressed with.
    pub(crate) packing: Packing,
}

impl Header {
    /// Reads the header from the first [`HEADER_ROOM`] bytes of a file, or all that it has.
    ///
    /// # Errors
    /// This is no qcow2 file, a part of one, a damaged one, or one that needs more than itself to be read.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Qcow2Error> {
        let length = bytes.len() as u64;
        let fields = Fields(bytes);
        if !bytes.starts_with(&MAGIC) {
            return Err(Qcow2Error::Magic { magic: bytes.iter().copied().take(MAGIC.len()).collect() });
        }
        let cut = |needed| Qcow2Error::HeaderCut { length, needed };
        let version = fields.u32(4).ok_or(cut(LENGTH_2))?;
        let least = match version {
            2 => LENGTH_2,
            3 => LENGTH_3,
            version => return Err(Qcow2Error::Version { version }),
        };
        if length < least {
            return Err(cut(least));
        }
        // There are all fields that every header of this version has.
        let u32_at = |offset| fields.u32(offset).ok_or(cut(least));
        let u64_at = |offset| fields.u64(offset).ok_or(cut(least));

        let cluster_bits = u32_at(20)?;
        if !(9..=21).contains(&cluster_bits) {
            return Err(field("cluster_bits", cluster_bits, "it is from 9 to 21"));
        }
        let (incompatible, header_length) =
            if version == 2 { (0, LENGTH_2) } else { (u64_at(72)?, u32_at(100)?.into()) };
        if header_length < least || header_length > 1 << cluster_bits {
            return Err(field("header_length", header_length, "it is from 104 bytes to a cluster"));
        }
        // That of version 2 is there already.
        let type_offset = 104;
        let compression_type =
            if header_length > type_offset { u64::from(*bytes.get(104).ok_or(cut(header_length))?) } else { 0 };

        Self::refuse(fields, incompatible, header_length)?;
        let packing = packing(compression_type, incompatible & COMPRESSION_TYPE != 0)?;
        let extended_l2 = incompatible & EXTENDED_L2 != 0;
        if extended_l2 && cluster_bits < 14 {
            return Err(field("cluster_bits", cluster_bits, "with extended L2 entries it is from 14 to 21"));
        }
        let header = Self {
            version,
            cluster_bits,
            size: u64_at(24)?,
            l1_entries: u32_at(36)?,
            l1_offset: u64_at(40)?,
            extended_l2,
            packing,
        };
        header.check_l1()?;
        Ok(header)
    }

    /// Refuses files that cannot be read, or not alone.
    fn refuse(fields: Fields<'_>, incompatible: u64, header_length: u64) -> Result<(), Qcow2Error> {
        if incompatible & CORRUPT != 0 {
            return Err(Qcow2Error::Corrupt);
        }
        let bits = incompatible & !(DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION_TYPE | EXTENDED_L2);
        if bits != 0 {
            return Err(Qcow2Error::Incompatible { bits });
        }
        if incompatible & EXTERNAL_DATA != 0 {
            let name = fields.extension(header_length, EXTENSION_DATA_FILE).unwrap_or_default();
            return Err(Qcow2Error::ExternalDataFile { name: String::from_utf8_lossy(name).into_owned() });
        }
        let method = fields.u32(32).unwrap_or_default();
        if method != 0 {
            return Err(Qcow2Error::Encrypted { method });
        }
        let name_offset = fields.u64(8).unwrap_or_default();
        if name_offset != 0 {
            let name_length = fields.u32(16).unwrap_or_default().min(NAME_LIMIT);
            let name = fields.bytes(name_offset, name_length.into()).unwrap_or_default();
            return Err(Qcow2Error::BackingFile { name: String::from_utf8_lossy(name).into_owned() });
        }
        Ok(())
    }

    fn check_l1(&self) -> Result<(), Qcow2Error> {
        let entries = self.l1_entries;
        if u64::from(entries) * ENTRY_BYTES > L1_LIMIT {
            return Err(Qcow2Error::L1TooLarge { entries });
        }
        let needed = self.l1_needed();
        if u64::from(entries) < needed {
            return Err(Qcow2Error::L1TooSmall { entries, needed, size: self.size });
        }
        Ok(())
    }

    /// Size of a cluster in bytes.
    pub(crate) fn cluster_size(&self) -> u64 {
        1 << self.cluster_bits
    }

    /// How many entries an L2 table has.
    pub(crate) fn l2_entries(&self) -> u64 {
        self.cluster_size() / if self.extended_l2 { 16 } else { 8 }
    }

    /// How many bytes of the disk an L2 table tells of: at most 2^39.
    pub(crate) fn l2_span(&self) -> u64 {
        self.l2_entries() << self.cluster_bits
    }

    /// How many entries of the L1 table the disk has; those behind are for the memory of a machine.
    pub(crate) fn l1_needed(&self) -> u64 {
        self.size.div_ceil(self.l2_span())
    }
}

fn field(field: &'static str, value: impl Into<u64>, limit: &'static str) -> Qcow2Error {
    Qcow2Error::Field { field, value: value.into(), limit }
}

fn packing(compression_type: u64, flagged: bool) -> Result<Packing, Qcow2Error> {
    match (compression_type, flagged) {
        (0, false) => Ok(Packing::Deflate),
        (1, true) => Ok(Packing::Zstd),
        (0, true) => Err(field("compression_type", compression_type, "it is not 0 when incompatible feature 3 is set")),
        (_, false) => {
            Err(field("compression_type", compression_type, "it is 0 when incompatible feature 3 is not set"))
        }
        (_, true) => Err(field("compression_type", compression_type, "known are 0 for zlib and 1 for zstd")),
    }
}

/// Numbers and names at offsets that may be outside.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(self, offset: u64, length: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(offset).ok()?;
        let end = usize::try_from(offset.checked_add(length)?).ok()?;
        self.0.get(start..end)
    }

    fn u32(self, offset: u64) -> Option<u32> {
        self.bytes(offset, 4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn u64(self, offset: u64) -> Option<u64> {
        self.bytes(offset, 8)?.try_into().ok().map(u64::from_be_bytes)
    }

    /// The content of the first header extension of a type.
    fn extension(self, header_length: u64, wanted: u32) -> Option<&'a [u8]> {
        let mut at = header_length;
        loop {
            // At least 8 bytes further every time.
            let (kind, length) = (self.u32(at)?, self.u32(at + 4)?);
            let content = self.bytes(at + 8, length.into());
            match kind {
                0 => return None,
                kind if kind == wanted => return content,
                _ => at += 8 + u64::from(length).next_multiple_of(8),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, Packing};
    use crate::error::Qcow2Error;

    /// A header of version 3 for a disk of 1 MiB in clusters of 64 KiB.
    fn header() -> Vec<u8> {
        let mut bytes = vec![0; 120];
        put(&mut bytes, 0, b"QFI\xfb");
        put(&mut bytes, 4, &3_u32.to_be_bytes());
        put(&mut bytes, 20, &16_u32.to_be_bytes());
        put(&mut bytes, 24, &(1_u64 << 20).to_be_bytes());
        put(&mut bytes, 36, &1_u32.to_be_bytes());
        put(&mut bytes, 40, &(1_u64 << 16).to_be_bytes());
        put(&mut bytes, 100, &112_u32.to_be_bytes());
        bytes
    }

    fn put(bytes: &mut [u8], offset: usize, field: &[u8]) {
        bytes[offset..offset + field.len()].copy_from_slice(field);
    }

    #[test]
    fn fields_are_where_the_format_has_them() {
        let expected = Header {
            version: 3,
            cluster_bits: 16,
            size: 1 << 20,
            l1_entries: 1,
            l1_offset: 1 << 16,
            extended_l2: false,
            packing: Packing::Deflate,
        };
        assert_eq!(Header::parse(&header()).unwrap(), expected);

        let mut older = header();
        put(&mut older, 4, &2_u32.to_be_bytes());
        // What follows is not part of a header of version 2.
        older.truncate(72);
        assert_eq!(Header::parse(&older).unwrap(), Header { version: 2, ..expected });

        let mut zstd = header();
        put(&mut zstd, 72, &0b11001_u64.to_be_bytes());
        put(&mut zstd, 104, &[1]);
        assert_eq!(Header::parse(&zstd).unwrap(), Header { extended_l2: true, packing: Packing::Zstd, ..expected });
    }

    #[test]
    fn headers_that_cannot_be_read_are_refused_by_name() {
        let table: [(usize, &[u8], &str); 16] = [
            (0, b"QFI\xfa", "this is not a qcow2 file"),
            (4, &1_u32.to_be_bytes(), "version 1"),
            (4, &4_u32.to_be_bytes(), "version 4"),
            (8, &112_u64.to_be_bytes(), "its backing file"),
            (20, &8_u32.to_be_bytes(), "cluster_bits 8"),
            (20, &22_u32.to_be_bytes(), "cluster_bits 22"),
            (24, &u64::MAX.to_be_bytes(), "an L1 table of 1 entries"),
            (32, &1_u32.to_be_bytes(), "encrypted (AES)"),
            (32, &7_u32.to_be_bytes(), "encrypted (crypt_method 7)"),
            (36, &0_u32.to_be_bytes(), "an L1 table of 0 entries"),
            (36, &((4 << 20) + 1_u32).to_be_bytes(), "an L1 table of 4194305 entries"),
            (72, &0b10_u64.to_be_bytes(), "marked as corrupt"),
            (72, &0b100_u64.to_be_bytes(), "external data file \"\""),
            (72, &0b10_0000_u64.to_be_bytes(), "bit 5 of"),
            (100, &96_u32.to_be_bytes(), "header_length 96"),
            (104, &[1], "compression_type 1"),
        ];
        for (offset, value, text) in table {
            let mut bytes = header();
            put(&mut bytes, offset, value);
            let error = Header::parse(&bytes).unwrap_err().to_string();
            assert!(error.contains(text), "{text}: {error}");
        }
        for length in 0..104 {
            let error = Header::parse(&header()[..length]).unwrap_err();
            assert!(matches!(error, Qcow2Error::Magic { .. } | Qcow2Error::HeaderCut { .. }), "{length}: {error}");
        }
    }
}
