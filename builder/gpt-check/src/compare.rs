//! Both copies of the table must say the same.

use std::collections::BTreeMap;

use crate::entry::Entry;
use crate::header::{Header, hex};
use crate::{Finding, Report, TableCopy};

/// Names every field in which the backup header differs from the primary one, but for those that must.
pub(crate) fn headers(primary: &Header, backup: &Header, report: &mut Report) {
    let name = TableCopy::Backup.header();
    let mut field = |field: &str, primary: String, backup: String| {
        if primary != backup {
            report.push(Finding::error(name, field, backup, format!("{primary}, as the primary header has it")));
        }
    };
    field("revision", hex(primary.revision), hex(backup.revision));
    field("header size", primary.size.to_string(), backup.size.to_string());
    field("first usable LBA", primary.first_usable.to_string(), backup.first_usable.to_string());
    field("last usable LBA", primary.last_usable.to_string(), backup.last_usable.to_string());
    field("disk GUID", primary.disk_guid.to_string(), backup.disk_guid.to_string());
    field("number of entries", primary.entry_count.to_string(), backup.entry_count.to_string());
    field("size of an entry", primary.entry_size.to_string(), backup.entry_size.to_string());
    field("CRC of the entries", hex(primary.entries_crc), hex(backup.entries_crc));
}

/// Names every field of every entry in which the backup differs. Both lists are in the order of their numbers.
pub(crate) fn entries(primary: &[(u32, Entry)], backup: &[(u32, Entry)], report: &mut Report) {
    let mut pairs: BTreeMap<u32, (Option<&Entry>, Option<&Entry>)> = BTreeMap::new();
    for (number, entry) in primary {
        pairs.entry(*number).or_default().0 = Some(entry);
    }
    for (number, entry) in backup {
        pairs.entry(*number).or_default().1 = Some(entry);
    }
    for (number, pair) in pairs {
        match pair {
            (Some(primary), Some(backup)) => entry(number, primary, backup, report),
            (Some(primary), None) => report.push(difference(&primary.title(number), "unused", "used")),
            (None, Some(backup)) => report.push(difference(&backup.title(number), "used", "unused")),
            (None, None) => {}
        }
    }
}

fn entry(number: u32, primary: &Entry, backup: &Entry, report: &mut Report) {
    let title = primary.title(number);
    let mut field = |field: &str, primary: String, backup: String| {
        if primary != backup {
            report.push(difference(&format!("{title}, {field}"), &backup, &primary));
        }
    };
    field("type", primary.type_guid.to_string(), backup.type_guid.to_string());
    field("unique GUID", primary.guid.to_string(), backup.guid.to_string());
    field("first LBA", primary.first.to_string(), backup.first.to_string());
    field("last LBA", primary.last.to_string(), backup.last.to_string());
    field("attributes", format!("{:#018x}", primary.attributes), format!("{:#018x}", backup.attributes));
    // As it is written, so that names that cannot be read differ as well.
    let name = |entry: &Entry| match String::from_utf16(&entry.name) {
        Ok(name) => format!("{name:?}"),
        Err(_) => format!("{:04x?}", entry.name),
    };
    field("name", name(primary), name(backup));
}

fn difference(field: &str, found: &str, expected: &str) -> Finding {
    Finding::error(TableCopy::Backup.entries(), field, found, format!("{expected}, as the primary entries have it"))
}
