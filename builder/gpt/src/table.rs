//! The table: checks, then bytes.

use std::collections::BTreeMap;
use std::io;

use builder_block::{ByteSize, Lba, Region, RegionMap, SectorSize, WriteAt};
use gpt::GptConfig;
use gpt::disk::LogicalBlockSize;
use gpt::mbr::ProtectiveMBR;
use gpt::partition_types::{OperatingSystem, Type};
use uuid::Uuid;

use crate::ends::DiskEnds;
use crate::partition::{NAME_UNITS, attributes};
use crate::{GptError, Partition};

/// Partitions begin at multiples of this, which suits every flash page, RAID stripe and sector.
pub const ALIGNMENT: ByteSize = ByteSize::mib(1);

/// Entries of the table; UEFI 2.10, section 5.3.1, wants at least 16 KiB for them, which are 128.
pub const MAX_PARTITIONS: usize = 128;

/// Bytes of all entries, of 128 bytes each.
const ENTRIES: u64 = 128 * 128;

/// Bytes of LBA 0 before the disk signature: boot code, which is not ours.
const BOOT_CODE: usize = 440;

/// Sectors of the entries, which are whole ones of either size.
const fn entry_sectors(sector: SectorSize) -> u64 {
    ENTRIES / sector.bytes()
}

/// Sectors of the backup behind the last usable one: its entries, and 1 of header.
const fn backup_sectors(sector: SectorSize) -> u64 {
    entry_sectors(sector) + 1
}

/// First sector behind the protective MBR, the header and the entries.
#[must_use]
pub const fn first_usable(sector: SectorSize) -> Lba {
    Lba(2 + entry_sectors(sector))
}

/// Last sector a partition may have on a disk of `disk_size`; `None` where the tables alone do not fit.
#[must_use]
pub fn last_usable(disk_size: ByteSize, sector: SectorSize) -> Option<Lba> {
    let last = (disk_size.bytes() / sector.bytes()).checked_sub(backup_sectors(sector) + 1)?;
    (last >= first_usable(sector).0).then_some(Lba(last))
}

/// A partition table that can be written: whoever has one knows that nothing overlaps and everything fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionTable {
    disk_guid: Uuid,
    disk_size: ByteSize,
    sector: SectorSize,
    partitions: Vec<Partition>,
}

impl PartitionTable {
    /// A table for a disk of `disk_size` (a multiple of `sector`). The partitions are numbered as they come; they need
    /// not be in the order of their sectors.
    ///
    /// # Errors
    /// [`GptError`]: the disk is too small or of an odd size; there are more than 128 partitions; one is empty, not
    /// aligned to 1 MiB, outside of the usable sectors or over another; a name is longer than 36 UTF-16 units; a GUID
    /// is nil or not unique; a reserved attribute is set.
    pub fn new(
        disk_guid: Uuid,
        disk_size: ByteSize,
        sector: SectorSize,
        partitions: Vec<Partition>,
    ) -> Result<Self, GptError> {
        if !disk_size.bytes().is_multiple_of(sector.bytes()) {
            return Err(GptError::DiskSize { size: disk_size, sector });
        }
        let minimum = ByteSize::new((first_usable(sector).0 + 1 + backup_sectors(sector)) * sector.bytes());
        let Some(last_usable) = last_usable(disk_size, sector) else {
            return Err(GptError::DiskTooSmall { size: disk_size, minimum });
        };
        if disk_guid.is_nil() {
            return Err(GptError::NilDiskGuid);
        }
        if partitions.len() > MAX_PARTITIONS {
            return Err(GptError::TooManyPartitions { count: partitions.len() });
        }
        let usable = Usable { first: first_usable(sector), last: last_usable, sector, disk_size };
        let mut claims = RegionMap::new();
        let mut guids = BTreeMap::from([(disk_guid, 0)]);
        for (index, partition) in partitions.iter().enumerate() {
            let number = index + 1;
            check_entry(number, partition)?;
            usable.check(number, partition)?;
            // No overflow: the place was checked.
            let region = Region { start: partition.first.0, end: partition.last().0 + 1 };
            if claims.claim(region, "partition").is_err() {
                return Err(overlap(number, partition, &partitions));
            }
            if let Some(other) = guids.insert(partition.guid, number) {
                let (name, guid) = (partition.name.clone(), partition.guid);
                return Err(GptError::DuplicateGuid { number, name, guid, other });
            }
        }
        Ok(Self { disk_guid, disk_size, sector, partitions })
    }

