//! The MBR before a GUID partition table: UEFI 2.10, section 5.2.3.

use crate::disk::Disk;
use crate::entry::Entry;
use crate::mbr::{ACTIVE, Mbr, PROTECTIVE, Record};
use crate::{Finding, Report};

const NAME: &str = "protective MBR";
/// Head 0, sector 2, cylinder 0: the CHS address of LBA 1.
const STARTING_CHS: [u8; 3] = [0, 2, 0];

/// Says what is wrong with the MBR. `backup_lba` is where the backup header lies, if there is one.
pub(crate) fn check(disk: &Disk<'_>, mbr: &Mbr, backup_lba: Option<u64>, report: &mut Report) {
    if !mbr.is_signed {
        report.push(
            Finding::error(NAME, "signature", "missing", "55 AA at byte 510")
                .hint("without it firmware and Linux do not look for the GUID partition table"),
        );
    }
    let protective: Vec<&Record> = mbr.records.iter().filter(|record| record.os_type == PROTECTIVE).collect();
    let Some(record) = protective.first() else {
        if report.kind.is_iso() {
            report.note("the MBR of the ISO image has no entry of type 0xee; some programs then see only the MBR");
        } else {
            report.push(
                Finding::error(NAME, "entry of type 0xee", "missing", "one that covers the disk")
                    .hint("without it Linux and firmware take the MBR for the partition table"),
            );
        }
        return;
    };
    if protective.len() > 1 {
        report.push(Finding::warning(NAME, "entries of type 0xee", protective.len(), 1));
    }
    check_record(disk, record, mbr.records.len() > protective.len(), backup_lba, report);
}

fn check_record(disk: &Disk<'_>, record: &Record, is_hybrid: bool, backup_lba: Option<u64>, report: &mut Report) {
    match record.boot_indicator {
        0 => {}
        ACTIVE => report.note("the entry of type 0xee is active, for a BIOS that boots nothing else"),
        other => report.push(Finding::warning(NAME, "boot indicator", format!("{other:#04x}"), "0")),
    }
    if record.starting_lba != 1 {
        report.push(Finding::error(NAME, "starting LBA", record.starting_lba, "1, where the header is"));
    }
    if record.starting_chs != STARTING_CHS {
        let [head, sector, cylinder] = record.starting_chs;
        report.note(format!("the entry of type 0xee begins at CHS {cylinder}/{head}/{sector}, others have 0/0/2"));
    }
    let size = u64::from(record.size_in_lba);
    let covered = disk.last().min(u64::from(u32::MAX));
    if size == covered {
        return;
    }
    if record.size_in_lba == u32::MAX {
        report.note("the entry of type 0xee has the size 0xffffffff, though the disk is smaller; that is usual");
    } else if is_hybrid && size < covered {
        // It ends before the first of the others, as entries must not overlap.
        report.note(format!("the entry of type 0xee of the hybrid MBR covers {size} sectors"));
    } else {
        let finding =
            Finding::warning(NAME, "size in LBA", size, format!("{covered}, all sectors of the disk but the first"));
        let was_the_end = backup_lba == Some(size);
        report.push(if was_the_end {
            finding.hint("the disk was made larger; sgdisk can correct it")
        } else {
            finding
        });
    }
}

/// Tells of the entries beside the protective one, which are another view of the partitions in `entries`.
pub(crate) fn tell_hybrid(mbr: &Mbr, entries: &[(u32, Entry)], report: &mut Report) {
    for record in mbr.records.iter().filter(|record| record.os_type != PROTECTIVE) {
        let (first, last) = record.sectors();
        let twin = entries.iter().find(|(_, entry)| (entry.first, entry.last) == (first, last));
        let twin = match twin {
            Some((number, entry)) => format!("which is {}", entry.title(*number)),
            None => "which is no partition of the GUID partition table".into(),
        };
        report.note(format!(
            "{} (type {:#04x}) of the hybrid MBR has the sectors {first} to {last}, {twin}",
            record.title(),
            record.os_type
        ));
    }
}
