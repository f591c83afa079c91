//! From an OCI image's tree to an ostree tree (spec 3.5 to 3.7).
//!
//! `/etc` becomes `/usr/etc`, of which each deployment gets a copy. What lies below `/dev`, `/proc`, `/sys`, `/run`
//! and `/tmp` is made at run time and is left out; the directories stay, as mount points.
//!
//! Attributes without a value, and `user.*` on symbolic links, are left out when the tree is added to a repository.

use builder_tree::{Directory, FileTree, InodeKind, Node, join};

use crate::OstreeError;
use crate::object::{check_leaf, check_name, check_xattrs};

/// The directories whose contents an image cannot bring along.
const RUN_TIME: [&[u8]; 5] = [b"dev", b"proc", b"run", b"sys", b"tmp"];

/// The marker with which a layer removes the `/etc` of those below it.
const ETC_WHITEOUT: &[u8] = b".wh.etc";

/// Files that buildah leaves behind in `/etc`, empty.
const LEFT_BEHIND: [&[u8]; 2] = [b"usr/etc/hostname", b"usr/etc/resolv.conf"];

/// A tree that ostree can hold.
#[derive(Clone, Debug)]
pub struct Adapted {
    /// The tree.
    pub tree: FileTree,
    /// What was left out below the run-time directories: their children, each with all below it.
    pub dropped: Vec<Vec<u8>>,
}

/// Adapts the tree that all layers of an image make together.
///
/// Empty files `hostname` and `resolv.conf` in `/etc`, which image builds leave behind, are removed without a word.
///
/// # Errors
/// Both `/etc` and `/usr/etc` have contents, one of them is not a directory, or the tree holds something that ostree
/// cannot.
pub fn adapt_merged(tree: FileTree) -> Result<Adapted, OstreeError> {
    let mut adapted = adapt(tree)?;
    let root = &mut adapted.tree.root;
    if let Some(etc) = take_etc(root)? {
        let old = usr_etc(root)?;
        match (etc.entries.is_empty(), old.as_ref().is_none_or(|old| old.entries.is_empty())) {
            (_, true) => put_usr_etc(root, etc)?,
            (true, false) => put_usr_etc(root, old.unwrap_or_default())?,
            (false, false) => return Err(OstreeError::EtcTwice),
        }
    }
    remove_left_behind(&mut adapted.tree);
    Ok(adapted)
}

/// Removes what image builds leave behind, from a tree in ostree's form.
pub(crate) fn remove_left_behind(tree: &mut FileTree) {
    for path in LEFT_BEHIND {
        let node = tree.get(path).and_then(Node::as_leaf);
        if node.is_some_and(|inode| matches!(&inode.kind, InodeKind::Regular(content) if content.is_empty())) {
            tree.remove(path);
        }
    }
}

/// Adapts the tree of one layer. Its whiteout markers are ordinary files, and stay: who merges the layers again acts
/// on them.
///
/// A layer that has both `/etc` and `/usr/etc` gets their union, with the files of `/etc` where both have one.
///
/// # Errors
/// `/etc` or `/usr` is not a directory, or the tree holds something that ostree cannot.
pub fn adapt_layer(tree: FileTree) -> Result<Adapted, OstreeError> {
    let mut adapted = adapt(tree)?;
    let root = &mut adapted.tree.root;
    if let Some(etc) = take_etc(root)? {
        let etc = match usr_etc(root)? {
            Some(old) => union(old, etc),
            None => etc,
        };
        put_usr_etc(root, etc)?;
    }
    if let Some(marker) = root.entries.remove(ETC_WHITEOUT) {
        usr(root)?.insert(ETC_WHITEOUT, marker);
    }
    Ok(adapted)
}

