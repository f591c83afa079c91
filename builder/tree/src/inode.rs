//! What a file is, apart from its names.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::Content;

/// Extended attributes, by full name (`security.capability`), in the form of the system call interface.
///
/// Most files have none or, where SELinux is on, the same label as many others. So a copy shares its map until one of
/// the two is changed.
#[derive(Clone, Debug, Default)]
pub struct Xattrs(Option<Arc<XattrMap>>);

/// Value by name.
pub type XattrMap = BTreeMap<Vec<u8>, Vec<u8>>;

static NO_XATTRS: XattrMap = XattrMap::new();

impl Xattrs {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }
}

impl Deref for Xattrs {
    type Target = XattrMap;

    fn deref(&self) -> &XattrMap {
        self.0.as_deref().unwrap_or(&NO_XATTRS)
    }
}

impl DerefMut for Xattrs {
    fn deref_mut(&mut self) -> &mut XattrMap {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl PartialEq for Xattrs {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
            _ => **self == **other,
        }
    }
}

impl Eq for Xattrs {}

impl From<XattrMap> for Xattrs {
    fn from(map: XattrMap) -> Self {
        Self((!map.is_empty()).then(|| Arc::new(map)))
    }
}

impl<const N: usize> From<[(Vec<u8>, Vec<u8>); N]> for Xattrs {
    fn from(list: [(Vec<u8>, Vec<u8>); N]) -> Self {
        XattrMap::from(list).into()
    }
}

impl FromIterator<(Vec<u8>, Vec<u8>)> for Xattrs {
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Vec<u8>)>>(list: I) -> Self {
        XattrMap::from_iter(list).into()
    }
}

impl<'a> IntoIterator for &'a Xattrs {
    type Item = (&'a Vec<u8>, &'a Vec<u8>);
    type IntoIter = std::collections::btree_map::Iter<'a, Vec<u8>, Vec<u8>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A point in time, counted from 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds after them, 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// Owner, permissions, time and attributes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Metadata {
    /// Permission bits with setuid, setgid and sticky: 0 to 0o7777. The type is not in here.
    pub mode: u16,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Last change of the contents.
    pub mtime: Timestamp,
    /// Extended attributes.
    pub xattrs: Xattrs,
    /// Nobody may change the inode (`chattr +i`).
    pub immutable: bool,
}

impl Metadata {
    /// Owned by root, with the permissions `mode` (0 to 0o7777), from 1970, without attributes.
    #[must_use]
    pub fn root(mode: u16) -> Self {
        Self { mode, ..Self::default() }
    }
}

/// Anything that is not a directory.
#[derive(Clone, Debug)]
pub struct Inode {
    /// Owner, permissions, time and attributes.
    pub metadata: Metadata,
    /// The type with what belongs to it.
    pub kind: InodeKind,
    /// What makes the kernel check each block that is read; for regular files, which nobody can write to from then on.
    pub seal: Option<Arc<Seal>>,
}

/// What fs-verity keeps of a file, beside its body.
///
/// Source: Linux, Documentation/filesystems/fsverity.rst.
#[derive(Clone, Debug)]
pub struct Seal {
    /// The Merkle tree, the root's level first: a multiple of [`crate::BLOCK`] bytes, none for a body of one block.
    pub tree: Content,
    /// `struct fsverity_descriptor` with the root hash.
    pub descriptor: [u8; 256],
    /// The fs-verity digest, which stands for the body: SHA-256 of the descriptor.
    pub digest: [u8; 32],
}

/// The type of an inode.
#[derive(Clone, Debug)]
pub enum InodeKind {
    /// A regular file.
    Regular(Content),
    /// A symbolic link with its target.
    Symlink(Vec<u8>),
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

impl InodeKind {
    /// The type in words, for messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Regular(_) => "regular file",
            Self::Symlink(_) => "symbolic link",
            Self::CharDevice { .. } => "character device",
            Self::BlockDevice { .. } => "block device",
            Self::Fifo => "FIFO",
            Self::Socket => "socket",
        }
    }

    /// The type bits of `st_mode`.
    #[must_use]
    pub fn type_bits(&self) -> u32 {
        match self {
            Self::Regular(_) => 0o100_000,
            Self::Symlink(_) => 0o120_000,
            Self::CharDevice { .. } => 0o020_000,
            Self::BlockDevice { .. } => 0o060_000,
            Self::Fifo => 0o010_000,
            Self::Socket => 0o140_000,
        }
    }
}

impl Inode {
    /// An inode without a seal.
    #[must_use]
    pub fn new(metadata: Metadata, kind: InodeKind) -> Self {
        Self { metadata, kind, seal: None }
    }

    /// A regular file.
    #[must_use]
    pub fn regular(metadata: Metadata, content: Content) -> Self {
        Self::new(metadata, InodeKind::Regular(content))
    }

    /// A symbolic link of root's; its mode is always 0o777.
    #[must_use]
    pub fn symlink(target: impl Into<Vec<u8>>) -> Self {
        Self::new(Metadata::root(0o777), InodeKind::Symlink(target.into()))
    }

    /// The body, where it is a regular file.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        match &self.kind {
            InodeKind::Regular(content) => Some(content),
            _ => None,
        }
    }

    /// Length in bytes of a regular file or of a link's target, else 0.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.kind {
            InodeKind::Regular(content) => content.size(),
            InodeKind::Symlink(target) => target.len() as u64,
            _ => 0,
        }
    }
}
