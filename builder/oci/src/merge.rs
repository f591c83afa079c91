//! Layers over each other: OCI image specification, "Applying Changesets".

use std::collections::BTreeSet;

use builder_tree::{Directory, FileTree, Node, join};

use crate::LayerTree;
use crate::whiteout::{self, Name};

/// Lays layers over a tree, the first one first, by the rules by which the layers of an image are: for a base that
/// was not read as a layer, or layers that were changed since.
#[must_use]
pub fn merge_over(mut base: FileTree, layers: &[LayerTree]) -> FileTree {
    for layer in layers {
        lay_over(&mut base, layer.clone(), &mut drop);
    }
    base
}

/// Lays one layer over a tree; `gone` gets what the tree had and has no more.
pub fn lay_over(merged: &mut FileTree, layer: LayerTree, gone: &mut dyn FnMut(Node)) {
    let LayerTree { tree, implicit } = layer;
    if !implicit.contains(&b""[..]) {
        merged.root.metadata = tree.root.metadata.clone();
    }
    lay_directory(&mut merged.root, tree.root, &mut Vec::new(), &implicit, gone);
}

fn lay_directory(
    lower: &mut Directory,
    upper: Directory,
    path: &mut Vec<u8>,
    implicit: &BTreeSet<Vec<u8>>,
    gone: &mut dyn FnMut(Node),
) {
    // Whiteouts hide only what lies below, so they act before anything of this layer is put in.
    if upper.entries.contains_key(whiteout::OPAQUE) {
        std::mem::take(&mut lower.entries).into_values().for_each(&mut *gone);
    }
    for name in upper.entries.keys() {
        if let Name::Whiteout(hidden) = whiteout::classify(name) {
            lower.entries.remove(hidden).into_iter().for_each(&mut *gone);
        }
    }
    let length = path.len();
    for (name, node) in upper.entries {
        if whiteout::classify(&name) != Name::Plain {
            continue;
        }
        let mut directory = match node {
            Node::Leaf(_) => {
                lower.entries.insert(name, node).into_iter().for_each(&mut *gone);
                continue;
            }
            Node::Directory(directory) => directory,
        };
        if length > 0 {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        let is_implicit = implicit.contains(&path[..]);
        if let Some(Node::Directory(below)) = lower.entries.get_mut(&name) {
            if !is_implicit {
                below.metadata = std::mem::take(&mut directory.metadata);
            }
            lay_directory(below, *directory, path, implicit, gone);
        } else {
            take_markers(&mut directory, path, implicit);
            // A directory that only whiteouts imply is none.
            if !(is_implicit && directory.entries.is_empty()) {
                lower.entries.insert(name, Node::Directory(directory)).into_iter().for_each(&mut *gone);
            }
        }
        path.truncate(length);
    }
}

/// Takes the markers out of a directory below which there is nothing that they could hide.
fn take_markers(directory: &mut Directory, path: &[u8], implicit: &BTreeSet<Vec<u8>>) {
    directory.entries.retain(|name, node| {
        if whiteout::classify(name) != Name::Plain {
            return false;
        }
        let Node::Directory(below) = node else { return true };
        let path = join(path, name);
        take_markers(below, &path, implicit);
        !(below.entries.is_empty() && implicit.contains(&path))
    });
}
