//! fs-verity for the files of an image whose initramfs asks for it (`composefs.enabled = verity`).
//!
//! The kernel then refuses every read of an object that is not what its composefs image says. As on a system that
//! bootc made so, all objects of regular files are sealed, the composefs images, and at last the repository's `config`:
//! that one says that the others are.

use std::io;
use std::sync::Arc;

use builder_erofs::verity;
use builder_ostree::{Repo, StoredTree};
use builder_tree::{ContentStore, FileTree, Inode, Node};

use crate::error::BuildError;
use crate::recipe::Recipe;

/// Where the Merkle trees are until they are on the disk.
pub(crate) struct Sealer {
    store: ContentStore,
}

impl Sealer {
    pub(crate) fn new(recipe: &Recipe) -> Result<Self, BuildError> {
        let store = ContentStore::new(&recipe.scratch).map_err(|source| BuildError::Scratch { source })?;
        Ok(Self { store })
    }

    /// Seals the objects, in the repository and in the trees that have been added to it.
    pub(crate) fn objects(&mut self, repo: &mut Repo, trees: &mut [&mut StoredTree]) -> Result<(), BuildError> {
        let sealed = repo.seal(trees, &mut |content| verity::seal(content, &mut self.store));
        sealed.map_err(|source| BuildError::Scratch { source })
    }

    /// Seals the repository's `config` and the composefs images of `deployments`, which are paths in `root`.
    pub(crate) fn rest(&mut self, root: &mut FileTree, deployments: &[String]) -> Result<(), BuildError> {
        let images = deployments.iter().map(|path| (path.as_str(), ".ostree.cfs"));
        for (directory, name) in images.chain([("ostree/repo", "config")]) {
            let node =
                root.directory_mut(directory.as_bytes()).and_then(|found| found.entries.get_mut(name.as_bytes()));
            if let Some(Node::Leaf(inode)) = node {
                self.file(inode).map_err(|source| BuildError::Scratch { source })?;
            }
        }
        Ok(())
    }

    fn file(&mut self, inode: &mut Arc<Inode>) -> io::Result<()> {
        if let Some(content) = inode.content() {
            let seal = verity::seal(content, &mut self.store)?;
            *inode = Arc::new(Inode { seal: Some(Arc::new(seal)), ..Inode::clone(inode) });
        }
        Ok(())
    }

    /// Ends it; gives the bytes of scratch space that it took.
    pub(crate) fn finish(mut self) -> Result<u64, BuildError> {
        self.store.flush().map_err(|source| BuildError::Scratch { source })?;
        Ok(self.store.scratch_bytes())
    }
}
