//! VMDK disk images: written as the compressed stream that OVA files carry, read as that or as a plain sparse file.
//!
//! ```text
//!  sector 0   1 ‥ 20      ‥   128 ‥
//!  ┌────────┬────────────┬───┬────────────────┬───────────────┬─────┬───────────┬────────┬────────┬─────┐
//!  │ header │ descriptor │ 0 │ grains 0 ‥ 511 │ marker, grain │  ‥  │ marker,   │ marker │ footer │ end │
//!  │        │ (text)     │   │ that have data │ table         │     │ directory │        │        │     │
//!  └────────┴────────────┴───┴────────────────┴───────────────┴─────┴───────────┴────────┴────────┴─────┘
//!      │                              ▲                │  ▲            │  ▲          │
//!      └─ "the directory is at the    └────────────────┘  └────────────┘  └──────────┘
//!          end": see the footer
//! ```
//!
//! An [`Encoder`] compresses pieces of the disk, any number at a time; a [`Writer`] puts them in their order behind each
//! other. A [`VmdkReader`] reads the disk back.
//!
//! The layout is that of VMware's technical note "Virtual Disk Format 5.0"; this crate knows no file system and no OVF.

mod descriptor;
mod encoder;
mod error;
mod format;
mod layout;
mod options;
mod reader;
mod writer;

pub use encoder::{Encoded, Encoder};
pub use error::VmdkError;
pub use options::{MAX_SIZE, Options};
pub use reader::VmdkReader;
pub use writer::Writer;
