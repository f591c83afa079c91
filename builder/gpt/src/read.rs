//! The partition table of anyone's disk, read with suspicion.
//!
//! The `gpt` crate does the reading. Two numbers of the header are looked at before it sees them: it trusts the size of
//! an entry, and takes as much memory as the number of entries claims.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom, Write};

use builder_block::{ByteSize, Lba, ReadAt, SectorSize};
use gpt::GptConfig;
use uuid::Uuid;

use crate::Partition;
use crate::table::logical_block_size;

/// UEFI 2.10, table 5-5: the signature of a header.
const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Bytes of a header that have a meaning.
const HEADER_SIZE: usize = 92;
/// Offset of the number of entries in a header.
const ENTRY_COUNT: usize = 80;
/// Offset of the size of an entry in a header.
const ENTRY_SIZE: usize = 84;
/// More entries than any tool makes; there are 128 as a rule.
const MOST_ENTRIES: u32 = 4096;
/// The one size of an entry that the `gpt` crate reads; UEFI allows greater powers of two, which nobody uses.
const KNOWN_ENTRY_SIZE: u32 = 128;

/// A partition table as it stands on a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTable {
    /// Identity of the disk.
    pub disk_guid: Uuid,
    /// Bytes in a sector: the size for which the table is where it should be.
    pub sector: SectorSize,
    /// The partitions with their numbers (from 1), in the order of these; each lies on the disk, though not necessarily
    /// apart from the others.
    pub partitions: Vec<(u32, Partition)>,
}

/// Why a disk's partition table cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The disk cannot be read.
    #[error("cannot read the partition table")]
    Io(#[from] io::Error),
    /// There is no GUID partition table.
    #[error(
        "it has no GUID partition table: neither sector 1 nor the last of its {size} begins with `EFI PART`, whether a \
         sector has 512 bytes or 4096"
    )]
    None {
        /// Size of the disk.
        size: ByteSize,
    },
    /// A number of the header that nobody writes.
    #[error("its partition table claims {value} {what}, and {limit} is {word}")]
    Header {
        /// What is counted.
        what: &'static str,
        /// What the header says.
        value: u32,
        /// What is read.
        limit: u32,
        /// How the two compare.
        word: &'static str,
    },
    /// A checksum or a number does not fit.
    #[error("its partition table is damaged: {0}")]
    Damaged(String),
    /// A partition that leaves the disk.
    #[error("partition {number} goes from sector {first} to {last}, and the disk has {sectors} sectors")]
    Outside {
        /// Number of the partition.
        number: u32,
        /// Its first sector.
        first: u64,
        /// Its last sector.
        last: u64,
        /// Sectors of the disk.
        sectors: u64,
    },
}

/// Reads the partition table of a disk with sectors of 512 or 4096 bytes; the backup where the first header is damaged.
///
/// Where there are tables for both sizes, as on a drive that was formatted anew, the one that can be read is taken, and
/// of two such the one for 512 bytes.
///
/// # Errors
/// [`ReadError`]: there is none, or both copies are damaged; a partition does not lie on the disk.
pub fn read(disk: &dyn ReadAt) -> Result<FoundTable, ReadError> {
    let mut first_error = None;
    for sector in SectorSize::ALL {
        match read_for(disk, sector) {
            Ok(Some(table)) => return Ok(table),
            Ok(None) => {}
            Err(error @ ReadError::Io(_)) => return Err(error),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(ReadError::None { size: disk.size() }))
}

/// The table for sectors of this size; `None` where there is none.
fn read_for(disk: &dyn ReadAt, sector: SectorSize) -> Result<Option<FoundTable>, ReadError> {
    let sectors = disk.size().bytes() / sector.bytes();
    if sectors < 3 {
        return Ok(None);
    }
    // Not `||`, which would look at the second only where the first has none.
    let (first, last) = (check_header(disk, sector, 1)?, check_header(disk, sector, sectors - 1)?);
    if !first && !last {
        return Ok(None);
    }
    let found = GptConfig::new()
        .writable(false)
        .logical_block_size(logical_block_size(sector))
        .open_from_device(Cursor { disk, position: 0 })
        .map_err(|error| match error {
            gpt::GptError::Io(error) if error.kind() != io::ErrorKind::Other => ReadError::Io(error),
            other => ReadError::Damaged(other.to_string()),
        })?;
    let mut partitions = Vec::new();
    for (&number, entry) in found.partitions() {
        // UEFI 2.10, table 5-6: the nil type marks an unused entry, whatever else is left in it.
        if entry.part_type_guid.guid.is_nil() {
            continue;
        }
        let (first, last) = (entry.first_lba, entry.last_lba);
        if first > last || last >= sectors {
            return Err(ReadError::Outside { number, first, last, sectors });
        }
        partitions.push((
            number,
            Partition {
                type_guid: entry.part_type_guid.guid,
                guid: entry.part_guid,
                name: entry.name.clone(),
                first: Lba(first),
                // No overflow: both are below the number of sectors, which fits.
                sectors: last - first + 1,
                attributes: entry.flags,
            },
        ));
    }
    Ok(Some(FoundTable { disk_guid: *found.guid(), sector, partitions }))
}

/// Whether sector `lba` begins with the signature; what it then says is small enough.
fn check_header(disk: &dyn ReadAt, sector: SectorSize, lba: u64) -> Result<bool, ReadError> {
    let mut header = [0; HEADER_SIZE];
    disk.read_at(lba.saturating_mul(sector.bytes()), &mut header)?;
    if !header.starts_with(SIGNATURE) {
        return Ok(false);
    }
    let number = |at: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&header[at..at + 4]);
        u32::from_le_bytes(bytes)
    };
    let (count, size) = (number(ENTRY_COUNT), number(ENTRY_SIZE));
    if count > MOST_ENTRIES {
        return Err(ReadError::Header { what: "entries", value: count, limit: MOST_ENTRIES, word: "the most" });
    }
    if size != KNOWN_ENTRY_SIZE {
        let what = "bytes for an entry";
        return Err(ReadError::Header { what, value: size, limit: KNOWN_ENTRY_SIZE, word: "what is read" });
    }
    Ok(true)
}

