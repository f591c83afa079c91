//! An ISO 9660 image: its volume, and the boot images that firmware finds in it as on a disc.

use std::fmt;
use std::io;
use std::rc::Rc;

use builder_block::{ByteSize, ReadAt as _, Severity};
use builder_grub::{Device, DeviceId};
use builder_iso9660_check::{Level, MediaSum, Names, Platform, Report, check};
use serde::Serialize;

use super::finding::DiskFinding;
use super::volumes::{Body, Iso, Volume, Volumes};
use super::{CheckedPartition, Examination};
use crate::escaped::Escaped;
use crate::open::OpenedDisk;
use crate::part::DiskPart;

/// GRUB's device for the whole medium, whichever of the two it is.
pub(crate) const DISC: DeviceId = DeviceId(0);
/// Numbers of boot images as devices begin behind this, apart from those of partitions.
const BOOT_IMAGES: u32 = 1 << 16;

/// What is known of the volume.
#[derive(Clone, Debug, Serialize)]
pub struct MediumReport {
    /// Its label.
    pub label: Option<String>,
    /// What GRUB and blkid take for its UUID: a time.
    pub uuid: Option<String>,
    /// Its size in bytes, as it says itself.
    pub size: u64,
    /// Files in it.
    pub files: u64,
    /// Directories in it.
    pub directories: u64,
    /// Names that it has: `Rock Ridge`, `Joliet`.
    pub names: Vec<&'static str>,
    /// Its own checksum: `right`, `wrong`, `not looked at`; `None` where it has none.
    pub checksum: Option<&'static str>,
    /// What is wrong with it.
    pub findings: Vec<DiskFinding>,
    /// What firmware may start.
    pub boot_images: Vec<CheckedBootImage>,
}

/// A boot image, and what is wrong with what is in it.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedBootImage {
    /// Its number in the boot catalogue, from 1.
    pub number: usize,
    /// Who starts it.
    pub platform: String,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its size in bytes.
    pub size: u64,
    /// Its file system; `None` where that is not known here.
    pub filesystem: Option<&'static str>,
    /// What is wrong with it.
    pub findings: Vec<DiskFinding>,
}

/// Most boot images that are looked into; a medium has one for each kind of firmware.
const MOST_BOOT_IMAGES: usize = 8;

/// The volume of a medium.
pub(crate) struct Medium {
    pub(crate) report: MediumReport,
    /// What firmware and boot loaders see of a disc.
    pub(crate) disc: Volumes,
    /// The volume as the whole of a stick.
    pub(crate) whole: Volume,
}

impl Examination {
    /// Looks through the volume that begins with the first byte of a medium.
    pub(crate) fn medium(&mut self, disk: &Rc<OpenedDisk>) -> io::Result<Medium> {
        let image = DiskPart::new(disk, 0, disk.size().bytes());
        let level = if self.deep { Level::Sum } else { Level::Tree };
        let found = check(&image, level).map_err(io::Error::other)?;
        self.left_out("the medium", found.left_out);
        let mut report = report(&found);
        let iso = Iso { image: Rc::new(image), tree: Rc::new(found.tree) };
        let whole = |name: &str| volume(DISC, name, "the medium", &report, Body::Iso(iso.clone()));
        let (disc, whole) = (whole("cd0"), whole("hd0"));
        let mut disc = Volumes { all: vec![disc], others: Vec::new(), store: Rc::clone(&self.volumes.store) };
        for (number, image) in (BOOT_IMAGES..).zip(&found.boot_images) {
            let mut checked = CheckedPartition::unnamed(image.offset, image.size);
            let place = format!("boot image {}", image.number);
            if report.boot_images.len() >= MOST_BOOT_IMAGES {
                self.notes.push(format!("{place} and what follows is not looked into"));
                break;
            }
            if image.platform == Platform::Efi {
                let part = DiskPart::new(disk, image.offset, image.size);
                if let Some(body) = self.fat(&part, &mut checked, &place)? {
                    let device = Device::new(DeviceId(number), &place);
                    let is_esp = image.is_bootable;
                    disc.all.push(Volume { place, name: String::new(), is_esp, is_hidden: true, device, body });
                }
            } else {
                self.notes.push(format!("{place} is for {}, and is not looked into", image.platform));
            }
            report.boot_images.push(CheckedBootImage {
                number: image.number,
                platform: image.platform.to_string(),
                offset: image.offset,
                size: image.size,
                filesystem: checked.filesystem,
                findings: checked.findings,
            });
        }
        Ok(Medium { report, disc, whole })
    }

