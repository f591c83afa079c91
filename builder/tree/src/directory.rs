//! Directories: names in byte order.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Inode, Metadata};

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Node {
    /// A directory; it has one name. In a box, as most nodes of a tree are something else.
    Directory(Box<Directory>),
    /// Anything else; several names may share it.
    Leaf(Arc<Inode>),
}

/// What [`Directory::walk`] calls with every path and its node.
pub type Visit<'v, 'a, E> = dyn FnMut(&[u8], &'a Node) -> Result<(), E> + 'v;

/// A directory with all below it.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// The directory's own metadata.
    pub metadata: Metadata,
    /// Its entries, sorted bytewise by name; without `.` and `..`.
    pub entries: BTreeMap<Vec<u8>, Node>,
}

impl Node {
    /// The directory, where it is one.
    #[must_use]
    pub fn as_directory(&self) -> Option<&Directory> {
        match self {
            Self::Directory(directory) => Some(directory),
            Self::Leaf(_) => None,
        }
    }

    /// The directory, where it is one.
    #[must_use]
    pub fn as_directory_mut(&mut self) -> Option<&mut Directory> {
        match self {
            Self::Directory(directory) => Some(directory),
            Self::Leaf(_) => None,
        }
    }

    /// The inode, where it is not a directory.
    #[must_use]
    pub fn as_leaf(&self) -> Option<&Arc<Inode>> {
        match self {
            Self::Directory(_) => None,
            Self::Leaf(inode) => Some(inode),
        }
    }

    /// The metadata of either.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Directory(directory) => &directory.metadata,
            Self::Leaf(inode) => &inode.metadata,
        }
    }

    /// The type in words, for messages.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Directory(_) => "directory",
            Self::Leaf(inode) => inode.kind.name(),
        }
    }
}

impl From<Inode> for Node {
    fn from(inode: Inode) -> Self {
        Self::Leaf(Arc::new(inode))
    }
}

impl From<Arc<Inode>> for Node {
    fn from(inode: Arc<Inode>) -> Self {
        Self::Leaf(inode)
    }
}

impl From<Directory> for Node {
    fn from(directory: Directory) -> Self {
        Self::Directory(Box::new(directory))
    }
}

impl Directory {
    /// An empty directory.
    #[must_use]
    pub fn new(metadata: Metadata) -> Self {
        Self { metadata, entries: BTreeMap::new() }
    }

    /// An empty directory of root's with the permissions `mode`.
    #[must_use]
    pub fn root_owned(mode: u16) -> Self {
        Self::new(Metadata::root(mode))
    }

    /// The entry of that name.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&Node> {
        self.entries.get(name)
    }

    /// Puts `node` under `name`, replacing what was there.
    pub fn insert(&mut self, name: impl Into<Vec<u8>>, node: impl Into<Node>) {
        self.entries.insert(name.into(), node.into());
    }

    /// The directory of that name, made with `mode` (root's) where it is missing; `None` where another thing has
    /// the name.
    pub fn subdirectory(&mut self, name: &[u8], mode: u16) -> Option<&mut Directory> {
        self.entries.entry(name.to_vec()).or_insert_with(|| Directory::root_owned(mode).into()).as_directory_mut()
    }

    /// Calls `visit` with path (without leading slash) and node for everything below, parents first, names in byte
    /// order; the directory itself is not visited.
    ///
    /// # Errors
    /// The first error of `visit` ends the walk.
    pub fn walk<'a, E>(&'a self, visit: &mut Visit<'_, 'a, E>) -> Result<(), E> {
        fn go<'a, E>(directory: &'a Directory, path: &mut Vec<u8>, visit: &mut Visit<'_, 'a, E>) -> Result<(), E> {
            let length = path.len();
            for (name, node) in &directory.entries {
                if length > 0 {
                    path.push(b'/');
                }
                path.extend_from_slice(name);
                visit(path, node)?;
                if let Node::Directory(below) = node {
                    go(below, path, visit)?;
                }
                path.truncate(length);
            }
            Ok(())
        }
        go(self, &mut Vec::new(), visit)
    }
}
