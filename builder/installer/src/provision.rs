//! What answers say of the system that was written: users, host name and the like.
//!
//! Whether it can be is found out on the medium's disk, before anything is erased. It is done between reading back and the
//! partition table, so that a drive whose system was not set up is not taken for one that is whole. The partitions have no
//! devices then; loop devices show the parts of the drive that they take.

use std::fs::File;
use std::path::{Path, PathBuf};

use builder_medium::{Answers, Manifest, Partition};
use builder_provision::{Mounts, ProvisionError, provision, rename};
use rustix::mount::{MountFlags, UnmountFlags, unmount};

use crate::console::Console;
use crate::failure::{Failure, Tried as _};
use crate::identities::Identities;
use crate::loop_device::{Backing, Kind, LoopDevice};
use crate::medium::Medium;
use crate::mounts::{RUN, mount_at, unmount_lazily};
use crate::table::Ids;
use crate::target::Target;

/// What is needed to mount the partitions, beside their file systems.
const NAMES: [&str; 4] = ["nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8"];

/// The modules that [`apply`] needs; none where it has nothing to do.
pub(crate) fn modules<'a>(answers: &Answers, ids: Ids, manifest: &'a Manifest) -> Vec<&'a str> {
    if !has_work(answers) && ids != Ids::Fresh {
        return Vec::new();
    }
    let kinds = manifest.disk.partitions.iter().map(|partition| partition.filesystem.as_str());
    kinds.filter(|kind| !kind.is_empty()).chain(NAMES).collect()
}

/// Finds out, before anything is erased, whether the system on the medium can be set up as the answers say.
pub(crate) fn check(answers: &Answers, medium: &Medium) -> Result<(), Failure> {
    if !has_work(answers) {
        return Ok(());
    }
    let manifest = &medium.manifest;
    let disk = Disk { file: &medium.disk, is_read_only: true, manifest, with_esp: has_entries_on_esp(manifest) };
    disk.mounted(|mounts| builder_provision::check(answers, manifest, mounts).map_err(|error| not_as_asked(&error)))
}

/// Sets up the system on the drive, and puts its identities into the files that name them.
pub(crate) fn apply(
    answers: &Answers,
    identities: Option<&Identities<'_>>,
    manifest: &Manifest,
    target: &Target,
    console: &mut Console,
) -> Result<(), Failure> {
    if !has_work(answers) && identities.is_none() {
        return Ok(());
    }
    let has_entries = has_entries_on_esp(manifest);
    let with_esp = has_entries || identities.is_some();
    let disk = Disk { file: &target.file, is_read_only: false, manifest, with_esp };
    let done = disk.mounted(|mounts| {
        if let Some(Identities { named_by, ids, .. }) = identities {
            rename(named_by, ids, mounts)
                .map_err(|error| failed("the files that name the disk cannot be changed", &error))?;
        }
        // The ESP has boot entries for systemd-boot alone.
        let mounts = Mounts { esp: mounts.esp.filter(|_| has_entries), ..*mounts };
        match has_work(answers) {
            true => provision(answers, manifest, &mounts).map_err(|error| not_as_asked(&error)),
            false => Ok(Vec::new()),
        }
    });
    target.file.sync_all().tried(|| "bring the settings to the drive")?;
    for sentence in done? {
        console.say(&sentence);
    }
    if has_work(answers) {
        console.say("The system is set up as the answers say");
    }
    Ok(())
}

fn has_work(Answers { system, users, network, .. }: &Answers) -> bool {
    *system != Answers::default().system || !users.is_empty() || !network.is_empty()
}

fn has_entries_on_esp(manifest: &Manifest) -> bool {
    manifest.system.loader.kind == "systemd-boot"
}

fn not_as_asked(error: &ProvisionError) -> Failure {
    failed("the system cannot be set up as the answers say", error)
}

fn failed(what: &str, error: &ProvisionError) -> Failure {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    let failure = Failure::new(format!("{what}: {error}{source}"));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A disk whose partitions are mounted for a while.
struct Disk<'a> {
    file: &'a File,
    is_read_only: bool,
    manifest: &'a Manifest,
    with_esp: bool,
}

impl Disk<'_> {
    /// Does something while the file systems are mounted. What was written is on the disk then.
    fn mounted<T>(&self, work: impl FnOnce(&Mounts<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut mounted = Vec::new();
        let done = self.mount_all(&mut mounted, work);
        for directory in mounted.iter().rev() {
            if let Err(error) = unmount(directory, UnmountFlags::empty()) {
                unmount_lazily(directory);
                if !self.is_read_only {
                    return Err(Failure::of(format!("bring {} to the drive", directory.display()), error));
                }
            }
        }
        done
    }

    fn mount_all<T>(
        &self,
        mounted: &mut Vec<PathBuf>,
        work: impl FnOnce(&Mounts<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut mount = |partition: &Partition| -> Result<PathBuf, Failure> {
            let directory = Path::new(RUN).join(format!("partition{}", partition.number));
            let backing = Backing { file: self.file, offset: partition.offset, size: partition.size, sector_size: 0 };
            let mut flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
            let kind = if self.is_read_only {
                flags |= MountFlags::RDONLY;
                Kind::PassingReadOnly
            } else {
                Kind::Passing
            };
            let device =
                LoopDevice::new(&backing, kind).tried(|| format!("make a device of partition {}", partition.number))?;
            mount_at(&device.path, &directory, &partition.filesystem, flags, "")?;
            mounted.push(directory.clone());
            Ok(directory)
        };
        let holds = |what: &str| self.manifest.disk.partitions.iter().find(|partition| partition.holds == what);
        let sysroot = holds("sysroot").ok_or_else(|| Failure::new("the disk has no partition with the system"))?;
        let sysroot = mount(sysroot)?;
        let boot = holds("boot").map(&mut mount).transpose()?;
        let esp = holds("esp").filter(|_| self.with_esp).map(&mut mount).transpose()?;
        work(&Mounts { sysroot: &sysroot, boot: boot.as_deref(), esp: esp.as_deref() })
    }
}
