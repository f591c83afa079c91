//! What a file system is to be, apart from its files.

use builder_block::ByteSize;

/// Everything about a file system that its tree does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Identity; also the seed of all checksums. Must not be all zeros.
    pub uuid: [u8; 16],
    /// Seed of the hashes that order big directories.
    pub hash_seed: [u8; 16],
    /// Volume label, 0 to 16 bytes.
    pub label: Vec<u8>,
    /// Where the file system says it was mounted last, 0 to 63 bytes.
    pub last_mounted: Vec<u8>,
    /// Time of making, in seconds since 1970 (0 or more, until 2310): the superblock's times, the birth time of all inodes, and
    /// all times of the journal and of a `lost+found` that is made. Access and change times of files are their
    /// modification time.
    pub created: i64,
    /// How large.
    pub size: SizeRule,
    /// Blocks only root may use, in percent of all: 0 to 50.
    pub reserved_percent: u8,
    /// How many inodes.
    pub inodes: InodeRule,
    /// How large the journal is.
    pub journal: JournalRule,
}

/// The size of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeRule {
    /// So large; a rest smaller than a block, or too small for a last group, is not used.
    Fixed(ByteSize),
    /// The smallest multiple of 1 MiB (8 MiB at least) that holds the tree and leaves so much room.
    Minimize {
        /// What `statfs` must report as available to users who are not root.
        free_bytes: ByteSize,
        /// Inodes that must be left.
        spare_inodes: u32,
    },
}

/// The number of inodes; always at least as many as the tree needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum InodeRule {
    /// As `mke2fs`: one for every 16 KiB, from 4 TiB on for every 32 KiB, from 16 TiB on for every 64 KiB.
    #[default]
    BySize,
    /// One for every so many bytes; 1 KiB at least.
    BytesPerInode(ByteSize),
    /// So many or, as tables are whole blocks, a few more.
    Count(u32),
}

/// The size of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum JournalRule {
    /// As `mke2fs`: 4 MiB to 1 GiB by the size of the file system.
    #[default]
    BySize,
    /// So large, rounded up to a block: 4 MiB to 39 GiB.
    Fixed(ByteSize),
    /// No journal.
    Absent,
}

impl Options {
    /// The options of a file system of `size` with the given identity: no label, time 0, 5 percent reserved.
    #[must_use]
    pub fn new(uuid: [u8; 16], hash_seed: [u8; 16], size: SizeRule) -> Self {
        Self {
            uuid,
            hash_seed,
            label: Vec::new(),
            last_mounted: Vec::new(),
            created: 0,
            size,
            reserved_percent: 5,
            inodes: InodeRule::default(),
            journal: JournalRule::default(),
        }
    }
}
