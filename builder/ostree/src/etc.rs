//! A deployment's `/etc` (spec 4.3).

use builder_tree::{Directory, FileTree, Inode};

use crate::made::Maker;
use crate::{OstreeError, copy};

/// The copy of `usr_etc`, and the local files on top of it.
///
/// An upgrade compares it with `usr/etc` by type, content, owner and mode; what differs counts as a local change
/// for good. So nothing differs but the local files.
pub(crate) fn copy(usr_etc: &Directory, local: &[(Vec<u8>, Inode)], maker: Maker) -> Result<Directory, OstreeError> {
    let mut etc = FileTree { root: copy::independent(usr_etc, maker) };
    // Missing, it makes systemd's ConditionNeedsUpdate= true on the first boot.
    etc.root.entries.remove(b".updated".as_slice());
    for (path, inode) in local {
        etc.insert(path, inode.clone(), &maker.metadata(0o755)).map_err(|source| OstreeError::LocalFile { source })?;
    }
    Ok(etc.root)
}
