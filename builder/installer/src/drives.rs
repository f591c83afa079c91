//! The drives of the machine, and what is on them: from `/sys/block`.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use builder_block::{ByteSize, PlainFile};
use builder_medium::{Bus, Uuid};

use crate::devices::node;
use crate::links::{Known, links};
use crate::mounts::{self, Mount};
use crate::probe;

/// The kernel counts sectors of 512 bytes in sysfs, whatever the drive does.
const SYSFS_SECTOR: u64 = 512;
/// Kinds of block devices that are no drives.
const NO_DRIVES: &[&str] = &["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "mtdblock"];

/// A drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Drive {
    /// As the kernel calls it: `sda`.
    pub(crate) name: String,
    /// Vendor and model.
    pub(crate) model: String,
    pub(crate) serial: String,
    /// How it is connected; `None` where that is none of the known ways.
    pub(crate) bus: Option<Bus>,
    /// In bytes.
    pub(crate) size: u64,
    /// Bytes of a sector.
    pub(crate) sector_size: u32,
    /// Whether it can be taken out: the kernel says so, or it is behind USB or in a card reader.
    pub(crate) removable: bool,
    /// Number that the kernel gives to each disk anew, also to one with the name of another that is gone: Linux 5.15.
    pub(crate) sequence: String,
    /// Links below `/dev/disk` that udev would make for it.
    pub(crate) links: Vec<String>,
    pub(crate) read_only: bool,
    /// Whether the medium is on it.
    pub(crate) is_medium: bool,
    /// Who uses it, for people.
    pub(crate) used: Vec<String>,
    /// What is on it as a whole, where it has no partitions that are known.
    pub(crate) contents: Option<String>,
    pub(crate) partitions: Vec<Partition>,
}

/// A partition of a drive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) name: String,
    /// In bytes.
    pub(crate) size: u64,
    /// What is on it.
    pub(crate) contents: Option<String>,
}

/// What is in use.
struct Use {
    mountinfo: String,
    swaps: String,
}

/// All drives, by their names. `medium` is the whole device that the medium is on.
pub(crate) fn list(medium: Option<&str>) -> Vec<Drive> {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let used = Use { mountinfo: text("/proc/self/mountinfo"), swaps: text("/proc/swaps") };
    let Ok(entries) = fs::read_dir("/sys/block") else { return Vec::new() };
    let mut drives: Vec<Drive> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_drive(name))
        .filter_map(|name| look_at(&name, medium, &used))
        .collect();
    drives.sort_by(|a, b| a.name.cmp(&b.name));
    drives
}

fn is_drive(name: &str) -> bool {
    // `mmcblk0boot0` and the like are for firmware.
    let is_firmwares = name.starts_with("mmcblk") && (name.contains("boot") || name.contains("rpmb"));
    !is_firmwares && !NO_DRIVES.iter().any(|kind| name.starts_with(kind))
}

