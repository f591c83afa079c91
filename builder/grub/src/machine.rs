//! What a boot loader sees of a machine: devices with file systems, and their files.

use std::fmt;
use std::io;

/// A device with a file system, by a number that only its [`Machine`] gives a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u32);

/// A device as a boot loader knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its number.
    pub id: DeviceId,
    /// GRUB's name without parentheses, such as `hd0,gpt2`.
    pub name: String,
    /// UUID of the file system, as GRUB writes it: `0123-4567` for FAT, lower case with dashes for the others.
    pub uuid: Option<String>,
    /// Label of the file system.
    pub label: Option<String>,
    /// GUID of the partition, lower case.
    pub partition_uuid: Option<String>,
    /// GRUB's name of the kind of file system: `fat`, `ext2` (for ext4 as well), `xfs`, `btrfs`.
    pub file_system: Option<String>,
}

impl Device {
    /// A device of which nothing but the name is known.
    #[must_use]
    pub fn new(id: DeviceId, name: &str) -> Self {
        Self { id, name: name.to_owned(), uuid: None, label: None, partition_uuid: None, file_system: None }
    }
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file of so many bytes.
    File(u64),
    /// A directory.
    Directory,
}

/// The file systems of a disk, or of several.
///
/// Paths begin with `/`. Symbolic links are followed as the boot loader does, inside their file system; names are
/// compared as the file system does (FAT knows no case). Where something cannot be read, that is an error; where it is
/// not there, or not of the kind asked for, the answer is `None`.
pub trait Machine {
    /// All devices, in the order in which the boot loader goes through them.
    fn devices(&self) -> Vec<Device>;

    /// A regular file's bytes.
    ///
    /// # Errors
    /// The file system is damaged, or the file has more than `limit` bytes.
    fn read(&self, device: DeviceId, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>>;

    /// The names in a directory, in its own order, without `.` and `..`.
    ///
    /// # Errors
    /// The file system is damaged.
    fn list(&self, device: DeviceId, directory: &str) -> io::Result<Option<Vec<String>>>;

    /// What is at a path.
    ///
    /// # Errors
    /// The file system is damaged.
    fn look(&self, device: DeviceId, path: &str) -> io::Result<Option<Kind>>;

    /// What the section `.osrel` of the EFI program at a path says; `None` where it has none.
    ///
    /// # Errors
    /// It is no program, or cannot be read.
    fn os_release(&self, device: DeviceId, path: &str) -> io::Result<Option<String>>;
}

/// A file of a device; whether it exists is another question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileRef {
    /// The device.
    pub device: DeviceId,
    /// GRUB's name of the device, without parentheses.
    pub device_name: String,
    /// The path on it, from `/` on.
    pub path: String,
}

impl fmt::Display for FileRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}){}", self.device_name, self.path)
    }
}

/// `path` with single slashes.
pub(crate) fn single_slashes(path: &str) -> String {
    let mut single = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !single.ends_with('/') {
            single.push(character);
        }
    }
    single
}
