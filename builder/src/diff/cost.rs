//! What an update moves: layers, as from a registry, beside files, as with ostree.

use std::collections::{BTreeMap, BTreeSet};

use builder_tree::{DisplayPath, Inode, Node};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::diff::files::digest;
use crate::diff::inventory::{INNER_REPOSITORY, Inventory};

/// Names in the path of a directory that costs are summed up for.
const DIRECTORY_NAMES: usize = 3;

/// A layer that A does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayerCost {
    /// Its number in B, from 1, the lowest first.
    pub number: usize,
    /// Digest of the blob.
    pub digest: String,
    /// Bytes of the blob, compressed as it is.
    pub bytes: u64,
}

/// What a pull of layers moves: every blob whose digest A does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LayersCost {
    /// Layers of B.
    pub layers: usize,
    /// Their bytes.
    pub layers_bytes: u64,
    /// Bytes of those that A does not have.
    pub bytes: u64,
    /// Those that A does not have, the largest first.
    pub moved: Vec<LayerCost>,
}

/// A file that A has under no name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileCost {
    /// Its first path, without a leading slash.
    #[serde(serialize_with = "display")]
    pub path: Vec<u8>,
    /// Its bytes.
    pub bytes: u64,
}

/// A directory with such files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DirectoryCost {
    /// Its path, of three names at most.
    #[serde(serialize_with = "display")]
    pub path: Vec<u8>,
    /// How many there are below it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What a pull of objects moves: every content that A has under no name, once, before it is compressed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ObjectsCost {
    /// Different contents in B.
    pub contents: u64,
    /// Their bytes.
    pub contents_bytes: u64,
    /// Bytes of those that A does not have.
    pub bytes: u64,
    /// Those that A does not have, the largest first.
    pub moved: Vec<FileCost>,
    /// Where they are, the largest first.
    pub directories: Vec<DirectoryCost>,
    /// Contents that A has, though with no file of the same owner, mode and attributes: ostree moves these too.
    pub relabelled: u64,
    /// Their bytes.
    pub relabelled_bytes: u64,
}

/// What an update moves in either form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// As layers of an image.
    pub layers: LayersCost,
    /// As objects of a repository.
    pub objects: ObjectsCost,
}

fn display<S: Serializer>(path: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&DisplayPath(path))
}

/// What an update from `a` to `b` moves, where both are images.
pub(crate) fn cost(a: &Inventory, b: &Inventory) -> Option<Cost> {
    let (Some(before), Some(after)) = (&a.layers, &b.layers) else { return None };
    let have: BTreeSet<&str> = before.iter().map(|layer| layer.digest.as_str()).collect();
    let mut layers = LayersCost { layers: after.len(), ..LayersCost::default() };
    let mut seen = BTreeSet::new();
    for (number, layer) in (1..).zip(after) {
        // A blob that an image has twice is moved once.
        if !seen.insert(&layer.digest) {
            continue;
        }
        layers.layers_bytes = layers.layers_bytes.saturating_add(layer.size);
        if !have.contains(layer.digest.as_str()) {
            layers.bytes = layers.bytes.saturating_add(layer.size);
            layers.moved.push(LayerCost { number, digest: layer.digest.clone(), bytes: layer.size });
        }
    }
    layers.moved.sort_by(|one, other| other.bytes.cmp(&one.bytes).then(one.number.cmp(&other.number)));
    Some(Cost { layers, objects: objects(a, b) })
}

/// SHA-256 of a content, and of content and metadata: what ostree tells objects apart by.
struct Keys {
    content: [u8; 32],
    object: [u8; 32],
}

fn objects(a: &Inventory, b: &Inventory) -> ObjectsCost {
    let (mut contents, mut whole) = (BTreeSet::new(), BTreeSet::new());
    each_file(a, &mut |_, keys, _| {
        contents.insert(keys.content);
        whole.insert(keys.object);
    });
    let mut cost = ObjectsCost::default();
    let (mut seen, mut seen_whole) = (BTreeSet::new(), BTreeSet::new());
    let mut directories: BTreeMap<Vec<u8>, DirectoryCost> = BTreeMap::new();
    each_file(b, &mut |path, keys, bytes| {
        let (new, has) = (seen.insert(keys.content), contents.contains(&keys.content));
        if new {
            cost.contents += 1;
            cost.contents_bytes = cost.contents_bytes.saturating_add(bytes);
        }
        if new && !has {
            cost.bytes = cost.bytes.saturating_add(bytes);
            cost.moved.push(FileCost { path: path.to_vec(), bytes });
            let above = directory(path);
            let sum = directories.entry(above.clone()).or_insert(DirectoryCost { path: above, files: 0, bytes: 0 });
            sum.files += 1;
            sum.bytes = sum.bytes.saturating_add(bytes);
        }
        if has && !whole.contains(&keys.object) && seen_whole.insert(keys.object) {
            cost.relabelled += 1;
            cost.relabelled_bytes = cost.relabelled_bytes.saturating_add(bytes);
        }
    });
    cost.moved.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.path.cmp(&other.path)));
    cost.directories = directories.into_values().collect();
    cost.directories.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.path.cmp(&other.path)));
    cost
}

/// Visits all regular files that can be read; those of the repository in a chunked image last, as these have names that
/// say more.
fn each_file(side: &Inventory, visit: &mut dyn FnMut(&[u8], Keys, u64)) {
    for inner in [false, true] {
        let walked: Result<(), std::convert::Infallible> = side.tree.root.walk(&mut |path, node| {
            if let Node::Leaf(inode) = node
                && let Some(content) = inode.content()
                && path.starts_with(INNER_REPOSITORY) == inner
                && let Ok(digest) = digest(content)
            {
                visit(path, Keys { content: digest, object: object(inode, &digest) }, content.size());
            }
            Ok(())
        });
        match walked {
            Ok(()) => {}
        }
    }
}

fn object(inode: &Inode, content: &[u8; 32]) -> [u8; 32] {
    let metadata = &inode.metadata;
    let mut hasher = Sha256::new_with_prefix(content);
    hasher.update(metadata.mode.to_le_bytes());
    hasher.update(metadata.uid.to_le_bytes());
    hasher.update(metadata.gid.to_le_bytes());
    for (name, value) in &metadata.xattrs {
        for part in [name, value] {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
    }
    hasher.finalize().into()
}

/// The directory of a path, or the one of three names above it.
fn directory(path: &[u8]) -> Vec<u8> {
    let names: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    names[..(names.len() - 1).min(DIRECTORY_NAMES)].join(&b'/')
}
