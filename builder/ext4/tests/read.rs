//! The reader of anyone's file systems, held against what `mke2fs` and our own writer make.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use builder_block::PlainFile;
use builder_ext4::read::{Ext4Reader, ReadError};
use builder_tree::{ContentStore, InodeKind, Node};
use tempfile::TempDir;

fn run(package: &str, command: &mut Command) {
    let name = command.get_program().to_string_lossy().into_owned();
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = match command.env("PATH", path).output() {
        Ok(output) => output,
        Err(error) => panic!("{name}: {error}; install the Debian package `{package}`"),
    };
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A file system that `mke2fs` makes of a directory.
fn made(directory: &TempDir, options: &[&str]) -> std::path::PathBuf {
    let from = directory.path().join("from");
    fs::create_dir_all(from.join("d/e")).unwrap();
    fs::write(from.join("d/e/long"), vec![7; 300_000]).unwrap();
    fs::write(from.join("empty"), b"").unwrap();
    std::os::unix::fs::symlink("d/e", from.join("short")).unwrap();
    std::os::unix::fs::symlink(format!("/d/{}e", "./".repeat(60)), from.join("far")).unwrap();
    std::os::unix::fs::symlink("loop", from.join("loop")).unwrap();
    let image = directory.path().join("image");
    let mut command = Command::new("mke2fs");
    command.args(["-q", "-t", "ext4", "-d"]).arg(&from).args(options).arg(&image).arg("16M");
    run("e2fsprogs", &mut command);
    image
}

fn open(image: &Path) -> Result<Ext4Reader, ReadError> {
    Ext4Reader::open(Box::new(PlainFile::new(File::open(image).unwrap()).unwrap()))
}

#[test]
fn what_mke2fs_writes_is_read() {
    for options in [&[][..], &["-b", "1024"], &["-O", "^extents,^64bit,^metadata_csum"]] {
        let directory = tempfile::tempdir().unwrap();
        let reader = open(&made(&directory, options)).unwrap();
        let mut store = ContentStore::new(directory.path()).unwrap();
        let tree = reader.tree(b"", 1 << 20, &mut store).unwrap();
        store.flush().unwrap();
        let file = |path: &[u8]| tree.get(path).and_then(Node::as_leaf).unwrap();
        assert_eq!(file(b"d/e/long").content().unwrap().read_to_vec(1 << 20).unwrap(), vec![7; 300_000]);
        assert_eq!(file(b"empty").size(), 0);
        assert!(matches!(&file(b"short").kind, InodeKind::Symlink(target) if target == b"d/e"));
        for (path, found) in [
            ("short/long", Some("d/e/long")),
            ("far/../e//long", Some("d/e/long")),
            ("short/..", Some("d")),
            ("../..", Some("")),
            ("empty/below", None),
            ("none", None),
        ] {
            assert_eq!(reader.find(path.as_bytes()).unwrap(), found.map(|path| path.as_bytes().to_vec()), "{path}");
        }
        assert!(matches!(reader.find(b"loop"), Err(ReadError::Limit { .. })));
        assert_eq!(reader.names(b"short").unwrap(), [b"long"]);
        assert_eq!(reader.read(b"short/long", 300_000).unwrap().len(), 300_000);
        assert!(matches!(reader.read(b"short/long", 299_999), Err(ReadError::Limit { value: 300_000, .. })));
        assert!(matches!(reader.tree(b"", 299_999, &mut store), Err(ReadError::Limit { .. })));
        assert!(matches!(reader.read(b"none", 1), Err(ReadError::Missing { .. })));
    }
}

#[test]
fn no_number_of_the_superblock_is_believed() {
    let directory = tempfile::tempdir().unwrap();
    let image = made(&directory, &["-O", "^metadata_csum"]);
    for (at, value, words) in [
        (0x04, 0xffff_ffff_u32, "its superblock claims"),
        (0x18, 7, "claims 7 as the power of its block size"),
        (0x18, 0xffff_ffff, "as the power of its block size"),
        (0x20, 0, "groups, and 1048576 are the most"),
        (0x38, 0, "cannot be read"),
        (0x58, 0, "cannot be read"),
    ] {
        let mut bytes = fs::read(&image).unwrap();
        bytes[1024 + at..1024 + at + 4].copy_from_slice(&value.to_le_bytes());
        let reader = Ext4Reader::open(Box::new(bytes));
        let mut store = ContentStore::new(directory.path()).unwrap();
        let error = match reader.and_then(|reader| reader.tree(b"", 1 << 30, &mut store)) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{at:#x} = {value:#x} is taken"),
        };
        assert!(error.contains(words), "{at:#x} = {value:#x}: {error}");
    }
}

#[test]
fn damage_anywhere_ends_the_reading_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let image = made(&directory, &["-O", "^metadata_csum"]);
    let length = 4096 * 64;
    let mut original = vec![0; length];
    File::open(&image).unwrap().read_exact_at(&mut original, 0).unwrap();
    let whole = fs::read(&image).unwrap();
    for round in 0..400_usize {
        let mut bytes = whole.clone();
        // Places and values that are spread without chance.
        for number in 0..8_usize {
            let spread = (round * 8 + number).wrapping_mul(2_654_435_761);
            let used: Vec<usize> = (0..4).map(|step| (spread + step * 7919) % length).collect();
            let at = used.into_iter().find(|&at| original[at] != 0).unwrap_or(spread % length);
            bytes[at] = u8::try_from(spread >> 7 & 0xff).unwrap();
        }
        let mut store = ContentStore::new(directory.path()).unwrap();
        let _ = Ext4Reader::open(Box::new(bytes)).and_then(|reader| reader.tree(b"", 1 << 24, &mut store));
    }
}
