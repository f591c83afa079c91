//! Images of anyone's, read with suspicion.
//!
//! ```text
//!  path ──► names of directories ──► inode ──► list of blocks ──► block, or fragment ──► bytes
//! ```
//!
//! No number of an image is believed: what it places is looked for within the image, what it counts is read piece by
//! piece and ends where the image does, and what is kept in memory has limits of its own.

mod directory;
mod error;
mod file;
mod image;
mod inode;
mod metadata;
mod superblock;

pub use directory::{Entry, EntryKind};
pub use error::ReadError;
pub use file::File;
pub use image::Squashfs;
pub use inode::{DirectoryInode, FileInode, Inode, InodeKind};
