//! Tells whether a FAT file system is right, whoever made it: FAT12, FAT16 and FAT32.
//!
//! ```text
//!  ┌─────────────┬──────────────────┬───────┬───────┬──────────────────┬───────────────────┐
//!  │ boot sector │ FSInfo, backup   │ FAT 1 │ FAT 2 │ root directory   │ cluster 2, 3, 4 … │
//!  │             │ (FAT32 only)     │       │       │ (not with FAT32) │                   │
//!  └─────────────┴──────────────────┴───┬───┴───┬───┴──────┬───────────┴─────────┬─────────┘
//!                                       └─ same ┘          └── names, sizes ──► chains: each cluster has one owner
//! ```
//!
//! [`check`] only reads. It has its own idea of the structures, from Microsoft's "FAT: General Overview of On-Disk
//! Format", 1.03, and its FAT specification of 2005: what a writer got wrong is not got wrong again here. What it finds
//! is a [`Finding`], in words that name the file by its path, or the structure, and the field.
//!
//! Everything on the device may be a lie: what the boot sector claims is held against the size of the device before it
//! is followed, a chain ends at the first cluster that has an owner, and memory grows with what is in the table only.

mod boot;
mod boot_check;
mod bytes;
mod chain;
mod check;
mod device;
mod directory;
mod error;
mod file;
mod fsinfo;
mod geometry;
mod label;
mod long_name;
mod mirror;
mod owners;
mod paths;
mod record;
mod report;
mod short_name;
mod table;
mod time;
mod tree;
mod usage;

pub use builder_block::{Finding, Severity};
pub use check::{Level, MOST_CLUSTERS, check};
pub use error::CheckError;
pub use geometry::FatKind;
pub use report::{MOST_FINDINGS, Report, Volume};
pub use tree::MOST_ENTRIES;