/// What merged trees and layers have in common: run-time contents go, and the rest is such that ostree can hold it.
fn adapt(mut tree: FileTree) -> Result<Adapted, OstreeError> {
    let mut dropped = Vec::new();
    for top in RUN_TIME {
        if let Some(directory) = tree.root.entries.get_mut(top).and_then(Node::as_directory_mut) {
            dropped.extend(std::mem::take(&mut directory.entries).into_keys().map(|name| join(top, &name)));
        }
    }
    // Before anything moves, so that messages name the paths of the image.
    check_xattrs(b"", &tree.root.metadata)?;
    tree.root.walk(&mut |path, node| {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        check_name(path, name)?;
        match node {
            Node::Directory(directory) => check_xattrs(path, &directory.metadata),
            Node::Leaf(inode) => check_leaf(path, inode),
        }
    })?;
    Ok(Adapted { tree, dropped })
}

fn take_etc(root: &mut Directory) -> Result<Option<Directory>, OstreeError> {
    root.entries.remove(b"etc".as_slice()).map(|node| expect_directory("etc", node)).transpose()
}

/// Takes out `/usr/etc`.
fn usr_etc(root: &mut Directory) -> Result<Option<Directory>, OstreeError> {
    let old = usr(root)?.entries.remove(b"etc".as_slice());
    old.map(|node| expect_directory("usr/etc", node)).transpose()
}

fn put_usr_etc(root: &mut Directory, etc: Directory) -> Result<(), OstreeError> {
    usr(root)?.insert("etc", etc);
    Ok(())
}

/// `/usr`, made as the importer of real layers makes missing parents.
fn usr(root: &mut Directory) -> Result<&mut Directory, OstreeError> {
    let node = root.entries.entry(b"usr".to_vec()).or_insert_with(|| Directory::root_owned(0o755).into());
    let found = format!("is a {}", node.kind_name());
    node.as_directory_mut().ok_or(OstreeError::Required { path: "usr", wanted: "directory", found })
}

fn expect_directory(path: &'static str, node: Node) -> Result<Directory, OstreeError> {
    match node {
        Node::Directory(directory) => Ok(*directory),
        Node::Leaf(inode) => {
            let found = format!("is a {}", inode.kind.name());
            Err(OstreeError::Required { path, wanted: "directory", found })
        }
    }
}

