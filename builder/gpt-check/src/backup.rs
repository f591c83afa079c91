//! Where the backup of the table is.

use crate::disk::Disk;
use crate::header::Header;
use crate::{CheckError, Finding, Report, TableCopy};

/// Finds the backup header and tells where it lies if that is not the last sector.
///
/// A disk that was made larger has it where the end once was; the primary header says where.
pub(crate) fn find(
    disk: &Disk<'_>,
    primary: Option<&Header>,
    report: &mut Report,
) -> Result<Option<(u64, Header)>, CheckError> {
    let name = TableCopy::Backup.header();
    let last = disk.last();
    // The last sector of a disk of two is the primary header.
    let at_end = if last > 1 { disk.read_header(name, last)? } else { None };
    let Some(primary) = primary else {
        return Ok(at_end.map(|header| (last, header)));
    };
    let named = primary.alternate_lba;
    if named == last {
        if at_end.is_none() {
            report.push(missing("the last one of the disk", last));
        }
        return Ok(at_end.map(|header| (last, header)));
    }
    let primary_name = TableCopy::Primary.header();
    let at_named = if named > 1 { disk.read_header(name, named)? } else { None };
    match (at_named, at_end) {
        (Some(header), at_end) => {
            report.push(
                Finding::warning(
                    name,
                    "place",
                    format!("sector {named}"),
                    format!("sector {last}, the last of the disk"),
                )
                .hint("the disk was made larger; `sgdisk --move-second-header` moves the backup to the new end"),
            );
            if at_end.is_some() {
                report.note(format!("sector {last} has the backup header of another table, which is not looked at"));
            }
            Ok(Some((named, header)))
        }
        (None, Some(header)) => {
            report.push(Finding::error(
                primary_name,
                "alternate LBA",
                named,
                format!("{last}, where the backup header is"),
            ));
            Ok(Some((last, header)))
        }
        (None, None) if named > last => {
            report.push(
                Finding::error(primary_name, "alternate LBA", named, format!("{last}, the last sector of the disk"))
                    .hint("the disk or its image is cut off, or the table was made for a larger disk"),
            );
            report.push(missing("the last one of the disk", last));
            Ok(None)
        }
        (None, None) => {
            report.push(Finding::error(
                primary_name,
                "alternate LBA",
                named,
                format!("{last}, the last sector of the disk"),
            ));
            report.push(missing("the one the primary header names", named));
            Ok(None)
        }
    }
}

fn missing(which: &str, lba: u64) -> Finding {
    Finding::error(TableCopy::Backup.header(), "signature", "missing", format!("`EFI PART` in sector {lba}, {which}"))
        .hint("one damaged sector now loses the table; sgdisk can write the backup anew")
}
