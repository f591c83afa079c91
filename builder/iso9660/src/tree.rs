//! The files that go onto the medium.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use builder_block::SharedFile;

use crate::IsoError;
use crate::directory::SECTION;

/// Longest name in bytes; Linux, fs/isofs/rock.c, `get_rock_ridge_filename`: of a longer one the last part is dropped.
const NAME_MAX: usize = 253;
/// Longest target of a link in bytes; `PATH_MAX` less the closing NUL.
const TARGET_MAX: usize = 4095;
/// Most bytes of a file. Linux, fs/isofs/inode.c: one of more than 100 pieces is refused.
pub const FILE_MAX: u64 = 100 * SECTION;
/// Most components of a path: what a reader may still follow.
const DEPTH_MAX: usize = 128;

/// Owner and permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Permission bits, of which the lowest 12 count.
    pub mode: u16,
    /// Number of the owner.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
}

impl Metadata {
    /// `mode`, of root.
    #[must_use]
    pub fn root(mode: u16) -> Self {
        Self { mode, uid: 0, gid: 0 }
    }
}

/// The bytes of a file. Cloning it copies none of them.
#[derive(Clone)]
pub enum Content {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// A part of a file, which is read when the image is written.
    Range {
        /// The file.
        file: SharedFile,
        /// Where the part begins, in bytes.
        offset: u64,
        /// How long it is, in bytes.
        length: u64,
    },
    /// Room of a fixed size whose bytes are replaced in the finished image, at the place that
    /// [`Image::placement`](crate::Image::placement) tells.
    Reserved {
        /// What it begins with; zeros follow. At most `length` bytes.
        begin: Arc<[u8]>,
        /// In bytes.
        length: u64,
    },
}

impl Content {
    /// Bytes in memory.
    #[must_use]
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// `length` bytes of zeros to be replaced later.
    #[must_use]
    pub fn reserved(length: u64) -> Self {
        Self::Reserved { begin: Arc::default(), length }
    }

    /// Length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Range { length, .. } | Self::Reserved { length, .. } => *length,
        }
    }

    /// Refuses numbers that contradict each other.
    pub(crate) fn check(&self, what: &str) -> Result<(), IsoError> {
        let wrong = match self {
            Self::Bytes(_) => None,
            Self::Range { offset, length, .. } => {
                offset.checked_add(*length).is_none().then_some("its range ends behind the end of all files")
            }
            Self::Reserved { begin, length } => {
                (begin.len() as u64 > *length).then_some("it begins with more bytes than it has room for")
            }
        };
        wrong.map_or(Ok(()), |reason| Err(IsoError::Path { path: what.to_owned(), reason }))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Bytes(_) => "bytes in memory",
            Self::Range { .. } => "bytes of a file",
            Self::Reserved { .. } => "bytes reserved",
        };
        write!(f, "{} {kind}", self.length())
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Directory,
    File(Content),
    Symlink(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) metadata: Metadata,
    pub(crate) kind: Kind,
    /// Of a file: bytes for whose records its directory has room, where they are more than the file's.
    pub(crate) most: u64,
}

