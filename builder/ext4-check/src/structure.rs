//! Names of the parts of a file system.

use std::fmt;

/// An inode, and the path of it where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InodeName {
    /// Number of the inode, from 1.
    pub number: u32,
    /// A path of it from the root of the file system, or what a special inode is for. Control characters are escaped.
    pub path: Option<String>,
}

impl InodeName {
    /// The inode with this number, whose path is still to be found.
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self { number, path: None }
    }
}

impl fmt::Display for InodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "inode {} ({path})", self.number),
            None => write!(f, "inode {}", self.number),
        }
    }
}

/// A part of a file system. Groups and blocks count from 0, inodes from 1; a block is counted in blocks of the file
/// system from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Structure {
    /// The superblock that is used, 1024 bytes from the start.
    Superblock,
    /// A copy of the superblock.
    BackupSuperblock {
        /// The group that begins with it.
        group: u32,
    },
    /// A group descriptor in the table that is used.
    GroupDescriptor {
        /// The group described.
        group: u32,
    },
    /// A group descriptor in a copy of the table.
    BackupDescriptor {
        /// The group described.
        group: u32,
        /// The group that holds the copy.
        copy: u32,
    },
    /// Room for more group descriptors.
    ReservedDescriptors {
        /// The group that holds it.
        group: u32,
    },
    /// The block bitmap of a group.
    BlockBitmap {
        /// The group.
        group: u32,
    },
    /// The inode bitmap of a group.
    InodeBitmap {
        /// The group.
        group: u32,
    },
    /// The inode table of a group.
    InodeTable {
        /// The group.
        group: u32,
    },
    /// An inode.
    Inode(InodeName),
    /// A node of an extent tree outside of its inode.
    ExtentBlock {
        /// Where it lies.
        block: u64,
        /// Whose it is.
        inode: InodeName,
    },
    /// A block of block numbers.
    IndirectBlock {
        /// Where it lies.
        block: u64,
        /// Whose it is.
        inode: InodeName,
    },
    /// A block of directory entries.
    DirectoryBlock {
        /// Where it lies.
        block: u64,
        /// The directory.
        inode: InodeName,
    },
    /// A node of a directory's hash tree.
    HtreeNode {
        /// Where it lies.
        block: u64,
        /// The directory.
        inode: InodeName,
    },
    /// A block of extended attributes.
    XattrBlock {
        /// Where it lies.
        block: u64,
        /// The first inode that refers to it.
        inode: InodeName,
    },
    /// The first block of the journal.
    JournalSuperblock,
    /// A block of the file that lists orphans.
    OrphanBlock {
        /// Where it lies.
        block: u64,
    },
    /// The block that guards against being mounted twice.
    MmpBlock {
        /// Where it lies.
        block: u64,
    },
}

impl Structure {
    /// An inode whose path is still to be found.
    pub(crate) fn inode(number: u32) -> Self {
        Self::Inode(InodeName::new(number))
    }

    /// The inode in the name, where there is one.
    pub(crate) fn inode_name(&mut self) -> Option<&mut InodeName> {
        match self {
            Self::Inode(inode)
            | Self::ExtentBlock { inode, .. }
            | Self::IndirectBlock { inode, .. }
            | Self::DirectoryBlock { inode, .. }
            | Self::HtreeNode { inode, .. }
            | Self::XattrBlock { inode, .. } => Some(inode),
            _ => None,
        }
    }

    /// What kind of structure it is, to count findings of one kind.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Superblock => "superblock",
            Self::BackupSuperblock { .. } => "backup superblock",
            Self::GroupDescriptor { .. } => "group descriptor",
            Self::BackupDescriptor { .. } => "backup descriptor",
            Self::ReservedDescriptors { .. } => "reserved descriptors",
            Self::BlockBitmap { .. } => "block bitmap",
            Self::InodeBitmap { .. } => "inode bitmap",
            Self::InodeTable { .. } => "inode table",
            Self::Inode(_) => "inode",
            Self::ExtentBlock { .. } => "extent block",
            Self::IndirectBlock { .. } => "indirect block",
            Self::DirectoryBlock { .. } => "directory block",
            Self::HtreeNode { .. } => "htree node",
            Self::XattrBlock { .. } => "xattr block",
            Self::JournalSuperblock => "journal superblock",
            Self::OrphanBlock { .. } => "orphan file",
            Self::MmpBlock { .. } => "MMP block",
        }
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superblock | Self::JournalSuperblock => f.write_str(self.kind()),
            Self::BackupSuperblock { group } => write!(f, "backup superblock in group {group}"),
            Self::GroupDescriptor { group } => write!(f, "group descriptor {group}"),
            Self::BackupDescriptor { group, copy } => write!(f, "group descriptor {group}, backup in group {copy}"),
            Self::ReservedDescriptors { group } => write!(f, "reserved descriptor blocks of group {group}"),
            Self::BlockBitmap { group } | Self::InodeBitmap { group } | Self::InodeTable { group } => {
                write!(f, "{} of group {group}", self.kind())
            }
            Self::Inode(inode) => inode.fmt(f),
            Self::ExtentBlock { block, inode }
            | Self::IndirectBlock { block, inode }
            | Self::DirectoryBlock { block, inode }
            | Self::HtreeNode { block, inode }
            | Self::XattrBlock { block, inode } => write!(f, "{} {block} of {inode}", self.kind()),
            Self::OrphanBlock { block } => write!(f, "block {block} of the orphan file"),
            Self::MmpBlock { block } => write!(f, "MMP block {block}"),
        }
    }
}