    /// A partition of a medium with a volume of its own: the same files, with addresses that count from the partition.
    pub(crate) fn partitioned(&mut self, part: DiskPart, checked: &mut CheckedPartition) -> io::Result<Option<Body>> {
        checked.filesystem = Some("ISO 9660");
        let found = check(&part, Level::Tree).map_err(io::Error::other)?;
        self.left_out(&format!("partition {}", checked.number), found.left_out);
        let report = report(&found);
        (checked.uuid, checked.label) = (report.uuid, report.label);
        // With the first byte of the medium it is the volume that was looked at.
        if checked.offset > 0 {
            checked.findings.extend(report.findings);
        }
        Ok(Some(Body::Iso(Iso { image: Rc::new(part), tree: Rc::new(found.tree) })))
    }
}

/// Whether a volume begins with the first byte of a partition: ECMA-119, section 8.1.2.
pub(crate) fn is_there(part: &DiskPart) -> io::Result<bool> {
    const PLACE: u64 = 16 * 2048;
    let mut head = [0; 6];
    if part.size().bytes() < PLACE + 2048 {
        return Ok(false);
    }
    part.read_at(PLACE, &mut head)?;
    Ok(head == *b"\x01CD001")
}

fn volume(id: DeviceId, name: &str, place: &str, report: &MediumReport, body: Body) -> Volume {
    let mut device = Device::new(id, name);
    device.uuid.clone_from(&report.uuid);
    device.label.clone_from(&report.label);
    device.file_system = Some("iso9660".to_owned());
    Volume { place: place.to_owned(), name: String::new(), is_esp: false, is_hidden: false, device, body }
}

fn report(found: &Report) -> MediumReport {
    let volume = found.volume.as_ref();
    let has_rock_ridge = found.tree.names == Names::RockRidge;
    let has_joliet = volume.is_some_and(|volume| volume.has_joliet);
    let names = [("Rock Ridge", has_rock_ridge), ("Joliet", has_joliet)];
    MediumReport {
        label: volume.map(|volume| volume.id.clone()).filter(|label| !label.is_empty()),
        uuid: volume.and_then(|volume| volume.uuid.clone()),
        size: volume.map_or(0, |volume| volume.size.bytes()),
        files: volume.map_or(0, |volume| volume.files),
        directories: volume.map_or(0, |volume| volume.directories),
        names: names.into_iter().filter_map(|(name, has)| has.then_some(name)).collect(),
        checksum: match found.media_sum {
            MediaSum::None => None,
            MediaSum::Unread => Some("not looked at"),
            MediaSum::Right(_) => Some("right"),
            MediaSum::Wrong => Some("wrong"),
        },
        findings: found.findings.iter().cloned().map(Into::into).collect(),
        boot_images: Vec::new(),
    }
}

impl MediumReport {
    /// Whether nothing is wrong with it, nor with what is in its boot images.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.all_findings().next().is_none()
    }

    /// All findings, of the volume and of what is in its boot images.
    pub(crate) fn all_findings(&self) -> impl Iterator<Item = &DiskFinding> {
        self.findings.iter().chain(self.boot_images.iter().flat_map(|image| &image.findings))
    }
}

/// The mark before what has these findings.
fn mark(findings: &[DiskFinding]) -> char {
    if findings.iter().any(|finding| finding.severity == Severity::Error) { '✗' } else { '✓' }
}

impl fmt::Display for MediumReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { label, uuid, size, files, directories, names, checksum, findings, boot_images } = self;
        write!(f, "  {} volume ", mark(findings))?;
        label.iter().try_for_each(|label| write!(f, "{label:?} "))?;
        uuid.iter().try_for_each(|uuid| write!(f, "{}, ", Escaped(uuid)))?;
        write!(f, "{}, {files} files, {directories} directories", ByteSize::new(*size))?;
        names.iter().try_for_each(|name| write!(f, ", {name}"))?;
        match checksum {
            Some(checksum) => writeln!(f, "; its own checksum is {checksum}")?,
            None => writeln!(f, "; it has no checksum of its own")?,
        }
        findings.iter().try_for_each(|finding| writeln!(f, "      {finding}"))?;
        for CheckedBootImage { number, platform, offset, size, filesystem, findings } in boot_images {
            write!(
                f,
                "  {} boot image {number} ({platform}) at byte {offset}, {}",
                mark(findings),
                ByteSize::new(*size)
            )?;
            filesystem.iter().try_for_each(|filesystem| write!(f, ", {filesystem}"))?;
            writeln!(f)?;
            findings.iter().try_for_each(|finding| writeln!(f, "      {finding}"))?;
        }
        Ok(())
    }
}
