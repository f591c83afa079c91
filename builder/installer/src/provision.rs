//! What answers say of the system that was written: users, host name and the like.
//!
//! It comes between reading back and the partition table, so that a drive whose system was not set up is not taken for
//! one that is whole. The partitions have no devices then; loop devices show the parts of the drive that they take.

use std::path::{Path, PathBuf};

use builder_medium::{Answers, Manifest, Partition};
use builder_provision::{Mounts, provision};
use rustix::mount::{MountFlags, UnmountFlags, unmount};

use crate::console::Console;
use crate::failure::{Failure, Tried as _};
use crate::loop_device::{Backing, Kind, LoopDevice};
use crate::mounts::{RUN, mount_at, unmount_lazily};
use crate::target::Target;

/// What is needed to mount the partitions, beside their file systems.
const NAMES: [&str; 4] = ["nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8"];

/// Whether all that is asked for can be done, as far as that is known before anything is erased.
pub(crate) fn check(answers: &Answers) -> Result<(), Failure> {
    if answers.drive.fresh_ids {
        return Err(Failure::new(
            "the answers have [drive] fresh-ids, and file systems cannot get new identities here",
        )
        .hint("make a medium without it, or give other answers with diskwright.answers="));
    }
    Ok(())
}

/// The modules that [`apply`] needs; none where it has nothing to do.
pub(crate) fn modules<'a>(answers: &Answers, manifest: &'a Manifest) -> Vec<&'a str> {
    if !has_work(answers) {
        return Vec::new();
    }
    let kinds = manifest.disk.partitions.iter().map(|partition| partition.filesystem.as_str());
    kinds.filter(|kind| !kind.is_empty()).chain(NAMES).collect()
}

/// Sets up the system on the drive.
pub(crate) fn apply(
    answers: &Answers,
    manifest: &Manifest,
    target: &Target,
    console: &mut Console,
) -> Result<(), Failure> {
    if !has_work(answers) {
        return Ok(());
    }
    let mut mounted = Vec::new();
    let done = mount_and_provision(answers, manifest, target, &mut mounted);
    for directory in mounted.iter().rev() {
        if let Err(error) = unmount(directory, UnmountFlags::empty()) {
            unmount_lazily(directory);
            return Err(Failure::of(format!("bring {} to the drive", directory.display()), error));
        }
    }
    target.file.sync_all().tried(|| "bring the settings to the drive")?;
    for sentence in done? {
        console.say(&sentence);
    }
    console.say("The system is set up as the answers say");
    Ok(())
}

fn has_work(Answers { system, users, network, .. }: &Answers) -> bool {
    *system != Answers::default().system || !users.is_empty() || !network.is_empty()
}

fn mount_and_provision(
    answers: &Answers,
    manifest: &Manifest,
    target: &Target,
    mounted: &mut Vec<PathBuf>,
) -> Result<Vec<String>, Failure> {
    let mut mount = |partition: &Partition| -> Result<PathBuf, Failure> {
        let directory = Path::new(RUN).join(format!("partition{}", partition.number));
        let backing = Backing { file: &target.file, offset: partition.offset, size: partition.size };
        let device = LoopDevice::new(&backing, Kind::Passing)
            .tried(|| format!("make a device of partition {}", partition.number))?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount_at(&device.path, &directory, &partition.filesystem, flags, "")?;
        mounted.push(directory.clone());
        Ok(directory)
    };
    let holds = |what: &str| manifest.disk.partitions.iter().find(|partition| partition.holds == what);
    let sysroot = holds("sysroot").ok_or_else(|| Failure::new("the disk has no partition with the system"))?;
    let sysroot = mount(sysroot)?;
    let boot = holds("boot").map(&mut mount).transpose()?;
    let has_entries = manifest.system.loader.kind == "systemd-boot";
    let esp = holds("esp").filter(|_| has_entries).map(&mut mount).transpose()?;
    let mounts = Mounts { sysroot: &sysroot, boot: boot.as_deref(), esp: esp.as_deref() };
    provision(answers, manifest, &mounts).map_err(|error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        let failure = Failure::new(format!("the system cannot be set up as the answers say: {error}{source}"));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}
