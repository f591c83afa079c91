//! Files that came, went or changed.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::io::Read as _;

use crate::formats::hex;
use builder_tree::{Content, Directory, DisplayPath, FileTree, Inode, InodeKind, Metadata, Node, join};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

/// What of each file is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// Extended attributes and the numbers of devices.
    pub(crate) attributes: bool,
}

/// A file that one side has alone.
#[derive(Clone, Debug, Serialize)]
pub struct FileEntry {
    /// Its path, without a leading slash.
    #[serde(serialize_with = "display")]
    pub path: Vec<u8>,
    /// Its type in words.
    pub kind: &'static str,
    /// Bytes of a regular file, else 0.
    pub bytes: u64,
}

/// What of a file is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Aspect {
    /// `type`, `content`, `mode`, `owner`, `target`, `device`, or `xattr NAME`.
    pub what: String,
    /// What A has: of contents the SHA-256, of attributes the value in hexadecimal digits.
    pub before: String,
    /// What B has.
    pub after: String,
}

/// A file that both have, and not the same.
#[derive(Clone, Debug, Serialize)]
pub struct FileChange {
    /// Its path, without a leading slash.
    #[serde(serialize_with = "display")]
    pub path: Vec<u8>,
    /// Its type on B in words.
    pub kind: &'static str,
    /// Its bytes on A.
    pub bytes_before: u64,
    /// Its bytes on B.
    pub bytes_after: u64,
    /// What is different.
    pub aspects: Vec<Aspect>,
}

/// How many, and how large on the side that has them; what changed, on B.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Files, directories and links.
    pub files: u64,
    /// Bytes of regular files.
    pub bytes: u64,
}

/// All files that are not the same, in the order of their paths.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileChanges {
    /// How many of what: `added`, `removed`, `changed`, and each aspect of the changed ones.
    pub tallies: BTreeMap<String, Tally>,
    /// Those that B has alone.
    pub added: Vec<FileEntry>,
    /// Those that A has alone.
    pub removed: Vec<FileEntry>,
    /// Those that both have.
    pub changed: Vec<FileChange>,
}

fn display<S: Serializer>(path: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&DisplayPath(path))
}

impl FileChanges {
    /// Whether all are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    pub(crate) fn paths(&self) -> impl Iterator<Item = &[u8]> {
        let alone = self.added.iter().chain(&self.removed).map(|entry| &entry.path[..]);
        alone.chain(self.changed.iter().map(|change| &change.path[..]))
    }

    /// Takes out what is below `copies` (with a slash at its end) and the same below `over` and `copies`; gives how much
    /// that was.
    pub(crate) fn without_copies(&mut self, copies: &[u8], over: &[u8]) -> usize {
        let original = |path: &[u8]| path.starts_with(copies).then(|| [over, path].concat());
        let mut all = std::mem::take(self);
        let before = all.paths().count();
        for list in [&mut all.added, &mut all.removed] {
            let found: BTreeSet<_> = list.iter().map(|entry| (entry.path.clone(), entry.kind, entry.bytes)).collect();
            list.retain(|entry| {
                original(&entry.path).is_none_or(|path| !found.contains(&(path, entry.kind, entry.bytes)))
            });
        }
        let found: BTreeMap<_, _> =
            all.changed.iter().map(|change| (change.path.clone(), change.aspects.clone())).collect();
        all.changed.retain(|change| {
            original(&change.path).is_none_or(|path| found.get(&path).is_none_or(|aspects| *aspects != change.aspects))
        });
        let after = all.paths().count();
        all.tallies.clear();
        for (name, list) in [("added", all.added.clone()), ("removed", all.removed.clone())] {
            list.iter().for_each(|entry| all.tally(name, entry.bytes));
        }
        all.changed.clone().iter().for_each(|change| all.tally_change(change));
        *self = all;
        before - after
    }

    fn tally_change(&mut self, change: &FileChange) {
        self.tally("changed", change.bytes_after);
        let mut seen = BTreeSet::new();
        for aspect in &change.aspects {
            // Attributes are counted together: a file with two is one file.
            let what = aspect.what.split(' ').next().unwrap_or(&aspect.what);
            if seen.insert(what) {
                self.tally(what, change.bytes_after);
            }
        }
    }

    fn tally(&mut self, what: &str, bytes: u64) {
        let tally = self.tallies.entry(what.to_owned()).or_default();
        tally.files += 1;
        tally.bytes = tally.bytes.saturating_add(bytes);
    }
}

