//! Trees, images and outside tools for the tests of this crate.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use builder_block::{ByteSize, FilesystemImage as _, SectorSize, SparseFile};
use builder_fat::{FatImage, Options};
use builder_tree::{Content, FileTree, Inode, Metadata, Node};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempDir};

/// Runs a tool that must succeed; its standard output.
pub(crate) fn run(package: &str, tool: &str, arguments: &[&str]) -> String {
    // mtools and fsck.fat convert names to the character set of the locale.
    let output = match Command::new(tool).args(arguments).env("LC_ALL", "C.UTF-8").output() {
        Ok(output) => output,
        Err(error) => panic!("{tool}: {error}; install the Debian package `{package}`"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{tool} {arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A file of `length` bytes that differ from those of other lengths.
pub(crate) fn file(length: u32) -> Inode {
    let bytes: Vec<u8> = (0..length).map(|i| (i ^ length).wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    Inode::regular(Metadata::root(0o644), Content::bytes(bytes))
}

pub(crate) fn insert(tree: &mut FileTree, path: &str, node: impl Into<Node>) {
    tree.insert(path.as_bytes(), node, &Metadata::root(0o755)).unwrap();
}

pub(crate) fn options(size: ByteSize) -> Options {
    Options {
        volume_id: 0x1234_ABCD,
        label: "EFI-SYSTEM".into(),
        hidden_sectors: 2048,
        size,
        sector: SectorSize::Bytes512,
        timestamp: 1_700_000_000,
    }
}

/// The same on a drive whose sectors have 4096 bytes.
pub(crate) fn native_options(size: ByteSize) -> Options {
    Options { hidden_sectors: 256, sector: SectorSize::Bytes4096, ..options(size) }
}

/// Plans and writes an image.
pub(crate) fn write(tree: &FileTree, options: &Options) -> (FatImage, NamedTempFile) {
    let image = FatImage::plan(tree, options).unwrap();
    let disk = NamedTempFile::new().unwrap();
    let mut device = SparseFile::new(disk.reopen().unwrap(), image.size()).unwrap();
    image.write_to(&mut device).unwrap();
    (image, disk)
}

/// Every path of the tree with its node.
pub(crate) fn paths(tree: &FileTree) -> Vec<(String, &Node)> {
    let mut paths = Vec::new();
    let mut visit = |path: &[u8], node| -> Result<(), std::string::FromUtf8Error> {
        paths.push((String::from_utf8(path.to_vec())?, node));
        Ok(())
    };
    tree.root.walk(&mut visit).unwrap();
    paths
}

/// Copies all files out with mtools.
pub(crate) fn mcopy_all(disk: &Path) -> TempDir {
    let out = TempDir::new().unwrap();
    run("mtools", "mcopy", &["-s", "-n", "-i", disk.to_str().unwrap(), "::*", out.path().to_str().unwrap()]);
    out
}

/// What `fsck.fat` says of an image it has nothing to complain of.
pub(crate) fn fsck(disk: &Path) -> String {
    run("dosfstools", "fsck.fat", &["-n", "-v", disk.to_str().unwrap()])
}

/// Has every name and byte compared through the fatfs crate.
pub(crate) fn compare_with_fatfs(tree: &FileTree, disk: &Path) {
    let volume = fatfs::FileSystem::new(std::fs::File::open(disk).unwrap(), fatfs::FsOptions::new()).unwrap();
    let mut theirs = Vec::new();
    let mut rest = vec![(String::new(), volume.root_dir())];
    while let Some((above, directory)) = rest.pop() {
        for entry in directory.iter() {
            let entry = entry.unwrap();
            let path = format!("{above}{}", entry.file_name());
            if [".", ".."].contains(&entry.file_name().as_str()) {
                continue;
            }
            if entry.is_dir() {
                rest.push((format!("{path}/"), entry.to_dir()));
                theirs.push(format!("{path}/"));
                continue;
            }
            let node = tree.get(path.as_bytes()).unwrap();
            let content = node.as_leaf().and_then(|inode| inode.content()).unwrap();
            same(content, &path, |offset, buffer| {
                let mut file = entry.to_file();
                file.seek(SeekFrom::Start(offset)).unwrap();
                file.read_exact(buffer).unwrap();
            });
            assert_eq!(entry.len(), content.size(), "{path}");
            theirs.push(path);
        }
    }
    theirs.sort();
    assert_eq!(listed(tree), theirs);
}

/// Every path of the tree, sorted, with a slash behind directories.
fn listed(tree: &FileTree) -> Vec<String> {
    let mut listed: Vec<String> = paths(tree)
        .into_iter()
        .map(|(path, node)| path + if node.as_directory().is_some() { "/" } else { "" })
        .collect();
    listed.sort();
    listed
}

/// Compares a body with what `read` gives from an offset on.
fn same(content: &Content, path: &str, read: impl Fn(u64, &mut [u8])) {
    let longest = usize::try_from(content.size().min(1 << 22)).unwrap();
    let (mut ours, mut theirs) = (vec![0; longest], vec![0; longest]);
    let mut offset = 0;
    while offset < content.size() {
        let now = usize::try_from((content.size() - offset).min(1 << 22)).unwrap();
        content.read_at(offset, &mut ours[..now]).unwrap();
        read(offset, &mut theirs[..now]);
        assert!(ours[..now] == theirs[..now], "{path} at {offset}");
        offset += now as u64;
    }
}

/// Has the image checked by `fsck.fat`, and every name and byte compared through mtools and the fatfs crate.
pub(crate) fn compare(tree: &FileTree, disk: &Path) {
    fsck(disk);
    compare_with_fatfs(tree, disk);
    let listing = run("mtools", "mdir", &["-/", "-a", "-b", "-i", disk.to_str().unwrap(), "::"]);
    let mut theirs: Vec<String> = listing.lines().map(|line| line.trim_start_matches("::/").to_owned()).collect();
    theirs.sort();
    assert_eq!(listed(tree), theirs);
    let out = mcopy_all(disk);
    for (path, node) in paths(tree) {
        let Some(content) = node.as_leaf().and_then(|inode| inode.content()) else { continue };
        let copied = std::fs::File::open(out.path().join(&path)).unwrap();
        assert_eq!(copied.metadata().unwrap().len(), content.size(), "{path}");
        same(content, &path, |offset, buffer| copied.read_exact_at(buffer, offset).unwrap());
    }
}

/// Some of what the boot sector says.
pub(crate) struct BootFields {
    pub(crate) hidden_sectors: u32,
    /// Sectors per cluster, reserved ones, all, those of a FAT.
    pub(crate) geometry: (u8, u16, u32, u32),
}

pub(crate) fn boot_fields(disk: &Path) -> BootFields {
    let mut sector = [0; 512];
    std::fs::File::open(disk).unwrap().read_exact_at(&mut sector, 0).unwrap();
    let long = |at: usize| u32::from_le_bytes(sector[at..at + 4].try_into().unwrap());
    BootFields {
        hidden_sectors: long(28),
        geometry: (sector[13], u16::from_le_bytes([sector[14], sector[15]]), long(32), long(36)),
    }
}

pub(crate) fn digest(disk: &Path) -> String {
    Sha256::digest(std::fs::read(disk).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}
