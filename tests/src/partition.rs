//! Partitions taken out of a disk, so that judges of file systems can look at them.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::judge::judge;

/// A partition as `sfdisk` sees it.
#[derive(Clone, Debug)]
pub struct Partition {
    /// First byte.
    pub offset: u64,
    /// Length in bytes.
    pub size: u64,
    /// Its name in the table.
    pub name: String,
    /// Type GUID in lower case.
    pub type_guid: String,
}

/// The partitions of `disk`, read by `sfdisk`.
///
/// # Panics
/// If `sfdisk` finds no table.
#[must_use]
pub fn partitions(disk: &Path) -> Vec<Partition> {
    let verdict = judge("sfdisk", [Path::new("--json"), disk]).passed();
    let table: Value = serde_json::from_str(&verdict.stdout).expect("sfdisk prints JSON");
    let number = |value: &Value| value.as_u64().expect("sfdisk prints numbers");
    let table = &table["partitiontable"];
    // Of a file it takes them to have 512 bytes.
    let sector = number(&table["sectorsize"]);
    table["partitions"]
        .as_array()
        .expect("sfdisk lists partitions")
        .iter()
        .map(|partition| Partition {
            offset: number(&partition["start"]) * sector,
            size: number(&partition["size"]) * sector,
            name: partition["name"].as_str().unwrap_or_default().to_owned(),
            type_guid: partition["type"].as_str().unwrap_or_default().to_lowercase(),
        })
        .collect()
}

/// Copies the partition called `name` into a sparse file of its own in `directory`.
///
/// # Panics
/// If there is none of that name, or on I/O errors.
#[must_use]
pub fn extract(disk: &Path, name: &str, directory: &Path) -> PathBuf {
    let partition = partitions(disk)
        .into_iter()
        .find(|partition| partition.name == name)
        .unwrap_or_else(|| panic!("{} has no partition `{name}`", disk.display()));
    let path = directory.join(format!("{name}.img"));
    copy(disk, &partition, &path).expect("the partition can be copied");
    path
}

fn copy(disk: &Path, partition: &Partition, path: &Path) -> io::Result<()> {
    let (from, to) = (File::open(disk)?, File::create(path)?);
    to.set_len(partition.size)?;
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    while done < partition.size {
        let now = usize::try_from((partition.size - done).min(1 << 20)).map_err(io::Error::other)?;
        from.read_exact_at(&mut buffer[..now], partition.offset + done)?;
        if buffer[..now].iter().any(|&byte| byte != 0) {
            to.write_all_at(&buffer[..now], done)?;
        }
        done += now as u64;
    }
    Ok(())
}

/// A file system mounted through a loop device; unmounted when dropped.
#[derive(Debug)]
pub struct Mounted {
    /// Where.
    pub at: PathBuf,
}

impl Mounted {
    /// Mounts `image` at `at`, which is made, read-only.
    ///
    /// # Panics
    /// If the kernel refuses it, or `at` is there.
    #[must_use]
    pub fn new(image: &Path, at: PathBuf) -> Self {
        Self::with("loop,ro", image, at)
    }

    /// Mounts `image` at `at`, which is made, so that it can be changed.
    ///
    /// # Panics
    /// If the kernel refuses it, or `at` is there.
    #[must_use]
    pub fn writable(image: &Path, at: PathBuf) -> Self {
        Self::with("loop,rw", image, at)
    }

    fn with(options: &str, image: &Path, at: PathBuf) -> Self {
        std::fs::create_dir(&at).expect("the mount point can be made");
        let _ = judge("mount", ["-o".as_ref(), options.as_ref(), image.as_os_str(), at.as_os_str()]).passed();
        Self { at }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.at).status();
    }
}