/// SHA-256 of a body.
pub(crate) fn digest(content: &Content) -> io::Result<[u8; 32]> {
    // Bodies are stored here without anything before them.
    if let Some(fingerprint) = content.fingerprint() {
        return Ok(fingerprint.digest);
    }
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut reader = content.reader();
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            now => hasher.update(&buffer[..now]),
        }
    }
}

/// Compares two trees.
pub(crate) fn compare(a: &FileTree, b: &FileTree, scope: Scope) -> FileChanges {
    let mut comparison = Comparison { scope, changes: FileChanges::default() };
    let mut root = Vec::new();
    comparison.metadata(&a.root.metadata, &b.root.metadata, &mut root);
    if !root.is_empty() {
        comparison.changed(b"", "directory", (0, 0), root);
    }
    comparison.directories(b"", &a.root, &b.root);
    comparison.changes
}

struct Comparison {
    scope: Scope,
    changes: FileChanges,
}

impl Comparison {
    fn directories(&mut self, path: &[u8], a: &Directory, b: &Directory) {
        let names: BTreeSet<&Vec<u8>> = a.entries.keys().chain(b.entries.keys()).collect();
        for name in names {
            let path = join(path, name);
            match (a.get(name), b.get(name)) {
                (Some(a), Some(b)) => self.nodes(&path, a, b),
                (Some(a), None) => self.alone(&path, a, Which::Removed),
                (None, Some(b)) => self.alone(&path, b, Which::Added),
                (None, None) => {}
            }
        }
    }

    fn nodes(&mut self, path: &[u8], a: &Node, b: &Node) {
        let mut aspects = Vec::new();
        if a.kind_name() != b.kind_name() {
            aspects.push(aspect("type", a.kind_name(), b.kind_name()));
        }
        let link = |node: &Node| node.as_leaf().is_some_and(|inode| matches!(inode.kind, InodeKind::Symlink(_)));
        // A link has no mode of its own.
        let (one, other) = (a.metadata(), b.metadata());
        if link(a) || link(b) {
            let one = Metadata { mode: other.mode, ..one.clone() };
            self.metadata(&one, other, &mut aspects);
        } else {
            self.metadata(one, other, &mut aspects);
        }
        if let (Node::Leaf(a), Node::Leaf(b)) = (a, b) {
            self.leaves(a, b, &mut aspects);
        }
        if !aspects.is_empty() {
            self.changed(path, b.kind_name(), (bytes(a), bytes(b)), aspects);
        }
        match (a, b) {
            (Node::Directory(a), Node::Directory(b)) => self.directories(path, a, b),
            (Node::Directory(a), Node::Leaf(_)) => self.directories(path, a, &Directory::default()),
            (Node::Leaf(_), Node::Directory(b)) => self.directories(path, &Directory::default(), b),
            (Node::Leaf(_), Node::Leaf(_)) => {}
        }
    }

    fn metadata(&self, a: &Metadata, b: &Metadata, aspects: &mut Vec<Aspect>) {
        if a.mode != b.mode {
            aspects.push(aspect("mode", &format!("{:04o}", a.mode), &format!("{:04o}", b.mode)));
        }
        if (a.uid, a.gid) != (b.uid, b.gid) {
            aspects.push(aspect("owner", &format!("{}:{}", a.uid, a.gid), &format!("{}:{}", b.uid, b.gid)));
        }
        if self.scope.attributes && a.xattrs != b.xattrs {
            let names: BTreeSet<&Vec<u8>> = a.xattrs.keys().chain(b.xattrs.keys()).collect();
            for name in names.into_iter().filter(|&name| a.xattrs.get(name) != b.xattrs.get(name)) {
                let value = |of: &Metadata| of.xattrs.get(name).map_or_else(|| "none".to_owned(), |value| hex(value));
                aspects.push(aspect(&format!("xattr {}", printable(name)), &value(a), &value(b)));
            }
        }
    }

