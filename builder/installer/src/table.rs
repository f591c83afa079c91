//! The disk's partition table, made to fit a drive that may be larger.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use builder_block::{ByteSize, PlainFile, SectorSize, WriteAt};
use builder_gpt::{ALIGNMENT, Partition, PartitionTable};
use builder_medium::{Disk, Uuid};

use crate::failure::{Failure, Tried as _};
use crate::random::random_guid;
use crate::target::Target;

/// Bytes of boot code in the first sector, which the table leaves alone.
const BOOT_CODE: usize = 440;
/// In how many bytes at the end of a partition others leave their marks: MD 0.90 in 128 KiB, ZFS in 512 KiB.
const MARKS: u64 = 2 << 20;

/// Which identities the drive gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Those of the disk that was built.
    Same,
    /// New ones, for the disk and for its partitions.
    FreshGuids,
    /// New ones, for file systems too.
    Fresh,
}

/// Bytes of the disk that the table takes: at its beginning, and at its end.
pub(crate) fn places(disk: &Disk) -> [Range<u64>; 2] {
    // A manifest has one of the two sizes.
    let sector = SectorSize::of(disk.sector_size.into()).unwrap_or_default();
    let first = builder_gpt::first_usable(sector).offset(sector).bytes();
    // Behind the last usable sector; a disk without one has no table.
    let last = builder_gpt::last_usable(ByteSize::new(disk.size), sector).map_or(0, |last| last.0.saturating_add(1));
    [0..first, last.saturating_mul(sector.bytes())..disk.size]
}

/// A table that fits a drive, as bytes.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) disk_guid: Uuid,
    pub(crate) partitions: Vec<Partition>,
    /// What the drive begins with: boot code, protective MBR, header, entries.
    head: Vec<u8>,
    /// What it ends with.
    tail: Vec<u8>,
    tail_offset: u64,
}

impl Fitted {
    /// Reads the table in the payload, and fits it to a drive of this size.
    pub(crate) fn new(payload: &File, disk: &Disk, drive_size: u64, ids: Ids) -> Result<Self, Failure> {
        let damaged = |error: &dyn std::fmt::Display| {
            Failure::new(format!("the disk on the medium has no partition table that can be used: {error}"))
        };
        let sector = SectorSize::of(disk.sector_size.into())
            .ok_or_else(|| damaged(&format!("its sectors have {} bytes", disk.sector_size)))?;
        let file = PlainFile::new(payload.try_clone().tried(|| "read the payload")?).tried(|| "read the payload")?;
        let found = builder_gpt::read::read(&file).map_err(|error| damaged(&error))?;
        let mut disk_guid = found.disk_guid;
        let mut partitions = Vec::new();
        for (expected, (number, partition)) in (1..).zip(found.partitions) {
            if number != expected {
                return Err(damaged(&format!("partition {expected} is missing")));
            }
            partitions.push(partition);
        }
        grow(&mut partitions, disk, drive_size, sector);
        if ids != Ids::Same {
            disk_guid = random_guid()?;
            for partition in &mut partitions {
                partition.guid = random_guid()?;
            }
        }
        let table = PartitionTable::new(disk_guid, ByteSize::new(drive_size), sector, partitions.clone())
            .map_err(|error| damaged(&error))?;
        let mut ends = Ends { size: drive_size, writes: Vec::new() };
        table.write_to(&mut ends).tried(|| "make the partition table")?;
        let mut head = vec![0; BOOT_CODE];
        payload.read_exact_at(&mut head, 0).tried(|| "read the payload")?;
        let mut tail = None;
        for (offset, bytes) in ends.writes {
            match offset {
                0..512 => head.extend_from_slice(&bytes),
                offset => tail = Some((offset, bytes)),
            }
        }
        let (tail_offset, tail) = tail.ok_or_else(|| Failure::new("the partition table has no end"))?;
        Ok(Self { disk_guid, partitions, head, tail, tail_offset })
    }

    /// Clears the ends of partitions that lie behind the disk's own, where an old file system or RAID may have its mark.
    pub(crate) fn clear_new_ends(&self, target: &Target, disk: &Disk) -> io::Result<()> {
        self.new_ends(disk).into_iter().try_for_each(|end| target.zero(end.start, end.end))
    }