/// Directories, files and symbolic links. Paths are components between single slashes, such as `EFI/BOOT/BOOTX64.EFI`.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The empty path is the root. In the order of the components, a directory comes before what is in it.
    entries: BTreeMap<Vec<String>, Entry>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// An empty tree, whose root has the mode 0755.
    #[must_use]
    pub fn new() -> Self {
        let root = Entry { metadata: Metadata::root(0o755), kind: Kind::Directory, most: 0 };
        Self { entries: BTreeMap::from([(Vec::new(), root)]) }
    }

    /// Adds a file, and the directories above it that are not there yet, with the mode 0755 of root.
    ///
    /// # Errors
    /// [`IsoError::Path`]: the path is none, too deep, there already or below what is no directory; a name is empty, `.`,
    /// `..`, longer than 253 bytes or has a NUL; the content's numbers contradict each other.
    pub fn file(&mut self, path: &str, metadata: Metadata, content: Content) -> Result<(), IsoError> {
        self.file_of_at_most(path, metadata, content, 0)
    }

    /// Adds a file of which nobody knows yet how long it will be, but that it has at most `most` bytes: the directories of
    /// two trees that differ in how long it is take the same room, so that nothing in front of the file moves.
    ///
    /// # Errors
    /// As [`Tree::file`].
    pub fn file_of_at_most(
        &mut self,
        path: &str,
        metadata: Metadata,
        content: Content,
        most: u64,
    ) -> Result<(), IsoError> {
        content.check(path)?;
        self.insert(path, Entry { metadata, kind: Kind::File(content), most: most.min(FILE_MAX) })
    }

    /// Adds a symbolic link to `target`, which is not followed here. Its permission bits are not looked at by anybody.
    ///
    /// # Errors
    /// As [`Tree::file`]; the target is empty, longer than 4095 bytes or has a NUL.
    pub fn symlink(&mut self, path: &str, metadata: Metadata, target: impl Into<Vec<u8>>) -> Result<(), IsoError> {
        let target = target.into();
        let reason = match target.len() {
            0 => Some("its target is empty"),
            1..=TARGET_MAX if target.contains(&0) => Some("its target has a NUL"),
            1..=TARGET_MAX => None,
            _ => Some("its target is longer than 4095 bytes"),
        };
        if let Some(reason) = reason {
            return Err(IsoError::Path { path: path.to_owned(), reason });
        }
        self.insert(path, Entry { metadata, kind: Kind::Symlink(target), most: 0 })
    }

    /// Adds a directory, or changes the metadata of the one that is there; the empty path is the root.
    ///
    /// # Errors
    /// As [`Tree::file`].
    pub fn directory(&mut self, path: &str, metadata: Metadata) -> Result<(), IsoError> {
        let key = if path.is_empty() { Vec::new() } else { components(path)? };
        if let Some(Entry { metadata: known, kind: Kind::Directory, .. }) = self.entries.get_mut(&key) {
            *known = metadata;
            return Ok(());
        }
        self.insert(path, Entry { metadata, kind: Kind::Directory, most: 0 })
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[String], &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_slice(), entry))
    }

    fn insert(&mut self, path: &str, entry: Entry) -> Result<(), IsoError> {
        let refuse = |reason| Err(IsoError::Path { path: path.to_owned(), reason });
        let key = components(path)?;
        if self.entries.contains_key(&key) {
            return refuse("it is there already");
        }
        for length in 1..key.len() {
            let parent = Entry { metadata: Metadata::root(0o755), kind: Kind::Directory, most: 0 };
            let parent = self.entries.entry(key[..length].to_vec()).or_insert(parent);
            if !matches!(parent.kind, Kind::Directory) {
                return refuse("it lies below what is no directory");
            }
        }
        self.entries.insert(key, entry);
        Ok(())
    }
}

fn components(path: &str) -> Result<Vec<String>, IsoError> {
    let components: Vec<String> = path.split('/').map(str::to_owned).collect();
    let reason = components.iter().find_map(|name| match name.as_str() {
        "" => Some("a name is empty; paths have no slash at either end"),
        "." | ".." => Some("`.` and `..` are not names"),
        name if name.contains('\0') => Some("a name has a NUL"),
        name if name.len() > NAME_MAX => Some("a name is longer than 253 bytes"),
        _ => None,
    });
    let reason = reason.or_else(|| (components.len() > DEPTH_MAX).then_some("it has more than 128 components"));
    match reason {
        Some(reason) => Err(IsoError::Path { path: path.to_owned(), reason }),
        None => Ok(components),
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, Metadata, Tree};

    #[test]
    fn paths_that_lead_nowhere_are_refused() {
        let deep = vec!["d"; 129].join("/");
        let long = "n".repeat(254);
        for (path, reason) in [
            ("", "a name is empty; paths have no slash at either end"),
            ("/a", "a name is empty; paths have no slash at either end"),
            ("a//b", "a name is empty; paths have no slash at either end"),
            ("a/../b", "`.` and `..` are not names"),
            ("a\0", "a name has a NUL"),
            (long.as_str(), "a name is longer than 253 bytes"),
            (deep.as_str(), "it has more than 128 components"),
            ("there", "it is there already"),
            ("there/below", "it lies below what is no directory"),
        ] {
            let mut tree = Tree::new();
            tree.file("there", Metadata::root(0o644), Content::bytes([])).unwrap();
            let error = tree.file(path, Metadata::root(0o644), Content::bytes([])).unwrap_err().to_string();
            assert!(error.ends_with(reason), "{error}\n  lacks\n{reason}");
        }
        let mut tree = Tree::new();
        assert!(tree.symlink("l", Metadata::root(0o777), "").is_err());
        assert!(tree.symlink("l", Metadata::root(0o777), vec![b'x'; 4096]).is_err());
        let room = Content::Reserved { begin: vec![1; 5].into(), length: 4 };
        assert!(tree.file("r", Metadata::root(0o644), room).is_err());
        tree.directory("", Metadata::root(0o700)).unwrap();
        tree.directory("l", Metadata::root(0o700)).unwrap();
        tree.directory("l", Metadata::root(0o755)).unwrap();
    }
}
