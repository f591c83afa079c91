//! A deployment's directory (spec 4.2).

use std::collections::HashMap;
use std::sync::Arc;

use builder_tree::{Directory, FileTree, Inode, InodeKind, Metadata, Node};

use crate::copy;
use crate::made::Maker;
use crate::rebuild::rebuild_simply;
use crate::{OstreeError, StoredTree, etc};

/// Names that one inode gets before a copy takes over. ext4 allows 65,000; half of that leaves the same number to
/// the next deployment, and room for `/boot`.
const MAX_LINKS: usize = 32_000;

/// Directories that must be there when the machine starts: mount points all (spec 4.2).
const MOUNT_POINTS: [&str; 8] = ["boot", "dev", "proc", "run", "sys", "sysroot", "tmp", "var"];

/// `/ostree` of an image: the way to the physical root's.
const OSTREE_LINK: &[u8] = b"sysroot/ostree";

/// Makes a deployment of `stored`, with a copy of its `usr/etc` and `local` files in that.
pub(crate) fn deploy(stored: &StoredTree, local: &[(Vec<u8>, Inode)], maker: Maker) -> Result<Directory, OstreeError> {
    let tree = &stored.tree;
    check(tree)?;
    let required = || OstreeError::Required { path: "usr/etc", wanted: "directory", found: kind_at(tree, "usr/etc") };
    let usr_etc = tree.directory(b"usr/etc").ok_or_else(required)?;
    let etc = etc::copy(usr_etc, local, maker)?;
    let mut links = Links { maker, copies: HashMap::new() };
    let mut root = rebuild_simply(&tree.root, Metadata::clone, |object| links.link(object));
    root.insert("etc", etc);
    // Making `etc` moved it on, in a real deployment too (spec 11.7).
    root.metadata.mtime = maker.time();
    root.metadata.immutable = true;
    Ok(root)
}

/// What a tree needs to start.
fn check(tree: &FileTree) -> Result<(), OstreeError> {
    if tree.get(b"etc").is_some() {
        return Err(OstreeError::EtcTwice);
    }
    for path in MOUNT_POINTS {
        if tree.directory(path.as_bytes()).is_none() {
            return Err(OstreeError::Required { path, wanted: "directory", found: kind_at(tree, path) });
        }
    }
    let found = match tree.get(b"ostree").and_then(Node::as_leaf).map(|inode| &inode.kind) {
        Some(InodeKind::Symlink(target)) if target == OSTREE_LINK => return Ok(()),
        Some(InodeKind::Symlink(target)) => format!("leads to {}", String::from_utf8_lossy(target)),
        _ => kind_at(tree, "ostree"),
    };
    Err(OstreeError::Required { path: "ostree", wanted: "symbolic link to sysroot/ostree", found })
}

fn kind_at(tree: &FileTree, path: &str) -> String {
    tree.get(path.as_bytes()).map_or_else(|| "is missing".to_owned(), |node| format!("is a {}", node.kind_name()))
}

/// Gives objects more names, up to a number.
struct Links {
    maker: Maker,
    /// For objects with more names than allowed: the copy in use, and its names so far.
    copies: HashMap<*const Inode, (Arc<Inode>, usize)>,
}

