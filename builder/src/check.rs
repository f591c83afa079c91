//! A finished disk, of ours or of anyone's, looked through without running it: tables, file systems, and the way from
//! the firmware to the deployment.
//!
//! ```text
//!  disk file ──► partition table ──► file systems ──► boot walk
//!  open          gpt-check           fat-check        pe, grub, systemd: programs, menus, mounts
//!                                    ext4-check
//!                                    iso9660-check
//! ```
//!
//! The readers are not the writers' code: what both got wrong would look right.

mod devicetree;
mod entry;
mod fallback;
mod finding;
mod fstab;
mod grub_program;
mod initramfs;
mod iso;
mod medium;
mod named;
mod other;
mod report;
mod repository;
mod root;
mod step;
mod swap;
mod trust;
mod unified;
mod volumes;
mod walk;

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use builder_block::ReadAt as _;
use builder_ext4::read::Ext4Reader;
use builder_gpt_check::{Partition, PartitionType};
use builder_grub::{Device, DeviceId};
use builder_tree::ContentStore;

pub use builder_block::Severity;
pub use finding::DiskFinding;
pub use iso::{CheckedBootImage, MediumReport};
pub use report::{CheckReport, CheckedPartition};
pub use repository::{DeploymentState, EtcDifferences, RepositoryCounts, RepositoryFinding, RepositoryReport};
pub use step::{Step, Verdict};

use crate::error::BuildError;
use crate::open::{OpenedDisk, open_disk};
use crate::part::DiskPart;
use crate::progress::{Progress, Station};
use iso::Medium;
use other::{Contents, OtherPartition, partition_uuid};
use volumes::{Body, Volume, Volumes, ext4_names};

/// The type of an ESP in an MBR. UEFI 2.10, section 5.2.2.
const ESP_OF_MBR: u8 = 0xEF;
/// Where an MBR has the number of its disk, in bytes. Linux, block/partitions/msdos.c: `NT_DISK_SIGNATURE`.
const SIGNATURE_OF_MBR: u64 = 440;

/// Looks through the disk in the file at `path`; `deep` reads all metadata of its file systems and not the tables only.
/// `scratch` takes the unnamed scratch file.
///
/// # Errors
/// The file cannot be opened or read. What is wrong with the disk in it is no error but the answer.
pub fn check(path: &Path, deep: bool, scratch: &Path, progress: &mut dyn Progress) -> Result<CheckReport, BuildError> {
    let disk = Rc::new(open_disk(path)?);
    let failed = |source: io::Error| BuildError::Read { path: path.to_owned(), source };
    let table = builder_gpt_check::check(&*disk, &builder_gpt_check::Options::default())
        .map_err(|error| failed(io::Error::other(error)))?;
    progress.begin(Station::Check, table.partitions.len() as u64);
    let store = ContentStore::new(scratch).map_err(|source| BuildError::Scratch { source })?;
    let volumes = Volumes { all: Vec::new(), others: Vec::new(), store: Rc::new(RefCell::new(store)) };
    let mut signature = [0; 4];
    disk.read_at(SIGNATURE_OF_MBR, &mut signature).map_err(failed)?;
    let signature = u32::from_le_bytes(signature);
    let mut examination = Examination { deep, volumes, notes: table.notes, signature };
    let mut medium = None;
    if table.kind.is_iso() {
        let Medium { report, disc, whole } = examination.medium(&disk).map_err(failed)?;
        examination.volumes.all.push(whole);
        medium = Some((report, disc));
    }
    let mut partitions = Vec::new();
    for (index, partition) in (1_u64..).zip(&table.partitions) {
        partitions.push(examination.partition(&disk, partition).map_err(failed)?);
        progress.at(Station::Check, index);
    }
    let Examination { volumes, notes, .. } = examination;
    let walk = match &medium {
        Some((_, disc)) => walk::medium(disc, &volumes),
        None => walk::walk(&volumes),
    };
    let medium = medium.map(|(report, _)| report);
    // Every object is looked at, which takes longer than all else together.
    let repository = root::holder(&volumes).filter(|_| deep).map(repository::repository);
    progress.end(Station::Check);
    let table_findings: Vec<DiskFinding> = table.findings.into_iter().map(Into::into).collect();
    let damaged = |findings: &[DiskFinding]| findings.iter().any(|finding| finding.severity == Severity::Error);
    let sound = !damaged(&table_findings)
        && !partitions.iter().any(|partition| damaged(&partition.findings))
        && !medium.iter().flat_map(MediumReport::all_findings).any(|finding| finding.severity == Severity::Error)
        && !repository.iter().any(RepositoryReport::is_damaged)
        && walk.iter().all(|step| step.worst() < Verdict::Broken);
    let format = disk.kind().name();
    let (size, table) = (table.disk_size.bytes(), table.kind.to_string());
    let path = path.to_owned();
    Ok(CheckReport { path, format, size, table, table_findings, medium, partitions, repository, walk, notes, sound })
}

/// What is gathered while the partitions are looked through.
struct Examination {
    deep: bool,
    volumes: Volumes,
    notes: Vec<String>,
    /// The number of the disk, where it has an MBR.
    signature: u32,
}

