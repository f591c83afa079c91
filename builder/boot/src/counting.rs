//! Boot counting by systemd-boot: a new entry gets so many tries, then the one before it is started.

use builder_tree::FileTree;

use crate::ESP_MOUNT_POINT;
use crate::loader::regular_file;

/// Tries of a new entry, as many as greenboot gives.
const TRIES: u8 = 3;

/// What takes the number away from an entry that booted well, and what calls it; one without the other does nothing.
const MARKS_GOOD: [&str; 2] =
    ["usr/lib/systemd/systemd-bless-boot", "usr/lib/systemd/system-generators/systemd-bless-boot-generator"];

/// Whether entries for systemd-boot carry a number of tries.
///
/// A number that nobody takes away would count down at every good start as well, and the system would fall back from
/// itself. So it is only for images that can mark a boot good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// The image can mark a boot good: the default entry gets tries.
    Tries,
    /// It cannot: plain names.
    Off,
}

impl Counting {
    /// What the image in `tree` can do.
    #[must_use]
    pub fn find(tree: &FileTree) -> Self {
        let mounted = tree.directory(ESP_MOUNT_POINT.as_bytes()).is_some();
        if mounted && MARKS_GOOD.iter().all(|path| regular_file(tree, path).is_some()) {
            Self::Tries
        } else {
            Self::Off
        }
    }

    /// The file of the entry `name`; only the default entry has to show what it can do (systemd, "Automatic Boot
    /// Assessment").
    pub(crate) fn file_name(self, name: &str, is_default: bool) -> String {
        match self {
            Self::Tries if is_default => format!("{name}+{TRIES}.conf"),
            _ => format!("{name}.conf"),
        }
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{Counting, MARKS_GOOD};

    #[test]
    fn tries_are_for_images_that_can_mark_a_boot_good() {
        for (paths, efi, counting, name) in [
            (&MARKS_GOOD[..], true, Counting::Tries, "ostree-2+3.conf"),
            (&MARKS_GOOD[..], false, Counting::Off, "ostree-2.conf"),
            (&MARKS_GOOD[..1], true, Counting::Off, "ostree-2.conf"),
            (&MARKS_GOOD[1..], true, Counting::Off, "ostree-2.conf"),
            (&[], true, Counting::Off, "ostree-2.conf"),
        ] {
            let mut tree = FileTree::new();
            if efi {
                tree.make_directories(b"efi", &Metadata::root(0o755)).unwrap();
            }
            for path in paths {
                let inode = Inode::regular(Metadata::root(0o755), Content::bytes(b"ELF".to_vec()));
                tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
            }
            assert_eq!(Counting::find(&tree), counting, "{paths:?}");
            assert_eq!(counting.file_name("ostree-2", true), name);
            assert_eq!(counting.file_name("ostree-1", false), "ostree-1.conf");
        }
    }
}
