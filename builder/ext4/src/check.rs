//! What ext4 has a form for.

use builder_tree::{Inode, InodeKind, Metadata};

use crate::error::Unrepresentable;
use crate::format::{BLOCK_SIZE, FILE_MAX, SYMLINK_MAX, TIME_MAX, TIME_MIN};
use crate::seal;

/// Largest major device number of Linux.
const MAJOR_MAX: u32 = 0xfff;
/// Largest minor device number of Linux.
const MINOR_MAX: u32 = 0xf_ffff;

/// Checks all but the attributes of anything that is not a directory.
pub(crate) fn leaf(inode: &Inode) -> Result<(), Unrepresentable> {
    metadata(&inode.metadata)?;
    let regular = matches!(inode.kind, InodeKind::Regular(_));
    if inode.metadata.immutable && !regular {
        // e2fsck clears the flag of links, devices, FIFOs and sockets (PR_1_SET_IMMUTABLE).
        return Err(Unrepresentable::Immutable { kind: inode.kind.name() });
    }
    if inode.seal.is_some() && !regular {
        return Err(Unrepresentable::Sealed { kind: inode.kind.name() });
    }
    match &inode.kind {
        InodeKind::Regular(content) if content.size() > FILE_MAX => {
            Err(Unrepresentable::LargeFile { size: content.size(), limit: FILE_MAX })
        }
        InodeKind::Regular(content) => match inode.seal.as_deref().map(|seal| seal::run(content.size(), seal).end()) {
            // Its last block has a number of 32 bits too.
            Some(end) if end > FILE_MAX / BLOCK_SIZE => {
                Err(Unrepresentable::LargeSeal { size: content.size(), with: end * BLOCK_SIZE, limit: FILE_MAX })
            }
            _ => Ok(()),
        },
        InodeKind::Symlink(target) if target.is_empty() => Err(Unrepresentable::EmptyTarget),
        InodeKind::Symlink(target) if target.len() > SYMLINK_MAX => {
            Err(Unrepresentable::LongTarget { length: target.len(), limit: SYMLINK_MAX })
        }
        InodeKind::Symlink(target) => match target.iter().position(|&byte| byte == 0) {
            Some(at) => Err(Unrepresentable::NulInTarget { at }),
            None => Ok(()),
        },
        &(InodeKind::CharDevice { major, minor } | InodeKind::BlockDevice { major, minor })
            if major > MAJOR_MAX || minor > MINOR_MAX =>
        {
            Err(Unrepresentable::DeviceNumber { major, minor })
        }
        _ => Ok(()),
    }
}

/// Checks all but the attributes of anything.
pub(crate) fn metadata(metadata: &Metadata) -> Result<(), Unrepresentable> {
    if metadata.mode > 0o7777 {
        return Err(Unrepresentable::Mode { mode: metadata.mode });
    }
    let (seconds, nanoseconds) = (metadata.mtime.seconds, metadata.mtime.nanoseconds);
    if !(TIME_MIN..=TIME_MAX).contains(&seconds) || nanoseconds > 999_999_999 {
        return Err(Unrepresentable::Time { seconds, nanoseconds });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use builder_tree::{Inode, InodeKind, Metadata, Timestamp};

    use super::leaf;

    #[test]
    fn what_has_no_form_is_refused() {
        let with = |kind| Inode::new(Metadata::root(0o644), kind);
        let at = |seconds, nanoseconds| {
            let mut inode = with(InodeKind::Fifo);
            inode.metadata.mtime = Timestamp { seconds, nanoseconds };
            inode
        };
        let mut immutable = with(InodeKind::Fifo);
        immutable.metadata.immutable = true;
        for (inode, good) in [
            (Inode::symlink(""), false),
            (Inode::symlink("x"), true),
            (Inode::symlink(vec![b'x'; 4095]), true),
            (Inode::symlink(vec![b'x'; 4096]), false),
            (Inode::symlink("a\0b"), false),
            (with(InodeKind::CharDevice { major: 4095, minor: 1_048_575 }), true),
            (with(InodeKind::CharDevice { major: 4096, minor: 0 }), false),
            (with(InodeKind::BlockDevice { major: 0, minor: 1_048_576 }), false),
            (at(-0x8000_0000, 999_999_999), true),
            (at(-0x8000_0001, 0), false),
            (at(10_737_418_239, 0), true),
            (at(10_737_418_240, 0), false),
            (at(0, 1_000_000_000), false),
            (immutable, false),
        ] {
            assert_eq!(leaf(&inode).is_ok(), good, "{inode:?}");
        }
    }
}
