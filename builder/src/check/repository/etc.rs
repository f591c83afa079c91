//! What a system has in `etc` beside what its image brought.

use std::collections::BTreeSet;

use builder_ext4::read::{Ext4Reader, InodeFacts, ReadError};
use builder_tree::join;
use sha2::{Digest as _, Sha256};

use super::below::below_of;
use super::{EtcDifferences, FILES_LIMIT, HOLES};

/// Counts the names that differ between two directories.
pub(super) fn differences(root: &Ext4Reader, etc: &[u8], default: &[u8]) -> Result<EtcDifferences, ReadError> {
    let mut found = EtcDifferences::default();
    let mut waiting = vec![Vec::new()];
    let mut left = FILES_LIMIT;
    while let Some(below) = waiting.pop() {
        let (here, there) = (below_of(etc, &below), below_of(default, &below));
        let names: BTreeSet<_> = root.names(&here)?.into_iter().chain(root.names(&there)?).collect();
        for name in names {
            let Some(less) = left.checked_sub(1) else { return Ok(found) };
            left = less;
            let (ours, theirs) = (join(&here, &name), join(&there, &name));
            match (root.metadata(&ours)?, root.metadata(&theirs)?) {
                (Some(_), None) => found.added += 1,
                (None, Some(_)) => found.removed += 1,
                (Some(a), Some(b)) => {
                    let directory = |facts: &InodeFacts| facts.mode & 0o170_000 == 0o040_000;
                    if directory(&a) && directory(&b) {
                        let path = join(&below, &name);
                        if path.len() < 4096 {
                            waiting.push(path);
                        }
                    }
                    found.changed += u64::from(!same(root, (&ours, &a), (&theirs, &b))?);
                }
                (None, None) => {}
            }
        }
    }
    Ok(found)
}

/// Whether two files are the same for the merge of an upgrade: type, content, owner and mode.
fn same(
    root: &Ext4Reader,
    (path, a): (&[u8], &InodeFacts),
    (other, b): (&[u8], &InodeFacts),
) -> Result<bool, ReadError> {
    if (a.mode, a.uid, a.gid) != (b.mode, b.uid, b.gid) {
        return Ok(false);
    }
    match a.mode & 0o170_000 {
        0o120_000 => Ok(root.target(path)? == root.target(other)?),
        0o100_000 if a.size != b.size => Ok(false),
        0o100_000 if a.inode != b.inode => Ok(digest(root, path)? == digest(root, other)?),
        _ => Ok(true),
    }
}

fn digest(root: &Ext4Reader, path: &[u8]) -> Result<[u8; 32], ReadError> {
    let mut hasher = Sha256::new();
    root.stream(path, HOLES, &mut |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hasher.finalize().into())
}
