//! FAT32 file systems from a tree, and small FAT16 ones ([`SmallFatImage`]): planned, then written. [`read`] reads those
//! of anyone.
//!
//! ```text
//!  sector 0      1       6        7       32       32+F     32+2F
//!  ┌──────┬────────┬─┬──────┬────────┬─┬────────┬────────┬──────────────┬──────────┬───────────┐
//!  │ boot │ FSInfo │ │ boot │ FSInfo │ │ FAT    │ FAT    │ directories, │ files,   │ free, all │
//!  │      │        │ │ copy │ copy   │ │        │ again  │ root first   │ unbroken │ at the end│
//!  └──────┴────────┴─┴──────┴────────┴─┴────────┴────────┴──────────────┴──────────┴───────────┘
//! ```
//!
//! The layout is that of the *Microsoft FAT Specification* (August 2005, the text behind UEFI 2.10, section 13.3),
//! always with 32-bit entries, sectors of 512 or 4096 bytes as the disk has them, and the cluster sizes that Microsoft
//! and `mkfs.fat` choose. With sectors of 4096 bytes FAT32 begins at 257 MiB, as a cluster is at least a sector.
//!
//! # What FAT cannot hold
//!
//! Owners, permissions and times of the tree are left out by design: a FAT has none of the first two, the system that
//! mounts it makes them up, and all entries get the one time of [`Options::timestamp`]. A file with two names is
//! written twice. What would change the meaning of a tree is an error that names the path: symbolic links, devices,
//! extended attributes, immutable files, names that FAT forbids or that differ only by case.

mod error;
mod geometry;
mod image;
mod name;
mod outline;
pub mod read;
mod record;
mod records;
mod short;
mod small;
mod time;

pub use error::{FatError, NameProblem};
pub use image::{FatImage, Options, Summary};
pub use name::{check as check_name, folded as folded_name};
pub use small::{SmallFatImage, SmallOptions};
