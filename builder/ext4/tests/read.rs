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
        (0x58, 0, "claims 0 bytes in an inode"),
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

/// Sets attributes of a file on the host.
fn set(path: &Path, attributes: &[(&str, &[u8])]) {
    for (name, value) in attributes {
        rustix::fs::lsetxattr(path, *name, value, rustix::fs::XattrFlags::empty()).unwrap();
    }
}

/// A file system made of a directory whose files have attributes of all kinds.
fn labelled(directory: &TempDir, options: &[&str]) -> std::path::PathBuf {
    let from = directory.path().join("labelled");
    fs::create_dir_all(from.join("d")).unwrap();
    let list = [&2_u32.to_le_bytes()[..], &acl(1, u32::MAX), &acl(2, 1000), &acl(4, u32::MAX), &acl(16, u32::MAX)];
    let list = [&list.concat()[..], &acl(32, u32::MAX)].concat();
    for (name, attributes) in [
        ("none", &[][..]),
        ("inside", &[("user.a", &b"1"[..]), ("user.empty", b"")]),
        ("block", &[("user.long", &[7; 700][..]), ("trusted.t", b"x"), ("security.selinux", b"system_u:x\0")]),
        ("list", &[("system.posix_acl_access", &list[..]), ("user.z", b"zz")]),
    ] {
        fs::write(from.join("d").join(name), name).unwrap();
        set(&from.join("d").join(name), attributes);
    }
    set(&from.join("d"), &[("system.posix_acl_default", &list), ("user.directory", b"yes")]);
    std::os::unix::fs::symlink("d/block", from.join("link")).unwrap();
    std::os::unix::fs::lchown(from.join("link"), Some(70_000), Some(80_000)).unwrap();
    set(&from.join("link"), &[("security.selinux", b"link\0")]);
    fs::hard_link(from.join("d/inside"), from.join("same")).unwrap();
    let image = directory.path().join("labels");
    let mut command = Command::new("mke2fs");
    command.args(["-q", "-t", "ext4", "-d"]).arg(&from).args(options).arg(&image).arg("16M");
    run("e2fsprogs", &mut command);
    image
}

fn acl(tag: u16, id: u32) -> Vec<u8> {
    [&tag.to_le_bytes()[..], &7_u16.to_le_bytes(), &id.to_le_bytes()].concat()
}

const LABELLED: [&str; 8] = ["", "d", "d/none", "d/inside", "d/block", "d/list", "link", "same"];

#[test]
fn attributes_are_those_that_the_kernel_reads() {
    for options in [&[][..], &["-b", "1024"], &["-O", "^extents,^64bit,^metadata_csum"]] {
        let directory = tempfile::tempdir().unwrap();
        let image = labelled(&directory, options);
        let reader = open(&image).unwrap();
        let Some(mounted) = mount(&image) else { return };
        for path in LABELLED {
            let host = mounted.0.path().join(path);
            let mut expected = std::collections::BTreeMap::new();
            let mut names = vec![0; 1 << 16];
            let length = rustix::fs::llistxattr(&host, &mut names[..]).unwrap();
            for name in names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
                let mut value = vec![0; 1 << 16];
                let length = rustix::fs::lgetxattr(&host, name, &mut value[..]).unwrap();
                expected.insert(name.to_vec(), value[..length].to_vec());
            }
            assert_eq!(reader.xattrs(path.as_bytes()).unwrap(), expected, "{options:?} {path}");
            let (found, stat) =
                (reader.metadata(path.as_bytes()).unwrap().unwrap(), fs::symlink_metadata(&host).unwrap());
            use std::os::unix::fs::MetadataExt as _;
            assert_eq!(
                (u64::from(found.inode), u32::from(found.mode), found.uid, found.gid, u64::from(found.links)),
                (stat.ino(), stat.mode(), stat.uid(), stat.gid(), stat.nlink()),
                "{path}"
            );
            assert_eq!((found.size, found.mtime.seconds), (stat.size(), stat.mtime()), "{path}");
            assert_eq!(i64::from(found.mtime.nanoseconds), stat.mtime_nsec(), "{path}");
        }
        assert_eq!(reader.target(b"link").unwrap().unwrap(), b"d/block");
        assert_eq!((reader.target(b"d").unwrap(), reader.target(b"none").unwrap()), (None, None));
        assert_eq!(reader.metadata(b"d/none/x").unwrap(), None);
        assert!(matches!(reader.xattrs(b"x"), Err(ReadError::Missing { .. })));
    }
}

