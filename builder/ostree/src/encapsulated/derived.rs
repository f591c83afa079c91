//! Layers over an ostree base (spec 3.5).

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use builder_tree::{Directory, FileTree, Inode, Node, join};

use crate::{OstreeError, import};

/// The repository inside an image's tree.
const REPO: &[u8] = b"sysroot/ostree/repo";
/// Begins the name of a marker.
const MARKER: &[u8] = b".wh.";

/// Top-level directories that every layer over a base may fill.
const ALWAYS: [&[u8]; 8] = [b"dev", b"etc", b"proc", b"run", b"sys", b"tmp", b"usr", b"var"];

/// Which top-level directories a layer over an ostree base may fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopLevels {
    /// Any: the base mounts its root with composefs or makes it transient, so that all of it is the commit's.
    All,
    /// `/usr`, `/etc` and `/var` only; what is elsewhere is left out, as bootc does.
    OfOstree,
}

/// A layer in the form in which it goes over an ostree base.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The layer's tree, with its markers.
    pub tree: FileTree,
    /// Directories of the tree that no entry of the layer lists.
    pub implicit: BTreeSet<Vec<u8>>,
    /// What was left out below the run-time directories: their children, each with all below it.
    pub dropped: Vec<Vec<u8>>,
    /// Top-level entries that do not go over this base, each with all below it.
    pub refused: Vec<Vec<u8>>,
    /// Files that the layer has in the base's repository and nowhere else.
    pub unlinked: Vec<Vec<u8>>,
}

impl TopLevels {
    /// By the settings `composefs.enabled` and `root.transient` of the base's `/usr/lib/ostree/prepare-root.conf`.
    #[must_use]
    pub fn of_settings(composefs_enabled: Option<&str>, root_transient: Option<&str>) -> Self {
        let composefs = matches!(composefs_enabled, Some("yes" | "true" | "1" | "maybe" | "signed" | "verity"));
        let transient = matches!(root_transient, Some("true" | "1"));
        if composefs || transient { Self::All } else { Self::OfOstree }
    }

    fn takes(self, name: &[u8]) -> bool {
        self == Self::All || name.starts_with(MARKER) || ALWAYS.contains(&name)
    }
}

/// Adapts a layer over an ostree base; `implicit` are the directories of `tree` that no entry lists.
///
/// A layer may hold files of the base's repository, where a container tool found that a file that was changed is a
/// hard link to an object. Its other names are in the layer too, and are what counts; in the repository it is left
/// out.
///
/// # Errors
/// As for [`import::adapt_layer`].
pub fn adapt(mut tree: FileTree, implicit: &BTreeSet<Vec<u8>>, top_levels: TopLevels) -> Result<Derived, OstreeError> {
    let mut refused: Vec<Vec<u8>> = Vec::new();
    tree.root.entries.retain(|name, _| {
        let taken = top_levels.takes(name);
        if !taken {
            refused.push(name.clone());
        }
        taken
    });
    let mut files = Vec::new();
    if let Some(repo) = tree.directory_mut(REPO) {
        take_files(repo, REPO, implicit, &mut files);
    }
    let unlinked = unlinked(files, &tree);
    let has = |tree: &FileTree, path: &[u8]| tree.get(path).is_some();
    let (had_usr, had_etc) = (has(&tree, b"usr"), has(&tree, b"etc"));
    let adapted = import::adapt_layer(tree)?;

    let mut moved: BTreeSet<Vec<u8>> = BTreeSet::new();
    for path in implicit {
        let in_etc = path == b"etc" || path.starts_with(b"etc/");
        // Of two that become one, the metadata is that of `/etc`.
        if path == b"usr/etc" && had_etc {
            continue;
        }
        moved.insert(if in_etc { join(b"usr", path) } else { path.clone() });
    }
    if !had_usr {
        moved.insert(b"usr".to_vec());
    }
    moved.retain(|path| path.is_empty() || adapted.tree.directory(path).is_some());
    Ok(Derived { tree: adapted.tree, implicit: moved, dropped: adapted.dropped, refused, unlinked })
}

/// Takes the files out of `directory` and all below it; markers stay, and directories that the layer lists.
fn take_files(
    directory: &mut Directory,
    path: &[u8],
    implicit: &BTreeSet<Vec<u8>>,
    files: &mut Vec<(Vec<u8>, Arc<Inode>)>,
) {
    directory.entries.retain(|name, node| match node {
        Node::Directory(below) => {
            let path = join(path, name);
            take_files(below, &path, implicit, files);
            !(below.entries.is_empty() && implicit.contains(&path))
        }
        Node::Leaf(_) if name.starts_with(MARKER) => true,
        Node::Leaf(inode) => {
            files.push((join(path, name), Arc::clone(inode)));
            false
        }
    });
}

/// Those of `files` that have no name in `tree`.
fn unlinked(mut files: Vec<(Vec<u8>, Arc<Inode>)>, tree: &FileTree) -> Vec<Vec<u8>> {
    if !files.is_empty() {
        let mut linked: HashSet<*const Inode> = HashSet::new();
        let walked: Result<(), std::convert::Infallible> = tree.root.walk(&mut |_, node| {
            linked.extend(node.as_leaf().map(Arc::as_ptr));
            Ok(())
        });
        match walked {
            Ok(()) => files.retain(|(_, inode)| !linked.contains(&Arc::as_ptr(inode))),
        }
    }
    files.into_iter().map(|(path, _)| path).collect()
}

/// Ends the merging of a base with its layers: empty files that image builds leave behind in `/etc` go (spec 3.7).
#[must_use]
pub fn finish(mut merged: FileTree) -> FileTree {
    import::remove_left_behind(&mut merged);
    merged
}
