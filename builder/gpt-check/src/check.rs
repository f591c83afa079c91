//! The whole check.

use builder_block::ReadAt;

use crate::array::{self, Array};
use crate::disk::{Disk, SectorSize, detect};
use crate::header::Header;
use crate::mbr::{self, Mbr, PROTECTIVE};
use crate::{CheckError, DiskKind, Finding, Partition, Report, TableCopy, backup, compare, entries, protective};

/// Where an ISO 9660 image has its first volume descriptor's identifier (ECMA-119, 8.1.2), in bytes.
const ISO_MAGIC_OFFSET: u64 = 16 * 2048 + 1;
const ISO_MAGIC: &[u8; 5] = b"CD001";
/// The sector of the primary header.
const PRIMARY_LBA: u64 = 1;

/// How a disk is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Bytes in a sector; `None` looks for the header at both places.
    pub sector_size: Option<SectorSize>,
}

/// A copy of the table that was read.
struct Found {
    header: Header,
    array: Option<Array>,
}

impl Found {
    /// Whether both checksums are right.
    fn is_sound(&self) -> bool {
        self.header.crc_is_right() && self.array.as_ref().is_some_and(|array| array.crc_is_right)
    }
}

/// Checks the partition table of a disk, with everything that is wrong or unusual in the report.
///
/// # Errors
/// The disk is smaller than a sector, or cannot be read.
pub fn check(device: &dyn ReadAt, options: &Options) -> Result<Report, CheckError> {
    let size = device.size();
    if size.bytes() < 512 {
        return Err(CheckError::TooSmall { size });
    }
    let (sector_size, both) = match options.sector_size {
        Some(sector_size) => (sector_size, false),
        None => detect(device)?,
    };
    let disk = Disk::new(device, sector_size);
    let mut sector = [0; mbr::SIZE];
    disk.read("MBR", 0, &mut sector)?;
    let mbr = Mbr::parse(&sector);
    let primary = disk.read_header(TableCopy::Primary.header(), PRIMARY_LBA)?;

    let mut report = Report::new(DiskKind::Unpartitioned, sector_size, size);
    // Whether there is a table has to be known before the kind is, and the kind before the first finding.
    let mut of_backup = Report::new(DiskKind::Unpartitioned, sector_size, size);
    let backup = backup::find(&disk, primary.as_ref(), &mut of_backup)?;
    // A disk that got an MBR later may still have the old backup at its end, and nobody looks at it.
    let is_leftover = primary.is_none() && !mbr.is_protective() && mbr.has_partitions();
    let has_table = primary.is_some() || mbr.is_protective() || (backup.is_some() && !is_leftover);
    report.kind = kind(&mbr, has_table, is_iso(&disk)?);
    if !report.kind.is_gpt() {
        if backup.is_some() {
            report.note("the last sector has the backup header of an earlier GUID partition table");
        }
        if mbr.has_partitions() {
            mbr.check(&disk, &mut report);
        }
        return Ok(report);
    }
    if both {
        report.note(format!("there are headers for both sector sizes; the ones for {sector_size} bytes are looked at"));
    }
    if !size.bytes().is_multiple_of(sector_size.bytes()) {
        report.push(
            Finding::warning("disk", "size", format!("{} bytes", size.bytes()), format!("a multiple of {sector_size}"))
                .hint("the last bytes belong to no sector; the image may be cut off"),
        );
    }
    protective::check(&disk, &mbr, backup.as_ref().map(|(lba, _)| *lba), &mut report);
    if primary.is_none() {
        report.push(
            Finding::error(TableCopy::Primary.header(), "signature", "missing", "`EFI PART` in sector 1")
                .hint("sgdisk can write the primary table anew from the backup"),
        );
    }
    let primary = read_copy(&disk, TableCopy::Primary, PRIMARY_LBA, primary, &mut report)?;
    for finding in of_backup.findings {
        report.push(finding);
    }
    report.notes.extend(of_backup.notes);
    if primary.is_none() && backup.is_none() {
        report.push(Finding::error(
            TableCopy::Backup.header(),
            "signature",
            "missing",
            format!("`EFI PART` in sector {}, the last one of the disk", disk.last()),
        ));
    }
    let backup = match backup {
        Some((lba, header)) => {
            if header.alternate_lba != PRIMARY_LBA {
                let expected = "1, where the primary header is";
                report.push(Finding::error("backup header", "alternate LBA", header.alternate_lba, expected));
            }
            read_copy(&disk, TableCopy::Backup, lba, Some(header), &mut report)?
        }
        None => None,
    };
    if let (Some(primary), Some(backup)) = (&primary, &backup) {
        compare::headers(&primary.header, &backup.header, &mut report);
        if let (Some(primary), Some(backup)) = (&primary.array, &backup.array) {
            compare::entries(&primary.entries, &backup.entries, &mut report);
        }
    }
    look_at_entries(&disk, &mbr, primary, backup, &mut report);
    Ok(report)
}