    /// Identity of the disk.
    #[must_use]
    pub fn disk_guid(&self) -> Uuid {
        self.disk_guid
    }

    /// Size of the disk.
    #[must_use]
    pub fn disk_size(&self) -> ByteSize {
        self.disk_size
    }

    /// Bytes in a sector of the disk.
    #[must_use]
    pub fn sector_size(&self) -> SectorSize {
        self.sector
    }

    /// The partitions; number 1 is the first.
    #[must_use]
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// First sector a partition may have.
    #[must_use]
    pub fn first_usable(&self) -> Lba {
        first_usable(self.sector)
    }

    /// Last sector a partition may have.
    #[must_use]
    pub fn last_usable(&self) -> Lba {
        // `new` has found the tables to fit.
        last_usable(self.disk_size, self.sector).expect("the disk holds its tables")
    }

    /// Writes the protective MBR and both copies of the table. The 440 bytes of boot code in LBA 0 are not touched.
    ///
    /// # Errors
    /// I/O of the device; `InvalidInput` where its size is not the disk's.
    pub fn write_to(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        if device.size() != self.disk_size {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "the table is for a disk of {} bytes but the device has {}",
                    self.disk_size.bytes(),
                    device.size().bytes()
                ),
            ));
        }
        let ends = self.encode()?;
        device.write_at(BOOT_CODE as u64, &ends.head()[BOOT_CODE..])?;
        device.write_at(ends.tail_offset(), ends.tail())
    }

    fn encode(&self) -> io::Result<DiskEnds> {
        let entries = (1..).zip(&self.partitions).map(|(number, partition)| (number, entry(partition))).collect();
        let ends = DiskEnds::new(self.disk_size, self.sector, self.first_usable().0, backup_sectors(self.sector))?;
        let mut disk = GptConfig::new()
            .writable(true)
            .logical_block_size(logical_block_size(self.sector))
            .create_from_device(ends, Some(self.disk_guid))
            .map_err(io::Error::other)?;
        // Not `add_partition`: it places by itself and draws GUIDs. `create_from_device` of gpt 4.1 draws one too, for
        // a default header that ours replaces at once; no byte of it gets here.
        disk.update_partitions(entries).map_err(io::Error::other)?;
        let mut ends = disk.write().map_err(io::Error::other)?;
        // UEFI 2.10, table 5-4: the size of the disk less one, or all ones where 32 bits do not hold it. The ending
        // CHS address stays 0xFFFFFF, "not representable": an image has no geometry to compute another one with.
        let sectors = u32::try_from(self.disk_size.bytes() / self.sector.bytes() - 1).unwrap_or(u32::MAX);
        ProtectiveMBR::with_lb_size(sectors).overwrite_lba0(&mut ends).map_err(io::Error::other)?;
        Ok(ends)
    }
}

/// The size as the `gpt` crate has it.
pub(crate) fn logical_block_size(sector: SectorSize) -> LogicalBlockSize {
    match sector {
        SectorSize::Bytes512 => LogicalBlockSize::Lb512,
        SectorSize::Bytes4096 => LogicalBlockSize::Lb4096,
    }
}

fn check_entry(number: usize, partition: &Partition) -> Result<(), GptError> {
    let name = || partition.name.clone();
    let units = partition.name.encode_utf16().count();
    if units > NAME_UNITS {
        return Err(GptError::NameTooLong { number, name: name(), units });
    }
    if partition.name.chars().any(char::is_control) {
        return Err(GptError::NameControl { number, name: name() });
    }
    if partition.type_guid.is_nil() {
        return Err(GptError::NilType { number, name: name() });
    }
    if partition.guid.is_nil() {
        return Err(GptError::NilGuid { number, name: name() });
    }
    let reserved = partition.attributes & attributes::RESERVED;
    if reserved != 0 {
        return Err(GptError::Attributes { number, name: name(), attributes: partition.attributes, reserved });
    }
    Ok(())
}