/// A mount for reading that ends with the value; `None` where that is not permitted, but in CI that is a failure.
struct Mount(TempDir);

fn mount(image: &Path) -> Option<Mount> {
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("mount");
    let output = command.args(["-t", "ext4", "-o", "loop,ro"]).arg(image).arg(directory.path()).output();
    let output = output.expect("install the Debian package `mount`");
    if output.status.success() {
        return Some(Mount(directory));
    }
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(std::env::var_os("CI").is_none(), "the kernel does not mount it: {text}");
    #[expect(clippy::print_stderr, reason = "says that the test did not look")]
    {
        eprintln!("not mounted, as that is not permitted here: {text}");
    }
    None
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// What `debugfs` answers.
fn debugfs(image: &Path, request: &str) -> String {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("debugfs").env("PATH", path).args(["-R", request]).arg(image).output();
    let output = output.unwrap_or_else(|error| panic!("debugfs: {error}; install the Debian package `e2fsprogs`"));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn attributes_are_those_that_debugfs_reads() {
    let directory = tempfile::tempdir().unwrap();
    let image = labelled(&directory, &[]);
    let reader = open(&image).unwrap();
    for path in LABELLED {
        let text = debugfs(&image, &format!("ea_list /{path}"));
        let lines = text.lines().filter(|line| line.starts_with("  ")).count();
        assert_eq!(reader.xattrs(path.as_bytes()).unwrap().len(), lines, "{path}: {text}");
    }
    assert_eq!(debugfs(&image, "ea_get -V /d/inside user.a"), "1\n");
}

#[test]
fn values_in_inodes_of_their_own_are_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let image = made(&directory, &["-O", "ea_inode"]);
    let value = directory.path().join("value");
    fs::write(&value, vec![3; 20_000]).unwrap();
    let request = format!("ea_set -f {} /empty user.huge", value.display());
    let mut command = Command::new("debugfs");
    command.args(["-w", "-R", &request]).arg(&image);
    run("e2fsprogs", &mut command);
    assert!(matches!(open(&image), Err(ReadError::View { .. })), "the feature is one that is not read");
    let mut command = Command::new("debugfs");
    command.args(["-w", "-R", "feature ^ea_inode"]).arg(&image);
    run("e2fsprogs", &mut command);
    let error = open(&image).unwrap().xattrs(b"empty").unwrap_err().to_string();
    assert_eq!(error, "/empty: the attribute user.huge has its value in an inode of its own, which is not read");
}

#[test]
fn inodes_are_not_read_past_a_journal_that_was_not_replayed() {
    let directory = tempfile::tempdir().unwrap();
    let image = made(&directory, &[]);
    let mut command = Command::new("debugfs");
    command.args(["-w", "-R", "feature needs_recovery"]).arg(&image);
    run("e2fsprogs", &mut command);
    // An empty journal may be said to be damaged, but the inode is not read as if nothing were in it.
    assert!(open(&image).and_then(|reader| reader.metadata(b"empty")).is_err());
}

#[test]
fn damage_anywhere_ends_the_reading_of_inodes_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let whole = fs::read(labelled(&directory, &["-O", "^metadata_csum"])).unwrap();
    let used: Vec<usize> = (1024..4096 * 128).filter(|&at| whole[at] != 0).collect();
    for round in 0..300_usize {
        let mut bytes = whole.clone();
        for number in 0..4_usize {
            let spread = (round * 4 + number).wrapping_mul(2_654_435_761);
            bytes[used[spread % used.len()]] = u8::try_from(spread >> 9 & 0xff).unwrap();
        }
        let Ok(reader) = Ext4Reader::open(Box::new(bytes)) else { continue };
        for path in LABELLED {
            let _ = (reader.metadata(path.as_bytes()), reader.xattrs(path.as_bytes()), reader.target(path.as_bytes()));
        }
    }
}
