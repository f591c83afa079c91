//! Mounting, and what is mounted.

use std::fs;
use std::path::Path;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::failure::{Failure, Tried as _};
use crate::firmware;
use crate::log::note;

/// Where this program keeps what it mounts and writes.
pub(crate) const RUN: &str = "/run/diskwright";

/// Mounts what the first process finds nowhere.
pub(crate) fn mount_first() -> Result<(), Failure> {
    for (source, target, kind, options) in [
        ("proc", "/proc", "proc", ""),
        ("sysfs", "/sys", "sysfs", ""),
        ("dev", "/dev", "devtmpfs", ""),
        ("run", "/run", "tmpfs", "mode=755"),
    ] {
        mount_at(source, target, kind, MountFlags::NOSUID, options)?;
    }
    fs::create_dir_all(RUN).tried(|| format!("make {RUN}"))
}

/// Mounts a file system at a directory, which is made.
pub(crate) fn mount_at(
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
    kind: &str,
    flags: MountFlags,
    options: &str,
) -> Result<(), Failure> {
    let (source, target) = (source.as_ref(), target.as_ref());
    fs::create_dir_all(target).tried(|| format!("make the directory {}", target.display()))?;
    let options = std::ffi::CString::new(options).map_err(|_| Failure::new("options of a mount have a zero byte"))?;
    mount(source, target, kind, flags, options.as_c_str())
        .tried(|| format!("mount {} at {} as {kind}", source.display(), target.display()))?;
    note(format!("mounted {} at {} as {kind}", source.display(), target.display()));
    Ok(())
}

/// Takes a mount away as soon as nobody uses it; nothing where there is none.
pub(crate) fn unmount_lazily(target: impl AsRef<Path>) {
    let target = target.as_ref();
    match unmount(target, UnmountFlags::DETACH) {
        Ok(()) => note(format!("unmounted {}", target.display())),
        Err(Errno::INVAL | Errno::NOENT) => {}
        Err(error) => note(format!("cannot unmount {}: {error}", target.display())),
    }
}

/// Makes the variables of the firmware readable, where it has any.
pub(crate) fn mount_efi_variables() -> Result<Option<&'static Path>, Failure> {
    let directory = Path::new("/sys/firmware/efi/efivars");
    if !firmware::is_uefi() {
        return Ok(None);
    }
    if fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none()) {
        mount_at("efivarfs", directory, "efivarfs", MountFlags::NOSUID, "")?;
    }
    Ok(Some(directory))
}

/// A line of `/proc/self/mountinfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mount<'a> {
    /// `MAJOR:MINOR`; btrfs has numbers of its own.
    pub(crate) device: &'a str,
    pub(crate) target: &'a str,
    /// `/dev/sda2` and the like.
    pub(crate) source: &'a str,
}

/// All that is mounted: proc_pid_mountinfo(5).
pub(crate) fn mounted(mountinfo: &str) -> Vec<Mount<'_>> {
    fn parse(line: &str) -> Option<Mount<'_>> {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(2);
        let (device, target) = (fields.next()?, fields.nth(1)?);
        Some(Mount { device, target, source: file_system.split(' ').nth(1)? })
    }
    mountinfo.lines().filter_map(parse).collect()
}

/// Names below `/dev` of all swap areas: the text of `/proc/swaps`.
pub(crate) fn swaps(swaps: &str) -> Vec<&str> {
    swaps.lines().skip(1).filter_map(|line| line.split_ascii_whitespace().next()?.strip_prefix("/dev/")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Mount, mounted, swaps};

    #[test]
    fn mounts_and_swaps_are_read() {
        let text =
            "24 30 0:22 / /proc rw,nosuid - proc proc rw\n30 1 254:1 /a /mnt/x\\040y rw shared:1 - ext4 /dev/vda1 rw\n";
        let mount = |device, target, source| Mount { device, target, source };
        assert_eq!(mounted(text), [mount("0:22", "/proc", "proc"), mount("254:1", "/mnt/x\\040y", "/dev/vda1")]);
        let text = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1 0 -2\n/swapfile file 1 0 -3\n";
        assert_eq!(swaps(text), ["sda2"]);
    }
}
