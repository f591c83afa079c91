//! What layers weigh, and what of it upper layers hide.

use std::collections::HashSet;
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

/// Counts what layers have, and what of it is gone when the others lie over them.
#[derive(Default)]
pub(crate) struct Measuring {
    sizes: Vec<LayerSize>,
    /// For each layer that has been seen, where its inodes lie in memory, sorted: of one that is gone nobody else says
    /// whose it was. Where an inode was freed and another one took its place, the later layer has it.
    inodes: Vec<Vec<usize>>,
}

impl Measuring {
    /// For layers that are described by `sizes`, their files not yet counted.
    pub(crate) fn new(sizes: Vec<LayerSize>) -> Self {
        Self { sizes, inodes: Vec::new() }
    }

    /// Counts the files of the next layer, which is not yet laid over the others.
    pub(crate) fn layer(&mut self, tree: &FileTree) {
        let Some(size) = self.sizes.get_mut(self.inodes.len()) else { return };
        let mut counting = Counting { size, seen: HashSet::new(), inodes: Vec::new() };
        counting.directory(&tree.root);
        let mut inodes = counting.inodes;
        inodes.sort_unstable();
        inodes.shrink_to_fit();
        self.inodes.push(inodes);
    }

    /// Counts what no layer shows any more: what a later one replaced or removed, and has no other name.
    pub(crate) fn gone(&mut self, node: Node) {
        let inode = match node {
            Node::Directory(directory) => return directory.entries.into_values().for_each(|node| self.gone(node)),
            Node::Leaf(inode) => inode,
        };
        let Some(content) = inode.content().filter(|_| Arc::strong_count(&inode) == 1) else { return };
        let address = Arc::as_ptr(&inode).addr();
        let whose = self.inodes.iter().rposition(|inodes| inodes.binary_search(&address).is_ok());
        if let Some(size) = whose.and_then(|at| self.sizes.get_mut(at)) {
            size.hidden_files = size.hidden_files.saturating_add(1);
            size.hidden_bytes = size.hidden_bytes.saturating_add(content.size());
        }
    }

    /// The layers with what was counted.
    pub(crate) fn finish(self) -> Vec<LayerSize> {
        self.sizes
    }
}

struct Counting<'s> {
    size: &'s mut LayerSize,
    /// Inodes that may have a second name.
    seen: HashSet<*const Inode>,
    inodes: Vec<usize>,
}

impl Counting<'_> {
    fn directory(&mut self, directory: &Directory) {
        for (_, node) in directory.entries.iter().filter(|(name, _)| !name.starts_with(MARKER)) {
            match node {
                Node::Directory(below) => self.directory(below),
                Node::Leaf(inode) => self.leaf(inode),
            }
        }
    }

    fn leaf(&mut self, inode: &Arc<Inode>) {
        let Some(content) = inode.content() else { return };
        if Arc::strong_count(inode) > 1 && !self.seen.insert(Arc::as_ptr(inode)) {
            return;
        }
        self.size.files = self.size.files.saturating_add(1);
        self.size.bytes = self.size.bytes.saturating_add(content.size());
        self.inodes.push(Arc::as_ptr(inode).addr());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use builder_oci::{LayerTree, lay_over};
    use builder_tree::{Content, FileTree, Inode, Metadata, Node};

    use super::{LayerSize, Measuring};

    fn file(bytes: usize) -> Node {
        Inode::regular(Metadata::root(0o644), Content::bytes(vec![1; bytes])).into()
    }

    fn layer(files: &[(&str, &Node)]) -> LayerTree {
        let mut tree = FileTree::new();
        for (path, node) in files {
            tree.insert(path.as_bytes(), (*node).clone(), &Metadata::root(0o755)).unwrap();
        }
        LayerTree { tree, implicit: BTreeSet::new() }
    }

    #[test]
    fn what_upper_layers_hide_is_counted_once() {
        // Two names, of which one is hidden; and two that are.
        let (linked, gone) = (file(50_000), file(600_000));
        let lower = layer(&[
            ("a/kept", &file(1)),
            ("a/replaced", &file(20)),
            ("b/removed", &file(4000)),
            ("b/linked", &linked),
            ("a/linked", &linked),
            ("b/gone", &gone),
            ("b/gone-too", &gone),
        ]);
        let upper = layer(&[("a/replaced", &file(300)), (".wh.b", &file(0))]);
        // What is removed twice, and a directory in the place of a file.
        let top = layer(&[("a/replaced/x", &file(7)), ("a/.wh.linked", &file(0))]);
        drop((linked, gone));
        let mut measuring = Measuring::new(vec![LayerSize::default(); 3]);
        let mut merged = FileTree::new();
        for layer in [lower, upper, top] {
            measuring.layer(&layer.tree);
            lay_over(&mut merged, layer, &mut |node| measuring.gone(node));
        }
        let told: Vec<_> = measuring
            .finish()
            .iter()
            .map(|size| (size.files, size.bytes, size.hidden_files, size.hidden_bytes))
            .collect();
        assert_eq!(told, [(5, 654_021, 4, 654_020), (1, 300, 1, 300), (1, 7, 0, 0)]);
    }
}
