//! The MBR in sector 0: UEFI 2.10, section 5.2.

use crate::bytes::u32_at;
use crate::disk::Disk;
use crate::overlap::{Extent, overlaps};
use crate::{Finding, Partition, PartitionType, Report};

/// Bytes of sector 0 that are looked at, whatever the size of a sector.
pub(crate) const SIZE: usize = 512;
/// Where the four entries begin.
const RECORDS: usize = 446;
/// Bytes of an entry.
const RECORD_SIZE: usize = 16;
/// Type of the entry that keeps programs that know only MBRs away.
pub(crate) const PROTECTIVE: u8 = 0xEE;
/// Types of a partition that holds further ones.
const EXTENDED: [u8; 3] = [0x05, 0x0F, 0x85];
/// The boot indicator of an active partition.
pub(crate) const ACTIVE: u8 = 0x80;

/// An entry: UEFI 2.10, table 5-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// Offset 0: 0x80 for the active partition, else 0.
    pub(crate) boot_indicator: u8,
    /// Offset 1: head, sector and cylinder of the first sector.
    pub(crate) starting_chs: [u8; 3],
    /// Offset 4; 0 is an unused entry.
    pub(crate) os_type: u8,
    /// Offset 8: first sector.
    pub(crate) starting_lba: u32,
    /// Offset 12: number of sectors.
    pub(crate) size_in_lba: u32,
}

impl Record {
    /// How messages call it.
    pub(crate) fn title(&self) -> String {
        format!("MBR partition {}", self.number)
    }

    /// First and last sector; the last is less than the first where there is none.
    pub(crate) fn sectors(&self) -> (u64, u64) {
        let first = u64::from(self.starting_lba);
        (first, (first + u64::from(self.size_in_lba)).saturating_sub(1))
    }

    /// As later checks need it.
    pub(crate) fn partition(&self, disk: &Disk<'_>) -> Partition {
        let placed = Partition::placed(
            disk,
            self.number,
            PartitionType::Mbr(self.os_type),
            self.starting_lba.into(),
            self.size_in_lba.into(),
        );
        Partition { attributes: if self.boot_indicator == ACTIVE { 1 << 2 } else { 0 }, ..placed }
    }
}

/// What stands in sector 0.
#[derive(Clone, Debug)]
pub(crate) struct Mbr {
    /// The used entries, in order.
    pub(crate) records: Vec<Record>,
    /// Whether it ends with 55 AA.
    pub(crate) is_signed: bool,
    /// Whether it is the first sector of a file system that begins where a table could be.
    is_filesystem: bool,
}

impl Mbr {
    /// Reads the 512 bytes.
    pub(crate) fn parse(bytes: &[u8; SIZE]) -> Self {
        let records = (1..=4)
            .zip(bytes[RECORDS..].chunks_exact(RECORD_SIZE))
            .map(|(number, record)| Record {
                number,
                boot_indicator: record[0],
                starting_chs: [record[1], record[2], record[3]],
                os_type: record[4],
                starting_lba: u32_at(record, 8),
                size_in_lba: u32_at(record, 12),
            })
            .filter(|record| record.os_type != 0)
            .collect();
        let has = |at: usize, text: &[u8]| bytes[at..].starts_with(text);
        Self {
            records,
            is_signed: bytes[SIZE - 2..] == [0x55, 0xAA],
            // FAT12 and FAT16, FAT32, NTFS, exFAT: their boot code may look like entries.
            is_filesystem: has(54, b"FAT1") || has(82, b"FAT32") || has(3, b"NTFS    ") || has(3, b"EXFAT   "),
        }
    }

    /// Whether an entry says that a GUID partition table follows.
    pub(crate) fn is_protective(&self) -> bool {
        self.is_signed && self.records.iter().any(|record| record.os_type == PROTECTIVE)
    }

    /// Whether these are partitions and not the boot code of a file system.
    pub(crate) fn has_partitions(&self) -> bool {
        self.is_signed
            && !self.is_filesystem
            && !self.records.is_empty()
            && self.records.iter().all(|record| matches!(record.boot_indicator, 0 | ACTIVE))
    }

    /// Says what is wrong with the partitions of a disk that has no other table, and lists them.
    pub(crate) fn check(&self, disk: &Disk<'_>, report: &mut Report) {
        for record in &self.records {
            let (first, last) = record.sectors();
            if record.size_in_lba == 0 {
                report.push(Finding::error(record.title(), "number of sectors", 0, "at least 1"));
            } else if last > disk.last() {
                let expected = format!("at most {}, the last of the disk", disk.last());
                report.push(
                    Finding::error(record.title(), "last sector", last, expected)
                        .hint("the disk or its image is cut off: what is behind its end is lost"),
                );
            }
            if first == 0 && !report.kind.is_iso() {
                report.push(Finding::error(record.title(), "first sector", 0, "at least 1, behind the MBR"));
            }
            if EXTENDED.contains(&record.os_type) {
                report.note(format!("{} holds further partitions, which are not looked at", record.title()));
            }
            report.partitions.push(record.partition(disk));
        }
        let active = self.records.iter().filter(|record| record.boot_indicator == ACTIVE).count();
        if active > 1 {
            report.push(Finding::warning("MBR", "active partitions", active, "at most 1"));
        }
        // On an ISO the first partition often is the whole image.
        if !report.kind.is_iso() {
            let used = self.records.iter().filter(|record| record.size_in_lba > 0);
            let extents = used.map(|record| {
                let (first, last) = record.sectors();
                Extent { title: record.title(), first, last }
            });
            for (later, earlier) in overlaps(extents.collect()) {
                report.push(Finding::error(
                    later.title,
                    "sectors",
                    format!("{} to {}", later.first, later.last),
                    format!("none of {}, which has the sectors {} to {}", earlier.title, earlier.first, earlier.last),
                ));
            }
        }
    }
}
