//! What is at one path, and which archives there are.

use crate::Compression;

/// One cpio archive inside an initramfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Number, counted from 1.
    pub number: u32,
    /// What it is packed with.
    pub compression: Compression,
    /// Byte of the initramfs at which it begins, or at which the compressed part that holds it begins.
    pub start: u64,
    /// Byte at which it begins in the unpacked contents of that part; for a plain archive the same as `start`.
    pub unpacked_start: u64,
    /// Entries in it, without the trailer.
    pub entries: u64,
    /// Whether its entries end with a trailer, as they should.
    pub has_trailer: bool,
}

/// What is at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Type and permissions, as `st_mode` has them.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of change in seconds since 1970.
    pub mtime: u32,
    /// Size of a file's body in bytes; 0 for all else.
    pub size: u64,
    /// Names that lead to it; more than 1 for hard links.
    pub names: u32,
    /// Number of the archive that wrote it last; 0 for what the kernel has before it unpacks.
    pub archive: u32,
    /// What it is.
    pub kind: EntryKind,
}

/// What kind of thing an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink {
        /// Where it leads.
        target: Vec<u8>,
    },
    /// A character device.
    CharacterDevice {
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

impl EntryKind {
    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        matches!(self, Self::Directory)
    }

    /// Whether it is a regular file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self, Self::File)
    }

    /// Whether both are of one type: two devices with other numbers are.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}