    fn leaves(&self, a: &Inode, b: &Inode, aspects: &mut Vec<Aspect>) {
        match (&a.kind, &b.kind) {
            (InodeKind::Regular(one), InodeKind::Regular(other)) => {
                // What cannot be read is not the same; that the store fails is told by whoever reads next.
                let hash = |content| digest(content).map_or_else(|error| error.to_string(), |digest| hex(&digest));
                let (before, after) = (hash(one), hash(other));
                if before != after {
                    aspects.push(Aspect { what: "content".to_owned(), before, after });
                }
            }
            (InodeKind::Symlink(one), InodeKind::Symlink(other)) if one != other => {
                aspects.push(aspect("target", &printable(one), &printable(other)));
            }
            (
                InodeKind::CharDevice { major, minor } | InodeKind::BlockDevice { major, minor },
                InodeKind::CharDevice { major: others, minor: others_minor }
                | InodeKind::BlockDevice { major: others, minor: others_minor },
            ) if self.scope.attributes && (major, minor) != (others, others_minor) => {
                aspects.push(aspect("device", &format!("{major}:{minor}"), &format!("{others}:{others_minor}")));
            }
            _ => {}
        }
    }

    fn changed(&mut self, path: &[u8], kind: &'static str, bytes: (u64, u64), aspects: Vec<Aspect>) {
        let (bytes_before, bytes_after) = bytes;
        let change = FileChange { path: path.to_vec(), kind, bytes_before, bytes_after, aspects };
        self.changes.tally_change(&change);
        self.changes.changed.push(change);
    }

