//! Common ground for everything that becomes bytes on a disk.
//!
//! ```text
//!  ByteSize, Lba        units that cannot be mixed up
//!  ReadAt, WriteAt      a device seen from the outside
//!  Window               a part of a device that behaves like a whole one
//!  SparseFile           a plain file whose holes stay holes
//!  RegionMap            who owns which byte; an overlap is an error
//!  FilesystemImage      a file system whose every byte is decided
//! ```
//!
//! This crate knows no format and does no formatting of its own.

mod device;
mod lba;
mod region;
mod size;
mod sparse;
mod window;

pub use device::{FilesystemImage, ReadAt, WriteAt};
pub use lba::{Lba, SECTOR_SIZE};
pub use region::{Overlap, Region, RegionMap};
pub use size::{ByteSize, ParseSizeError};
pub use sparse::SparseFile;
pub use window::Window;
