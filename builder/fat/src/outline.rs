//! The tree as FAT sees it: checked, with all names, without a place yet.

use std::collections::{BTreeMap, VecDeque};

use builder_tree::{Content, Directory, FileTree, InodeKind, Metadata, Node, join};

use crate::record::{RECORD, long_records};
use crate::short::{ShortName, assign};
use crate::{FatError, name};

/// Records of the largest directory, 2 MiB: FAT specification, "Directory structure"; Linux `FAT_MAX_DIR_ENTRIES`.
pub(crate) const DIRECTORY_RECORDS: u64 = 65_536;

/// All that is to be written, in the order in which it will lie on the disk.
#[derive(Debug)]
pub(crate) struct Outline {
    /// Directories, the root first, parents before children.
    pub(crate) directories: Vec<OutlineDirectory>,
    /// Bodies of the files, those of one directory together.
    pub(crate) files: Vec<Content>,
}

/// A directory.
#[derive(Debug)]
pub(crate) struct OutlineDirectory {
    /// Its parent's place among the directories; the root is its own.
    pub(crate) parent: usize,
    /// Its entries in byte order of their names.
    pub(crate) entries: Vec<Entry>,
    /// Records it takes, with label, `.` and `..`.
    pub(crate) records: u64,
}

/// A name in a directory.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) short: ShortName,
    /// UTF-16; empty where the short name says it all.
    pub(crate) long: Vec<u16>,
    pub(crate) what: What,
}

impl Entry {
    /// The name that people see.
    pub(crate) fn name(&self) -> String {
        if !self.long.is_empty() {
            return String::from_utf16_lossy(&self.long);
        }
        let (stem, extension) = self.short.0.split_at(8);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        match text(extension).as_str() {
            "" => text(stem),
            extension => format!("{}.{extension}", text(stem)),
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// A place among the directories.
    Directory(usize),
    /// A place among the files.
    File(usize),
}

impl Outline {
    /// Of a tree, in one walk.
    pub(crate) fn new(tree: &FileTree, has_label: bool) -> Result<Self, FatError> {
        check_metadata(&tree.root.metadata, b"")?;
        let mut outline = Self { directories: Vec::new(), files: Vec::new() };
        let mut queue: VecDeque<(&Directory, Vec<u8>, usize)> = VecDeque::from([(&tree.root, Vec::new(), 0)]);
        while let Some((directory, path, parent)) = queue.pop_front() {
            let place = outline.directories.len();
            let names = check_names(directory, &path)?;
            let mut entries = Vec::with_capacity(names.len());
            let mut records = if place == 0 { u64::from(has_label) } else { 2 };
            for ((node, name), short) in directory.entries.values().zip(&names).zip(assign(&names)) {
                let path = join(&path, name.as_bytes());
                check_metadata(node.metadata(), &path)?;
                let what = match node {
                    Node::Directory(below) => {
                        queue.push_back((below, path, place));
                        // Those in the queue follow those that are done and this one.
                        What::Directory(place + queue.len())
                    }
                    Node::Leaf(inode) => {
                        let InodeKind::Regular(content) = &inode.kind else {
                            return Err(FatError::Kind { path, kind: inode.kind.name() });
                        };
                        if u32::try_from(content.size()).is_err() {
                            return Err(FatError::FileTooLarge { path, size: content.size() });
                        }
                        outline.files.push(content.clone());
                        What::File(outline.files.len() - 1)
                    }
                };
                let long = if short.is_exactly(name) { Vec::new() } else { name.encode_utf16().collect() };
                records += 1 + long_records(long.len()) as u64;
                entries.push(Entry { short, long, what });
            }
            if records > DIRECTORY_RECORDS {
                return Err(FatError::DirectoryTooLarge { path, records, limit: DIRECTORY_RECORDS });
            }
            outline.directories.push(OutlineDirectory { parent, entries, records });
        }
        Ok(outline)
    }

    /// Clusters of `cluster_bytes` that directories and files take. Saturates.
    pub(crate) fn clusters(&self, cluster_bytes: u64) -> u64 {
        let directories = self.directories.iter().map(|directory| directory.clusters(cluster_bytes));
        let files = self.files.iter().map(|content| content.size().div_ceil(cluster_bytes));
        directories.chain(files).fold(0, u64::saturating_add)
    }
}

impl OutlineDirectory {
    /// Clusters of `cluster_bytes` that it takes: at least one, even with no record.
    pub(crate) fn clusters(&self, cluster_bytes: u64) -> u64 {
        (self.records * RECORD as u64).div_ceil(cluster_bytes).max(1)
    }
}

/// The names of the directory at `path` as text, in byte order.
fn check_names<'a>(directory: &'a Directory, path: &[u8]) -> Result<Vec<&'a str>, FatError> {
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    directory
        .entries
        .keys()
        .map(|bytes| {
            let name = name::check(bytes).map_err(|problem| FatError::Name { path: join(path, bytes), problem })?;
            match folded.insert(name::folded(name), name) {
                None => Ok(name),
                Some(other) => {
                    Err(FatError::CaseCollision { first: join(path, other.as_bytes()), second: join(path, bytes) })
                }
            }
        })
        .collect()
}

fn check_metadata(metadata: &Metadata, path: &[u8]) -> Result<(), FatError> {
    let what = if let Some(name) = metadata.xattrs.keys().next() {
        format!("the extended attribute {}", name.escape_ascii())
    } else if metadata.immutable {
        "the immutable flag".into()
    } else {
        return Ok(());
    };
    Err(FatError::Metadata { path: path.to_vec(), what })
}
