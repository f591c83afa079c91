//! The medium: found by its identity, wherever it is.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use builder_medium::{ANSWERS, BLOCKS, BlockTable, DIRECTORY, DISK, MANIFEST, Manifest, PAYLOAD, Uuid};
use rustix::mount::MountFlags;

use crate::cmdline::Asked;
use crate::devices::{Devices, block_devices, node};
use crate::failure::{Failure, Tried as _};
use crate::log::note;
use crate::loop_device::{Backing, Kind, LoopDevice};
use crate::mounts::{RUN, mount_at, unmount_lazily};

/// First byte of the primary volume descriptor: ECMA-119, section 6.7.1.
const DESCRIPTOR: u64 = 32768;
/// The volume set identifier in it: ECMA-119, section 8.4.19.
const VOLUME_SET: std::ops::Range<usize> = 190..318;
/// Longest file of the medium, beside the payload, that is read.
const LONGEST: u64 = BlockTable::MOST_BYTES;
/// Where the payload lies in the initramfs when the firmware, or the network, has brought it in an archive.
const IN_MEMORY: &str = "/diskwright/medium";
/// The firmware's table of drives in memory: ACPI 6.0, section 5.2.25.
const NFIT: &str = "/sys/firmware/acpi/tables/NFIT";

/// A medium that is there.
#[derive(Debug)]
pub(crate) struct Medium {
    /// Name of its block device; `None` where it is in memory.
    pub(crate) device: Option<String>,
    pub(crate) manifest: Manifest,
    pub(crate) blocks: BlockTable,
    /// The text of its answers.
    pub(crate) answers: String,
    /// The disk that is installed.
    pub(crate) disk: File,
}

impl Medium {
    /// Waits until the medium is there, and opens it.
    pub(crate) fn find(asked: &Asked, devices: &mut Devices) -> Result<Self, Failure> {
        let id = asked.medium.ok_or_else(|| {
            Failure::new("the kernel command line has no diskwright.medium=, so that the medium cannot be found")
                .hint("start from the medium's own menu, or add diskwright.medium= with its identity")
        })?;
        if let Some(medium) = in_memory(id)? {
            return Ok(medium);
        }
        let found = devices.wait_for(asked.wait, || block_devices().into_iter().find(|name| is_medium(name, id)));
        let name = found.ok_or_else(|| not_found(id, asked))?;
        note(format!("the medium {id} is {name}"));
        for module in ["isofs", "loop", "squashfs"] {
            devices.load(module);
        }
        let directory = Path::new(RUN).join("medium");
        unmount_lazily(&directory);
        let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
        mount_at(node(&name), &directory, "iso9660", flags, "")?;
        Self::open(Some(name), &directory.join(DIRECTORY), id)
    }

    /// Opens the medium whose files lie in `directory`.
    fn open(device: Option<String>, directory: &Path, id: Uuid) -> Result<Self, Failure> {
        let manifest = manifest(directory)?;
        if manifest.id != id {
            return Err(Failure::new(format!("the medium says that it is {}, and {id} was looked for", manifest.id)));
        }
        let text = read(&directory.join(BLOCKS))?;
        let block_size = manifest.payload.block_size;
        let blocks = BlockTable::read(&text, manifest.disk.size, block_size).map_err(damaged)?;
        if blocks.blocks().len() as u64 != manifest.payload.blocks {
            let (found, said) = (blocks.blocks().len(), manifest.payload.blocks);
            return Err(damaged(format!("its table has {found} blocks, and its manifest says {said}")));
        }
        let answers = match directory.join(ANSWERS) {
            path if path.exists() => String::from_utf8(read(&path)?).map_err(|_| damaged("its answers are no text"))?,
            _ => String::new(),
        };
        let disk = open_payload(&directory.join(PAYLOAD), &manifest)?;
        Ok(Self { device, manifest, blocks, answers, disk })
    }
}

/// A medium that something is wrong with.
fn damaged(what: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the medium cannot be used: {what}")).hint("write the medium anew, and compare its checksum")
}

