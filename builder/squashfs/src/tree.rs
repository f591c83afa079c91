//! What goes into an image.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use builder_block::DiskSource;
use builder_tree::join;

use crate::constants::NAME_BYTES;
use crate::error::TreeError;

/// Longest target of a symbolic link in bytes: PATH_MAX with the closing NUL.
pub(crate) const TARGET_BYTES: usize = 4095;
/// Permissions, set-user-ID, set-group-ID, sticky.
const MODE_BITS: u16 = 0o7777;
/// Where the root is in [`Tree::nodes`].
pub(crate) const ROOT: usize = 0;

/// Who may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permissions, set-user-ID, set-group-ID and sticky bit: 0o7777 at most.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Attributes {
    /// Root's, with this mode.
    #[must_use]
    pub const fn root(mode: u16) -> Self {
        Self { mode, uid: 0, gid: 0 }
    }
}

/// The bytes of a file.
#[derive(Clone)]
pub enum Content<'a> {
    /// In memory.
    Bytes(Cow<'a, [u8]>),
    /// Read while the image is written, by several threads; nothing where it has holes. Its size must not change.
    Disk(&'a (dyn DiskSource + Sync)),
}

impl Content<'_> {
    /// Length in bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Disk(disk) => disk.size().bytes(),
        }
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bytes(_) => "Bytes",
            Self::Disk(_) => "Disk",
        };
        write!(f, "{name}({} bytes)", self.size())
    }
}

/// Directories, files and symbolic links, by their paths: bytes with slashes between the names, and none in front.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    /// The root first, and every directory before what is in it.
    pub(crate) nodes: Vec<Node<'a>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) parent: usize,
    name: Vec<u8>,
    pub(crate) attributes: Attributes,
    pub(crate) kind: Kind<'a>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind<'a> {
    /// Which nodes have which names in it.
    Directory(BTreeMap<Vec<u8>, usize>),
    File(Content<'a>),
    Symlink(Vec<u8>),
}

impl<'a> Tree<'a> {
    /// An empty root.
    ///
    /// # Errors
    /// [`TreeError::Mode`].
    pub fn new(root: Attributes) -> Result<Self, TreeError> {
        let kind = Kind::Directory(BTreeMap::new());
        check_mode(b"", root)?;
        Ok(Self { nodes: vec![Node { parent: ROOT, name: Vec::new(), attributes: root, kind }] })
    }

    /// Adds an empty directory.
    ///
    /// # Errors
    /// [`TreeError`]: for the name, the directory that it is in, or the mode.
    pub fn directory(&mut self, path: &[u8], attributes: Attributes) -> Result<(), TreeError> {
        self.add(path, attributes, Kind::Directory(BTreeMap::new()))
    }

    /// Adds a file.
    ///
    /// # Errors
    /// As [`Tree::directory`].
    pub fn file(&mut self, path: &[u8], attributes: Attributes, content: Content<'a>) -> Result<(), TreeError> {
        self.add(path, attributes, Kind::File(content))
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// As [`Tree::directory`], and [`TreeError::Target`].
    pub fn symlink(&mut self, path: &[u8], attributes: Attributes, target: &[u8]) -> Result<(), TreeError> {
        if !(1..=TARGET_BYTES).contains(&target.len()) || target.contains(&0) {
            return Err(TreeError::Target { path: path.to_owned(), length: target.len() });
        }
        self.add(path, attributes, Kind::Symlink(target.to_owned()))
    }

    fn add(&mut self, path: &[u8], attributes: Attributes, kind: Kind<'a>) -> Result<(), TreeError> {
        check_mode(path, attributes)?;
        let owned = || path.to_owned();
        let (directories, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (Some(&path[..slash]), &path[slash + 1..]),
            None => (None, path),
        };
        if !(1..=NAME_BYTES).contains(&name.len()) || name.contains(&0) || name == b"." || name == b".." {
            return Err(TreeError::Name { path: owned() });
        }
        let parent = self.find(directories).ok_or_else(|| TreeError::Parent { path: owned() })?;
        let number = self.nodes.len();
        let Kind::Directory(names) = &mut self.nodes[parent].kind else {
            return Err(TreeError::Parent { path: owned() });
        };
        if names.contains_key(name) {
            return Err(TreeError::Exists { path: owned() });
        }
        names.insert(name.to_owned(), number);
        self.nodes.push(Node { parent, name: name.to_owned(), attributes, kind });
        Ok(())
    }

    /// The node at `path`, or the root where there is none.
    fn find(&self, path: Option<&[u8]>) -> Option<usize> {
        let Some(path) = path else { return Some(ROOT) };
        path.split(|&byte| byte == b'/').try_fold(ROOT, |node, name| match &self.nodes[node].kind {
            Kind::Directory(names) => names.get(name).copied(),
            _ => None,
        })
    }

    /// The path of a node.
    pub(crate) fn path(&self, mut node: usize) -> Vec<u8> {
        let mut names = Vec::new();
        while node != ROOT {
            names.push(self.nodes[node].name.as_slice());
            node = self.nodes[node].parent;
        }
        names.iter().rev().fold(Vec::new(), |path, name| join(&path, name))
    }
}

fn check_mode(path: &[u8], attributes: Attributes) -> Result<(), TreeError> {
    if attributes.mode & !MODE_BITS != 0 {
        return Err(TreeError::Mode { path: path.to_owned(), mode: attributes.mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Attributes, Content, Tree};
    use crate::TreeError;

    #[test]
    fn only_what_an_image_can_hold_is_taken() {
        let mut tree = Tree::new(Attributes::root(0o755)).unwrap();
        let plain = Attributes::root(0o644);
        tree.directory(b"d", Attributes::root(0o755)).unwrap();
        tree.file(b"d/f", plain, Content::Bytes(b"x".into())).unwrap();
        let long = [b'n'; 256];
        for path in [&b""[..], b"/", b"d/", b"d/.", b"..", b"d/a\0b", &long] {
            assert_eq!(tree.directory(path, plain), Err(TreeError::Name { path: path.to_owned() }));
        }
        for path in [&b"e/f"[..], b"d/f/g", b"/f", b"d//f"] {
            assert_eq!(tree.directory(path, plain), Err(TreeError::Parent { path: path.to_owned() }));
        }
        assert_eq!(tree.directory(b"d/f", plain), Err(TreeError::Exists { path: b"d/f".to_vec() }));
        assert!(matches!(tree.directory(b"g", Attributes::root(0o10000)), Err(TreeError::Mode { mode: 0o10000, .. })));
        for target in [&b""[..], b"a\0", &[b't'; 4096]] {
            assert!(matches!(tree.symlink(b"l", plain, target), Err(TreeError::Target { .. })));
        }
        assert_eq!(tree.path(2), b"d/f");
    }
}
