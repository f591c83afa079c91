//! A whole tree, addressed by paths.

use crate::{Directory, DisplayPath, InodeKind, Metadata, Node};

/// Symbolic links followed before a path is called a loop; the kernel's number (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// Bytes that the targets of all links of one path have together, before it is given up: as much as the longest path has
/// (PATH_MAX). The kernel would go on, through so many names at each of its links that a few of them keep a program
/// busy for very long.
const MAX_TARGETS: usize = 4096;

/// A directory that is the root of its own name space.
#[derive(Clone, Debug, Default)]
pub struct FileTree {
    /// The root directory.
    pub root: Directory,
}

/// A path that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Too many symbolic links.
    #[error("{} goes through more than {MAX_LINKS} symbolic links", DisplayPath(.path))]
    Loop {
        /// The path that was asked for.
        path: Vec<u8>,
    },
    /// Symbolic links with long targets.
    #[error("{} goes through symbolic links whose targets have more than {MAX_TARGETS} bytes", DisplayPath(.path))]
    TooFar {
        /// The path that was asked for.
        path: Vec<u8>,
    },
}

/// A place where nothing can be put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InsertError {
    /// A parent of the path is not a directory.
    #[error("{} is a {kind}, so {} cannot be below it", DisplayPath(.parent), DisplayPath(.path))]
    NotADirectory {
        /// The path that was to be made.
        path: Vec<u8>,
        /// The parent in the way.
        parent: Vec<u8>,
        /// What the parent is.
        kind: &'static str,
    },
    /// The path has no name to insert.
    #[error("the root directory cannot be replaced")]
    Root,
}

impl FileTree {
    /// An empty tree whose root directory has the permissions 0755 and belongs to root.
    #[must_use]
    pub fn new() -> Self {
        Self { root: Directory::root_owned(0o755) }
    }

    /// The directory at `path`, symbolic links *not* followed; the empty path is the root.
    #[must_use]
    pub fn directory(&self, path: &[u8]) -> Option<&Directory> {
        let mut at = &self.root;
        for name in components(path) {
            at = at.get(name)?.as_directory()?;
        }
        Some(at)
    }

    /// The directory at `path`, symbolic links *not* followed; the empty path is the root.
    #[must_use]
    pub fn directory_mut(&mut self, path: &[u8]) -> Option<&mut Directory> {
        let mut at = &mut self.root;
        for name in components(path) {
            at = at.entries.get_mut(name)?.as_directory_mut()?;
        }
        Some(at)
    }

    /// What is at `path`, symbolic links *not* followed. `None` for the root itself.
    #[must_use]
    pub fn get(&self, path: &[u8]) -> Option<&Node> {
        let (parent, name) = split(path)?;
        self.directory(parent)?.get(name)
    }

    /// Puts `node` at `path`, making missing parents with `parents`' metadata; what was there is replaced.
    ///
    /// # Errors
    /// [`InsertError`] where a parent is not a directory, or for the root.
    pub fn insert(&mut self, path: &[u8], node: impl Into<Node>, parents: &Metadata) -> Result<(), InsertError> {
        let (parent, name) = split(path).ok_or(InsertError::Root)?;
        self.make_directories(parent, parents)
            .map_err(|(parent, kind)| InsertError::NotADirectory { path: path.to_vec(), parent, kind })?
            .insert(name, node);
        Ok(())
    }

    /// The directory at `path`, made where missing (with its parents) with the metadata `made`.
    ///
    /// # Errors
    /// The path and the kind of the first thing in the way that is no directory.
    pub fn make_directories(
        &mut self,
        path: &[u8],
        made: &Metadata,
    ) -> Result<&mut Directory, (Vec<u8>, &'static str)> {
        let mut at = &mut self.root;
        let mut so_far = Vec::new();
        for name in components(path) {
            so_far = crate::join(&so_far, name);
            let node = at.entries.entry(name.to_vec()).or_insert_with(|| Directory::new(made.clone()).into());
            let kind = node.kind_name();
            match node {
                Node::Directory(directory) => at = directory,
                Node::Leaf(_) => return Err((so_far, kind)),
            }
        }
        Ok(at)
    }

    /// Takes out what is at `path`.
    pub fn remove(&mut self, path: &[u8]) -> Option<Node> {
        let (parent, name) = split(path)?;
        self.directory_mut(parent)?.entries.remove(name)
    }

