//! Inodes that this crate makes itself: root's, with the creation time.

use builder_tree::{Content, Directory, Inode, Metadata, Timestamp};

/// Makes inodes that bear one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maker {
    time: Timestamp,
}

impl Maker {
    /// All inodes will be from `created`, in seconds since 1970.
    pub(crate) fn new(created: i64) -> Self {
        Self { time: Timestamp { seconds: created, nanoseconds: 0 } }
    }

    pub(crate) fn time(self) -> Timestamp {
        self.time
    }

    pub(crate) fn metadata(self, mode: u16) -> Metadata {
        Metadata { mtime: self.time, ..Metadata::root(mode) }
    }

    pub(crate) fn directory(self, mode: u16) -> Directory {
        Directory::new(self.metadata(mode))
    }

    pub(crate) fn file(self, mode: u16, bytes: impl Into<Vec<u8>>) -> Inode {
        Inode::regular(self.metadata(mode), Content::bytes(bytes.into()))
    }

    pub(crate) fn symlink(self, target: impl Into<Vec<u8>>) -> Inode {
        let mut inode = Inode::symlink(target);
        inode.metadata.mtime = self.time;
        inode
    }
}
