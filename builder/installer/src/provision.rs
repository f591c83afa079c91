//! What answers say of the system that was written: users, host name and the like.
//!
//! It comes between reading back and the partition table, so that a drive whose system was not set up is not taken for
//! one that is whole. The partitions have no devices then; loop devices show the parts of the drive that they take.

use std::path::{Path, PathBuf};

use builder_medium::{Answers, Manifest, Partition};
use builder_provision::{Mounts, provision, rename};
use rustix::mount::{MountFlags, UnmountFlags, unmount};

use crate::console::Console;
use crate::failure::{Failure, Tried as _};
use crate::identities::Identities;
use crate::loop_device::{Backing, Kind, LoopDevice};
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
    let mut mounted = Vec::new();
    let done = mount_and_provision(answers, identities, manifest, target, &mut mounted);
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
    if has_work(answers) {
        console.say("The system is set up as the answers say");
    }
    Ok(())
}

fn has_work(Answers { system, users, network, .. }: &Answers) -> bool {
    *system != Answers::default().system || !users.is_empty() || !network.is_empty()
}

fn mount_and_provision(
    answers: &Answers,
    identities: Option<&Identities<'_>>,
    manifest: &Manifest,
    target: &Target,
    mounted: &mut Vec<PathBuf>,
) -> Result<Vec<String>, Failure> {
    let mut mount = |partition: &Partition| -> Result<PathBuf, Failure> {
        let directory = Path::new(RUN).join(format!("partition{}", partition.number));
        let backing = Backing { file: &target.file, offset: partition.offset, size: partition.size, sector_size: 0 };
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
    let esp = holds("esp").filter(|_| has_entries || identities.is_some()).map(&mut mount).transpose()?;
    let mounts = Mounts { sysroot: &sysroot, boot: boot.as_deref(), esp: esp.as_deref() };
    let renamed = identities.map_or(Ok(()), |Identities { named_by, ids, .. }| rename(named_by, ids, &mounts));
    // The ESP has boot entries for systemd-boot alone.
    let mounts = Mounts { esp: mounts.esp.filter(|_| has_entries), ..mounts };
    let provisioned = renamed.and_then(|()| match has_work(answers) {
        true => provision(answers, manifest, &mounts),
        false => Ok(Vec::new()),
    });
    provisioned.map_err(|error| {
        let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        let failure = Failure::new(format!("the system cannot be set up as the answers say: {error}{source}"));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}
