//! The kernel as a judge: mounts an image and reads it back as a tree.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, Inode, InodeKind, Metadata, Node, Timestamp, Xattrs};

use super::Judged;

/// A mount that ends with the value.
pub(crate) struct Mounted {
    pub(crate) path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Mounted {
    /// Mounts for reading or, with `rw`, for writing; `None` where that is not permitted, but in CI that is a failure.
    pub(crate) fn new(judged: &Judged, access: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let output = Command::new("mount")
            .args(["-t", "ext4", "-o", &format!("loop,{access}")])
            .arg(&judged.path)
            .arg(&path)
            .output();
        let output = output.expect("install the Debian package `mount`");
        if output.status.success() {
            return Some(Self { path, _directory: directory });
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let denied = ["must be superuser", "ermission denied", "failed to setup loop device"];
        assert!(
            std::env::var_os("CI").is_none() && denied.iter().any(|word| text.contains(word)),
            "the kernel does not mount it: {text}"
        );
        #[expect(clippy::print_stderr, reason = "says that the test did not look")]
        {
            eprintln!("not mounted, as that is not permitted here: {text}");
        }
        None
    }

    /// Everything, read back.
    pub(crate) fn tree(&self) -> FileTree {
        FileTree { root: directory(&self.path, &mut HashMap::new()) }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

fn directory(path: &Path, known: &mut HashMap<u64, Arc<Inode>>) -> Directory {
    let mut read = Directory::new(metadata(path, &fs::symlink_metadata(path).unwrap()));
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        let stat = fs::symlink_metadata(&path).unwrap();
        // readdir and stat must agree on the type.
        assert_eq!(entry.file_type().unwrap(), stat.file_type(), "{path:?}");
        let node = if stat.is_dir() {
            directory(&path, known).into()
        } else {
            Node::Leaf(Arc::clone(known.entry(stat.ino()).or_insert_with(|| Arc::new(leaf(&path, &stat)))))
        };
        read.entries.insert(entry.file_name().into_vec(), node);
    }
    read
}

fn leaf(path: &Path, stat: &fs::Metadata) -> Inode {
    let device = stat.rdev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let kind = match stat.file_type() {
        kind if kind.is_file() => InodeKind::Regular(Content::bytes(fs::read(path).unwrap())),
        kind if kind.is_symlink() => InodeKind::Symlink(fs::read_link(path).unwrap().into_os_string().into_vec()),
        kind if kind.is_char_device() => InodeKind::CharDevice { major, minor },
        kind if kind.is_block_device() => InodeKind::BlockDevice { major, minor },
        kind if kind.is_fifo() => InodeKind::Fifo,
        _ => InodeKind::Socket,
    };
    Inode::new(metadata(path, stat), kind)
}

fn metadata(path: &Path, stat: &fs::Metadata) -> Metadata {
    Metadata {
        mode: u16::try_from(stat.mode() & 0o7777).unwrap(),
        uid: stat.uid(),
        gid: stat.gid(),
        mtime: Timestamp { seconds: stat.mtime(), nanoseconds: u32::try_from(stat.mtime_nsec()).unwrap() },
        xattrs: xattrs(path),
        immutable: false,
    }
}

fn xattrs(path: &Path) -> Xattrs {
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    let mut xattrs = Xattrs::new();
    for name in names {
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value[..]).unwrap();
        value.truncate(length);
        xattrs.insert(name.to_vec(), value);
    }
    xattrs
}
