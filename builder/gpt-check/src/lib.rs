//! Tells whether the partition table of a disk is right, whoever made the disk.
//!
//! ```text
//!  sector 0      1         2 …           first … last usable          … last but one   last
//!  ┌────────────┬─────────┬─────────┬───┬───────────┬────────┬───────┬────────────────┬────────┐
//!  │ protective │ primary │ primary │   │ partition │   …    │       │ backup entries │ backup │
//!  │ MBR        │ header  │ entries │   │ 1         │        │       │                │ header │
//!  └────────────┴────┬────┴────┬────┴───┴───────────┴────────┴───────┴───────┬────────┴───┬────┘
//!                    └─────────┴──────── compared field by field ────────────┴────────────┘
//! ```
//!
//! [`check`] only reads. It has its own idea of the structures, from the UEFI specification, 2.10, chapter 5: what a
//! writer got wrong is not got wrong again here. What it finds is a [`Finding`], in words that name the structure and
//! the field; what is unusual but right is a note. Disks without a GUID partition table are told by their kind.
//!
//! Everything on the disk may be a lie: what a header claims is held against the size of the disk before it is
//! followed, and neither memory nor time grow with it beyond [`MOST_ARRAY_BYTES`].

mod array;
mod backup;
mod bytes;
mod check;
mod compare;
mod crc;
mod disk;
mod entries;
mod entry;
mod error;
mod guid;
mod header;
mod kind;
mod mbr;
mod overlap;
mod partition;
mod protective;
mod report;
mod types;

pub use array::MOST_ARRAY_BYTES;
pub use builder_block::{Finding, Severity};
pub use check::{Options, check};
pub use disk::SectorSize;
pub use error::CheckError;
pub use guid::Guid;
pub use kind::DiskKind;
pub use partition::{Partition, PartitionType};
pub use report::{MOST_FINDINGS, Report, TableCopy};
pub use types::{known_types, type_name};
