//! Tells whether an ISO 9660 image is right, whoever made it, and reads what is in it.
//!
//! ```text
//!  block 16 ‥             ‥                  ‥                   ‥             ‥
//!  ┌────────────────────┬──────────────────┬───────────────────┬─────────────┬──────────────┐
//!  │ volume descriptors │ boot catalogue   │ path tables       │ directories │ files        │
//!  │ primary, boot      │ of El Torito     │ little, big end   │ Rock Ridge  │ boot images  │
//!  │ record, Joliet     │                  │                   │ Joliet      │              │
//!  └───┬────────┬───────┴────────┬─────────┴─────────┬─────────┴──────┬──────┴──────────────┘
//!      │        └─ sum, entries ─┘                   └── the same ────┤
//!      └── every number twice, little end and big end ───────────────┘
//! ```
//!
//! [`check()`] only reads. It has its own idea of the structures, from ECMA-119, El Torito 1.0, UEFI 2.10, section 13.3,
//! SUSP and RRIP 1.12 and the Joliet specification: what a writer got wrong is not got wrong again here. What it finds is
//! a [`Finding`], in words that name the file by its path, or the structure, and the field. The [`Tree`] that it walked
//! is in the report, with names as Linux and GRUB see them.
//!
//! Everything in the image may be a lie: extents are held against its size before they are followed, a directory is
//! walked once, and memory grows with what was read only, up to [`MOST_ENTRIES`].

mod boot_info;
mod bytes;
mod catalogue;
mod check;
mod descriptor;
mod device;
mod directory;
mod entry;
mod error;
mod extents;
mod media_sum;
mod path_table;
mod record;
mod report;
mod rock_ridge;
mod tree;
mod walk;

pub use builder_block::{Finding, Severity};
pub use catalogue::{BootImage, Platform};
pub use check::{Level, check};
pub use error::CheckError;
pub use report::{MOST_FINDINGS, MediaSum, Report, Volume};
pub use tree::{Extent, File, Found, Names, Node, ReadError, Tree};
pub use walk::MOST_ENTRIES;

/// Bytes of a block: what all addresses count. Others are allowed by ECMA-119, and nobody boots them.
pub const BLOCK: u64 = 2048;
