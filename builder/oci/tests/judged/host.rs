//! Trees on the host, and the tools that make them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, Inode, InodeKind, Metadata, Node, Timestamp};

/// Runs a tool of a Debian package; gives its stdout.
pub(crate) fn run(package: &str, command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| {
        panic!("install the Debian package `{package}`: {:?} does not run: {error}", command.get_program())
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Owners, devices and attributes only come out right for root.
pub(crate) fn need_root() {
    assert!(rustix::process::geteuid().is_root(), "the judges of this test unpack owners and devices: run it as root");
}

/// What `umoci unpack` makes of an image.
pub(crate) fn umoci_unpack(layout: &Path, tag: &str) -> FileTree {
    need_root();
    let directory = tempfile::tempdir().unwrap();
    let bundle = directory.path().join("bundle");
    run(
        "umoci",
        Command::new("umoci").args(["unpack", "--image"]).arg(format!("{}:{tag}", layout.display())).arg(&bundle),
    );
    walk(&bundle.join("rootfs"))
}

/// A tree of the host in the form in which ours is.
pub(crate) fn walk(root: &Path) -> FileTree {
    let mut inodes = HashMap::new();
    FileTree { root: directory(root, &mut inodes) }
}

fn directory(path: &Path, inodes: &mut HashMap<(u64, u64), Arc<Inode>>) -> Directory {
    let mut made = Directory::new(metadata(path));
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let below = entry.path();
        let found = fs::symlink_metadata(&below).unwrap();
        let node: Node = if found.is_dir() {
            directory(&below, inodes).into()
        } else {
            let inode = inodes.entry((found.dev(), found.ino())).or_insert_with(|| Arc::new(leaf(&below)));
            Arc::clone(inode).into()
        };
        made.insert(entry.file_name().as_bytes(), node);
    }
    made
}

fn leaf(path: &Path) -> Inode {
    let found = fs::symlink_metadata(path).unwrap();
    let kind = found.file_type();
    let (major, minor) = (rustix::fs::major(found.rdev()), rustix::fs::minor(found.rdev()));
    let kind = if kind.is_symlink() {
        InodeKind::Symlink(fs::read_link(path).unwrap().as_os_str().as_bytes().to_vec())
    } else if kind.is_char_device() {
        InodeKind::CharDevice { major, minor }
    } else if kind.is_block_device() {
        InodeKind::BlockDevice { major, minor }
    } else if kind.is_fifo() {
        InodeKind::Fifo
    } else if kind.is_socket() {
        InodeKind::Socket
    } else {
        InodeKind::Regular(Content::bytes(fs::read(path).unwrap()))
    };
    Inode::new(metadata(path), kind)
}

fn metadata(path: &Path) -> Metadata {
    let found = fs::symlink_metadata(path).unwrap();
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    let xattrs = names.map(|name| {
        let mut value = vec![0; 1 << 16];
        let length = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value[..]).unwrap();
        (name.to_vec(), value[..length].to_vec())
    });
    Metadata {
        mode: u16::try_from(found.mode() & 0o7777).unwrap(),
        uid: found.uid(),
        gid: found.gid(),
        mtime: Timestamp { seconds: found.mtime(), nanoseconds: u32::try_from(found.mtime_nsec()).unwrap() },
        // The host's labels are not the image's.
        xattrs: xattrs.filter(|(name, _)| name != b"security.selinux").collect(),
        immutable: false,
    }
}
