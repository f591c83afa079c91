//! The files of an image.

use std::collections::BTreeMap;
use std::io;

use builder_block::ReadAt;

/// Links that are followed for one path, as Linux has it.
const MOST_LINKS: usize = 40;

/// Whose names they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// Those of ISO 9660 itself, without versions; they have no case.
    #[default]
    Plain,
    /// Those of Joliet; they have no case.
    Joliet,
    /// Those of Rock Ridge.
    RockRidge,
}

/// Bytes in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extent {
    /// The first, in the image.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

/// A regular file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Where its bytes are, in their order; all of them are in the image.
    pub extents: Vec<Extent>,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A directory, with what is in it.
    Directory(BTreeMap<Vec<u8>, Node>),
    /// A regular file.
    File(File),
    /// A symbolic link, with its target.
    Link(Vec<u8>),
    /// A device, a socket or a pipe; or a file whose bytes are not in the image.
    Other,
}

/// All files of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Whose names they are.
    pub names: Names,
    /// What is in the root directory.
    pub root: BTreeMap<Vec<u8>, Node>,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The image cannot be read.
    #[error("cannot read the image")]
    Io(#[from] io::Error),
    /// It is larger than asked for.
    #[error("the file has {size} bytes, more than {limit}")]
    TooLarge {
        /// In bytes.
        size: u64,
        /// In bytes.
        limit: u64,
    },
}

impl File {
    /// In bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.extents.iter().fold(0, |size, extent| size.saturating_add(extent.length))
    }

    /// Its bytes, read from `image`.
    ///
    /// # Errors
    /// [`ReadError`]: I/O, or there are more than `limit`.
    pub fn read(&self, image: &dyn ReadAt, limit: u64) -> Result<Vec<u8>, ReadError> {
        let size = self.size();
        let length = usize::try_from(size).ok().filter(|_| size <= limit).ok_or(ReadError::TooLarge { size, limit })?;
        let mut bytes = vec![0; length];
        let mut rest = &mut bytes[..];
        for extent in &self.extents {
            // The sum of all was seen to fit.
            let (now, behind) = rest.split_at_mut(usize::try_from(extent.length).unwrap_or_default());
            image.read_at(extent.offset, now)?;
            rest = behind;
        }
        Ok(bytes)
    }
}

/// What a path leads to, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'t> {
    /// A directory, with what is in it.
    Directory(&'t BTreeMap<Vec<u8>, Node>),
    /// A regular file.
    File(&'t File),
    /// Neither.
    Other,
}

impl Tree {
    /// What is at a path, links followed; `None` where nothing is, or where links have no end.
    #[must_use]
    pub fn find(&self, path: &[u8]) -> Option<Found<'_>> {
        let mut above = Vec::new();
        let mut here = &self.root;
        let mut links = 0;
        let mut rest: Vec<Vec<u8>> = components(path);
        while let Some(name) = rest.pop() {
            match &*name {
                b"" | b"." => {}
                b".." => here = above.pop().unwrap_or(&self.root),
                _ => match self.entry(here, &name)? {
                    Node::Directory(inner) => {
                        above.push(here);
                        here = inner;
                    }
                    Node::Link(target) => {
                        links += 1;
                        if links > MOST_LINKS {
                            return None;
                        }
                        if target.starts_with(b"/") {
                            above.clear();
                            here = &self.root;
                        }
                        rest.extend(components(target));
                    }
                    Node::File(file) => return rest.iter().all(Vec::is_empty).then_some(Found::File(file)),
                    Node::Other => return rest.iter().all(Vec::is_empty).then_some(Found::Other),
                },
            }
        }
        Some(Found::Directory(here))
    }

    fn entry<'t>(&self, directory: &'t BTreeMap<Vec<u8>, Node>, name: &[u8]) -> Option<&'t Node> {
        match self.names {
            Names::RockRidge => directory.get(name),
            Names::Plain | Names::Joliet => {
                directory.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, node)| node)
            }
        }
    }
}

/// The names of a path, the last one first.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Extent, File, Found, Names, Node, Tree};

    fn tree(names: Names) -> Tree {
        let file = |offset| Node::File(File { extents: vec![Extent { offset, length: 1 }] });
        let link = |target: &str| Node::Link(target.as_bytes().to_vec());
        let inner = [("f", file(1)), ("up", link("../g")), ("top", link("/d/f")), ("loop", link("loop"))];
        let inner: BTreeMap<_, _> = inner.into_iter().map(|(name, node)| (name.as_bytes().to_vec(), node)).collect();
        let root = [(b"d".to_vec(), Node::Directory(inner)), (b"g".to_vec(), file(2)), (b"h".to_vec(), link("d/./up"))];
        Tree { names, root: root.into_iter().collect() }
    }

    #[test]
    fn paths_lead_through_links() {
        let tree = tree(Names::RockRidge);
        let offset = |path: &str| match tree.find(path.as_bytes()) {
            Some(Found::File(file)) => Some(file.extents[0].offset),
            _ => None,
        };
        for (path, expected) in [
            ("/d/f", Some(1)),
            ("d//f", Some(1)),
            ("/d/../g", Some(2)),
            ("/../g", Some(2)),
            ("/d/up", Some(2)),
            ("/d/top", Some(1)),
            ("/h", Some(2)),
            ("/d/loop", None),
            ("/d/f/x", None),
            ("/D/f", None),
            ("/d", None),
        ] {
            assert_eq!(offset(path), expected, "{path}");
        }
        assert!(matches!(tree.find(b"/d/."), Some(Found::Directory(_))));
    }

    #[test]
    fn only_rock_ridge_has_case() {
        assert!(tree(Names::Joliet).find(b"/D/F").is_some());
        assert!(tree(Names::RockRidge).find(b"/D/F").is_none());
    }
}