impl Links {
    fn link(&mut self, object: &Arc<Inode>) -> Arc<Inode> {
        if object.content().is_some_and(builder_tree::Content::is_empty) {
            // Thousands of paths are empty files, so libostree gives each its own inode (spec 4.2).
            return copy::leaf(object, self.maker);
        }
        // Every name of an object holds a reference, so few references are few names, without counting.
        if Arc::strong_count(object) < MAX_LINKS {
            return Arc::clone(object);
        }
        // The object itself begins with one name, in the repository.
        let (inode, links) = self.copies.entry(Arc::as_ptr(object)).or_insert_with(|| (Arc::clone(object), 1));
        if *links >= MAX_LINKS {
            (*inode, *links) = (Arc::new(Inode::clone(object)), 0);
        }
        *links += 1;
        Arc::clone(inode)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use builder_tree::{Content, FileTree, Inode, Metadata, Node};

    use super::{MAX_LINKS, deploy};
    use crate::made::Maker;
    use crate::{OstreeError, Repo};

    fn bootable() -> FileTree {
        let mut tree = FileTree::new();
        for path in super::MOUNT_POINTS.into_iter().chain(["usr/etc"]) {
            tree.make_directories(path.as_bytes(), &Metadata::root(0o755)).unwrap();
        }
        tree.root.insert("ostree", Inode::symlink("sysroot/ostree"));
        tree
    }

    #[test]
    fn no_inode_gets_more_names_than_ext4_allows() {
        let mut tree = bootable();
        let many = tree.make_directories(b"usr/many", &Metadata::root(0o755)).unwrap();
        for number in 0..70_000 {
            many.insert(number.to_string(), Inode::regular(Metadata::root(0o644), Content::bytes(b"same".to_vec())));
            many.insert(format!("l{number}"), Inode::symlink("target"));
        }
        let mut repo = Repo::new(7);
        let stored = repo.add_tree(&tree).unwrap();
        drop(tree);
        let root = deploy(&stored, &[], Maker::new(7)).unwrap();
        drop(stored);
        let root = FileTree { root };
        let mut links = HashMap::new();
        for node in root.directory(b"usr/many").unwrap().entries.values() {
            *links.entry(Arc::as_ptr(node.as_leaf().unwrap())).or_insert(0_usize) += 1;
        }
        let mut links: Vec<_> = links.into_values().collect();
        links.sort_unstable();
        assert_eq!(links.iter().sum::<usize>(), 140_000);
        assert!(links.len() <= 6 && *links.last().unwrap() <= MAX_LINKS, "{links:?}");
    }

    #[test]
    fn files_are_links_and_empty_files_are_not() {
        let mut tree = bootable();
        for (path, body) in [("usr/a", "x"), ("usr/b", "x"), ("usr/c", ""), ("usr/d", ""), ("usr/etc/a", "x")] {
            let inode = Inode::regular(Metadata::root(0o644), Content::bytes(body.as_bytes().to_vec()));
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        let stored = Repo::new(7).add_tree(&tree).unwrap();
        let root = FileTree { root: deploy(&stored, &[], Maker::new(7)).unwrap() };
        let inode = |path: &str| root.get(path.as_bytes()).and_then(Node::as_leaf).unwrap();
        assert!(Arc::ptr_eq(inode("usr/a"), inode("usr/b")) && Arc::ptr_eq(inode("usr/a"), inode("usr/etc/a")));
        assert!(!Arc::ptr_eq(inode("usr/c"), inode("usr/d")) && !Arc::ptr_eq(inode("usr/a"), inode("etc/a")));
        let seconds = |path| inode(path).metadata.mtime.seconds;
        assert_eq!((seconds("usr/a"), seconds("usr/c"), seconds("etc/a")), (0, 7, 7));
        assert!(root.root.metadata.immutable && root.root.metadata.mtime.seconds == 7);
        assert_eq!(root.directory(b"usr").unwrap().metadata.mtime.seconds, 0);
    }

    #[test]
    fn what_keeps_a_tree_from_starting_is_named() {
        for (path, replacement, text) in [
            ("sysroot", None, "/sysroot must be a directory, but it is missing"),
            ("tmp", Some("var/tmp"), "/tmp must be a directory, but it is a symbolic link"),
            ("ostree", None, "/ostree must be a symbolic link to sysroot/ostree, but it is missing"),
            (
                "ostree",
                Some("/sysroot/ostree"),
                "/ostree must be a symbolic link to sysroot/ostree, but it leads to /sysroot/ostree",
            ),
            ("usr/etc", None, "/usr/etc must be a directory, but it is missing"),
        ] {
            let mut tree = bootable();
            tree.remove(path.as_bytes());
            if let Some(target) = replacement {
                tree.insert(path.as_bytes(), Inode::symlink(target), &Metadata::default()).unwrap();
            }
            let stored = Repo::new(0).add_tree(&tree).unwrap();
            let error = deploy(&stored, &[], Maker::new(0)).unwrap_err();
            assert_eq!(error.to_string(), text);
            assert!(error.hint().is_some(), "{text}");
        }
        let mut tree = bootable();
        tree.make_directories(b"etc", &Metadata::root(0o755)).unwrap();
        let stored = Repo::new(0).add_tree(&tree).unwrap();
        assert!(matches!(deploy(&stored, &[], Maker::new(0)), Err(OstreeError::EtcTwice)));
    }
}
