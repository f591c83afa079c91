//! What takes the space of an image, for those who draw it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use builder_tree::{Directory, DisplayPath, FileTree, Inode, Node, join};
use serde::Serialize;

/// A directory that takes more than this part of the whole is told of by itself.
const PART: u64 = 64;

/// Directories further down are a part of the one above.
const DEPTH: usize = 8;

/// Something that takes space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// A directory from `/` on, or a package with its version.
    pub name: String,
    /// What its files take together, in bytes.
    pub bytes: u64,
}

/// What takes the space, each the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Space {
    /// What all regular files take, in bytes; an inode with several names counts once.
    pub bytes: u64,
    /// Directories; each without those below it that are told of by themselves, so that together they are all.
    pub directories: Vec<Share>,
    /// Packages, as their packager recorded it; none where nobody keeps a list that can be read.
    pub packages: Vec<Share>,
}

impl Space {
    /// Measures the files that a container would see.
    pub(crate) fn of(tree: &FileTree) -> Self {
        let mut measuring = Measuring::default();
        let sum = measuring.directory(&tree.root, 0);
        let mut directories = BTreeMap::new();
        let rest = split(&sum, b"", sum.bytes / PART, &mut directories);
        directories.insert(b"/".to_vec(), rest);
        let named = directories.into_iter().map(|(path, bytes)| (DisplayPath(&path).to_string(), bytes));
        let set = builder_packages::read(tree).ok().flatten();
        let packages = set
            .iter()
            .flat_map(|set| &set.packages)
            .filter_map(|package| Some((format!("{} {}", package.name, package.version), package.installed_size?)));
        Self { bytes: sum.bytes, directories: shares(named), packages: shares(packages) }
    }
}

/// Those that take anything, the largest first.
fn shares(all: impl Iterator<Item = (String, u64)>) -> Vec<Share> {
    let mut shares: Vec<Share> =
        all.filter(|(_, bytes)| *bytes > 0).map(|(name, bytes)| Share { name, bytes }).collect();
    shares.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.name.cmp(&other.name)));
    shares
}

/// A directory: its files, and all that is below it.
#[derive(Default)]
struct Sum {
    bytes: u64,
    below: Vec<(Vec<u8>, Sum)>,
}

#[derive(Default)]
struct Measuring {
    /// Inodes that may have a second name.
    seen: HashSet<*const Inode>,
}

impl Measuring {
    fn directory(&mut self, directory: &Directory, depth: usize) -> Sum {
        let mut sum = Sum::default();
        for (name, node) in &directory.entries {
            match node {
                Node::Directory(below) => {
                    let below = self.directory(below, depth + 1);
                    sum.bytes = sum.bytes.saturating_add(below.bytes);
                    if depth < DEPTH {
                        sum.below.push((name.to_vec(), below));
                    }
                }
                Node::Leaf(inode) => sum.bytes = sum.bytes.saturating_add(self.leaf(inode)),
            }
        }
        sum
    }

    /// What a file takes where it is seen for the first time.
    fn leaf(&mut self, inode: &Arc<Inode>) -> u64 {
        let Some(content) = inode.content() else { return 0 };
        if Arc::strong_count(inode) > 1 && !self.seen.insert(Arc::as_ptr(inode)) {
            return 0;
        }
        content.size()
    }
}

/// Puts the large directories below `path` into `shares`, and gives what is left for it.
fn split(sum: &Sum, path: &[u8], least: u64, shares: &mut BTreeMap<Vec<u8>, u64>) -> u64 {
    let mut rest = sum.bytes;
    for (name, below) in &sum.below {
        if below.bytes > least {
            let path = join(path, name);
            let own = split(below, &path, least, shares);
            shares.insert(path, own);
            rest = rest.saturating_sub(below.bytes);
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata, Node};

    use super::Space;

    #[test]
    fn large_directories_are_told_apart_and_together_they_are_all() {
        let mut tree = FileTree::new();
        let file =
            |bytes: usize| -> Node { Inode::regular(Metadata::root(0o644), Content::bytes(vec![1; bytes])).into() };
        let linked = file(50_000);
        for (path, node) in [
            ("usr/lib/modules/6.1/large", file(200_000)),
            ("usr/lib/small/file", file(10)),
            ("usr/lib/other", file(1000)),
            ("usr/bin/tool", linked.clone()),
            ("usr/sbin/tool", linked),
            ("etc/passwd", file(100)),
            ("file", file(7)),
        ] {
            tree.insert(path.as_bytes(), node, &Metadata::root(0o755)).unwrap();
        }
        let space = Space::of(&tree);
        let told: Vec<_> = space.directories.iter().map(|share| (share.name.as_str(), share.bytes)).collect();
        assert_eq!(told, [("/usr/lib/modules/6.1", 200_000), ("/usr/bin", 50_000), ("/usr/lib", 1010), ("/", 107)]);
        assert_eq!(space.bytes, told.iter().map(|(_, bytes)| bytes).sum::<u64>());
        assert!(space.packages.is_empty());
    }
}
