//! Other identities for file systems that lie on a device already: the UUID of ext4, the volume id of FAT.
//!
//! ```text
//!  Device ──► ext4  look at all metadata, change nothing      ┐ an error here: the file system is as it was
//!                   then the same way again, and write        ┘
//!         ──► fat   boot sector and its backup
//! ```
//!
//! With `metadata_csum` every checksum of an ext4 file system begins with its UUID, so all of them are made anew: those of
//! the superblocks, group descriptors, bitmaps, inodes, extent blocks, directories and attribute blocks. A checksum that
//! was wrong before is an error and never made right, since what it stands for may be damaged. Nothing else changes: the
//! result is that of `tune2fs -U`, but for the time of writing.
//!
//! A piece of an inode table and a few blocks are in memory, however large the file system is; and no structure is read
//! more often than the file system has blocks.

mod error;
mod ext4;
mod fat;
mod fields;

use builder_block::{ReadAt, WriteAt};

pub use error::IdError;
pub use ext4::{check_ext4, set_ext4_uuid};
pub use fat::{check_fat, set_fat_volume_id};

/// Bytes that are read and written in place. The device begins and ends with the file system's partition.
pub trait Device: ReadAt + WriteAt {}

impl<T: ReadAt + WriteAt> Device for T {}
