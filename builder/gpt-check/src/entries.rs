//! What every used entry has to be, alone and beside the others.

use std::collections::BTreeMap;

use crate::disk::Disk;
use crate::entry::Entry;
use crate::header::Header;
use crate::overlap::{Extent, overlaps};
use crate::types::{CHROMEOS_KERNEL, MICROSOFT_BASIC_DATA, is_discoverable};
use crate::{Finding, Guid, Report, type_name};

/// Attribute bits 3 to 47, which UEFI keeps for itself (2.10, table 5-8).
const RESERVED: u64 = (1 << 48) - (1 << 3);
/// Bits 0 to 2: required, no block I/O, legacy boot.
const COMMON: u64 = 0b111;
/// Where partitions begin today, in bytes.
const ALIGNMENT: u64 = 1 << 20;
/// A partition that begins at no multiple of this is slow on most disks, in bytes.
const PHYSICAL_SECTOR: u64 = 4096;

/// Says what is wrong with the entries, whose header is `header`.
pub(crate) fn check(disk: &Disk<'_>, header: &Header, entries: &[(u32, Entry)], report: &mut Report) {
    let mut owners: BTreeMap<Guid, String> = BTreeMap::from([(header.disk_guid, "the disk".into())]);
    for (number, entry) in entries {
        if report.is_full() {
            report.left_out += 1;
            continue;
        }
        let title = entry.title(*number);
        check_place(disk, header, &title, entry, report);
        check_identity(&title, entry, &mut owners, report);
        check_attributes(&title, entry, report);
        check_name(&title, entry, report);
        if !entry.rest_is_zero {
            report.push(Finding::warning(title, "rest of the entry", "not zero", "zeros from byte 128 on"));
        }
    }
    if report.is_full() {
        return;
    }
    let extents = entries
        .iter()
        .filter(|(_, entry)| entry.first <= entry.last)
        .map(|(number, entry)| Extent { title: entry.title(*number), first: entry.first, last: entry.last })
        .collect();
    for (later, earlier) in overlaps(extents) {
        let range = format!("{} to {}", later.first, later.last);
        let expected =
            format!("none of {}, which has the sectors {} to {}", earlier.title, earlier.first, earlier.last);
        // Every hybrid ISO of some makers has a partition for the whole image, and one for the ESP in it.
        if report.kind.is_iso() {
            report.push(Finding::warning(later.title, "sectors", range, expected));
        } else {
            report.push(
                Finding::error(later.title, "sectors", range, expected)
                    .hint("writing to one of the two destroys the other; find out which one is real"),
            );
        }
    }
}

fn check_place(disk: &Disk<'_>, header: &Header, title: &str, entry: &Entry, report: &mut Report) {
    if entry.first > entry.last {
        let expected = format!("at least {}, the first one", entry.first);
        report.push(Finding::error(title, "last LBA", entry.last, expected));
        return;
    }
    if entry.first < header.first_usable {
        let expected = format!("at least {}, the first usable one", header.first_usable);
        report.push(Finding::error(title, "first LBA", entry.first, expected));
    }
    if entry.last > header.last_usable {
        let expected = format!("at most {}, the last usable one", header.last_usable);
        report.push(Finding::error(title, "last LBA", entry.last, expected));
    }
    if entry.last > disk.last() {
        report.push(
            Finding::error(title, "last LBA", entry.last, format!("at most {}, the last of the disk", disk.last()))
                .hint("the disk or its image is cut off: what is behind its end is lost"),
        );
    }
    check_alignment(disk, title, entry, report);
}

fn check_alignment(disk: &Disk<'_>, title: &str, entry: &Entry, report: &mut Report) {
    let start = entry.first.saturating_mul(disk.sector_size().bytes());
    // The BIOS boot partition has its place in the gap before the first MiB, and nobody waits for it.
    let speed_matters = !report.kind.is_iso() && type_name(entry.type_guid) != Some("bios-boot");
    if speed_matters && !start.is_multiple_of(PHYSICAL_SECTOR) {
        let expected = format!("a multiple of {PHYSICAL_SECTOR} bytes, better of 1 MiB");
        report.push(
            Finding::warning(title, "first LBA", format!("{}, which is byte {start}", entry.first), expected)
                .hint("writing is slow on disks whose physical sectors have 4096 bytes; move the partition"),
        );
    } else if !report.kind.is_iso() && !start.is_multiple_of(ALIGNMENT) {
        report.note(format!("{title} begins at byte {start}, which is not a multiple of 1 MiB"));
    }
}

fn check_identity(title: &str, entry: &Entry, owners: &mut BTreeMap<Guid, String>, report: &mut Report) {
    if type_name(entry.type_guid).is_none() {
        report.note(format!("{title} has the type {}, which is not known here", entry.type_guid));
    }
    if entry.guid == Guid::NIL {
        report.push(Finding::error(title, "unique GUID", "nil", "a GUID that is unique"));
        return;
    }
    match owners.get(&entry.guid) {
        Some(owner) => report.push(
            Finding::error(title, "unique GUID", entry.guid, format!("a GUID of its own, that one has {owner}"))
                .hint("what is found by GUID may be the wrong one; give one of them a new GUID"),
        ),
        None => {
            owners.insert(entry.guid, title.to_owned());
        }
    }
}

fn check_attributes(title: &str, entry: &Entry, report: &mut Report) {
    let reserved = entry.attributes & RESERVED;
    if reserved != 0 {
        report.push(Finding::warning(
            title,
            "attributes",
            format!("{:#018x}", entry.attributes),
            format!("none of the reserved bits {}", bits(reserved)),
        ));
    }
    let own = match type_name(entry.type_guid) {
        _ if entry.type_guid == MICROSOFT_BASIC_DATA => 0b1111 << 60,
        _ if entry.type_guid == CHROMEOS_KERNEL => 0x7FF << 48,
        // Grow the file system, read-only, do not mount by itself.
        Some(name) if is_discoverable(name) => 1 << 59 | 1 << 60 | 1 << 63,
        // Others may give the bits 48 to 63 any meaning.
        _ => u64::MAX,
    };
    let unknown = entry.attributes & !(RESERVED | COMMON | own);
    if unknown != 0 {
        report.note(format!("{title} has the attribute bits {}, which its type gives no meaning", bits(unknown)));
    }
}

/// `3, 17`: the bits that are set.
fn bits(mask: u64) -> String {
    let numbers: Vec<String> = (0..64_u32).filter(|bit| mask >> bit & 1 == 1).map(|bit| bit.to_string()).collect();
    numbers.join(", ")
}

fn check_name(title: &str, entry: &Entry, report: &mut Report) {
    let text = String::from_utf16(&entry.name);
    match &text {
        Err(_) => {
            let found = format!("{:?}", entry.name_text());
            report.push(Finding::warning(title, "name", found, "UTF-16 without half surrogate pairs"));
        }
        Ok(text) if text.chars().any(char::is_control) => {
            report.push(Finding::warning(title, "name", format!("{text:?}"), "a name without control characters"));
        }
        Ok(_) => {}
    }
    if entry.text_behind_name {
        report.note(format!("{title} has the rest of another name behind its own"));
    }
}