/// The entries of both; where both have one that is not a directory in each, that of `over`.
fn union(mut under: Directory, over: Directory) -> Directory {
    under.metadata = over.metadata;
    for (name, node) in over.entries {
        let node = match (under.entries.remove(&name), node) {
            (Some(Node::Directory(below)), Node::Directory(above)) => union(*below, *above).into(),
            (_, node) => node,
        };
        under.insert(name, node);
    }
    under
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, DumpOptions, FileTree, Inode, InodeKind, Metadata, dump};

    use super::{adapt_layer, adapt_merged};
    use crate::OstreeError;

    fn tree(entries: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::new();
        for (path, what) in entries {
            let metadata = Metadata::root(0o644);
            let inode = match *what {
                "dir" => {
                    tree.make_directories(path.as_bytes(), &Metadata::root(0o755)).unwrap();
                    continue;
                }
                "fifo" => Inode::new(metadata, InodeKind::Fifo),
                "socket" => Inode::new(metadata, InodeKind::Socket),
                "null" => Inode::new(metadata, InodeKind::CharDevice { major: 1, minor: 3 }),
                "loop" => Inode::new(metadata, InodeKind::BlockDevice { major: 7, minor: 0 }),
                link if link.starts_with('>') => Inode::symlink(&link.as_bytes()[1..]),
                text => Inode::regular(metadata, Content::bytes(text.as_bytes().to_vec())),
            };
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        tree
    }

    fn paths(tree: &FileTree) -> Vec<String> {
        let text = dump(tree, DumpOptions::default()).unwrap();
        text.lines().skip(1).map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn etc_moves_and_run_time_contents_go() {
        let adapted = adapt_merged(tree(&[
            ("etc/hosts", "h"),
            ("etc/hostname", ""),
            ("etc/resolv.conf", "nameserver"),
            ("usr/bin/sh", "s"),
            ("dev/null", "null"),
            ("dev/pts/ptmx", "null"),
            ("run/lock", "dir"),
            ("tmp", "dir"),
            ("proc", ">elsewhere"),
        ]))
        .unwrap();
        let expected = ["/dev", "/proc", "/run", "/tmp", "/usr", "/usr/bin", "/usr/bin/sh", "/usr/etc"];
        let expected = expected.into_iter().chain(["/usr/etc/hosts", "/usr/etc/resolv.conf"]);
        assert_eq!(paths(&adapted.tree), expected.collect::<Vec<_>>());
        assert_eq!(adapted.dropped, [b"dev/null".as_slice(), b"dev/pts", b"run/lock"]);
    }

    #[test]
    fn a_layer_keeps_its_markers_and_empty_files() {
        let layer = [
            (".wh.etc", ""),
            ("etc/.wh.hosts", ""),
            ("etc/.wh..wh..opq", ""),
            ("etc/hostname", ""),
            ("usr/etc/d/old", "1"),
            ("usr/etc/hostname", "old"),
            ("etc/d/new", "2"),
        ];
        let adapted = adapt_layer(tree(&layer)).unwrap();
        let expected = [
            "/usr",
            "/usr/.wh.etc",
            "/usr/etc",
            "/usr/etc/.wh..wh..opq",
            "/usr/etc/.wh.hosts",
            "/usr/etc/d",
            "/usr/etc/d/new",
            "/usr/etc/d/old",
            "/usr/etc/hostname",
        ];
        assert_eq!(paths(&adapted.tree), expected);
        assert_eq!(adapted.tree.get(b"usr/etc/hostname").unwrap().as_leaf().unwrap().size(), 0);
    }

    #[test]
    fn of_two_etcs_one_has_to_be_empty() {
        let one = ["/usr", "/usr/etc", "/usr/etc/a"];
        assert_eq!(paths(&adapt_merged(tree(&[("etc", "dir"), ("usr/etc/a", "1")])).unwrap().tree), one);
        assert_eq!(paths(&adapt_merged(tree(&[("etc/a", "1"), ("usr/etc", "dir")])).unwrap().tree), one);
        assert_eq!(paths(&adapt_merged(tree(&[("usr/etc/a", "1")])).unwrap().tree), one);
        let error = adapt_merged(tree(&[("etc/a", "1"), ("usr/etc/b", "1")])).unwrap_err();
        assert!(matches!(error, OstreeError::EtcTwice));
        let error = adapt_merged(tree(&[("etc", ">usr/etc"), ("usr/etc/b", "1")])).unwrap_err();
        assert_eq!(error.to_string(), "/etc must be a directory, but it is a symbolic link");
    }

    #[test]
    fn what_ostree_cannot_hold_is_named() {
        for (path, what, text) in [
            ("usr/x/fifo", "fifo", "/usr/x/fifo is a FIFO"),
            ("etc/socket", "socket", "/etc/socket is a socket"),
            ("var/null", "null", "/var/null is a character device"),
            ("loop", "loop", "/loop is a block device"),
            ("usr/link", ">", "the target of the symbolic link /usr/link is empty"),
        ] {
            for adapt in [adapt_merged, adapt_layer] {
                let error = adapt(tree(&[(path, what)])).unwrap_err();
                assert!(error.to_string().starts_with(text), "{error}");
            }
        }
        let mut bad = FileTree::new();
        bad.insert(b"usr/b\xffd/file", Inode::symlink("a"), &Metadata::root(0o755)).unwrap();
        assert_eq!(adapt_layer(bad).unwrap_err().to_string(), "the name of /usr/b\\xffd is not valid UTF-8");
        let mut bad = FileTree::new();
        bad.insert(b"link", Inode::symlink(b"\xff".as_slice()), &Metadata::root(0o755)).unwrap();
        assert_eq!(
            adapt_merged(bad).unwrap_err().to_string(),
            "the target of the symbolic link /link is not valid UTF-8"
        );
    }
}
