//! The outside judges: e2fsck, debugfs, dumpe2fs and the kernel.

#![allow(dead_code, reason = "every test file uses a part of it")]

pub(crate) mod mount;
pub(crate) mod trees;

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use builder_block::{ByteSize, FilesystemImage, SparseFile};
use builder_ext4::{Ext4Error, Ext4Image, Options, SizeRule, Summary};
use builder_tree::FileTree;

/// An image in a file that vanishes with it.
pub(crate) struct Judged {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) path: PathBuf,
    pub(crate) summary: Summary,
}

pub(crate) fn options(size: SizeRule) -> Options {
    let mut options = Options::new(*b"builder-ext4 uid", *b"builder-ext4 hsh", size);
    options.label = b"root".to_vec();
    options.created = 1_700_000_000;
    options
}

pub(crate) fn minimize() -> Options {
    options(SizeRule::Minimize { free_bytes: ByteSize::ZERO, spare_inodes: 0 })
}

pub(crate) fn write(tree: &FileTree, options: &Options) -> Result<Judged, Ext4Error> {
    let image = Ext4Image::plan(tree, options)?;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    let mut device = SparseFile::new(file, image.size()).unwrap();
    image.write_to(&mut device).unwrap();
    Ok(Judged { directory, path, summary: image.summary() })
}

/// Plans, writes and has e2fsck look at every block.
pub(crate) fn judge(tree: &FileTree, options: &Options) -> Judged {
    let judged = write(tree, options).unwrap();
    judged.fsck();
    judged
}

pub(crate) fn run(tool: &str, package: &str, arguments: &[&str], path: &Path) -> Output {
    match Command::new(tool).args(arguments).arg(path).env("LC_ALL", "C").env("TZ", "UTC").output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("install the Debian package `{package}`"),
        Err(error) => panic!("{tool}: {error}"),
    }
}

impl Judged {
    pub(crate) fn fsck(&self) {
        let output = run("e2fsck", "e2fsprogs", &["-fn"], &self.path);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "e2fsck -fn:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
        // The five passes and the count, nothing else.
        assert_eq!(text.lines().count(), 6, "e2fsck -fn:\n{text}");
    }

    /// What debugfs answers to one request.
    pub(crate) fn debugfs(&self, request: &str) -> String {
        let output = run("debugfs", "e2fsprogs", &["-R", request], &self.path);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn dumpe2fs(&self) -> String {
        let output = run("dumpe2fs", "e2fsprogs", &[], &self.path);
        assert!(output.status.success(), "dumpe2fs: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What dumpe2fs says of a file system of the same identity made by mke2fs.
    pub(crate) fn mke2fs(&self, mib: u64) -> String {
        let path = self.directory.path().join("theirs");
        File::create_new(&path).unwrap().set_len(mib << 20).unwrap();
        let features = "none,has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,\
                        huge_file,dir_nlink,extra_isize,metadata_csum,verity";
        let identity = "6275696c-6465-722d-6578-743420756964";
        let arguments = ["-q", "-t", "ext4", "-b", "4096", "-i", "16384", "-L", "root", "-U", identity, "-O", features];
        let output = run("mke2fs", "e2fsprogs", &arguments, &path);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = run("dumpe2fs", "e2fsprogs", &[], &path);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
