//! The live system: the disk of the medium boots as it is, and what it changes stays in memory.
//!
//! ```text
//!  payload.sqfs ─ disk.raw ─ loop ──┐
//!                                   ├─ snapshot ─ /dev/loop77 ─ /dev/loop77p2, which `root=` names
//!                  memory ─ loop ───┘
//! ```
//!
//! The last loop device is there because rules of udev in many an initramfs leave the device mapper's devices alone. Where
//! the kernel has no `dm_snapshot`, the disk is copied to memory, if there is enough of it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use builder_block::ByteSize;
use builder_medium::{BLOCKS, Finish, MANIFEST};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::mount::{MountFlags, UnmountFlags, unmount};
use rustix::system::sysinfo;

use crate::cmdline::Asked;
use crate::console::Console;
use crate::devices::Devices;
use crate::failure::{Failure, Tried as _};
use crate::live_state::State;
use crate::log::note;
use crate::loop_device::{Backing, Kind, LoopDevice};
use crate::medium::Medium;
use crate::mounts::{RUN, mount_at, unmount_lazily};
use crate::progress::Progress;
use crate::snapshot;
use crate::write::Source;

/// The device that the live system's disk has: so high a number that nobody else takes it.
const NUMBER: u32 = 77;
/// The image's own first program.
const INIT: &str = "/init";
/// What a system needs to run beside a disk in memory.
const RESERVE: u64 = 512 << 20;

/// Goes on with the image's own first program, and does not come back where that works.
pub(crate) fn start(
    medium: &Medium,
    asked: &Asked,
    devices: &mut Devices,
    mut console: Console,
) -> Result<Option<Finish>, Failure> {
    if !Path::new(INIT).exists() {
        return Err(Failure::new(format!("the initramfs has no {INIT}, which starts the live system"))
            .hint("the archive with this program has to follow the image's own initramfs"));
    }
    let sysroot = medium.manifest.sysroot().ok_or_else(|| Failure::new("the medium's disk has no root"))?;
    let partition = PathBuf::from(format!("/dev/loop{NUMBER}p{}", sysroot.number));
    if asked.root.as_deref().is_some_and(|root| Path::new(root) != partition) {
        note(format!("root= is not {}, where the live system is", partition.display()));
    }
    for module in ["loop", "dm_mod", "dm_snapshot", "ext4"] {
        devices.load(module);
    }
    let origin = Backing { file: &medium.disk, offset: 0, size: 0, sector_size: 0 };
    let origin = LoopDevice::new(&origin, Kind::ReadOnly).tried(|| "make a device of the medium's disk")?;
    let disk = match snapshot_of(medium, &origin) {
        Ok(disk) => disk,
        Err(failure) => {
            console.say(&format!("{failure}; the disk is copied to memory instead"));
            copy_to_memory(medium, &mut console)?
        }
    };
    let sector_size = medium.manifest.disk.sector_size;
    let backing = Backing { file: &disk, offset: 0, size: 0, sector_size };
    LoopDevice::with_number(NUMBER, &backing, Kind::Partitioned)
        .tried(|| format!("make the device /dev/loop{NUMBER}"))?;
    if let Err(failure) = add_installer(medium, &origin.path, &partition, &sysroot.filesystem) {
        console.say(&format!("warning: {failure}; diskwright-install is not part of this live system"));
    }
    console.say(&format!("Starting {} from {}", medium.manifest.system.name, partition.display()));
    drop(console);
    for directory in [&format!("{RUN}/payload"), &format!("{RUN}/medium"), "/run", "/dev", "/sys", "/proc"] {
        unmount_lazily(directory);
    }
    let error = Command::new(INIT).args(std::env::args_os().skip(1)).exec();
    // Nothing can be shown without these.
    crate::mounts::mount_first()?;
    Err(Failure::of(format!("start {INIT}"), error))
}

