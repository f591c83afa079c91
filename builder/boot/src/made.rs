//! Files and directories that are made, not found.

use std::sync::Arc;

use builder_tree::{Content, Directory, Inode, Metadata, Timestamp};

/// Makes root-owned nodes of one time.
#[derive(Clone, Copy)]
pub(crate) struct Maker {
    created: i64,
}

impl Maker {
    pub(crate) fn new(created: i64) -> Self {
        Self { created }
    }

    pub(crate) fn metadata(self, mode: u16) -> Metadata {
        Metadata { mtime: Timestamp { seconds: self.created, nanoseconds: 0 }, ..Metadata::root(mode) }
    }

    pub(crate) fn directory(self, mode: u16) -> Directory {
        Directory::new(self.metadata(mode))
    }

    pub(crate) fn file(self, mode: u16, text: impl Into<Vec<u8>>) -> Inode {
        Inode::regular(self.metadata(mode), Content::bytes(text.into()))
    }

    pub(crate) fn symlink(self, target: &str) -> Inode {
        Inode { metadata: self.metadata(0o777), ..Inode::symlink(target) }
    }

    /// A file with the body of another: for file systems without owners and attributes.
    pub(crate) fn copy(self, of: &Arc<Inode>) -> Inode {
        Inode::new(self.metadata(0o644), of.kind.clone())
    }
}
