//! squashfs 4.0 images with zstd: a few large, mostly empty files and a small tree around them, written and read.
//!
//! ```text
//!  ┌────────────┬─────────┬─────────────────────┬───────────┬────────┬─────────────┬───────────┬────────┬─────┐
//!  │ superblock │ options │ blocks of the files │ fragments │ inodes │ directories │ fragments'│ inodes'│ ids │
//!  │            │ of zstd │ (none for zeros)    │           │        │             │ places    │ places │     │
//!  └────────────┴─────────┴─────────────────────┴───────────┴────────┴─────────────┴───────────┴────────┴─────┘
//!                          └── compressed by several threads ┘└── metadata blocks of 8 KiB ───────────────────┘
//! ```
//!
//! [`Tree`] says what goes in, [`Plan`] decides everything but how well it compresses, [`Plan::write_to`] writes it.
//! The bytes depend on the tree and the [`Options`] alone: not on the order in which names were added, and not on the
//! number of threads.
//!
//! A file shorter than a block shares a fragment with others; the end of a longer file is a block of its own. Blocks of
//! zeros are left out, so a disk image costs what is in it and four bytes for each block. There are no hard links, no
//! devices, no extended attributes, and no indexes of directories: names in a directory of thousands are found by
//! reading it from its start.
//!
//! [`Squashfs`] reads images of anyone's. It shares nothing with the writer but the numbers of the format.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use builder_block::{PlainFile, ReadAt};
//! use builder_squashfs::{Attributes, Content, Options, Plan, Squashfs, Tree};
//!
//! let mut tree = Tree::new(Attributes::root(0o755))?;
//! tree.directory(b"live", Attributes::root(0o755))?;
//! tree.file(b"live/version", Attributes::root(0o644), Content::Bytes(b"7"[..].into()))?;
//! let mut file = tempfile::tempfile()?;
//! let written = Plan::new(&tree, &Options::new(1_700_000_000))?.write_to(&mut file, 0, 4, &mut |_| ())?;
//! assert_eq!(written.length, 4096);
//!
//! let image = Squashfs::open(PlainFile::new(file)?, 0)?;
//! let mut version = [0];
//! image.open_file(b"live/version")?.read_at(0, &mut version)?;
//! assert_eq!(&version, b"7");
//! # Ok(())
//! # }
//! ```
//!
//! Sources: Linux, `fs/squashfs/squashfs_fs.h` and `Documentation/filesystems/squashfs.rst`; squashfs-tools.

mod constants;
mod encode;
mod error;
mod format;
mod jobs;
mod line;
mod metadata;
mod options;
mod plan;
mod read;
mod tables;
mod tree;
mod write;

pub use constants::BLOCKS_LIMIT;
pub use error::{PlanError, TreeError, WriteError};
pub use options::Options;
pub use plan::Plan;
pub use read::{DirectoryInode, Entry, EntryKind, File, FileInode, Inode, InodeKind, ReadError, Squashfs};
pub use tree::{Attributes, Content, Tree};
pub use write::Written;