/// A disk with a position, as the `gpt` crate wants it.
struct Cursor<'a> {
    disk: &'a dyn ReadAt,
    position: u64,
}

impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("position", &self.position).finish_non_exhaustive()
    }
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.disk.size().bytes().saturating_sub(self.position);
        let now = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        self.disk.read_at(self.position, &mut buffer[..now])?;
        self.position = self.position.saturating_add(now as u64);
        Ok(now)
    }
}

impl Write for Cursor<'_> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(distance) => self.disk.size().bytes().checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {

    use builder_block::{ByteSize, Lba, SectorSize, SparseFile};
    use uuid::Uuid;

    use super::{ReadError, read};
    use crate::{Partition, PartitionTable, types};

    fn disk() -> (PartitionTable, Vec<u8>) {
        disk_of(SectorSize::Bytes512)
    }

    fn disk_of(sector: SectorSize) -> (PartitionTable, Vec<u8>) {
        let partition = |number: u128, first| Partition {
            type_guid: types::ESP,
            guid: Uuid::from_u128(number),
            name: format!("é{number}"),
            first: Lba::at(ByteSize::mib(first), sector).unwrap(),
            sectors: (1 << 20) / sector.bytes(),
            attributes: 1,
        };
        let size = ByteSize::mib(4);
        let partitions = vec![partition(1, 2), partition(2, 1)];
        let table = PartitionTable::new(Uuid::from_u128(9), size, sector, partitions).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        table.write_to(&mut SparseFile::new(file.reopen().unwrap(), size).unwrap()).unwrap();
        (table, std::fs::read(file.path()).unwrap())
    }

    #[test]
    fn what_was_written_is_read_back_from_either_copy() {
        let ends = [(SectorSize::Bytes512, 512), (SectorSize::Bytes4096, 4096)];
        let cases = ends.map(|(sector, at)| [None, Some(at), Some((4 << 20) - at)].map(|damage| (sector, damage)));
        for (sector, damage) in cases.into_iter().flatten() {
            let (table, mut disk) = disk_of(sector);
            if let Some(at) = damage {
                disk[at] ^= 1;
            }
            let found = read(&disk).unwrap();
            assert_eq!((found.disk_guid, found.sector), (table.disk_guid(), sector));
            let numbers: Vec<u32> = found.partitions.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, [1, 2]);
            let partitions: Vec<_> = found.partitions.into_iter().map(|(_, partition)| partition).collect();
            assert_eq!(partitions, table.partitions());
        }
    }

    #[test]
    fn of_tables_for_two_sector_sizes_the_one_that_can_be_read_is_taken() {
        let (_, old) = disk();
        let (_, mut new) = disk_of(SectorSize::Bytes4096);
        // What lies in the rest of the first sector outlives a table for larger ones.
        new[512..4096].copy_from_slice(&old[512..4096]);
        assert_eq!(read(&new).unwrap().sector, SectorSize::Bytes4096);
        new[4096] ^= 1;
        let end = new.len();
        new[end - 4096] ^= 1;
        assert!(matches!(read(&new), Err(ReadError::Damaged(_))));
    }

    #[test]
    fn damaged_tables_are_refused_and_no_number_is_believed() {
        type Damage = fn(&mut Vec<u8>);
        let cases: [(Damage, &str); 6] = [
            (|bytes| bytes.fill(0), "it has no GUID partition table"),
            (|bytes| bytes.truncate(1000), "it has no GUID partition table"),
            (|bytes| bytes[512 + 80..512 + 84].fill(0xff), "claims 4294967295 entries, and 4096 is the most"),
            (|bytes| bytes[512 + 84] = 0, "claims 0 bytes for an entry, and 128 is what is read"),
            (|bytes| bytes[1024 + 56] ^= 1, "its partition table is damaged"),
            (
                |bytes| {
                    bytes[512 + 16] ^= 1;
                    let end = bytes.len();
                    bytes[end - 512 + 16] ^= 1;
                },
                "its partition table is damaged",
            ),
        ];
        for (damage, words) in cases {
            let mut disk = disk().1;
            damage(&mut disk);
            let error = read(&disk).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let (_, mut disk) = disk();
        // The backup is where the disk ended before.
        disk.truncate(2 << 20);
        assert!(matches!(read(&disk), Err(ReadError::Outside { number: 1, first: 4096, .. })));
    }
}
