//! Images in the chunked form: their first layers are an ostree repository cut in pieces (spec 3.3, 3.4).
//!
//! ```text
//!  layer 1            layers 2 … n           layers n+1 …
//!  commit, dirtrees,  file objects           ordinary layers
//!  dirmetas, files        │                       │
//!      └──────┬───────────┘                       │ adapt
//!             ▼ Base::read: every object          ▼
//!           Base ── tree ──────────────────► (merged by the layers' rules) ── finish ──► Repo::add_tree
//!             │                                                                              │
//!             └─► Repo::add_base: the commit as it is, a ref for each layer    commit_merge_onto
//! ```
//!
//! The layer in which the base ends is the one that the label [`LABEL`] names: [`final_layer`]. While the layers are
//! read, [`BodyPlan`] has each body hashed behind the header of its object. What the layers hold besides objects (hard
//! links to them where a container sees them, refs, a configuration) says nothing new, and is not looked at.
//!
//! An object may be in two layers; of two entries of one name in one layer the last counts, which changes nothing, as
//! both have to have the checksum in their name. The merge commit is made even if nothing lies over the base.

mod derived;
mod error;
mod names;
mod objects;
mod plan;
mod walk;

use std::sync::Arc;

use builder_tree::{Directory, FileTree};

use crate::container::blob_ref;
use crate::object::ObjectKind;
use crate::parse;
use crate::{Checksum, Commit, OstreeError, Repo, StoredTree};

pub use derived::{Derived, TopLevels, adapt, finish};
pub use error::EncapsulatedError;
pub use plan::BodyPlan;

/// The label of an image's configuration whose value is the diff-id of the last layer of the base.
pub const LABEL: &str = "ostree.final-diffid";

/// The last layer of the base, counted from zero, by the value of [`LABEL`]; `None` for an image without it.
///
/// # Errors
/// No layer has that diff-id, or two have.
pub fn final_layer<'a>(
    label: Option<&str>,
    diff_ids: impl IntoIterator<Item = &'a str>,
) -> Result<Option<usize>, OstreeError> {
    let Some(value) = label else { return Ok(None) };
    let mut layers = 0;
    let mut found = None;
    for (index, diff_id) in diff_ids.into_iter().enumerate() {
        layers = index + 1;
        if diff_id != value {
            continue;
        }
        if let Some(first) = found {
            let value = value.to_owned();
            return Err(EncapsulatedError::TwoLayers { value, first: first + 1, second: index + 1 }.into());
        }
        found = Some(index);
    }
    match found {
        Some(index) => Ok(Some(index)),
        None => Err(EncapsulatedError::NoSuchLayer { value: value.to_owned(), layers }.into()),
    }
}

/// The ostree commit in the first layers of an image, all of it checked.
#[derive(Debug)]
pub struct Base {
    objects: objects::Objects,
    root: (Checksum, Checksum),
    tree: FileTree,
}

impl Base {
    /// Reads the commit from the trees of the base's layers, the first one first. Bodies that were stored by
    /// [`BodyPlan`] are not read again.
    ///
    /// # Errors
    /// An object is damaged, malformed, missing, or in a place where it does not belong; or the tree is one that no
    /// file system can hold.
    pub fn read(layers: &[&FileTree]) -> Result<Self, OstreeError> {
        let objects = objects::Objects::read(layers)?;
        let links = parse::commit(&objects.commit_bytes).map_err(|problem| {
            let object = objects::object(&objects.commit, ObjectKind::Commit);
            EncapsulatedError::Malformed { layer: 1, object, problem }
        })?;
        let root = (links.dirtree, links.dirmeta);
        let tree = walk::tree(&objects, root)?;
        Ok(Self { objects, root, tree })
    }

    /// The commit's checksum.
    #[must_use]
    pub fn commit(&self) -> &Checksum {
        &self.objects.commit
    }

    /// The commit object.
    #[must_use]
    pub fn commit_bytes(&self) -> &[u8] {
        &self.objects.commit_bytes
    }

    /// The commit's detached metadata, signatures for example.
    #[must_use]
    pub fn detached_metadata(&self) -> Option<&[u8]> {
        self.objects.detached.as_deref()
    }

    /// The commit's tree, in ostree's form (`usr/etc`). Files that are one object share one inode.
    #[must_use]
    pub fn tree(&self) -> &FileTree {
        &self.tree
    }

    /// How many layers it came from.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.objects.sets.len() + 1
    }
}

impl Repo {
    /// Adds the commit as it is, with all that belongs to it, and a ref for each of its layers by their `digests` in
    /// the manifest: the first one's stands for the commit, those of the others each for a commit of a directory in
    /// which every file of the layer is named by its checksum.
    ///
    /// # Errors
    /// As for [`Repo::add_tree`] and [`blob_ref`]; or there are not as many digests as layers.
    pub fn add_base(&mut self, base: &Base, digests: &[&str]) -> Result<StoredTree, OstreeError> {
        let Some((first, rest)) = digests.split_first().filter(|_| digests.len() == base.layers()) else {
            return Err(EncapsulatedError::Digests { layers: base.layers(), digests: digests.len() }.into());
        };
        let stored = self.add_tree(&base.tree)?;
        if (stored.dirtree, stored.dirmeta) != base.root {
            return Err(EncapsulatedError::Differs { commit: *base.commit() }.into());
        }
        self.add_foreign_commit(base.commit(), base.commit_bytes(), base.detached_metadata());
        self.set_ref(&blob_ref(first)?, base.commit())?;
        for (set, digest) in base.objects.sets.iter().zip(rest) {
            let mut flat = Directory::root_owned(0o755);
            for (checksum, inode) in set.iter().filter_map(|checksum| base.objects.files.get_key_value(checksum)) {
                flat.insert(checksum.to_string(), Arc::clone(inode));
            }
            let flat = self.add_tree(&FileTree { root: flat })?;
            let commit = self.add_commit(&Commit {
                metadata: Vec::new(),
                parent: None,
                subject: String::new(),
                body: String::new(),
                timestamp: 0,
                root: (flat.dirtree, flat.dirmeta),
            })?;
            self.set_ref(&blob_ref(digest)?, &commit)?;
        }
        Ok(stored)
    }
}
