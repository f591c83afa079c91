//! GUID partition tables: checked when they are made, written without a decision left. [`read`] reads those of anyone.
//!
//! ```text
//!  LBA 0        1        2 ‥ 33      34 ‥                 ‥ last-33   last-32 ‥ last-1   last
//!  ┌──────────┬────────┬──────────┬──────────────────────────────────┬────────────────┬────────┐
//!  │protective│ header │ 128      │  usable: partitions begin at     │ 128 entries    │ header │
//!  │MBR       │        │ entries  │  multiples of ALIGNMENT          │ again          │ again  │
//!  └──────────┴────────┴──────────┴──────────────────────────────────┴────────────────┴────────┘
//! ```
//!
//! The layout is that of UEFI 2.10, chapter 5, here for 512-byte sectors; with 4096 bytes in one, the entries are in
//! LBA 2 to 5 and the usable sectors begin at 6. This crate knows no file system; which type GUID
//! means what to whom is in [`types`].

mod ends;
mod error;
mod partition;
pub mod read;
mod table;
pub mod types;

pub use error::GptError;
pub use partition::{Partition, attributes};
pub use table::{ALIGNMENT, MAX_PARTITIONS, PartitionTable, first_usable, last_usable};
pub use uuid::Uuid;
