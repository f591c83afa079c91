//! What can be wrong with a tree or with options.

use builder_block::{ByteSize, Overlap};
use builder_tree::DisplayPath;

use crate::htree::DirectoryError;
use crate::xattr::XattrError;

/// Why a tree cannot become a file system of these options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ext4Error {
    /// The file system is too small.
    #[error("file system needs {needed} ({} bytes) but has {has} ({} bytes)", .needed.bytes(), .has.bytes())]
    TooSmall {
        /// The next larger size that holds the tree, a multiple of 1 MiB.
        needed: ByteSize,
        /// The size it was to have.
        has: ByteSize,
    },
    /// The file system is too large, or would have to be.
    #[error("file system needs {needed} but can have at most {limit}")]
    TooLarge {
        /// The size it would need.
        needed: ByteSize,
        /// The limit.
        limit: ByteSize,
    },
    /// More inodes than the size allows, or fewer than the tree needs.
    #[error("file system needs {needed} inodes but can have at most {limit}")]
    Inodes {
        /// How many are needed.
        needed: u64,
        /// How many there can be.
        limit: u64,
    },
    /// An inode with too many names.
    #[error("{} has {links} names, but an inode can have at most {limit}", DisplayPath(.path))]
    Links {
        /// Its first path.
        path: Vec<u8>,
        /// How many names it has.
        links: u64,
        /// The limit.
        limit: u32,
    },
    /// Something ext4 has no form for.
    #[error("{} cannot be represented: {reason}", DisplayPath(.path))]
    Unrepresentable {
        /// Its path.
        path: Vec<u8>,
        /// What about it.
        reason: Unrepresentable,
    },
    /// Extended attributes that do not fit or have no form.
    #[error("extended attributes of {} cannot be represented", DisplayPath(.path))]
    Xattr {
        /// The path of the inode.
        path: Vec<u8>,
        /// What about them.
        #[source]
        source: XattrError,
    },
    /// Names that do not fit or have no form.
    #[error("directory {} cannot be represented", DisplayPath(.path))]
    Directory {
        /// The path of the directory.
        path: Vec<u8>,
        /// What about it.
        #[source]
        source: DirectoryError,
    },
    /// An option outside of its range.
    #[error("option {option}: {value} is not {allowed}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What it was.
        value: String,
        /// What it can be.
        allowed: &'static str,
    },
    /// Two owners of a block: a defect of this crate.
    #[error("two owners of a block")]
    Overlap(#[from] Overlap),
}

/// What ext4 has no form for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrepresentable {
    /// A target without bytes.
    #[error("its target is empty")]
    EmptyTarget,
    /// A target with a NUL.
    #[error("its target has a NUL at byte {at}")]
    NulInTarget {
        /// Where.
        at: usize,
    },
    /// A target that outgrows a block.
    #[error("its target has {length} bytes, at most {limit} fit")]
    LongTarget {
        /// Its length in bytes.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// A body that outgrows 32-bit block numbers.
    #[error("it has {size} bytes, at most {limit} fit")]
    LargeFile {
        /// Its length in bytes.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Metadata of fs-verity that outgrows 32-bit block numbers.
    #[error("it has {size} bytes, {with} with its fs-verity metadata, at most {limit} fit")]
    LargeSeal {
        /// Its length in bytes.
        size: u64,
        /// Its length in bytes with the metadata.
        with: u64,
        /// The limit.
        limit: u64,
    },
    /// fs-verity, but no file.
    #[error("only regular files can have fs-verity, and it is a {kind}")]
    Sealed {
        /// What it is.
        kind: &'static str,
    },
    /// A device number outside of Linux's 12 and 20 bits.
    #[error("device number {major}:{minor} is above 4095:1048575")]
    DeviceNumber {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A time that e2fsck would not leave alone, or no nanoseconds.
    #[error("its time is {seconds} s and {nanoseconds} ns, not from 1901-12-13 to 2310-04-04")]
    Time {
        /// Seconds since 1970.
        seconds: i64,
        /// Nanoseconds.
        nanoseconds: u32,
    },
    /// Bits above the permissions.
    #[error("its permissions are {mode:o} (octal), at most 7777")]
    Mode {
        /// The bits.
        mode: u16,
    },
    /// Immutable, but no file or directory.
    #[error("only regular files and directories can be immutable, and it is a {kind}")]
    Immutable {
        /// What it is.
        kind: &'static str,
    },
    /// `lost+found` is no directory.
    #[error("it must be a directory, and it is a {kind}")]
    LostFound {
        /// What it is.
        kind: &'static str,
    },
}

impl Ext4Error {
    /// What to do now, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::TooSmall { needed, .. } => {
                return Some(format!(
                    "give it {needed} or more, or the smallest size that fits; room for what comes later is extra"
                ));
            }
            Self::TooLarge { .. } => "take files out, or ask for less free space or fewer inodes",
            Self::Inodes { .. } => "make the file system larger, or ask for fewer inodes",
            Self::Links { .. } => "keep two copies of the file, each with a part of the names",
            Self::Xattr { source, .. } => source.hint(),
            Self::Directory { source, .. } => source.hint(),
            Self::Unrepresentable { .. } => "change or remove it in the image the tree comes from",
            Self::Option { .. } => return None,
            Self::Overlap(_) => "this is a defect; please report it with the tree's listing",
        };
        Some(text.to_owned())
    }
}
