//! The firmware's boot entries: ours comes first, and older ones of ours go.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use builder_medium::{Manifest, Uuid};

use crate::console::Console;
use crate::drives;
use crate::efi_entry::{Entry, decode};
use crate::failure::{Failure, Tried as _};
use crate::firmware;
use crate::log::note;
use crate::mounts;
use crate::table::Fitted;

/// `EFI_GLOBAL_VARIABLE`: UEFI 2.10, section 3.3.
const GLOBAL: &str = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
/// Kept, and there while and after the system boots: section 8.2.
const ATTRIBUTES: [u8; 4] = [7, 0, 0, 0];

/// Tells the firmware of the system. It boots without, by the path for removable media: failing is a warning.
pub(crate) fn register(manifest: &Manifest, table: &Fitted, console: &mut Console) {
    match try_register(manifest, table) {
        Ok(Some(number)) => {
            let label = &manifest.system.loader.label;
            console.say(&format!("The firmware boots {label:?} first from now on (Boot{number:04X})"));
        }
        // What was said before the drive was erased holds still.
        Ok(None) => console.say(
            firmware::remark()
                .unwrap_or("The firmware keeps no boot entries here; it finds the system by the usual path"),
        ),
        Err(failure) => console
            .say(&format!("warning: {failure}; the firmware should find the system by the usual path all the same")),
    }
}

fn try_register(manifest: &Manifest, table: &Fitted) -> Result<Option<u16>, Failure> {
    let Some(directory) = mounts::mount_efi_variables()? else { return Ok(None) };
    let esp = (1..).zip(&table.partitions).find(|(number, _)| {
        manifest.disk.partitions.iter().any(|partition| partition.number == *number && partition.holds == "esp")
    });
    let Some((partition, esp)) = esp else { return Ok(None) };
    let loader = &manifest.system.loader;
    let (start, sectors, guid) = (esp.first.0, esp.sectors, esp.guid);
    let entry = Entry { label: &loader.label, partition, start, sectors, guid, program: &loader.program };
    let entries = read_entries(directory)?;
    let order = read_order(directory);
    let plan = plan(&entries, &order, (&loader.label, guid), &drives::partition_guids());
    let name = |number: u16| directory.join(format!("Boot{number:04X}-{GLOBAL}"));
    for &number in &plan.remove {
        note(format!("removing Boot{number:04X}"));
        fs::remove_file(name(number)).tried(|| format!("remove the firmware's Boot{number:04X}"))?;
    }
    let number = plan.number;
    write(&name(number), &entry.encode()).tried(|| format!("write the firmware's Boot{number:04X}"))?;
    let order: Vec<u8> = plan.order.iter().flat_map(|number| number.to_le_bytes()).collect();
    write(&directory.join(format!("BootOrder-{GLOBAL}")), &order).tried(|| "write the firmware's BootOrder")?;
    Ok(Some(number))
}

fn read_entries(directory: &Path) -> Result<BTreeMap<u16, Vec<u8>>, Failure> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(directory).tried(|| format!("list {}", directory.display()))?.flatten() {
        let name = entry.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("Boot")?.strip_suffix(GLOBAL)?.strip_suffix('-'));
        let number = digits.filter(|digits| digits.len() == 4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
        if let (Some(number), Ok(value)) = (number, fs::read(entry.path())) {
            entries.insert(number, value.get(ATTRIBUTES.len()..).unwrap_or_default().to_vec());
        }
    }
    Ok(entries)
}

fn read_order(directory: &Path) -> Vec<u16> {
    let value = fs::read(directory.join(format!("BootOrder-{GLOBAL}"))).unwrap_or_default();
    let numbers = value.get(ATTRIBUTES.len()..).unwrap_or_default();
    numbers.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// A variable is written at once.
fn write(path: &Path, value: &[u8]) -> io::Result<()> {
    let bytes = [&ATTRIBUTES, value].concat();
    let written = OpenOptions::new().write(true).create(true).truncate(false).open(path)?.write(&bytes)?;
    if written == bytes.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

/// What is done with the entries.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// Of the new entry.
    number: u16,
    remove: Vec<u16>,
    order: Vec<u16>,
}

/// `own` is label and partition of the new entry. One of the same label goes where it points to the same partition, or to
/// one that is on no drive: other installations of the same system stay.
fn plan(entries: &BTreeMap<u16, Vec<u8>>, order: &[u16], own: (&str, Uuid), partitions: &[Uuid]) -> Plan {
    let is_ours = |option: &Vec<u8>| match decode(option) {
        Some((label, Some(guid))) => label == own.0 && (guid == own.1 || !partitions.contains(&guid)),
        _ => false,
    };
    let remove: Vec<u16> = entries.iter().filter(|(_, option)| is_ours(option)).map(|(&number, _)| number).collect();
    let is_free = |number: &u16| !entries.contains_key(number) || remove.contains(number);
    let number = (0..=u16::MAX).find(is_free).unwrap_or(u16::MAX);
    let others = order.iter().copied().filter(|other| *other != number && !remove.contains(other));
    Plan { number, order: [number].into_iter().chain(others).collect(), remove }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use builder_medium::Uuid;

    use super::{Plan, plan};
    use crate::efi_entry::Entry;

    #[test]
    fn only_older_entries_of_ours_go() {
        let option = |label, guid| {
            Entry { label, partition: 1, start: 1, sectors: 1, guid: Uuid::from_u128(guid), program: "\\A" }.encode()
        };
        let entries = BTreeMap::from([
            (0, option("Other", 1)),
            (1, option("Debian", 1)),
            (2, option("Debian", 7)),
            (3, option("Debian", 2)),
            (4, vec![1, 2, 3]),
        ]);
        // 1 is ours and 2 is on another drive; 7 is nowhere.
        let drives = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let planned = plan(&entries, &[4, 3, 2, 1, 0], ("Debian", Uuid::from_u128(1)), &drives);
        assert_eq!(planned, Plan { number: 1, remove: vec![1, 2], order: vec![1, 4, 3, 0] });
        let planned = plan(&BTreeMap::new(), &[], ("Debian", Uuid::from_u128(1)), &drives);
        assert_eq!(planned, Plan { number: 0, remove: vec![], order: vec![0] });
        let planned = plan(&entries, &[0, 5], ("Fedora", Uuid::from_u128(3)), &drives);
        assert_eq!(planned, Plan { number: 5, remove: vec![], order: vec![5, 0] });
    }
}
