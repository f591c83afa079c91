//! The reader of anyone's file systems, held against what `mkfs.fat` and mtools make.

use std::fs;
use std::path::Path;
use std::process::Command;

use builder_fat::read::{FatReader, ReadError};
use builder_tree::{ContentStore, FileTree, Node};
use tempfile::TempDir;

fn run(package: &str, command: &mut Command) {
    let name = command.get_program().to_string_lossy().into_owned();
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = match command.env("PATH", path).env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

const FILES: [(&str, usize); 4] = [
    ("EFI/BOOT/BOOTX64.EFI", 200_000),
    ("loader/entries/ostree-default-ümläut.conf", 70),
    ("EMPTY", 0),
    ("a.b.c", 513),
];

/// A file system that other tools make.
fn made(directory: &TempDir, width: &str, mebibytes: u64) -> Vec<u8> {
    let image = directory.path().join(format!("{width}.img"));
    fs::File::create(&image).unwrap().set_len(mebibytes << 20).unwrap();
    run("dosfstools", Command::new("mkfs.fat").args(["-F", width, "-n", "LABEL"]).arg(&image));
    let from = directory.path().join("from");
    for (path, size) in FILES {
        fs::create_dir_all(from.join(path).parent().unwrap()).unwrap();
        fs::write(from.join(path), body(size)).unwrap();
    }
    let mut command = Command::new("mcopy");
    command.args(["-s", "-i"]).arg(&image);
    command.args(fs::read_dir(&from).unwrap().map(|entry| entry.unwrap().path())).arg("::/");
    run("mtools", &mut command);
    fs::read(&image).unwrap()
}

fn body(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn tree(bytes: Vec<u8>, scratch: &Path) -> Result<FileTree, ReadError> {
    let mut store = ContentStore::new(scratch).unwrap();
    let device = bytes;
    let tree = FatReader::open(&device)?.tree(&mut store)?;
    store.flush().unwrap();
    Ok(tree)
}

#[test]
fn what_others_write_is_read_in_every_width() {
    for (width, mebibytes) in [("12", 4), ("16", 32), ("32", 64)] {
        let directory = tempfile::tempdir().unwrap();
        let tree = tree(made(&directory, width, mebibytes), directory.path()).unwrap();
        for (path, size) in FILES {
            let content = tree.get(path.as_bytes()).and_then(Node::as_leaf).and_then(|inode| inode.content());
            let content = content.unwrap_or_else(|| panic!("no {path} in FAT{width}"));
            assert!(content.read_to_vec(1 << 20).unwrap() == body(size), "{path} of FAT{width}");
        }
        let names: Vec<_> = tree.root.entries.keys().map(|name| String::from_utf8_lossy(name)).collect();
        assert_eq!(names, ["EFI", "EMPTY", "a.b.c", "loader"]);
    }
}

#[test]
fn damage_is_refused_and_ends_in_time() {
    type Damage = fn(&mut Vec<u8>);
    let cases: [(Damage, &str); 7] = [
        (|bytes| bytes[510] = 0, "the signature of its boot sector is"),
        (|bytes| bytes[11..13].fill(0), "the size of its sectors is 0"),
        (|bytes| bytes[13] = 3, "the number of sectors in a cluster is 3"),
        (|bytes| bytes[32..36].fill(0xff), "more than the partition has"),
        (|bytes| bytes[36..40].fill(0xff), "the number of sectors before its data"),
        (|bytes| bytes[44..48].copy_from_slice(&1_u32.to_le_bytes()), "/ leads to cluster 1"),
        // The root's chain leads to itself.
        (|bytes| bytes[32 * 512 + 8..32 * 512 + 12].copy_from_slice(&2_u32.to_le_bytes()), "more than a directory can"),
    ];
    let directory = tempfile::tempdir().unwrap();
    let whole = made(&directory, "32", 64);
    for (damage, words) in cases {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        let error = tree(bytes, directory.path()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}\n  lacks\n{words}");
    }
    for round in 0..100_usize {
        let mut bytes = whole.clone();
        for number in 0..64_usize {
            let spread = (round * 64 + number).wrapping_mul(2_654_435_761);
            // The boot sector, the beginning of the FAT, the first directories.
            let at = [0, 32 * 512, 1_060_000][number % 3] + spread % 3000;
            bytes[at] = u8::try_from(spread >> 9 & 0xff).unwrap();
        }
        let _ = tree(bytes, directory.path());
    }
}
