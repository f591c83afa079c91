//! Common ground for everything that becomes bytes on a disk.
//!
//! ```text
//!  ByteSize, Lba        units that cannot be mixed up; SectorSize, between the two
//!  ReadAt, WriteAt      a device seen from the outside
//!  Window               a part of a device that behaves like a whole one
//!  SparseFile           a plain file whose holes stay holes
//!  Recorded             a device that notes where its bytes are, to be read in their order
//!  PlainFile            a file of anyone's that is read as a disk
//!  DiskSource, Piece    a disk read from its first byte to its last, piece by piece
//!  Sink                 a file that grows while a format is written to it
//!  RegionMap            who owns which byte; an overlap is an error
//!  FilesystemImage      a file system whose every byte is decided
//!  Finding              what a check says of a defect of a table or a file system
//!  nearest              the name that somebody meant who typed another
//! ```
//!
//! This crate knows no format and does no formatting of its own.

mod device;
mod finding;
mod lba;
mod nearest;
mod piece;
mod plain_file;
mod recorded;
mod region;
mod sink;
mod size;
mod source;
mod sparse;
mod window;

pub use device::{FilesystemImage, ReadAt, SharedFile, WriteAt};
pub use finding::{Finding, Severity};
pub use lba::{Lba, SECTOR_SIZE, SectorSize};
pub use nearest::nearest;
pub use piece::{PIECE, Piece, is_zero, runs};
pub use plain_file::PlainFile;
pub use recorded::{Once, Recorded};
pub use region::{Overlap, Region, RegionMap};
pub use sink::{Inner, Sink};
pub use size::{ByteSize, ParseSizeError};
pub use source::{DiskSource, Regions};
pub use sparse::SparseFile;
pub use window::Window;