    fn new_ends(&self, disk: &Disk) -> Vec<Range<u64>> {
        let sector = u64::from(disk.sector_size);
        let ends = self.partitions.iter().map(|partition| (partition.first.0 + partition.sectors) * sector);
        ends.map(|end| disk.size.max(end.saturating_sub(MARKS))..end).filter(|end| !end.is_empty()).collect()
    }

    /// Writes it: the backup first, so that a drive which has the beginning has all of it. Then compares.
    pub(crate) fn write(&self, drive: &File) -> io::Result<()> {
        for (offset, bytes) in [(self.tail_offset, &self.tail), (0, &self.head)] {
            drive.write_all_at(bytes, offset)?;
            drive.sync_all()?;
        }
        // Where the drive is a device, from the device and not from memory.
        let _ = crate::ioctl::flush_buffers(drive);
        for (offset, bytes) in [(self.tail_offset, &self.tail), (0, &self.head)] {
            let mut found = vec![0; bytes.len()];
            drive.read_exact_at(&mut found, offset)?;
            if found != *bytes {
                return Err(io::Error::other(format!("what was written at byte {offset} reads differently")));
            }
        }
        Ok(())
    }
}

/// Gives what a larger drive has more to the last partition, where that one grows. The booted system grows its file system.
fn grow(partitions: &mut [Partition], disk: &Disk, drive_size: u64, sector: SectorSize) {
    let Some(usable) = builder_gpt::last_usable(ByteSize::new(drive_size), sector) else { return };
    let last = (0..partitions.len()).max_by_key(|&index| partitions[index].first);
    let Some(index) = last else { return };
    let grows = disk
        .partitions
        .iter()
        .any(|partition| partition.grows && usize::try_from(partition.number).is_ok_and(|number| number == index + 1));
    let partition = &mut partitions[index];
    let alignment = ALIGNMENT.bytes() / sector.bytes();
    let end = (usable.0 + 1) / alignment * alignment;
    if grows && let Some(sectors) = end.checked_sub(partition.first.0) {
        partition.sectors = partition.sectors.max(sectors);
    }
}

/// A drive that only remembers what was written to it.
#[derive(Debug)]
struct Ends {
    size: u64,
    writes: Vec<(u64, Vec<u8>)>,
}

