//! Images that others make, the tools that judge them, and ways to damage them.
#![allow(dead_code, reason = "each of the test programs uses a part of it")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use builder_iso9660_check::{Level, Report, check};
use tempfile::{NamedTempFile, TempDir};

/// Runs a tool that must be content; what it prints on stdout.
pub(crate) fn must(package: &str, command: &mut Command) -> String {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

pub(crate) fn report(image: &[u8], level: Level) -> Report {
    check(&image, level).unwrap()
}

/// A tree with what media have: files, none with bytes among them, links, deep directories, long names.
pub(crate) fn tree() -> TempDir {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| -> PathBuf { directory.path().join(name) };
    for name in ["boot/grub", "EFI/BOOT", "live", "a/b/c/d/e/f/g/h/i/j"] {
        fs::create_dir_all(path(name)).unwrap();
    }
    for (name, length) in [
        ("boot/grub/grub.cfg", 100),
        ("live/kernel", 70_000),
        ("live/initrd", 4096),
        ("live/empty", 0),
        ("a/b/c/d/e/f/g/h/i/j/deep", 10),
        ("README.a-name-that-is-longer-than-eight-and-three.text", 3000),
    ] {
        let content: Vec<u8> = (0..length).map(|at| u8::try_from((at * 7 + name.len()) % 251).unwrap()).collect();
        fs::write(path(name), content).unwrap();
    }
    fs::write(path("boot/efi.img"), vec![0x55; 40_960]).unwrap();
    symlink("../live/kernel", path("boot/link")).unwrap();
    symlink(format!("/{}", "x/".repeat(300)), path("boot/long-link")).unwrap();
    // More records than one block holds.
    for number in 0..60 {
        fs::write(path(&format!("live/file-number-{number}-with-a-long-name.txt")), format!("{number}")).unwrap();
    }
    directory
}

/// An image of a tree, made by `xorriso` with a boot image and a checksum, or by `genisoimage`.
pub(crate) fn make(tree: &Path, tool: &str, options: &[&str]) -> NamedTempFile {
    let image = NamedTempFile::new().unwrap();
    let mut command = Command::new(tool);
    if tool == "xorriso" {
        command.args(["-as", "mkisofs"]);
    }
    command.arg("-quiet").args(["-V", "MY MEDIUM"]).args(options).arg("-o").arg(image.path()).arg(tree);
    must(tool, &mut command);
    image
}

/// What most of the tests look at.
pub(crate) fn usual() -> Vec<u8> {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    let image = IMAGE.get_or_init(|| {
        let options = ["-J", "-R", "-e", "boot/efi.img", "-no-emul-boot"];
        let image = make(tree().path(), "xorriso", &options);
        must("isomd5sum", Command::new("implantisomd5").arg(image.path()));
        fs::read(image.path()).unwrap()
    });
    image.clone()
}

/// Where a record of the primary hierarchy, or of Joliet, begins.
pub(crate) fn record(image: &[u8], identifier: &[u8]) -> usize {
    let wanted = [&[u8::try_from(identifier.len()).unwrap()][..], identifier].concat();
    let at = image.windows(wanted.len()).position(|window| window == wanted);
    at.unwrap_or_else(|| panic!("no {}", identifier.escape_ascii())) - 32
}

/// The name as Joliet has it.
pub(crate) fn joliet(name: &str) -> Vec<u8> {
    name.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

pub(crate) fn number(image: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*image[at..].first_chunk().unwrap())
}

/// Writes a number with its little end first, and again with its big end.
pub(crate) fn put_both(image: &mut [u8], at: usize, value: u32) {
    image[at..at + 4].copy_from_slice(&value.to_le_bytes());
    image[at + 4..at + 8].copy_from_slice(&value.to_be_bytes());
}
