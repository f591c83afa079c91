//! Why an output cannot be made.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use builder_block::{ByteSize, SectorSize};

/// Why an output cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The name stands for something that a disk image must not replace.
    #[error("the output {} is a {kind}", .path.display())]
    NotAFile {
        /// The output.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// A device was asked for, and the name stands for none.
    #[error("--force-device overwrites a block device, but {} is a {kind}", .path.display())]
    NotADevice {
        /// The output.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// A device that somebody uses.
    #[error("the device {} is in use: it, or a partition of it, is mounted, is swap, or belongs to another device", .path.display())]
    DeviceInUse {
        /// The device.
        path: PathBuf,
    },
    /// A device that cannot be opened or asked.
    #[error("cannot open the device {}", .path.display())]
    Device {
        /// The device.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A device with less room than the disk needs.
    #[error("the device {} has {size} ({} bytes), but the disk has {needed} ({} bytes)", .path.display(), .size.bytes(), .needed.bytes())]
    DeviceTooSmall {
        /// The device.
        path: PathBuf,
        /// Its size.
        size: ByteSize,
        /// The size of the disk.
        needed: ByteSize,
    },
    /// A medium that is changed in its place, and only a part of the change is there.
    #[error("cannot change {}: it may be changed in part", .path.display())]
    InPlace {
        /// The medium.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A device whose sectors are not those that the disk is laid out for.
    #[error("the device {} has sectors of {sectors} bytes, but the disk is laid out for sectors of {needed}", .path.display())]
    DeviceSectors {
        /// The device.
        path: PathBuf,
        /// Bytes in one of its sectors.
        sectors: u32,
        /// What the disk is laid out for.
        needed: SectorSize,
    },
    /// Writing to a device failed in the middle.
    #[error("cannot write the device {}, which has lost what was on it and has no partition table now", .path.display())]
    DeviceWrite {
        /// The device.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The output is a file of the image that is read.
    #[error("the output {} is a part of the image", .path.display())]
    IsSource {
        /// The output.
        path: PathBuf,
    },
    /// Two outputs are the same file.
    #[error("two outputs would be the same file, {}", .path.display())]
    Twice {
        /// The file.
        path: PathBuf,
    },
    /// The output is the disk that is read.
    #[error("the output {} is the disk that is read", .path.display())]
    IsInput {
        /// The output.
        path: PathBuf,
    },
    /// No file can be made there.
    #[error("cannot make a file in {}", .directory.display())]
    Create {
        /// The directory.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is not enough room.
    #[error("{} has {available} free, but {what} needs {needed}", .directory.display())]
    NoRoom {
        /// The directory.
        directory: PathBuf,
        /// What is free there.
        available: ByteSize,
        /// What wants the room.
        what: &'static str,
        /// What it needs.
        needed: ByteSize,
    },
    /// Writing failed.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The kind of a block device, in words.
pub(super) const BLOCK_DEVICE: &str = "block device";

impl OutputError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Twice { .. } => Some("remove the link, or give another directory with -o".to_owned()),
            Self::NotAFile { kind: BLOCK_DEVICE, .. } => Some(
                "give the name of a file with -o, or --force-device to overwrite all that is on the device".to_owned(),
            ),
            Self::NotAFile { .. } | Self::IsSource { .. } | Self::IsInput { .. } => {
                Some("give the name of a file with -o".to_owned())
            }
            Self::NotADevice { .. } => Some("give a device such as /dev/sdX with -o, or leave --force-device out".to_owned()),
            Self::DeviceInUse { path } => {
                Some(format!("see who uses it with `lsblk {}`, and unmount it first", path.display()))
            }
            Self::Device { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("devices belong to root: write a file, or ask for the right to write to this device".to_owned())
            }
            Self::Device { .. } => None,
            Self::DeviceTooSmall { .. } => {
                Some("give a larger device, or build a smaller disk with --disk-size".to_owned())
            }
            Self::DeviceSectors { sectors, .. } => SectorSize::of((*sectors).into())
                .map(|sectors| format!("nothing would find its partitions there: build it with --sector-size {sectors}")),
            Self::DeviceWrite { .. } => Some("see what the kernel says of the device with `dmesg`, and try again".to_owned()),
            Self::Create { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("make the directory first".to_owned())
            }
            Self::Create { .. } => Some("choose a directory that you may write to with -o".to_owned()),
            Self::NoRoom { .. } => {
                Some("free some space, or choose another place with -o (output) or TMPDIR (scratch)".to_owned())
            }
            Self::Write { source, .. } if is_full(source) => {
                Some("free some space or choose another place with -o; nothing was left behind".to_owned())
            }
            Self::Write { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => Some(
                "the file system there holds no file of the disk's size; ask for a smaller disk or choose another place with -o"
                    .to_owned(),
            ),
            Self::Write { .. } => None,
            Self::InPlace { path, .. } => {
                Some(format!("run it again, or `diskwright iso reset {}`, which makes it what it was", path.display()))
            }
        }
    }
}

/// Whether an I/O error says that there is no space.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Whether an error, or one that it comes from, says that there is no space.
pub(crate) fn is_because_of_room(error: &(dyn Error + 'static)) -> bool {
    let mut error = Some(error);
    while let Some(current) = error {
        if current.downcast_ref::<io::Error>().is_some_and(is_full) {
            return true;
        }
        error = current.source();
    }
    false
}