    /// Notes a node, with all below it, that the other side does not have.
    fn alone(&mut self, path: &[u8], node: &Node, which: Which) {
        let entry = FileEntry { path: path.to_vec(), kind: node.kind_name(), bytes: bytes(node) };
        let (name, list) = match which {
            Which::Added => ("added", &mut self.changes.added),
            Which::Removed => ("removed", &mut self.changes.removed),
        };
        list.push(entry);
        self.changes.tally(name, bytes(node));
        if let Node::Directory(directory) = node {
            for (name, node) in &directory.entries {
                self.alone(&join(path, name), node, which);
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Which {
    Added,
    Removed,
}

fn aspect(what: &str, before: &str, after: &str) -> Aspect {
    Aspect { what: what.to_owned(), before: before.to_owned(), after: after.to_owned() }
}

fn bytes(node: &Node) -> u64 {
    node.as_leaf().and_then(|inode| inode.content()).map_or(0, Content::size)
}

/// Bytes as text, as paths are shown but without a slash in front.
fn printable(bytes: &[u8]) -> String {
    let text = DisplayPath(bytes).to_string();
    if bytes.starts_with(b"/") { text } else { text.trim_start_matches('/').to_owned() }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, InodeKind, Metadata};

    use super::{Scope, Tally, compare};

    fn tree(entries: &[(&str, Inode)]) -> FileTree {
        let mut tree = FileTree::new();
        for (path, inode) in entries {
            tree.insert(path.as_bytes(), inode.clone(), &Metadata::root(0o755)).unwrap();
        }
        tree
    }

    fn file(text: &str, metadata: Metadata) -> Inode {
        Inode::regular(metadata, Content::bytes(text.as_bytes().to_vec()))
    }

    #[test]
    fn every_kind_of_change_is_told_apart() {
        let plain = || Metadata::root(0o644);
        let with = |name: &str, value: &[u8]| Metadata {
            xattrs: [(name.as_bytes().to_vec(), value.to_vec())].into(),
            ..plain()
        };
        let device = |minor| Inode::new(plain(), InodeKind::CharDevice { major: 1, minor });
        let cases: [(&str, Inode, Inode, &str); 8] = [
            ("same", file("x", plain()), file("x", plain()), ""),
            ("content", file("x", plain()), file("y", plain()), "content"),
            ("mode", file("x", plain()), file("x", Metadata::root(0o600)), "mode 0644 0600"),
            ("owner", file("x", plain()), file("x", Metadata { gid: 5, ..plain() }), "owner 0:0 0:5"),
            ("target", Inode::symlink("a"), Inode::symlink("/b"), "target a /b"),
            ("type", file("a", Metadata::root(0o777)), Inode::symlink("a"), "type regular file symbolic link"),
            (
                "xattr",
                file("x", with("user.a", b"1")),
                file("x", with("user.b", b"1")),
                "xattr user.a 31 none, xattr user.b none 31",
            ),
            ("device", device(3), device(5), "device 1:3 1:5"),
        ];
        for attributes in [true, false] {
            for (name, a, b, expected) in &cases {
                let changes = compare(&tree(&[(name, a.clone())]), &tree(&[(name, b.clone())]), Scope { attributes });
                let found: Vec<String> = changes
                    .changed
                    .iter()
                    .flat_map(|change| &change.aspects)
                    .map(|aspect| match aspect.what.as_str() {
                        "content" => "content".to_owned(),
                        what => format!("{what} {} {}", aspect.before, aspect.after),
                    })
                    .collect();
                let silent = !attributes && ["xattr", "device"].contains(name);
                assert_eq!(found.join(", "), if silent { "" } else { expected }, "{name}");
            }
        }
    }

    #[test]
    fn the_same_change_in_a_copy_is_told_of_once() {
        let plain = || Metadata::root(0o644);
        let a = tree(&[
            ("etc/same", file("a", plain())),
            ("usr/etc/same", file("a", plain())),
            ("etc/other", file("a", plain())),
            ("usr/etc/other", file("a", plain())),
        ]);
        let b = tree(&[
            ("etc/same", file("bb", plain())),
            ("usr/etc/same", file("bb", plain())),
            ("etc/other", file("ccc", plain())),
            ("usr/etc/other", file("a", plain())),
            ("etc/new", file("1", plain())),
            ("usr/etc/new", file("1", plain())),
            ("etc/own", file("1", plain())),
        ]);
        let mut changes = compare(&a, &b, Scope { attributes: true });
        assert_eq!(changes.without_copies(b"etc/", b"usr/"), 2);
        let paths: Vec<_> = changes.paths().map(String::from_utf8_lossy).collect();
        assert_eq!(paths, ["etc/own", "usr/etc/new", "etc/other", "usr/etc/same"]);
        assert_eq!(changes.tallies["changed"], Tally { files: 2, bytes: 5 });
        assert_eq!(changes.tallies["added"], Tally { files: 2, bytes: 2 });
    }

    #[test]
    fn a_directory_that_goes_takes_its_files_along() {
        let a = tree(&[("d/e/f", file("abc", Metadata::root(0o644))), ("x/y", Inode::symlink("z"))]);
        let b = tree(&[("x", file("12345", Metadata::root(0o755))), ("n", file("1", Metadata::root(0o644)))]);
        let changes = compare(&a, &b, Scope { attributes: true });
        let paths: Vec<_> = changes.removed.iter().map(|entry| String::from_utf8_lossy(&entry.path)).collect();
        assert_eq!(paths, ["d", "d/e", "d/e/f", "x/y"]);
        let tallies: Vec<_> = changes.tallies.iter().map(|(name, tally)| (name.as_str(), *tally)).collect();
        let tally = |files, bytes| Tally { files, bytes };
        assert_eq!(
            tallies,
            [("added", tally(1, 1)), ("changed", tally(1, 5)), ("removed", tally(4, 3)), ("type", tally(1, 5))]
        );
    }
}