fn look_at(name: &str, medium: Option<&str>, used: &Use) -> Option<Drive> {
    let directory = Path::new("/sys/block").join(name);
    let text = |file: &str| fs::read_to_string(directory.join(file)).unwrap_or_default().trim().to_owned();
    let size = text("size").parse::<u64>().ok()?.checked_mul(SYSFS_SECTOR)?;
    // A reader without a card; a path of a device that another name stands for.
    if size == 0 || text("hidden") == "1" {
        return None;
    }
    let mut drive = Drive {
        name: name.to_owned(),
        model: format!("{} {}", vendor(&text("device/vendor")), text("device/model")).trim().to_owned(),
        serial: serial(&directory),
        size,
        sector_size: text("queue/logical_block_size").parse().unwrap_or(512),
        removable: text("removable") == "1",
        sequence: sequence(name),
        read_only: text("ro") == "1",
        is_medium: medium == Some(name),
        ..Drive::default()
    };
    if let Ok(path) = fs::canonicalize(&directory) {
        drive.bus = bus(name, &path.to_string_lossy());
        // Of these the kernel says only whether the medium in them can be changed.
        drive.removable |= match drive.bus {
            Some(Bus::Usb) => true,
            Some(Bus::Mmc) => text("device/type") == "SD",
            _ => false,
        };
        let wwid = [text("wwid"), text("device/wwid")].concat();
        let Drive { model, serial, bus, .. } = &drive;
        drive.links = links(&Known { path: &path, bus: *bus, model, serial, wwid: &wwid });
    }
    drive.used.extend(uses(name, &directory, used));
    let mut partitions: Vec<(u32, String)> = fs::read_dir(&directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number = fs::read_to_string(entry.path().join("partition")).ok()?.trim().parse().ok()?;
            Some((number, entry.file_name().into_string().ok()?))
        })
        .collect();
    partitions.sort();
    for (_, name) in partitions {
        let directory = directory.join(&name);
        let sectors = fs::read_to_string(directory.join("size")).ok().and_then(|size| size.trim().parse::<u64>().ok());
        drive.used.extend(uses(&name, &directory, used));
        let size = sectors.unwrap_or_default().saturating_mul(SYSFS_SECTOR);
        drive.partitions.push(Partition { contents: contents(&name, size), size, name });
    }
    if drive.partitions.is_empty() {
        drive.contents = contents(name, size);
    }
    Some(drive)
}

/// The number by which the kernel tells a disk from all others; empty where it gives none.
pub(crate) fn sequence(name: &str) -> String {
    let text = fs::read_to_string(Path::new("/sys/block").join(name).join("diskseq"));
    text.unwrap_or_default().trim().to_owned()
}

/// `0x1af4` of virtio is a number, and `ATA` is what libata says for all.
fn vendor(text: &str) -> &str {
    if text.starts_with("0x") || text == "ATA" { "" } else { text }
}

fn serial(directory: &Path) -> String {
    let clean = |bytes: Vec<u8>| String::from_utf8_lossy(bytes.trim_ascii()).trim_matches('\0').trim().to_owned();
    // Of virtio, of NVMe and MMC, of SCSI: SPC-4, section 7.8.15, has four bytes before the serial number.
    let plain = ["serial", "device/serial"].iter().find_map(|file| fs::read(directory.join(file)).ok());
    let page = || fs::read(directory.join("device/vpd_pg80")).ok().and_then(|page| Some(page.get(4..)?.to_vec()));
    plain.or_else(page).map(clean).unwrap_or_default()
}

/// The way from the machine to the drive is in its path; what comes first in this list decides.
fn bus(name: &str, path: &str) -> Option<Bus> {
    let ways = [
        ("/usb", Bus::Usb),
        ("/nvme", Bus::Nvme),
        ("/ata", Bus::Ata),
        ("/mmc_host", Bus::Mmc),
        ("/virtio", Bus::Virtio),
        ("/host", Bus::Scsi),
    ];
    match ways.iter().find(|(part, _)| path.contains(part)) {
        Some((_, bus)) => Some(*bus),
        None => name.starts_with("nvme").then_some(Bus::Nvme),
    }
}

/// Who uses a device: mounts, swap, and what is made of it.
fn uses(name: &str, directory: &Path, used: &Use) -> Vec<String> {
    let number = fs::read_to_string(directory.join("dev")).unwrap_or_default();
    let mut uses = Vec::new();
    let mounted = |mount: &Mount<'_>| mount.device == number.trim() || Path::new(mount.source) == node(name);
    if let Some(Mount { target, .. }) = mounts::mounted(&used.mountinfo).into_iter().find(mounted) {
        uses.push(format!("{name} is mounted at {target}"));
    }
    if mounts::swaps(&used.swaps).contains(&name) {
        uses.push(format!("{name} is used as swap"));
    }
    for holder in fs::read_dir(directory.join("holders")).into_iter().flatten().flatten() {
        uses.push(format!("{name} is part of {}", holder.file_name().to_string_lossy()));
    }
    uses
}