/// The sectors that partitions may have.
struct Usable {
    first: Lba,
    last: Lba,
    sector: SectorSize,
    disk_size: ByteSize,
}

impl Usable {
    fn check(&self, number: usize, partition: &Partition) -> Result<(), GptError> {
        let &Self { first: first_usable, last: last_usable, sector, disk_size } = self;
        let (name, first, sectors) = (partition.name.clone(), partition.first, partition.sectors);
        if sectors == 0 {
            return Err(GptError::Empty { number, name });
        }
        let alignment = ALIGNMENT.bytes() / sector.bytes();
        if !first.0.is_multiple_of(alignment) {
            return Err(GptError::Misaligned { number, name, first, alignment });
        }
        let ends_inside = first.0.checked_add(sectors - 1).is_some_and(|last| last <= last_usable.0);
        if first < first_usable || !ends_inside {
            return Err(GptError::Outside { number, name, first, sectors, first_usable, last_usable, disk_size });
        }
        Ok(())
    }
}

/// The error for partition `number`, which overlaps one before it: the map of claims knows no names.
fn overlap(number: usize, partition: &Partition, partitions: &[Partition]) -> GptError {
    let (other, with) = (1..)
        .zip(partitions)
        .find(|(_, other)| other.first <= partition.last() && partition.first <= other.last())
        // At the latest the partition itself is found.
        .unwrap_or((number, partition));
    GptError::Overlap {
        number,
        name: partition.name.clone(),
        first: partition.first,
        last: partition.last(),
        other,
        other_name: with.name.clone(),
        other_first: with.first,
        other_last: with.last(),
    }
}

