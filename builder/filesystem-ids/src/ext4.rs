//! ext4: all that begins with the UUID.
//!
//! ```text
//!  superblocks          the UUID itself
//!  group descriptors ── checksums of the two bitmaps, and their own; copied behind every superblock
//!  inode tables      ── an inode, then what hangs on it: extent blocks, directory blocks, attribute block
//! ```

mod blocks;
mod checksum;
mod groups;
mod inodes;
mod volume;

use std::io;

use builder_block::{ByteSize, ReadAt, WriteAt};

use crate::fields::{get16, get32, put32};
use crate::{Device, IdError};

use checksum::{START, crc32c};
use volume::{LENGTH, Pass, Scope, Volume, sb};

/// Compares all metadata of an ext4 file system with its checksums, where it has them.
///
/// # Errors
/// [`IdError`]: one is wrong, or [`set_ext4_uuid`] could not change the UUID for another reason.
pub fn check_ext4(device: &dyn ReadAt) -> Result<(), IdError> {
    let volume = Volume::open(device, None)?;
    Walk::new(&mut ReadOnly(device), &volume, Pass::Look).all()
}

/// Gives an ext4 file system, which nobody has mounted, another UUID.
///
/// # Errors
/// [`IdError`]: it is damaged or has what stands against it, and nothing was changed; or the device fails.
pub fn set_ext4_uuid(device: &mut dyn Device, uuid: [u8; 16]) -> Result<(), IdError> {
    let volume = Volume::open(&*device, Some(uuid))?;
    Walk::new(device, &volume, Pass::Look).all()?;
    Walk::new(device, &volume, Pass::Change).all()
}

/// A way through the whole file system.
struct Walk<'a> {
    device: &'a mut dyn Device,
    volume: &'a Volume,
    pass: Pass,
    /// Blocks of extent trees and directories that may still come: there are no more than blocks.
    left: u64,
}

impl<'a> Walk<'a> {
    fn new(device: &'a mut dyn Device, volume: &'a Volume, pass: Pass) -> Self {
        Self { device, volume, pass, left: volume.blocks }
    }

    fn all(mut self) -> Result<(), IdError> {
        if self.volume.scope != Scope::Superblocks {
            self.groups()?;
        }
        // The first superblock last, so that it never has the new UUID while something has the old one.
        self.volume.headers().into_iter().rev().try_for_each(|group| self.superblock(group))
    }

    fn superblock(&mut self, group: u64) -> Result<(), IdError> {
        let offset = self.volume.superblock_at(group);
        let mut bytes = [0; LENGTH];
        self.device.read_at(offset, &mut bytes).map_err(failed)?;
        let is_right =
            !self.volume.has_checksum || crc32c(START, &bytes[..sb::CHECKSUM]) == get32(&bytes, sb::CHECKSUM);
        if get16(&bytes, sb::MAGIC) != 0xEF53 || bytes[sb::UUID..][..16] != self.volume.old || !is_right {
            return Err(damaged(format!("the copy of its superblock in group {group} is none")));
        }
        if self.pass == Pass::Change {
            bytes[sb::UUID..][..16].copy_from_slice(&self.volume.new);
            if self.volume.has_checksum {
                let crc = crc32c(START, &bytes[..sb::CHECKSUM]);
                put32(&mut bytes, sb::CHECKSUM, crc);
            }
            self.device.write_at(offset, &bytes).map_err(failed)?;
        }
        Ok(())
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<(), IdError> {
        self.device.read_at(offset, bytes).map_err(failed)
    }

    /// Writes what was read and changed, where that is wanted.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), IdError> {
        match self.pass {
            Pass::Look => Ok(()),
            Pass::Change => self.device.write_at(offset, bytes).map_err(failed),
        }
    }
}

/// A device that is only looked at.
struct ReadOnly<'a>(&'a dyn ReadAt);

impl ReadAt for ReadOnly<'_> {
    fn size(&self) -> ByteSize {
        self.0.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)
    }
}

impl WriteAt for ReadOnly<'_> {
    fn size(&self) -> ByteSize {
        self.0.size()
    }

    fn write_at(&mut self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

fn failed(source: io::Error) -> IdError {
    IdError::Io { filesystem: "ext4", source }
}

fn damaged(problem: String) -> IdError {
    IdError::Damaged { filesystem: "ext4", problem }
}
