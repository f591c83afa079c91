//! What tool-judged tests share: trees onto a real file system and back, as root, and running the tools.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod chunked;

use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, Inode, InodeKind, Metadata, Node, Timestamp, Xattrs};
use rustix::fs::{AtFlags, CWD, Gid, Timespec, Timestamps, Uid, XattrFlags};

/// Runs `ostree`, which has to succeed, and gives what it says.
pub(crate) fn ostree(arguments: &[&str]) -> String {
    run("ostree", "ostree", arguments)
}

/// Runs a tool of the Debian package `package`, which has to succeed, and gives what it says.
pub(crate) fn run(tool: &str, package: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("install the Debian package `{package}`: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{tool} {arguments:?}: {}\n{out}\n{err}", output.status);
    out + &err
}

/// Puts into a physical root what the loader's crate would: kernel, initramfs and a boot entry.
pub(crate) fn insert_boot(root: &mut FileTree, image: &FileTree, modules: &str, boot_checksum: &str) {
    let parents = Metadata::root(0o755);
    let version = modules.rsplit('/').next().unwrap();
    let kernel = format!("boot/ostree/default-{boot_checksum}");
    for (name, link) in
        [("vmlinuz", format!("vmlinuz-{version}")), ("initramfs.img", format!("initramfs-{version}.img"))]
    {
        let object = image.get(format!("{modules}/{name}").as_bytes()).unwrap().clone();
        root.insert(format!("{kernel}/{link}").as_bytes(), object, &parents).unwrap();
    }
    let entry = format!(
        "title Test 1 (ostree:0)\nversion 1\noptions root=UUID=1 rw {}\nlinux /{kernel}/vmlinuz-{version}\n\
         initrd /{kernel}/initramfs-{version}.img\n",
        builder_ostree::sysroot::ostree_karg("default", boot_checksum, 0)
    );
    let entry = Inode::regular(Metadata::root(0o644), Content::bytes(entry.into_bytes()));
    root.insert(b"boot/loader.1/entries/ostree-1.conf", entry, &parents).unwrap();
    root.insert(b"boot/loader", Inode::symlink("loader.1"), &parents).unwrap();
    root.insert(b"boot/boot", Inode::symlink("."), &parents).unwrap();
}

/// A temporary directory as text.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes `tree` into the empty directory `at`, with links, owners, modes, attributes and times, but without the
/// immutable flag.
pub(crate) fn extract(tree: &FileTree, at: &Path) {
    assert!(rustix::process::geteuid().is_root(), "owners can only be written by root");
    extract_directory(&tree.root, at, &mut HashMap::new());
}

fn extract_directory(directory: &Directory, at: &Path, links: &mut HashMap<*const Inode, PathBuf>) {
    for (name, node) in &directory.entries {
        let path = at.join(OsStr::from_bytes(name));
        match node {
            Node::Directory(below) => {
                fs::create_dir(&path).unwrap();
                extract_directory(below, &path, links);
            }
            Node::Leaf(inode) => {
                if let Some(first) = links.get(&Arc::as_ptr(inode)) {
                    fs::hard_link(first, &path).unwrap();
                    continue;
                }
                links.insert(Arc::as_ptr(inode), path.clone());
                match &inode.kind {
                    InodeKind::Regular(content) => {
                        fs::write(&path, content.read_to_vec(u64::MAX).unwrap()).unwrap();
                    }
                    InodeKind::Symlink(target) => symlink(OsStr::from_bytes(target), &path).unwrap(),
                    other => panic!("{} in a tree for ostree", other.name()),
                }
                apply(&inode.metadata, &path, matches!(inode.kind, InodeKind::Symlink(_)));
            }
        }
    }
    apply(&directory.metadata, at, false);
}

fn apply(metadata: &Metadata, path: &Path, link: bool) {
    let Metadata { mode, uid, gid, mtime, xattrs, .. } = metadata;
    let owner = (Some(Uid::from_raw(*uid)), Some(Gid::from_raw(*gid)));
    rustix::fs::chownat(CWD, path, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW).unwrap();
    for (name, value) in xattrs {
        let name = CString::new(name.clone()).unwrap();
        rustix::fs::lsetxattr(path, name.as_c_str(), value, XattrFlags::empty()).unwrap();
    }
    if !link {
        rustix::fs::chmod(path, rustix::fs::Mode::from_raw_mode(u32::from(*mode))).unwrap();
    }
    let time = Timespec { tv_sec: mtime.seconds, tv_nsec: mtime.nanoseconds.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).unwrap();
}

/// Reads a directory into a tree. Devices and their like come along, for the importer to judge.
pub(crate) fn read(at: &Path) -> FileTree {
    FileTree { root: read_directory(at, &mut HashMap::new()) }
}

fn read_directory(at: &Path, links: &mut HashMap<u64, Arc<Inode>>) -> Directory {
    let mut directory = Directory::new(metadata(at));
    for entry in fs::read_dir(at).unwrap() {
        let entry = entry.unwrap();
        let (path, stat) = (entry.path(), entry.metadata().unwrap());
        let name = entry.file_name().into_vec();
        if stat.is_dir() {
            directory.insert(name, read_directory(&path, links));
            continue;
        }
        let inode = links.entry(stat.ino()).or_insert_with(|| {
            let kind = match stat.mode() & 0o170_000 {
                0o100_000 => InodeKind::Regular(Content::bytes(fs::read(&path).unwrap())),
                0o120_000 => InodeKind::Symlink(fs::read_link(&path).unwrap().into_os_string().into_vec()),
                0o010_000 => InodeKind::Fifo,
                0o140_000 => InodeKind::Socket,
                _ => InodeKind::CharDevice { major: 0, minor: 0 },
            };
            Arc::new(Inode::new(metadata(&path), kind))
        });
        directory.insert(name, Arc::clone(inode));
    }
    directory
}

fn metadata(path: &Path) -> Metadata {
    let stat = fs::symlink_metadata(path).unwrap();
    let mut names = vec![0; 1 << 16];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap();
    let mut xattrs = Xattrs::new();
    for name in names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0; 1 << 16];
        let key = CString::new(name).unwrap();
        let length = rustix::fs::lgetxattr(path, key.as_c_str(), &mut value[..]).unwrap();
        value.truncate(length);
        xattrs.insert(name.to_vec(), value);
    }
    Metadata {
        mode: u16::try_from(stat.mode() & 0o7777).unwrap(),
        uid: stat.uid(),
        gid: stat.gid(),
        mtime: Timestamp { seconds: stat.mtime(), nanoseconds: u32::try_from(stat.mtime_nsec()).unwrap() },
        xattrs,
        immutable: false,
    }
}
