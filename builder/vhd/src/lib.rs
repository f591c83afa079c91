//! Fixed VHD disk images: a raw disk with a footer, as Azure takes them.
//!
//! ```text
//!  byte 0                              size      size + 512
//!  ┌────────────────────────────────────┬────────┐
//!  │ the disk, as it is                 │ footer │
//!  └────────────────────────────────────┴────────┘
//! ```
//!
//! The layout is that of Microsoft's "Virtual Hard Disk Image Format Specification", version 1.0. Differencing and
//! dynamic disks are known by name, but not read.

mod error;
mod footer;
mod geometry;
mod reader;

pub use error::VhdError;
pub use footer::{FOOTER_SIZE, Footer, Kind, MAX_SIZE, Options, footer, parse_footer};
pub use reader::VhdReader;
