//! The files of a commit, one after the other.

use std::io;
use std::ops::ControlFlow;

use super::files::RepoFiles;
use super::index::{Kind, Object};
use super::names::names;
use crate::Checksum;
use crate::object::MAX_METADATA_SIZE;
use crate::parse;

/// Longest path in bytes (PATH_MAX).
const PATH_LIMIT: usize = 4096;

/// Gives every file of a commit to `take`: its path without a leading slash, and its object. The order is that of the
/// names, files ahead of directories. What is damaged is left out; [`verify`](super::verify) tells it. At most `limit`
/// files and directories are taken.
///
/// # Errors
/// The commit itself cannot be read or is none, or there are more files.
pub fn files_of_commit(
    files: &dyn RepoFiles,
    commit: &Checksum,
    mut limit: u64,
    take: &mut dyn FnMut(&[u8], &Checksum) -> ControlFlow<()>,
) -> io::Result<()> {
    let bytes = files.read(&Object::new(*commit, Kind::Commit).path(), MAX_METADATA_SIZE)?;
    let links = parse::commit(&bytes).map_err(|problem| io::Error::other(format!("{commit}.commit {problem}")))?;
    let mut waiting = vec![(Vec::new(), links.dirtree)];
    while let Some((path, tree)) = waiting.pop() {
        let Ok(bytes) = files.read(&Object::new(tree, Kind::DirTree).path(), MAX_METADATA_SIZE) else { continue };
        let Ok(list) = names(&bytes) else { continue };
        let taken = (list.files.len() + list.directories.len()) as u64;
        limit =
            limit.checked_sub(taken).ok_or_else(|| io::Error::other("the commit has more files than are looked at"))?;
        for (name, file) in list.files {
            if take(&builder_tree::join(&path, &name), &file).is_break() {
                return Ok(());
            }
        }
        // The last one is taken first.
        for (name, tree, _) in list.directories.into_iter().rev() {
            let path = builder_tree::join(&path, &name);
            if path.len() < PATH_LIMIT {
                waiting.push((path, tree));
            }
        }
    }
    Ok(())
}

/// The file of a content object in a repository of mode `bare`.
#[must_use]
pub fn path_of_file(object: &Checksum) -> Vec<u8> {
    Object::new(*object, Kind::File).path()
}

/// The file of a commit object.
#[must_use]
pub fn path_of_commit(commit: &Checksum) -> Vec<u8> {
    Object::new(*commit, Kind::Commit).path()
}