fn entry(partition: &Partition) -> gpt::partition::Partition {
    gpt::partition::Partition {
        part_type_guid: Type { guid: partition.type_guid, os: OperatingSystem::None },
        part_guid: partition.guid,
        first_lba: partition.first.0,
        last_lba: partition.last().0,
        flags: partition.attributes,
        name: partition.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use builder_block::{ByteSize, Lba, SectorSize};
    use uuid::Uuid;

    use super::{PartitionTable, first_usable, last_usable};
    use crate::{GptError, Partition, attributes, types};

    fn partition(number: u128, first: u64, sectors: u64) -> Partition {
        Partition {
            type_guid: types::LINUX_GENERIC,
            guid: Uuid::from_u128(number),
            name: format!("p{number}"),
            first: Lba(first),
            sectors,
            attributes: 0,
        }
    }

    fn table(partitions: Vec<Partition>) -> Result<PartitionTable, GptError> {
        PartitionTable::new(Uuid::from_u128(0xD15C), ByteSize::mib(64), SectorSize::Bytes512, partitions)
    }

    #[test]
    fn usable_sectors_end_before_the_backup() {
        for (bytes, last) in [(0, None), (67 * 512, None), (68 * 512, Some(34)), (64 << 20, Some(131_038))] {
            let found = last_usable(ByteSize::new(bytes), SectorSize::Bytes512);
            assert_eq!(found.map(|lba| lba.0), last, "{bytes}");
        }
        assert!(table(vec![partition(1, 2048, 131_038 - 2047)]).is_ok());
        // MBR and header, 4 sectors of entries, and 5 at the end.
        assert_eq!(first_usable(SectorSize::Bytes4096), Lba(6));
        for (sectors, last) in [(11, None), (12, Some(6)), (16_384, Some(16_378))] {
            let found = last_usable(ByteSize::new(sectors * 4096), SectorSize::Bytes4096);
            assert_eq!(found.map(|lba| lba.0), last, "{sectors}");
        }
        let native = |first, sectors| {
            let partitions = vec![partition(1, first, sectors)];
            PartitionTable::new(Uuid::from_u128(0xD15C), ByteSize::mib(64), SectorSize::Bytes4096, partitions)
        };
        assert!(native(256, 16_378 - 255).is_ok());
        for (first, sectors, words) in [
            (256, 16_378 - 254, "usable are 6 to 16378"),
            (128, 1, "begins at sector 128, which is not a multiple of 256"),
        ] {
            let error = native(first, sectors).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn impossible_tables_are_refused_with_numbers_and_names() {
        type Change = fn(&mut Partition);
        let cases: [(Change, &str); 14] = [
            (|p| p.first = Lba(4097), "partition 2 (\"p2\") begins at sector 4097, which is not a multiple of 2048"),
            (|p| p.sectors = 0, "partition 2 (\"p2\") has no sectors"),
            (
                |p| p.sectors = 131_038 - 4095 + 1,
                "partition 2 (\"p2\") has the 126944 sectors from 4096 but usable are 34 to 131038 of the disk of 64 \
                 MiB",
            ),
            (
                |p| p.sectors = u64::MAX,
                "partition 2 (\"p2\") has the 18446744073709551615 sectors from 4096 but usable are 34 to 131038 of \
                 the disk of 64 MiB",
            ),
            (
                |p| p.first = Lba(0),
                "partition 2 (\"p2\") has the 2048 sectors from 0 but usable are 34 to 131038 of the disk of 64 MiB",
            ),
            (
                |p| p.first = Lba(2048),
                "partition 2 (\"p2\", sectors 2048 to 4095) overlaps partition 1 (\"p1\", sectors 2048 to 4095)",
            ),
            (|p| p.name = "é".repeat(37), &format!("the name {:?} of partition 2 has 37", "é".repeat(37))),
            (|p| p.name = "💾".repeat(19), "of partition 2 has 38 UTF-16 units but an entry holds 36"),
            (|p| p.name = "a\0b".into(), "the name \"a\\0b\" of partition 2 contains a control character"),
            (|p| p.type_guid = Uuid::nil(), "partition 2 (\"p2\") has the nil type GUID, which marks an unused entry"),
            (|p| p.guid = Uuid::nil(), "partition 2 (\"p2\") has the nil GUID, which identifies nothing"),
            (|p| p.guid = Uuid::from_u128(1), "0000-000000000001, which partition 1 has already"),
            (|p| p.guid = Uuid::from_u128(0xD15C), "0000-00000000d15c, which the disk has already"),
            (
                |p| p.attributes = attributes::GROW_FS | 8,
                "partition 2 (\"p2\") has the attributes 0x0800000000000008, of which 0x8 are reserved",
            ),
        ];
        for (change, message) in cases {
            let mut partitions = vec![partition(1, 2048, 2048), partition(2, 4096, 2048)];
            assert!(table(partitions.clone()).is_ok());
            change(&mut partitions[1]);
            let error = table(partitions).unwrap_err().to_string();
            assert!(error.contains(message), "{error}\n  lacks\n{message}");
        }
    }

    #[test]
    fn the_overlapped_partition_is_named_even_behind_adjacent_ones() {
        let partitions = vec![partition(1, 2048, 2048), partition(2, 4096, 2048), partition(3, 4096, 1)];
        assert!(matches!(table(partitions), Err(GptError::Overlap { number: 3, other: 2, .. })));
    }

    #[test]
    fn impossible_disks_are_refused() {
        for (bytes, count, message) in [
            (1000, 0, "the disk size of 1000 bytes is not a multiple of the sector size of 512"),
            (67 * 512, 0, "the disk has 34304 bytes but a partition table alone needs 34816"),
            (1 << 30, 129, "129 partitions were asked for but the table has 128 entries"),
        ] {
            let partitions = (1..=count).map(|n| partition(n, u64::try_from(n).unwrap() * 2048, 1)).collect();
            let error =
                PartitionTable::new(Uuid::from_u128(0xD15C), ByteSize::new(bytes), SectorSize::Bytes512, partitions)
                    .unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(error.hint().is_some());
        }
        let error = PartitionTable::new(Uuid::nil(), ByteSize::mib(1), SectorSize::Bytes512, Vec::new()).unwrap_err();
        assert_eq!(error, GptError::NilDiskGuid);
    }
}