fn contents(name: &str, size: u64) -> Option<String> {
    let length = usize::try_from(size).map_or(probe::HEAD, |size| size.min(probe::HEAD));
    let mut head = vec![0; length];
    File::open(node(name)).ok()?.read_exact_at(&mut head, 0).ok()?;
    probe::contents(&head)
}

/// GUIDs of all partitions of all drives.
pub(crate) fn partition_guids() -> Vec<Uuid> {
    let tables = list(None).into_iter().filter_map(|drive| {
        let disk = PlainFile::new(File::open(node(&drive.name)).ok()?).ok()?;
        builder_gpt::read::read(&disk).ok()
    });
    tables.flat_map(|table| table.partitions).map(|(_, partition)| partition.guid).collect()
}

impl Drive {
    /// A line for people: name, size, connection, model, serial.
    pub(crate) fn describe(&self) -> String {
        let serial = if self.serial.is_empty() { String::new() } else { format!("serial {}", self.serial) };
        let parts = [
            format!("{:<8} {:>9}", self.name, ByteSize::new(self.size).to_string()),
            self.bus.map_or("", Bus::name).to_owned(),
            if self.removable { "removable".to_owned() } else { String::new() },
            self.model.clone(),
            serial,
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
    }

    /// What is on it, a line for each.
    pub(crate) fn describe_contents(&self) -> Vec<String> {
        match (&self.contents, self.partitions.as_slice()) {
            (Some(contents), []) => vec![format!("{contents}, without partitions")],
            (None, []) => vec!["nothing that is known here".to_owned()],
            (_, partitions) => partitions
                .iter()
                .map(|partition| {
                    let size = ByteSize::new(partition.size).to_string();
                    format!("{:<10} {size:>9}  {}", partition.name, partition.contents.as_deref().unwrap_or("unknown"))
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use builder_medium::Bus;

    use super::{Drive, Partition, bus, is_drive, vendor};

    #[test]
    fn what_is_no_drive_is_not_listed() {
        for name in ["loop0", "ram1", "zram0", "dm-0", "md127", "sr0", "mmcblk0boot0", "mmcblk0rpmb"] {
            assert!(!is_drive(name), "{name}");
        }
        for name in ["sda", "vda", "nvme0n1", "mmcblk0", "pmem0", "xvda"] {
            assert!(is_drive(name), "{name}");
        }
    }

    #[test]
    fn the_way_to_a_drive_is_in_its_path() {
        for (path, expected) in [
            ("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/sda", Bus::Usb),
            ("/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda", Bus::Ata),
            ("/sys/devices/pci0000:00/0000:00:03.0/virtio1/block/vda", Bus::Virtio),
            ("/sys/devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1", Bus::Nvme),
            ("/sys/devices/pci0000:00/0000:00:05.0/virtio2/host1/target1:0:0/1:0:0:0/block/sdb", Bus::Virtio),
            ("/sys/devices/pci0000:00/0000:00:06.0/host1/target1:0:0/1:0:0:0/block/sdb", Bus::Scsi),
        ] {
            assert_eq!(bus("x", path), Some(expected), "{path}");
        }
        assert_eq!((vendor("0x1af4"), vendor("ATA"), vendor("QEMU")), ("", "", "QEMU"));
    }

    #[test]
    fn lines_for_people_fit_a_screen() {
        let partition =
            Partition { name: "vda1".to_owned(), size: 512 << 20, contents: Some("vfat \"ESP\"".to_owned()) };
        let drive = Drive {
            name: "vda".to_owned(),
            model: "QEMU HARDDISK".to_owned(),
            serial: "S1".to_owned(),
            bus: Some(Bus::Virtio),
            size: 8 << 30,
            partitions: vec![partition],
            ..Drive::default()
        };
        assert_eq!(drive.describe(), "vda          8 GiB  virtio  QEMU HARDDISK  serial S1");
        assert_eq!(drive.describe_contents(), ["vda1         512 MiB  vfat \"ESP\""]);
        assert_eq!(Drive::default().describe_contents(), ["nothing that is known here"]);
    }
}
