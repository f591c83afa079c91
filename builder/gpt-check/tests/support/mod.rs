//! Disks in memory, the tools that make and judge them, and tables that are changed and sealed again.
#![allow(dead_code, reason = "each of the test programs uses a part of it")]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use builder_gpt_check::{Options, Report, check};
use tempfile::NamedTempFile;

pub(crate) fn report(image: &[u8]) -> Report {
    check(&image, &Options::default()).unwrap()
}

/// What a tool prints, on either stream, and whether it was content.
pub(crate) fn run(package: &str, command: &mut Command) -> (bool, String) {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = match command.output() {
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

pub(crate) fn sgdisk(disk: &Path, options: &[&str]) -> String {
    must("gdisk", Command::new("sgdisk").args(options).arg(disk))
}

/// Runs a tool that reads its orders from standard input.
pub(crate) fn feed(package: &str, command: &mut Command, orders: &str) -> String {
    let input = NamedTempFile::new().unwrap();
    std::fs::write(input.path(), orders).unwrap();
    must(package, command.stdin(input.reopen().unwrap()))
}

pub(crate) fn sfdisk(disk: &Path, options: &[&str], script: &str) -> String {
    feed("fdisk", Command::new("sfdisk").args(options).arg(disk), script)
}

pub(crate) fn empty(bytes: u64) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    file.as_file().set_len(bytes).unwrap();
    file
}

/// Whether `sgdisk` and `sfdisk` complain of the disk, each with what it says.
pub(crate) fn outside(image: &[u8]) -> [(bool, String); 2] {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), image).unwrap();
    let complains = |(ok, text): (bool, String), praise: &str| {
        let words = ["aution", "arning", "roblem:", "ERROR", "corrupt", "nvalid", "differ", "CRC", "mismatch"];
        let has_words = words.iter().any(|word| text.contains(word));
        (!ok || !text.contains(praise) || has_words, text)
    };
    let sgdisk = run("gdisk", Command::new("sgdisk").arg("-v").arg(file.path()));
    let sfdisk = run("fdisk", Command::new("sfdisk").arg("--verify").arg(file.path()));
    [complains(sgdisk, "No problems found"), complains(sfdisk, "No errors detected")]
}

pub(crate) const SECTOR: usize = 512;
pub(crate) const SECTORS: usize = 10_240;
pub(crate) const LAST: usize = SECTORS - 1;
/// Byte offsets of the two headers and arrays.
pub(crate) const PRIMARY: usize = SECTOR;
pub(crate) const BACKUP: usize = LAST * SECTOR;
pub(crate) const PRIMARY_ENTRIES: usize = 2 * SECTOR;
pub(crate) const BACKUP_ENTRIES: usize = (LAST - 32) * SECTOR;

/// A disk of 5 MiB with three partitions of 1 MiB, made by `sgdisk`.
pub(crate) fn base() -> Vec<u8> {
    static BASE: OnceLock<Vec<u8>> = OnceLock::new();
    BASE.get_or_init(|| {
        let file = empty((SECTORS * SECTOR) as u64);
        sgdisk(
            file.path(),
            &[
                "-n1:2048:4095",
                "-t1:ef00",
                "-c1:EFI-SYSTEM",
                "-n2:4096:6143",
                "-t2:8304",
                "-c2:root",
                "-n3:6144:8191",
                "-t3:8300",
                "-c3:data",
            ],
        );
        std::fs::read(file.path()).unwrap()
    })
    .clone()
}

pub(crate) fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// A change of both copies of the table: `at` counts from the start of the header.
pub(crate) fn headers(image: &mut [u8], at: usize, bytes: &[u8]) {
    put(image, PRIMARY + at, bytes);
    put(image, BACKUP + at, bytes);
    seal(image);
}

/// A change of the entry `number` (from 1) in both copies.
pub(crate) fn entries(image: &mut [u8], number: usize, at: usize, bytes: &[u8]) {
    for array in [PRIMARY_ENTRIES, BACKUP_ENTRIES] {
        put(image, array + (number - 1) * 128 + at, bytes);
    }
    seal(image);
}

/// Computes all checksums anew, of whatever is there.
pub(crate) fn seal(image: &mut [u8]) {
    for (header, entries) in [(PRIMARY, PRIMARY_ENTRIES), (BACKUP, BACKUP_ENTRIES)] {
        let number = |at: usize| u32::from_le_bytes(image[header + at..header + at + 4].try_into().unwrap());
        let bytes = number(80) as usize * number(84) as usize;
        if let Some(entries) = image.get(entries..entries.saturating_add(bytes)) {
            let crc = crc32(entries);
            put(image, header + 88, &crc.to_le_bytes());
        }
        put(image, header + 16, &[0; 4]);
        let crc = crc32(&image[header..header + 92]);
        put(image, header + 16, &crc.to_le_bytes());
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}
