//! What the header of anyone's file says, once it is checked.

use builder_block::{ReadAt, SECTOR_SIZE};

use crate::format::{
    DEFLATE, DIRECTORY_AT_END, FLAG_COMPRESSED, FLAG_MARKERS, FLAG_NEWLINES, FLAG_ZERO_GRAIN, FLAGS_UNKNOWN, Header,
    MARKER_FOOTER, NEWLINES, SECTOR, TABLE_ENTRIES, is_marker,
};
use crate::{MAX_SIZE, VmdkError, descriptor};

/// What a descriptor that is a file of its own begins with.
const DESCRIPTOR_BEGIN: &[u8] = b"# Disk Descriptor";
/// What the sparse extents of old ESX servers begin with.
const COWD: &[u8] = b"COWD";
/// Grains have 8 (the smallest) to 2048 sectors: 1 MiB, so that one fits the memory.
const GRAIN_SECTORS: std::ops::RangeInclusive<u64> = 8..=2048;
/// Most grain tables: twice what [`MAX_SIZE`] takes with grains of 64 KiB, 16 MiB of directory.
const MAX_TABLES: u64 = 4 << 20;

/// Where things are.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Size of the disk in bytes.
    pub(crate) size: u64,
    /// Bytes in a grain.
    pub(crate) grain_bytes: usize,
    /// Where the directory begins, in bytes.
    pub(crate) directory: u64,
    /// Its entries: 1 to [`MAX_TABLES`].
    pub(crate) tables: usize,
    /// Whether grains are zlib streams behind markers.
    pub(crate) compressed: bool,
    /// Whether there are entries for grains of zeros.
    pub(crate) zero_grains: bool,
}

impl Layout {
    /// Reads header or footer, and the descriptor.
    pub(crate) fn read(file: &impl ReadAt) -> Result<Self, VmdkError> {
        let mut sector = [0; SECTOR];
        // What is shorter than a sector may still be a descriptor.
        let there = usize::try_from(file.size().bytes()).map_or(SECTOR, |size| size.min(SECTOR));
        file.read_at(0, &mut sector[..there])?;
        let header = Header::parse(&sector).ok_or_else(|| match () {
            () if sector.starts_with(DESCRIPTOR_BEGIN) => {
                VmdkError::Unsupported { found: "a descriptor of extents in other files".into() }
            }
            () if sector.starts_with(COWD) => {
                VmdkError::Unsupported { found: "a sparse extent of an ESX server".into() }
            }
            () => VmdkError::NotVmdk,
        })?;
        let layout = match header.directory_sector {
            DIRECTORY_AT_END => Self::check(&footer(file)?),
            _ => Self::check(&header),
        }?;
        check_descriptor(file, &header)?;
        Ok(layout)
    }

    /// Whether each number is one that the reader can work with.
    fn check(header: &Header) -> Result<Self, VmdkError> {
        let field = |field, value, allowed| Err(VmdkError::Field { field, value, allowed });
        if !(1..=3).contains(&header.version) {
            return field("version", header.version.into(), "1 to 3 are known");
        }
        if header.flags & FLAGS_UNKNOWN != 0 {
            return field("flags", header.flags.into(), "of the bits from 16 only 16 and 17 are known");
        }
        if header.flags & FLAG_NEWLINES != 0 && header.newlines != NEWLINES {
            let newlines = u32::from_le_bytes(header.newlines).into();
            return field("newline bytes", newlines, "a file that was not damaged as text has 0x0a0d200a");
        }
        let compressed = header.flags & FLAG_COMPRESSED != 0;
        if header.compression != if compressed { DEFLATE } else { 0 } {
            return field("compression", header.compression.into(), "it is 1 where grains are compressed and else 0");
        }
        if compressed && header.flags & FLAG_MARKERS == 0 {
            return field("flags", header.flags.into(), "compressed grains need markers (bit 17)");
        }
        if usize::try_from(header.table_entries) != Ok(TABLE_ENTRIES) {
            return field("number of entries in a grain table", header.table_entries.into(), "it is 512 in every file");
        }
        if !header.grain_sectors.is_power_of_two() || !GRAIN_SECTORS.contains(&header.grain_sectors) {
            return field("grain size in sectors", header.grain_sectors, "a power of two from 8 to 2048 is possible");
        }
        if header.capacity == 0 || header.capacity > MAX_SIZE.bytes() / SECTOR_SIZE {
            return field("capacity in sectors", header.capacity, "a disk has one sector to 62 TiB");
        }
        let tables = header.capacity.div_ceil(header.grain_sectors * TABLE_ENTRIES as u64);
        let Some(tables) = usize::try_from(tables).ok().filter(|_| tables <= MAX_TABLES) else {
            return field("number of grain tables", tables, "at most 4194304 can be read");
        };
        let Some(directory) = header.directory_sector.checked_mul(SECTOR_SIZE) else {
            return field("first sector of the directory", header.directory_sector, "no file is that long");
        };
        // At most 1 MiB.
        let grain_bytes = usize::try_from(header.grain_sectors).unwrap_or(0) * SECTOR;
        let zero_grains = header.flags & FLAG_ZERO_GRAIN != 0;
        Ok(Self { size: header.capacity * SECTOR_SIZE, grain_bytes, directory, tables, compressed, zero_grains })
    }
}

/// The footer of a stream: the last three sectors are its marker, itself, and the marker of the end.
fn footer(file: &impl ReadAt) -> Result<Header, VmdkError> {
    let end = file.size().align_down(SECTOR_SIZE).bytes();
    let start = end.checked_sub(3 * SECTOR_SIZE).ok_or(VmdkError::NoFooter)?;
    let [mut before, mut footer] = [[0; SECTOR]; 2];
    file.read_at(start, &mut before)?;
    file.read_at(start + SECTOR_SIZE, &mut footer)?;
    Header::parse(&footer)
        .filter(|header| is_marker(&before, MARKER_FOOTER) && header.directory_sector != DIRECTORY_AT_END)
        .ok_or(VmdkError::NoFooter)
}

/// Reads the descriptor and checks what it says.
fn check_descriptor(file: &impl ReadAt, header: &Header) -> Result<(), VmdkError> {
    let offset = header.descriptor_sector.saturating_mul(SECTOR_SIZE);
    let length = match header.descriptor_sector {
        0 => 0, // there is none
        _ => header.descriptor_sectors.saturating_mul(SECTOR_SIZE).min(descriptor::MAX_BYTES),
    };
    if offset.checked_add(length).is_none_or(|end| end > file.size().bytes()) {
        return Err(VmdkError::Outside { part: "descriptor", offset, length, file: file.size().bytes() });
    }
    // At most MAX_BYTES, which fits every usize.
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_at(offset, &mut bytes)?;
    descriptor::check(&bytes)
}
