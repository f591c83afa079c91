//! Is this ext4 file system whole? Reads one of anyone's, and writes nothing.
//!
//! ```text
//!   Quick   superblock ── geometry ── group descriptors ── backups        read a few blocks a group
//!                │                          │
//!             journal                    bitmaps ── free counts ── root directory
//!
//!   Full    scan        every inode in use: fields, map, attributes       claims blocks, keeps a record
//!           tree        every directory: entries, hash trees              counts what leads where
//!           links       link counts, ways to the root
//!           totals      claims against bitmaps; owners of what is claimed twice
//!           paths       names for the findings, and for nothing else
//! ```
//!
//! Every number that is read is hostile until it is checked: walks end because no block of a map is walked twice, and
//! memory grows with inodes that are there, not with those a number claims. The layout is that of the kernel's
//! documentation (Documentation/filesystems/ext4); this crate knows nothing of who wrote the file system.

mod attributes;
mod backups;
mod bitmaps;
mod bytes;
mod check;
mod checksum;
mod claims;
mod descriptor;
mod directory;
mod findings;
mod format;
mod geometry;
mod hash;
mod htree;
mod inode;
mod journal;
mod links;
mod mapping;
mod metadata;
mod orphans;
mod owners;
mod paths;
mod records;
mod report;
mod resize;
mod root;
mod scan;
mod structure;
mod superblock;
mod totals;
mod tree;
mod volume;
mod xattr;

pub use builder_block::Severity;
pub use check::check;
pub use report::{CheckError, Finding, Level, Report};
pub use structure::{InodeName, Structure};