/// Reads the entries a header leads to, and says what is wrong with both.
fn read_copy(
    disk: &Disk<'_>,
    copy: TableCopy,
    lba: u64,
    header: Option<Header>,
    report: &mut Report,
) -> Result<Option<Found>, CheckError> {
    let Some(header) = header else { return Ok(None) };
    header.check(disk, copy, lba, report);
    let array = array::read(disk, copy, &header, report)?;
    Ok(Some(Found { header, array }))
}

/// Checks the entries of the better copy and lists them as the partitions of the disk.
fn look_at_entries(disk: &Disk<'_>, mbr: &Mbr, primary: Option<Found>, backup: Option<Found>, report: &mut Report) {
    let primary_is_sound = primary.as_ref().is_some_and(Found::is_sound);
    let backup_is_sound = backup.as_ref().is_some_and(Found::is_sound);
    let mut copies = [(TableCopy::Primary, primary), (TableCopy::Backup, backup)];
    if backup_is_sound && !primary_is_sound {
        copies.reverse();
    }
    for (which, copy) in copies {
        let Some(Found { header, array }) = copy else { continue };
        report.disk_guid.get_or_insert(header.disk_guid);
        let Some(array) = array else { continue };
        report.table = Some(which);
        report.disk_guid = Some(header.disk_guid);
        entries::check(disk, &header, &array.entries, report);
        if report.kind == DiskKind::HybridGpt || report.kind == DiskKind::IsoWithGpt {
            protective::tell_hybrid(mbr, &array.entries, report);
        }
        report.partitions = array.entries.iter().map(|(number, entry)| Partition::new(disk, *number, entry)).collect();
        return;
    }
}

fn is_iso(disk: &Disk<'_>) -> Result<bool, CheckError> {
    let mut magic = [0; ISO_MAGIC.len()];
    if disk.size().bytes() < ISO_MAGIC_OFFSET + magic.len() as u64 {
        return Ok(false);
    }
    disk.read("volume descriptor", ISO_MAGIC_OFFSET, &mut magic)?;
    Ok(magic == *ISO_MAGIC)
}

fn kind(mbr: &Mbr, has_gpt: bool, is_iso: bool) -> DiskKind {
    match (is_iso, has_gpt) {
        (true, true) => DiskKind::IsoWithGpt,
        (true, false) if mbr.has_partitions() => DiskKind::IsoWithMbr,
        (true, false) => DiskKind::Iso,
        (false, true) if mbr.is_protective() && mbr.records.iter().any(|record| record.os_type != PROTECTIVE) => {
            DiskKind::HybridGpt
        }
        (false, true) => DiskKind::Gpt,
        (false, false) if mbr.has_partitions() => DiskKind::Mbr,
        (false, false) => DiskKind::Unpartitioned,
    }
}