fn manifest(directory: &Path) -> Result<Manifest, Failure> {
    Manifest::read(&read(&directory.join(MANIFEST))?).map_err(|error| match std::error::Error::source(&error) {
        Some(source) => damaged(format!("{error}: {source}")),
        None => damaged(error),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let what = || format!("read {}", path.display());
    let file = File::open(path).tried(what)?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).tried(what)?;
    if bytes.len() as u64 > LONGEST {
        return Err(damaged(format!("{} has more than {LONGEST} bytes", path.display())));
    }
    Ok(bytes)
}

/// The disk in the payload.
fn open_payload(path: &Path, manifest: &Manifest) -> Result<File, Failure> {
    let what = || format!("open {}", path.display());
    let file = File::open(path).tried(what)?;
    let (length, said) = (file.metadata().tried(what)?.len(), manifest.payload.size);
    if length != said {
        return Err(damaged(format!("its payload has {length} bytes, and {said} are said")));
    }
    let backing = Backing { file: &file, offset: 0, size: 0, sector_size: 0 };
    let device =
        LoopDevice::new(&backing, Kind::PassingReadOnly).tried(|| format!("make a device of {}", path.display()))?;
    let directory = Path::new(RUN).join("payload");
    unmount_lazily(&directory);
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount_at(&device.path, &directory, "squashfs", flags, "")?;
    let path = directory.join(DISK);
    let disk = File::open(&path).tried(|| format!("open {}", path.display()))?;
    let size = disk.metadata().tried(|| format!("look at {}", path.display()))?.len();
    if size != manifest.disk.size {
        return Err(damaged(format!("its disk has {size} bytes, and {} are said", manifest.disk.size)));
    }
    Ok(disk)
}

/// The medium in the initramfs, where it is there.
fn in_memory(id: Uuid) -> Result<Option<Medium>, Failure> {
    // Laid out as on a disc, or the directory of it alone.
    for directory in [PathBuf::from(IN_MEMORY), Path::new(IN_MEMORY).join(DIRECTORY)] {
        if !directory.join(MANIFEST).exists() {
            continue;
        }
        match manifest(&directory) {
            Ok(manifest) if manifest.id == id => {
                note(format!("the medium {id} is in memory"));
                return Medium::open(None, &directory, id).map(Some);
            }
            Ok(manifest) => note(format!("{} is the medium {}, not {id}", directory.display(), manifest.id)),
            Err(failure) => note(format!("{}: {failure}", directory.display())),
        }
    }
    Ok(None)
}

/// Whether a block device begins with the volume that has this identity.
fn is_medium(name: &str, id: Uuid) -> bool {
    volume_set(name).is_some_and(|found| found == Manifest::volume_set(id))
}

/// The volume set identifier of what a block device has, where that is an ISO 9660 file system.
fn volume_set(name: &str) -> Option<String> {
    let mut descriptor = [0; 2048];
    File::open(node(name)).ok()?.read_exact_at(&mut descriptor, DESCRIPTOR).ok()?;
    parse_volume_set(&descriptor)
}

fn parse_volume_set(descriptor: &[u8; 2048]) -> Option<String> {
    let identifier = descriptor.starts_with(b"\x01CD001").then(|| &descriptor[VOLUME_SET])?;
    Some(String::from_utf8_lossy(identifier.trim_ascii_end()).into_owned())
}

fn not_found(id: Uuid, asked: &Asked) -> Failure {
    let mut looked: Vec<String> = block_devices()
        .into_iter()
        .filter(|name| !["loop", "ram", "zram", "dm-"].iter().any(|kind| name.starts_with(kind)))
        .map(|name| match volume_set(&name) {
            Some(found) if !found.is_empty() => format!("{name} (volume set {found})"),
            Some(_) => format!("{name} (another ISO 9660 volume)"),
            None => name,
        })
        .collect();
    if looked.is_empty() {
        looked.push("no block device at all".to_owned());
    }
    let seconds = asked.wait.as_secs();
    let hint = if looked.iter().any(|name| name.starts_with("pmem")) || !Path::new(NFIT).exists() {
        "plug it in again, in another port where there is one, and try again; diskwright.wait=SECONDS waits longer"
    } else {
        "the firmware has a drive in memory, as after it has fetched a medium over HTTP, and this kernel has no driver \
         for it (modules nfit and nd_pmem); boot from a disc or stick, or over the network with what --type pxe makes"
    };
    Failure::new(format!("the medium {id} was not found within {seconds} s; looked at: {}", looked.join(", ")))
        .hint(hint)
}

/// The disk that holds a partition, or the device itself.
pub(crate) fn whole(name: &str) -> String {
    let path = Path::new("/sys/class/block").join(name);
    if !path.join("partition").exists() {
        return name.to_owned();
    }
    let parent = fs::canonicalize(&path).ok().and_then(|path| Some(path.parent()?.file_name()?.to_str()?.to_owned()));
    parent.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use builder_medium::{Manifest, Uuid};

    use super::parse_volume_set;

    #[test]
    fn the_identity_is_read_from_the_volume_descriptor() {
        let id = Uuid::from_u128(0x00112233_44556677_8899aabb_ccddeeff);
        let mut descriptor = [b' '; 2048];
        descriptor[..6].copy_from_slice(b"\x01CD001");
        descriptor[190..222].copy_from_slice(Manifest::volume_set(id).as_bytes());
        assert_eq!(parse_volume_set(&descriptor).unwrap(), "00112233445566778899AABBCCDDEEFF");
        descriptor[0] = 2;
        assert_eq!(parse_volume_set(&descriptor), None);
    }
}
