//! What layers weigh, and what of it upper layers hide.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use builder_tree::{Directory, FileTree, Inode, Node};
use serde::Serialize;

/// Begins the name of a marker in a layer.
const MARKER: &[u8] = b".wh.";

/// A layer, or the layers that together hold the ostree commit of a chunked image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LayerSize {
    /// Number of the first one, from 1, the lowest first.
    pub first: usize,
    /// Number of the last one.
    pub last: usize,
    /// How many layers the image has.
    pub total: usize,
    /// Digest of the last one.
    pub digest: String,
    /// Bytes of their blobs, compressed as they are.
    pub blob_bytes: u64,
    /// Regular files in them.
    pub files: u64,
    /// Bytes of these, each inode counted once.
    pub bytes: u64,
    /// Those that later layers replace or remove.
    pub hidden_files: u64,
    /// Their bytes: they are moved and stored, and nobody sees them.
    pub hidden_bytes: u64,
}

impl fmt::Display for LayerSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, total, digest, .. } = self;
        let short = digest.get(..19).unwrap_or(digest);
        if first == last {
            write!(f, "layer {last} of {total} ({short})")
        } else {
            write!(f, "layers {first} to {last} of {total}")
        }
    }
}

/// Fills in the files of each of `sizes`, whose tree is the one of the same place in `layers`; `merged` is what they
/// make together, and shares its inodes with them.
pub(crate) fn measure(sizes: &mut [LayerSize], layers: &[&FileTree], merged: &FileTree) {
    let mut measuring = Measuring::default();
    for (at, (size, layer)) in sizes.iter_mut().zip(layers).enumerate() {
        measuring.seen.clear();
        measuring.directory(at, size, &layer.root, Some(&merged.root));
    }
    measuring.acquit(merged);
    for (at, bytes) in measuring.suspects.into_values() {
        if let Some(size) = sizes.get_mut(at) {
            size.hidden_files = size.hidden_files.saturating_add(1);
            size.hidden_bytes = size.hidden_bytes.saturating_add(bytes);
        }
    }
}

#[derive(Default)]
struct Measuring {
    /// Inodes of the layer that may have a second name.
    seen: HashSet<*const Inode>,
    /// Hidden under one name, perhaps not under another: the layer, and the bytes.
    suspects: BTreeMap<*const Inode, (usize, u64)>,
}

impl Measuring {
    fn directory(&mut self, at: usize, size: &mut LayerSize, layer: &Directory, merged: Option<&Directory>) {
        for (name, node) in layer.entries.iter().filter(|(name, _)| !name.starts_with(MARKER)) {
            let visible = merged.and_then(|merged| merged.get(name));
            match node {
                Node::Directory(below) => self.directory(at, size, below, visible.and_then(Node::as_directory)),
                Node::Leaf(inode) => {
                    let visible = visible.and_then(Node::as_leaf).is_some_and(|other| Arc::ptr_eq(inode, other));
                    self.leaf(at, size, inode, visible);
                }
            }
        }
    }

    fn leaf(&mut self, at: usize, size: &mut LayerSize, inode: &Arc<Inode>, visible: bool) {
        let Some(content) = inode.content() else { return };
        // The layer has it, and the merged tree where it is visible; who else has it is another name.
        let names = if visible { 2 } else { 1 };
        let other_names = Arc::strong_count(inode) > names;
        if other_names && !self.seen.insert(Arc::as_ptr(inode)) {
            return;
        }
        size.files = size.files.saturating_add(1);
        size.bytes = size.bytes.saturating_add(content.size());
        if !visible && other_names {
            self.suspects.insert(Arc::as_ptr(inode), (at, content.size()));
        } else if !visible {
            size.hidden_files = size.hidden_files.saturating_add(1);
            size.hidden_bytes = size.hidden_bytes.saturating_add(content.size());
        }
    }

    /// Takes those out of the suspects that have a name in `merged`.
    fn acquit(&mut self, merged: &FileTree) {
        if self.suspects.is_empty() {
            return;
        }
        let walked: Result<(), std::convert::Infallible> = merged.root.walk(&mut |_, node| {
            if let Node::Leaf(inode) = node {
                self.suspects.remove(&Arc::as_ptr(inode));
            }
            Ok(())
        });
        match walked {
            Ok(()) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use builder_tree::{Content, FileTree, Inode, Metadata, Node};

    use super::{LayerSize, measure};

    fn file(bytes: usize) -> Node {
        Inode::regular(Metadata::root(0o644), Content::bytes(vec![1; bytes])).into()
    }

    fn put(trees: &mut [&mut FileTree], path: &str, node: &Node) {
        for tree in trees {
            tree.insert(path.as_bytes(), node.clone(), &Metadata::root(0o755)).unwrap();
        }
    }

    #[test]
    fn what_upper_layers_hide_is_counted_once() {
        let [mut lower, mut upper, mut merged] = [FileTree::new(), FileTree::new(), FileTree::new()];
        let (kept, replaced, new, removed) = (file(1), file(20), file(300), file(4000));
        let (linked, gone) = (file(50_000), file(600_000));
        put(&mut [&mut lower, &mut merged], "a/kept", &kept);
        put(&mut [&mut lower], "a/replaced", &replaced);
        put(&mut [&mut upper, &mut merged], "a/replaced", &new);
        put(&mut [&mut lower], "b/removed", &removed);
        put(&mut [&mut upper], ".wh.b", &file(0));
        // Two names, of which one is hidden; and two that are.
        put(&mut [&mut lower], "b/linked", &linked);
        put(&mut [&mut lower, &mut merged], "a/linked", &linked);
        put(&mut [&mut lower], "b/gone", &gone);
        put(&mut [&mut lower], "b/gone-too", &gone);
        drop((kept, replaced, new, removed, linked, gone));
        let mut sizes = [LayerSize::default(), LayerSize::default()];
        measure(&mut sizes, &[&lower, &upper], &merged);
        let told: Vec<_> =
            sizes.iter().map(|size| (size.files, size.bytes, size.hidden_files, size.hidden_bytes)).collect();
        assert_eq!(told, [(5, 654_021, 3, 604_020), (1, 300, 0, 0)]);
        let inode = merged.get(b"a/linked").and_then(Node::as_leaf).unwrap();
        assert_eq!(Arc::strong_count(inode), 3);
    }
}
