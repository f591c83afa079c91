//! File systems in memory, the tools that make and judge them, and ways to damage them.
#![allow(dead_code, reason = "each of the test programs uses a part of it")]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use builder_fat_check::{Level, Report, check};
use tempfile::{NamedTempFile, TempDir};

pub(crate) fn report(image: &[u8]) -> Report {
    check(&image, Level::Tree).unwrap()
}

/// What a tool prints, on either stream, and whether it was content.
pub(crate) fn run(package: &str, command: &mut Command) -> (bool, String) {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.env("MTOOLS_SKIP_CHECK", "1").env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}

pub(crate) fn must(package: &str, command: &mut Command) -> String {
    let (ok, text) = run(package, command);
    assert!(ok, "{command:?}: {text}");
    text
}

/// A file system that `mkfs.fat` made, in a file.
pub(crate) fn mkfs(bytes: u64, options: &[&str]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    file.as_file().set_len(bytes).unwrap();
    must("dosfstools", Command::new("mkfs.fat").args(options).arg(file.path()));
    file
}

/// Copies what is in a directory to the root directory, with mtools.
pub(crate) fn mcopy(image: &Path, tree: &Path) {
    let mut command = Command::new("mcopy");
    command.arg("-s").arg("-i").arg(image);
    let mut names: Vec<_> = std::fs::read_dir(tree).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    must("mtools", command.args(names).arg("::"));
}

/// Whether `fsck.fat` complains, and what it says.
pub(crate) fn fsck(image: &[u8]) -> (bool, String) {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), image).unwrap();
    fsck_file(file.path())
}

pub(crate) fn fsck_file(path: &Path) -> (bool, String) {
    let (ok, text) = run("dosfstools", Command::new("fsck.fat").arg("-n").arg(path));
    // Content, it prints its version and the counts.
    (!ok || text.lines().count() != 2, text)
}

/// Files as an ESP has them.
pub(crate) fn tree() -> TempDir {
    let directory = TempDir::new().unwrap();
    for (path, length) in [
        ("EFI/BOOT/BOOTX64.EFI", 2000),
        ("EFI/BOOT/grubx64.efi", 700),
        ("EFI/fedora/Shim of Fedora.efi", 1),
        ("loader/loader.conf", 20),
        ("loader/entries/an-entry-with-a-long-name.conf", 300),
        ("EMPTY.TXT", 0),
        ("README.TXT", 10),
    ] {
        let path = directory.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vec![b'x'; length]).unwrap();
    }
    directory
}

fn made(bytes: u64, options: &[&str]) -> Vec<u8> {
    let file = mkfs(bytes, options);
    mcopy(file.path(), tree().path());
    std::fs::read(file.path()).unwrap()
}

/// FAT16 of 3 MiB with clusters of 512 bytes.
pub(crate) fn fat16() -> Fat {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    let options = ["-F", "16", "-s", "1", "-n", "TESTVOL", "-i", "1234abcd"];
    Fat(BASE.get_or_init(|| made(3 << 20, &options)).clone())
}

/// FAT12 of 1 MiB with clusters of 512 bytes.
pub(crate) fn fat12() -> Fat {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    Fat(BASE.get_or_init(|| made(1 << 20, &["-F", "12", "-s", "1", "-n", "TESTVOL"])).clone())
}

/// FAT32 of 34 MiB with clusters of 512 bytes.
pub(crate) fn fat32() -> Fat {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    Fat(BASE.get_or_init(|| made(34 << 20, &["-F", "32", "-s", "1", "-n", "TESTVOL"])).clone())
}

/// A file system to damage. All have sectors and clusters of 512 bytes.
#[derive(Clone)]
pub(crate) struct Fat(pub(crate) Vec<u8>);

pub(crate) const SECTOR: usize = 512;

impl Fat {
    pub(crate) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.0[at..at + 2].try_into().unwrap())
    }

    pub(crate) fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn is_fat32(&self) -> bool {
        self.u16(22) == 0
    }

    fn fat_bytes(&self) -> usize {
        SECTOR * usize::from(if self.is_fat32() { self.u16(36) } else { self.u16(22) })
    }

    /// Where the entry of a cluster is in a FAT (0 or 1) of FAT16 and FAT32.
    pub(crate) fn fat_at(&self, fat: usize, cluster: u32) -> usize {
        let width = if self.is_fat32() { 4 } else { 2 };
        SECTOR * usize::from(self.u16(14)) + fat * self.fat_bytes() + cluster as usize * width
    }

    pub(crate) fn link(&self, cluster: u32) -> u32 {
        let at = self.fat_at(0, cluster);
        if self.is_fat32() { u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16 } else { self.u16(at).into() }
    }

    /// Sets the entry of a cluster in both FATs.
    pub(crate) fn set_link(&mut self, cluster: u32, value: u32) {
        let width = if self.is_fat32() { 4 } else { 2 };
        for fat in 0..2 {
            let at = self.fat_at(fat, cluster);
            self.put(at, &value.to_le_bytes()[..width]);
        }
    }

    /// Where the directory entry of that short name is, wherever it is.
    pub(crate) fn entry(&self, name: &[u8; 11]) -> usize {
        let at = self.0.chunks_exact(32).position(|slot| slot.starts_with(name) && slot[11] & 0x0F != 0x0F);
        32 * at.unwrap_or_else(|| panic!("no {}", name.escape_ascii()))
    }

    pub(crate) fn put_in(&mut self, name: &[u8; 11], at: usize, bytes: &[u8]) {
        let entry = self.entry(name);
        self.put(entry + at, bytes);
    }

    pub(crate) fn first_cluster(&self, name: &[u8; 11]) -> u32 {
        self.u16(self.entry(name) + 26).into()
    }

    /// Where a cluster begins.
    pub(crate) fn cluster_at(&self, cluster: u32) -> usize {
        let tables = usize::from(self.u16(14)) * SECTOR + 2 * self.fat_bytes();
        tables + usize::from(self.u16(17)) * 32 + (cluster as usize - 2) * SECTOR
    }

    /// A free cluster.
    pub(crate) fn free_cluster(&self) -> u32 {
        (2..).find(|&cluster| self.link(cluster) == 0).unwrap()
    }

    /// The first unused slot of the directory that begins at `at`.
    pub(crate) fn free_slot(&self, at: usize) -> usize {
        at + 32 * self.0[at..].chunks_exact(32).position(|slot| slot[0] == 0).unwrap()
    }
}