impl WriteAt for Ends {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.size)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.writes.push((offset, bytes.to_vec()));
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs::File;
    use std::process::Command;

    use builder_block::{ByteSize, Lba, PlainFile, SectorSize, SparseFile};
    use builder_gpt::{Partition, PartitionTable, attributes, types};
    use builder_medium::{Disk, Uuid};

    use super::{Fitted, Ids};

    /// A disk of 16 MiB with a table of two partitions, the second of which grows.
    pub(crate) fn disk(file: &File) -> Disk {
        disk_with(file, SectorSize::Bytes512)
    }

    fn disk_with(file: &File, sector: SectorSize) -> Disk {
        let size = 16 << 20;
        let lba = |mib: u64| (mib << 20) / sector.bytes();
        let partition = |guid: u128, name: &str, first: u64, sectors: u64, attributes: u64| Partition {
            type_guid: types::ESP,
            guid: Uuid::from_u128(guid),
            name: name.to_owned(),
            first: Lba(lba(first)),
            sectors: lba(sectors),
            attributes,
        };
        let partitions = vec![partition(1, "ESP", 1, 1, 0), partition(2, "root", 2, 4, attributes::GROW_FS)];
        let described = (1..).zip(&partitions).map(|(number, partition)| builder_medium::Partition {
            number,
            name: partition.name.clone(),
            type_guid: partition.type_guid,
            guid: partition.guid,
            offset: partition.first.0 * sector.bytes(),
            size: partition.sectors * sector.bytes(),
            filesystem: "ext4".to_owned(),
            uuid: String::new(),
            holds: if number == 1 { "esp" } else { "sysroot" }.to_owned(),
            grows: number == 2,
        });
        let partitions_described = described.collect();
        let guid = Uuid::from_u128(9);
        let table = PartitionTable::new(guid, ByteSize::new(size), sector, partitions).unwrap();
        let mut sparse = SparseFile::new(file.try_clone().unwrap(), ByteSize::new(size)).unwrap();
        table.write_to(&mut sparse).unwrap();
        let sector_size = u32::try_from(sector.bytes()).unwrap();
        Disk { size, sector_size, guid, partitions: partitions_described, named_by: None }
    }

    fn sgdisk(arguments: &[&str]) -> String {
        let output = Command::new("sgdisk").args(arguments).output().expect("sgdisk (Debian package gdisk)");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn the_table_fits_drives_of_all_sizes() {
        let payload = tempfile::tempfile().unwrap();
        let disk = disk(&payload);
        for (size, last) in [(16 << 20, 30719), (16 << 20 | 512, 30719), (3 << 30, 6289407), (40 << 30, 83884031)] {
            let drive = tempfile::NamedTempFile::new().unwrap();
            drive.as_file().set_len(size).unwrap();
            let fitted = Fitted::new(&payload, &disk, size, Ids::Same).unwrap();
            fitted.write(drive.as_file()).unwrap();
            let path = drive.path().to_str().unwrap();
            assert!(sgdisk(&["-v", path]).contains("No problems found"), "{}", sgdisk(&["-v", path]));
            let partition = sgdisk(&["-i", "2", path]);
            assert!(partition.contains(&format!("Last sector: {last} ")), "{size}: {partition}");
            assert!(partition.contains("Partition unique GUID: 00000000-0000-0000-0000-000000000002"), "{partition}");
            assert!(partition.contains("Attribute flags: 0800000000000000"), "{partition}");
            // What is behind the disk is cleared where others would look for their marks.
            let end = (last + 1) * 512;
            let cleared = (end > disk.size).then(|| disk.size.max(end - (2 << 20))..end);
            assert!(fitted.new_ends(&disk).into_iter().eq(cleared), "{size}");
        }
    }

    #[test]
    fn the_table_fits_drives_with_large_sectors() {
        let payload = tempfile::tempfile().unwrap();
        let disk = disk_with(&payload, SectorSize::Bytes4096);
        let size = 3 << 30;
        let drive = tempfile::tempfile().unwrap();
        drive.set_len(size).unwrap();
        Fitted::new(&payload, &disk, size, Ids::Same).unwrap().write(&drive).unwrap();
        // sgdisk takes every file for a drive with sectors of 512 bytes.
        let found = builder_gpt::read::read(&PlainFile::new(drive).unwrap()).unwrap();
        assert_eq!(found.sector, SectorSize::Bytes4096);
        // Up to the last whole MiB in front of the backup.
        assert_eq!(found.partitions[1].1.last(), Lba(((3 << 30) - (1 << 20)) / 4096 - 1));
        assert_eq!(super::places(&disk), [0..6 * 4096, (16 << 20) - 5 * 4096..16 << 20]);
    }

    #[test]
    fn fresh_identities_are_new_each_time() {
        let payload = tempfile::tempfile().unwrap();
        let disk = disk(&payload);
        let guids = || {
            let fitted = Fitted::new(&payload, &disk, disk.size, Ids::Fresh).unwrap();
            fitted.partitions.iter().map(|partition| partition.guid).collect::<Vec<_>>()
        };
        let (one, other) = (guids(), guids());
        for guid in one.iter().chain(&other) {
            assert_eq!(guid.get_version_num(), 4, "{guid}");
        }
        assert!(one.iter().all(|guid| !other.contains(guid)) && one[0] != one[1]);
    }

    #[test]
    fn a_payload_without_a_table_is_refused() {
        let payload = tempfile::tempfile().unwrap();
        let disk = disk(&payload);
        let empty = tempfile::tempfile().unwrap();
        empty.set_len(disk.size).unwrap();
        let failure = Fitted::new(&empty, &disk, disk.size, Ids::Same).unwrap_err();
        assert!(failure.reason.contains("no partition table that can be used"), "{failure}");
        let failure = Fitted::new(&payload, &disk, disk.size / 4, Ids::Same).unwrap_err();
        assert!(failure.reason.contains("partition 2"), "{failure}");
    }
}