/// A device with the disk and an empty store in memory.
fn snapshot_of(medium: &Medium, origin: &LoopDevice) -> Result<File, Failure> {
    let store = memory(total_memory() / 2)?;
    let backing = Backing { file: &store, offset: 0, size: 0, sector_size: 0 };
    let store = LoopDevice::new(&backing, Kind::Passing).tried(|| "make a device of memory")?;
    let node = snapshot::make(&origin.path, &store.path, medium.manifest.disk.size / 512)
        .tried(|| "make a copy whose changes are in memory (dm_snapshot)")?;
    File::options().read(true).write(true).open(&node).tried(|| format!("open {}", node.display()))
}

fn copy_to_memory(medium: &Medium, console: &mut Console) -> Result<File, Failure> {
    let source = Source::of(medium);
    let needed = (source.blocks.len() as u64).saturating_mul(source.block_size);
    let total = total_memory();
    if needed.saturating_add(RESERVE) > total {
        let (total, needed) = (ByteSize::new(total), ByteSize::new(needed.saturating_add(RESERVE)));
        return Err(Failure::new(format!("the machine has {total} of memory, and the live system needs {needed}"))
            .hint("install it instead, which needs little"));
    }
    let disk = memory(medium.manifest.disk.size)?;
    let mut progress = Progress::start("Copying", needed);
    for block in source.blocks {
        let bytes = source.read(block)?;
        std::os::unix::fs::FileExt::write_all_at(&disk, &bytes, block.offset).tried(|| "write to memory")?;
        progress.add(bytes.len() as u64, console);
    }
    progress.end(console);
    Ok(disk)
}

/// A file in memory, of which nothing is there yet.
fn memory(size: u64) -> Result<File, Failure> {
    let file = File::from(memfd_create("diskwright-live", MemfdFlags::CLOEXEC).tried(|| "make a file in memory")?);
    file.set_len(size).tried(|| format!("make a file of {size} bytes in memory"))?;
    Ok(file)
}

fn total_memory() -> u64 {
    let memory = sysinfo();
    #[expect(clippy::useless_conversion, reason = "not on every architecture")]
    u64::from(memory.totalram).saturating_mul(memory.mem_unit.into())
}

/// Puts this program, and what it needs to install from there, into the live system: it is found by the search path, and
/// what is shown before and after logging in says so.
fn add_installer(medium: &Medium, payload: &Path, partition: &Path, filesystem: &str) -> Result<(), Failure> {
    let root = Path::new(RUN).join("sysroot");
    mount_at(partition, &root, filesystem, MountFlags::NOSUID | MountFlags::NODEV, "")?;
    let result = write_installer(medium, payload, &root);
    unmount(&root, UnmountFlags::empty()).tried(|| format!("unmount {}", root.display()))?;
    result
}

fn write_installer(medium: &Medium, payload: &Path, root: &Path) -> Result<(), Failure> {
    let system = &medium.manifest.system;
    let write = |path: PathBuf, bytes: &[u8], mode: u32| -> Result<(), Failure> {
        let what = || format!("write {}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(&path)).tried(what)?;
        fs::write(&path, bytes).tried(what)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).tried(what)
    };
    let program = fs::read("/proc/self/exe").tried(|| "read this program")?;
    let directory = root.join(&system.var).join("lib/diskwright");
    let state = State { medium: medium.device.clone(), disk: payload.to_owned() };
    write(directory.join("diskwright-install"), &program, 0o755)?;
    write(directory.join(State::FILE), state.write().as_bytes(), 0o644)?;
    write(directory.join(MANIFEST), medium.manifest.write().as_bytes(), 0o644)?;
    write(directory.join(BLOCKS), medium.blocks.write().as_bytes(), 0o644)?;
    let etc = root.join(&system.deployment).join("etc");
    let words = format!(
        "{} runs from the medium; nothing that is changed is kept.\n`diskwright-install`, as root, installs it to a drive.\n",
        system.name
    );
    for (path, text) in [
        ("profile.d/diskwright-install.sh", "PATH=$PATH:/var/lib/diskwright\n"),
        ("motd.d/diskwright", &words),
        ("issue.d/diskwright.issue", &format!("{words}\n")),
    ] {
        // The command is there whether it is spoken of or not.
        if let Err(failure) = write(etc.join(path), text.as_bytes(), 0o644) {
            note(failure.reason);
        }
    }
    Ok(())
}