    /// What `path` leads to with symbolic links followed inside the tree, as a system running from it would; `None`
    /// where nothing is. `..` at the root stays at the root. A path to the root itself gives `None` too.
    ///
    /// # Errors
    /// [`ResolveError::Loop`] after 40 links, [`ResolveError::TooFar`] after 4,096 bytes of their targets.
    pub fn resolve(&self, path: &[u8]) -> Result<Option<&Node>, ResolveError> {
        let mut links = 0;
        let mut targets: usize = 0;
        // Names still to go, the next one last; and the directories passed, with the way back for `..`.
        let mut rest: Vec<&[u8]> = components(path).rev().collect();
        let mut passed: Vec<&Directory> = vec![&self.root];
        let mut found = None;
        while let Some(name) = rest.pop() {
            if name == b"." {
                continue;
            }
            if name == b".." {
                if passed.len() > 1 {
                    passed.pop();
                }
                found = None;
                continue;
            }
            // `passed` always holds at least the root.
            let here = passed.last().expect("the root is never popped");
            let Some(node) = here.get(name) else { return Ok(None) };
            match node {
                Node::Directory(directory) => {
                    passed.push(directory);
                    found = Some(node);
                }
                Node::Leaf(inode) => {
                    if let InodeKind::Symlink(target) = &inode.kind {
                        links += 1;
                        if links > MAX_LINKS {
                            return Err(ResolveError::Loop { path: path.to_vec() });
                        }
                        targets = targets.saturating_add(target.len());
                        if targets > MAX_TARGETS {
                            return Err(ResolveError::TooFar { path: path.to_vec() });
                        }
                        if target.starts_with(b"/") {
                            passed.truncate(1);
                        }
                        rest.extend(components(target).rev());
                        found = None;
                    } else {
                        return Ok(rest.iter().all(|name| *name == b".").then_some(node));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// The names of a path; empty ones are skipped.
fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|name| !name.is_empty())
}

/// Parent path and last name; `None` for the root.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = path.iter().rposition(|&byte| byte != b'/')? + 1;
    let path = &path[..end];
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => Some((&path[..slash], &path[slash + 1..])),
        None => Some((b"", path)),
    }
}

#[cfg(test)]
mod tests {
    use super::{FileTree, ResolveError};
    use crate::{Content, Inode, Metadata, Node};

    fn tree() -> FileTree {
        let mut tree = FileTree::new();
        let file = || Inode::regular(Metadata::root(0o644), Content::bytes(b"x".to_vec()));
        let parents = Metadata::root(0o755);
        tree.insert(b"usr/lib/os-release", file(), &parents).unwrap();
        for (path, target) in [
            ("etc/os-release", "../usr/lib/os-release"),
            ("lib", "usr/lib"),
            ("a", "b"),
            ("b", "a"),
            ("up", "../../../lib/./os-release"),
            ("abs", "/lib/os-release"),
            ("bad", "os-release/below"),
        ] {
            tree.insert(path.as_bytes(), Inode::symlink(target), &parents).unwrap();
        }
        tree
    }

    #[test]
    fn links_are_followed_inside_the_tree() {
        let tree = tree();
        for path in ["etc/os-release", "lib/os-release", "/up", "abs", "usr/../lib//os-release"] {
            assert!(matches!(tree.resolve(path.as_bytes()), Ok(Some(Node::Leaf(_)))), "{path}");
        }
        for path in ["none", "abs/below", "bad", "usr/lib/os-release/.."] {
            assert!(matches!(tree.resolve(path.as_bytes()), Ok(None)), "{path}");
        }
        assert_eq!(tree.resolve(b"a/x").unwrap_err(), ResolveError::Loop { path: b"a/x".to_vec() });
    }

    #[test]
    fn a_path_is_given_up_after_as_many_bytes_of_links_as_the_longest_path_has() {
        let mut tree = tree();
        let there_and_back = |bytes: usize| format!("{}os-release", "../lib/".repeat(bytes / 7));
        for (name, bytes) in [("near", 4000), ("half", 2000)] {
            let link = Inode::symlink(there_and_back(bytes).as_str());
            tree.insert(format!("usr/lib/{name}").as_bytes(), link, &Metadata::root(0o755)).unwrap();
        }
        let far = there_and_back(2100).replace("os-release", "half");
        tree.insert(b"usr/lib/far", Inode::symlink(far.as_str()), &Metadata::root(0o755)).unwrap();
        for path in ["usr/lib/near", "usr/lib/half"] {
            assert!(matches!(tree.resolve(path.as_bytes()), Ok(Some(Node::Leaf(_)))), "{path}");
        }
        let error = tree.resolve(b"usr/lib/far").unwrap_err();
        assert_eq!(error, ResolveError::TooFar { path: b"usr/lib/far".to_vec() });
        assert_eq!(
            error.to_string(),
            "/usr/lib/far goes through symbolic links whose targets have more than 4096 bytes"
        );
    }

    #[test]
    fn a_file_in_the_way_of_a_path_is_named() {
        let error = tree().insert(b"usr/lib/os-release/x", Inode::symlink("y"), &Metadata::root(0o755)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/usr/lib/os-release is a regular file, so /usr/lib/os-release/x cannot be below it"
        );
    }
}
