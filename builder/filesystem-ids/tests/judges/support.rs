//! File systems in files, and the tools that make, change and judge them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use builder_block::{ByteSize, ReadAt, WriteAt};
use tempfile::TempDir;

/// A file that is changed in place.
pub(crate) struct InPlace(File);

impl InPlace {
    pub(crate) fn open(path: &Path) -> Self {
        Self(OpenOptions::new().read(true).write(true).open(path).unwrap())
    }
}

impl ReadAt for InPlace {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.0.metadata().unwrap().len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }
}

impl WriteAt for InPlace {
    fn size(&self) -> ByteSize {
        ReadAt::size(self)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }
}

/// Runs a tool at a time that stands still; gives its exit code and all that it prints.
pub(crate) fn run(tool: &str, arguments: &[&str], path: &Path) -> (i32, String) {
    let package = match tool {
        "fatlabel" | "fsck.fat" | "mkfs.fat" => "dosfstools",
        "setfattr" => "attr",
        "blkid" => "util-linux",
        _ => "e2fsprogs",
    };
    let search = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(tool);
    command.args(arguments).arg(path).env("PATH", search).env("LC_ALL", "C").env("E2FSPROGS_FAKE_TIME", "1700000000");
    let output = command.output().unwrap_or_else(|error| {
        panic!("cannot run {tool}: {error}: install the Debian package `{package}` (tests/install-judges does)")
    });
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

/// Runs a tool that must have nothing to complain about.
pub(crate) fn passes(tool: &str, arguments: &[&str], path: &Path) -> String {
    let (code, text) = run(tool, arguments, path);
    assert_eq!(code, 0, "{tool} {arguments:?}: {text}");
    text
}

/// What `blkid` takes for the UUID.
pub(crate) fn uuid(path: &Path) -> String {
    passes("blkid", &["-p", "-o", "value", "-s", "UUID"], path).trim().to_owned()
}

/// Five passes without a word.
pub(crate) fn is_clean(path: &Path) {
    let text = passes("e2fsck", &["-fn"], path);
    assert_eq!(text.lines().filter(|line| !line.starts_with("e2fsck ")).count(), 6, "{text}");
}

/// A copy beside it.
pub(crate) fn copy(path: &Path, name: &str) -> PathBuf {
    let to = path.with_file_name(name);
    let status = Command::new("cp").arg("--sparse=always").arg(path).arg(&to).status().unwrap();
    assert!(status.success());
    to
}

/// The first byte in which two file systems differ, with both values. In superblocks the time and amount of writing, the
/// state and the checksum do not count: `tune2fs` asks the clock, and leaves the mark that e2fsck should have a look. In
/// copies of the superblock the numbers of what is free, and the time of the last check, do not count either: `tune2fs` renews
/// them.
pub(crate) fn difference(one: &Path, other: &Path) -> Option<(usize, u8, u8)> {
    let read = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        for superblock in bytes.chunks_exact_mut(1024).filter(|bytes| is_superblock(bytes)) {
            let is_first = superblock[0x5A..0x5C] == [0, 0];
            let copy = if is_first { [0..0, 0..0] } else { [0x0C..0x14, 0x40..0x44] };
            let masked = [0x30..0x34, 0x3A..0x3C, 0x178..0x180, 0x274..0x275, 0x3FC..0x400];
            for masked in masked.into_iter().chain(copy) {
                superblock[masked].fill(0);
            }
        }
        bytes
    };
    let (one, other) = (read(one), read(other));
    assert_eq!(one.len(), other.len());
    let at = one.iter().zip(&other).position(|(a, b)| a != b)?;
    Some((at, one[at], other[at]))
}

fn is_superblock(bytes: &[u8]) -> bool {
    bytes[0x38..0x3A] == [0x53, 0xEF] && bytes[0x4C..0x50] == [1, 0, 0, 0]
}

/// A directory whose names take many blocks, `names` of them, each of 40 bytes or so.
pub(crate) fn names(directory: &Path, names: u32) {
    fs::create_dir_all(directory).unwrap();
    for number in 0..names {
        File::create(directory.join(format!("{number:06} with a name of some length {number}"))).unwrap();
    }
}

/// A directory with all that has checksums: long directories, many extents, attributes in blocks, long links.
pub(crate) fn filled(directory: &TempDir) -> PathBuf {
    let from = directory.path().join("from");
    for (name, count) in [("short", 3), ("middle", 400), ("long", 1200)] {
        names(&from.join(name), count);
    }
    for (name, stripes) in [("extents-5", 5_u64), ("extents-3000", 3000)] {
        let file = File::create(from.join(name)).unwrap();
        for stripe in 0..stripes {
            file.write_all_at(&[1; 4096], stripe * 16384).unwrap();
        }
    }
    std::os::unix::fs::symlink("x".repeat(300), from.join("link")).unwrap();
    std::os::unix::fs::symlink("short", from.join("fast")).unwrap();
    for name in ["short", "link-to", "extents-5"] {
        let path = from.join(name);
        if !path.exists() {
            File::create(&path).unwrap();
        }
        let value = "v".repeat(700);
        let _ = passes("setfattr", &["-n", "user.long", "-v", &value], &path);
    }
    from
}
