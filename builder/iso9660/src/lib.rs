//! Installer media: ISO 9660 with Rock Ridge and Joliet, which firmware boots from a disc and from a stick.
//!
//! ```text
//!  block 0         16              32              ‥                ‥           ‥          ‥          last
//!  ┌─────────────┬───────────────┬───────────────┬────────────────┬───────────┬──────────┬──────────┬─────────┐
//!  │ MBR, GPT    │ descriptors   │ descriptors   │ boot catalogue │ files     │ ESP      │ padding  │ GPT     │
//!  │             │ of the disc   │ of partition 1│ tables, direc- │           │ image    │          │ again   │
//!  │             │               │               │ tories, twice  │           │          │          │         │
//!  └─────────────┴───────────────┴───────────────┴────────────────┴───────────┴──────────┴──────────┴─────────┘
//!                ├────────────────────── partition 1 ────────────────────────┤├─ 2 ─────┤
//! ```
//!
//! A block has 2048 bytes. The partitions, and the second set of descriptors with directories whose addresses count from
//! partition 1, are there with [`Hybrid`] only: then the whole device and its first partition can both be mounted.
//!
//! [`Image::plan`] decides every byte and knows the exact size and where each file begins ([`Image::placement`]);
//! writing can only fail for I/O. Nothing comes from a clock or from chance: the time and the GUIDs are given. Memory
//! grows with the number of files, not with what is in them.
//!
//! Names and links as they are given live in Rock Ridge, which Linux and GRUB read. Joliet, for Windows, has the same
//! names without the links; a name that it cannot hold is an error, for a name that silently differs is found by nobody.
//! The names of ISO 9660 itself are made from them: upper case, what is not allowed becomes `_`, at most 31 characters,
//! and a number at the end where two would be the same.
//!
//! Directories may be deeper than the 8 levels of ECMA-119, section 6.8.2.1, and paths longer than 255 bytes. Moving
//! deep directories elsewhere, as older writers do, serves readers of the eighties without Rock Ridge and shows a
//! directory that nobody made to all others; every reader in use follows the deep path, and `xorriso` writes it as well.
//!
//! What is [reserved](Content::Reserved) can be replaced in a finished image: [`locate`] finds it there.
//! [`media_check`] puts the checksum into a finished image that `checkisomd5` looks for, and checks it.

mod boot;
mod descriptor;
mod directory;
mod eltorito;
mod error;
mod guid_table;
mod hierarchy;
mod image;
mod joliet;
mod locate;
pub mod media_check;
mod names;
mod number;
mod options;
mod rock_ridge;
mod text;
mod time;
mod tree;
mod write;

pub use boot::{BiosBoot, Boot, BootCode, Hybrid};
pub use error::IsoError;
pub use image::{Image, Placement};
pub use locate::{LocateError, Located, locate};
pub use options::{Options, Volume};
pub use tree::{Content, FILE_MAX, Metadata, Tree};
pub use uuid::Uuid;

/// Bytes of a block: what all addresses of ISO 9660 count.
pub const BLOCK: u64 = 2048;