impl Examination {
    fn partition(&mut self, disk: &Rc<OpenedDisk>, partition: &Partition) -> io::Result<CheckedPartition> {
        let mut checked = CheckedPartition {
            number: partition.number,
            name: partition.name.clone(),
            partition_type: partition.type_name().map_or_else(|| type_text(partition), str::to_owned),
            ..CheckedPartition::unnamed(partition.offset.bytes(), partition.size.bytes())
        };
        if !partition.on_disk {
            return Ok(checked);
        }
        let part = DiskPart::new(disk, partition.offset.bytes(), partition.size.bytes());
        let is_medium = self.volumes.is_medium();
        let place = format!("partition {}", partition.number);
        let mut is_esp =
            partition.type_name() == Some("esp") || matches!(partition.partition_type, PartitionType::Mbr(ESP_OF_MBR));
        let mut format = None;
        let body = if Ext4Reader::is_there(&part)? {
            self.ext4(part, &mut checked)?
        } else if is_esp || looks_like_fat(&part)? {
            // Media are partitioned in ways of their own, and firmware tries every FAT file system.
            is_esp |= is_medium;
            self.fat(&part, &mut checked, &place)?
        } else if is_medium && iso::is_there(&part)? {
            self.partitioned(part, &mut checked)?
        } else if let Some((uuid, label)) = swap::names(&part)? {
            checked.filesystem = Some("swap");
            (checked.uuid, checked.label) = (Some(uuid), label);
            None
        } else if is_medium {
            None
        } else {
            format = other::format(&part)?;
            self.notes.push(match format {
                Some(format) => format!("partition {} holds {format}, which is not looked into", partition.number),
                None => format!("partition {} holds nothing that is looked into", partition.number),
            });
            None
        };
        let partition_uuid = partition_uuid(partition, self.signature);
        let name = partition.name.clone();
        if let Some(body) = body {
            let kind = if matches!(partition.partition_type, PartitionType::Mbr(_)) { "msdos" } else { "gpt" };
            let mut device = Device::new(DeviceId(partition.number), &format!("hd0,{kind}{}", partition.number));
            device.uuid.clone_from(&checked.uuid);
            device.label.clone_from(&checked.label);
            device.partition_uuid = partition_uuid;
            let file_system = match body {
                Body::Ext4(_) => "ext2",
                Body::Fat(_) => "fat",
                Body::Iso(_) => "iso9660",
            };
            device.file_system = Some(file_system.to_owned());
            self.volumes.all.push(Volume { place, name, is_esp, is_hidden: false, device, body });
        } else {
            let contents = Contents::of(partition, checked.filesystem, is_medium);
            let (uuid, label) = (checked.uuid.clone(), checked.label.clone());
            self.volumes.others.push(OtherPartition { place, name, partition_uuid, uuid, label, contents, format });
        }
        Ok(checked)
    }

    fn ext4(&mut self, part: DiskPart, checked: &mut CheckedPartition) -> io::Result<Option<Body>> {
        use builder_ext4_check::{CheckError, Level, check};
        checked.filesystem = Some("ext4");
        let (uuid, label) = ext4_names(&part)?;
        checked.uuid = Some(uuid);
        checked.label = label;
        let report = match check(&part, if self.deep { Level::Full } else { Level::Quick }) {
            Ok(report) => report,
            Err(CheckError::Io { source, .. }) => return Err(source),
            Err(other) => return Err(io::Error::other(other)),
        };
        checked.findings.extend(report.findings.into_iter().map(DiskFinding::from));
        self.notes.extend(report.unchecked.iter().map(|text| format!("partition {}: {text}", checked.number)));
        self.left_out(&format!("partition {}", checked.number), report.more);
        Ok(self.readable(checked, Body::ext4(part)))
    }

    fn fat(&mut self, part: &DiskPart, checked: &mut CheckedPartition, place: &str) -> io::Result<Option<Body>> {
        use builder_fat_check::{FatKind, Level, check};
        let report = check(part, Level::Tree).map_err(io::Error::other)?;
        checked.findings.extend(report.findings.into_iter().map(DiskFinding::from));
        self.left_out(place, report.left_out);
        if let Some(volume) = report.volume {
            checked.filesystem = Some(match volume.kind {
                FatKind::Fat12 => "FAT12",
                FatKind::Fat16 => "FAT16",
                FatKind::Fat32 => "FAT32",
            });
            // As GRUB and blkid write it.
            checked.uuid = volume.serial.map(|serial| format!("{:04X}-{:04X}", serial >> 16, serial & 0xffff));
            checked.label = volume.label;
        }
        let body = Body::fat(part, &mut self.volumes.store.borrow_mut());
        Ok(self.readable(checked, body))
    }

    /// A file system that can be read; one that cannot has a finding more.
    fn readable(&mut self, checked: &mut CheckedPartition, body: io::Result<Body>) -> Option<Body> {
        match body {
            Ok(body) => Some(body),
            Err(error) => {
                let structure = "file system".to_owned();
                let (field, found) = ("contents".to_owned(), error.to_string());
                let (expected, severity) = ("what can be read".to_owned(), Severity::Error);
                checked.findings.push(DiskFinding { structure, field, found, expected, severity, hint: None });
                None
            }
        }
    }

    fn left_out(&mut self, place: &str, count: u64) {
        if count > 0 {
            self.notes.push(format!("{place}: {count} more findings are not listed"));
        }
    }
}

/// Whether the boot sector names a FAT file system. Microsoft, "FAT File System", `BS_FilSysType`.
fn looks_like_fat(part: &DiskPart) -> io::Result<bool> {
    if part.size().bytes() < 512 {
        return Ok(false);
    }
    let mut sector = [0; 512];
    part.read_at(0, &mut sector)?;
    Ok(sector[54..].starts_with(b"FAT") || sector[82..].starts_with(b"FAT32"))
}

fn type_text(partition: &Partition) -> String {
    match partition.partition_type {
        PartitionType::Guid(guid) => guid.to_string(),
        PartitionType::Mbr(number) => format!("MBR type {number:#04x}"),
    }
}
