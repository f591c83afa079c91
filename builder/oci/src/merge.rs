//! Layers over each other: OCI image specification, "Applying Changesets".

use std::sync::Arc;

use builder_tree::{Directory, FileTree, Node};

use crate::LayerTree;
use crate::whiteout::{self, Name};

/// Lays layers over a tree, the first one first, by the rules by which the layers of an image are: for a base that
/// was not read as a layer, or layers that were changed since.
#[must_use]
pub fn merge_over(mut base: FileTree, layers: &[LayerTree]) -> FileTree {
    for layer in layers {
        merge(&mut base, layer);
    }
    base
}

/// Lays `layer` over `merged`.
pub(crate) fn merge(merged: &mut FileTree, layer: &LayerTree) {
    if !layer.implicit.contains(&b""[..]) {
        merged.root.metadata = layer.tree.root.metadata.clone();
    }
    merge_directory(&mut merged.root, &layer.tree.root, &mut Vec::new(), layer);
}

fn merge_directory(lower: &mut Directory, upper: &Directory, path: &mut Vec<u8>, layer: &LayerTree) {
    // Whiteouts hide only what lies below, so they act before anything of this layer is put in.
    if upper.entries.contains_key(whiteout::OPAQUE) {
        lower.entries.clear();
    }
    for name in upper.entries.keys() {
        if let Name::Whiteout(hidden) = whiteout::classify(name) {
            lower.entries.remove(hidden);
        }
    }
    let length = path.len();
    for (name, node) in &upper.entries {
        if whiteout::classify(name) != Name::Plain {
            continue;
        }
        match node {
            Node::Leaf(inode) => lower.insert(name.clone(), Arc::clone(inode)),
            Node::Directory(directory) => {
                if length > 0 {
                    path.push(b'/');
                }
                path.extend_from_slice(name);
                let implicit = layer.implicit.contains(&path[..]);
                if let Some(Node::Directory(below)) = lower.entries.get_mut(name) {
                    if !implicit {
                        below.metadata = directory.metadata.clone();
                    }
                    merge_directory(below, directory, path, layer);
                } else {
                    let mut made = Directory::new(directory.metadata.clone());
                    merge_directory(&mut made, directory, path, layer);
                    // A directory that only whiteouts imply is none.
                    if !(implicit && made.entries.is_empty()) {
                        lower.insert(name.clone(), made);
                    }
                }
                path.truncate(length);
            }
        }
    }
}
