//! Labels, and the file types the contexts files tell apart.

use std::fmt;
use std::sync::Arc;

use builder_tree::{InodeKind, Node};

/// The extended attribute that holds the label.
pub const XATTR: &[u8] = b"security.selinux";

/// A security context as it stands in the extended attribute. Cloning it copies no byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Arc<[u8]>);

/// The type of a file, as the optional second field of a contexts file names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// `--`
    Regular,
    /// `-d`
    Directory,
    /// `-l`
    Symlink,
    /// `-c`
    CharDevice,
    /// `-b`
    BlockDevice,
    /// `-p`
    Fifo,
    /// `-s`
    Socket,
}

impl Label {
    /// From the text of a context, without NUL.
    pub(crate) fn from_context(context: &[u8]) -> Self {
        let mut bytes = context.to_vec();
        bytes.push(0);
        Self(bytes.into())
    }

    /// The attribute's value: the context and a NUL byte.
    #[must_use]
    pub fn as_xattr(&self) -> &[u8] {
        &self.0
    }

    /// The context alone, such as `system_u:object_r:bin_t:s0`; always ASCII.
    #[must_use]
    pub fn context(&self) -> &[u8] {
        // A label is only made by `from_context`, which puts the NUL there.
        self.0.strip_suffix(b"\0").unwrap_or(&self.0)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.context().escape_ascii())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({self})")
    }
}

impl FileKind {
    /// The type that the field `--`, `-d`, … stands for.
    pub(crate) fn from_field(field: &[u8]) -> Option<Self> {
        match field {
            b"--" => Some(Self::Regular),
            b"-d" => Some(Self::Directory),
            b"-l" => Some(Self::Symlink),
            b"-c" => Some(Self::CharDevice),
            b"-b" => Some(Self::BlockDevice),
            b"-p" => Some(Self::Fifo),
            b"-s" => Some(Self::Socket),
            _ => None,
        }
    }
}

impl From<&InodeKind> for FileKind {
    fn from(kind: &InodeKind) -> Self {
        match kind {
            InodeKind::Regular(_) => Self::Regular,
            InodeKind::Symlink(_) => Self::Symlink,
            InodeKind::CharDevice { .. } => Self::CharDevice,
            InodeKind::BlockDevice { .. } => Self::BlockDevice,
            InodeKind::Fifo => Self::Fifo,
            InodeKind::Socket => Self::Socket,
        }
    }
}

impl From<&Node> for FileKind {
    fn from(node: &Node) -> Self {
        match node {
            Node::Directory(_) => Self::Directory,
            Node::Leaf(inode) => Self::from(&inode.kind),
        }
    }
}
