//! Files and directories of the tree, behind links.

use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, Inode, Node};

use crate::PackagesError;

/// The regular file that `path` leads to.
pub(crate) fn file<'t>(tree: &'t FileTree, path: &str) -> Result<Option<&'t Arc<Inode>>, PackagesError> {
    let node = tree.resolve(path.as_bytes())?;
    Ok(node.and_then(Node::as_leaf).filter(|inode| inode.content().is_some()))
}

/// The body of the regular file that `path` leads to.
pub(crate) fn content<'t>(tree: &'t FileTree, path: &str) -> Result<Option<&'t Content>, PackagesError> {
    Ok(file(tree, path)?.and_then(|inode| inode.content()))
}

/// The directory that `path` leads to.
pub(crate) fn directory<'t>(tree: &'t FileTree, path: &str) -> Result<Option<&'t Directory>, PackagesError> {
    Ok(tree.resolve(path.as_bytes())?.and_then(Node::as_directory))
}

/// The whole body of the file at `path`, of at most `limit` bytes.
pub(crate) fn read(content: &Content, path: &str, limit: u64) -> Result<Vec<u8>, PackagesError> {
    content.read_to_vec(limit).map_err(|source| PackagesError::Read { path: path.to_owned(), source })
}
