//! Copies with inodes of their own: what a machine will change must not be a hard link to an object.

use std::sync::Arc;

use builder_tree::{Directory, Inode, Metadata, Xattrs};

use crate::made::Maker;
use crate::rebuild::rebuild_simply;

/// All of `directory`, one inode a path, with the maker's time and everything else as it is.
pub(crate) fn independent(directory: &Directory, maker: Maker) -> Directory {
    rebuild_simply(directory, |metadata| from_now(metadata, maker), |inode| leaf(inode, maker))
}

/// One inode, with the maker's time.
pub(crate) fn leaf(inode: &Inode, maker: Maker) -> Arc<Inode> {
    Arc::new(Inode::new(from_now(&inode.metadata, maker), inode.kind.clone()))
}

fn from_now(metadata: &Metadata, maker: Maker) -> Metadata {
    Metadata { mtime: maker.time(), ..metadata.clone() }
}

/// The SELinux label in `metadata`, for a directory that is to have the same and nothing else.
pub(crate) fn label(metadata: &Metadata) -> Xattrs {
    const LABEL: &[u8] = b"security.selinux";
    metadata.xattrs.get_key_value(LABEL).map(|(name, value)| (name.clone(), value.clone())).into_iter().collect()
}
