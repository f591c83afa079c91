//! Identities of its own for what was written: other UUIDs for the file systems, and the files that name them.
//!
//! The file systems get theirs before they are mounted, and all of it comes before the partition table, so that a drive on
//! which the old and the new are mixed is never taken for a disk.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use builder_block::{ByteSize, ReadAt, WriteAt};
use builder_filesystem_ids::{IdError, check_ext4, check_fat, set_ext4_uuid, set_fat_volume_id};
use builder_medium::{Disk, NamedBy, Partition, Uuid};

use crate::failure::{Failure, Tried as _};
use crate::log::note;
use crate::random::{random_guid, random_volume_id};
use crate::table::{Fitted, Ids};
use crate::target::Target;

/// What the disk gets in place of its own identities.
#[derive(Debug)]
pub(crate) struct Identities<'a> {
    filesystems: Vec<(&'a Partition, Filesystem)>,
    /// What every identity becomes.
    pub(crate) ids: BTreeMap<String, String>,
    /// Files that have one of them.
    pub(crate) named_by: &'a [NamedBy],
}

/// What a file system gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filesystem {
    Ext4(Uuid),
    Fat(u32),
}

/// Whether the file systems of the disk can get other identities.
pub(crate) fn check(disk: &Disk) -> Result<&[NamedBy], Failure> {
    disk.fresh_ids().map_err(|reason| {
        Failure::new(format!("file systems cannot get identities of their own: {reason}"))
            .hint("make a medium without fresh-ids, or give other answers with diskwright.answers=")
    })
}

impl<'a> Identities<'a> {
    /// Draws them, where they are wanted; `table` has those of the partitions already.
    pub(crate) fn draw(disk: &'a Disk, table: &Fitted, ids: Ids) -> Result<Option<Self>, Failure> {
        if ids != Ids::Fresh {
            return Ok(None);
        }
        let named_by = check(disk)?;
        let mut ids = BTreeMap::from([(disk.guid.to_string(), table.disk_guid.to_string())]);
        let mut filesystems = Vec::new();
        for (partition, made) in disk.partitions.iter().zip(&table.partitions) {
            let (filesystem, uuid) = match partition.filesystem.as_str() {
                "ext4" => {
                    let uuid = random_guid()?;
                    (Filesystem::Ext4(uuid), uuid.to_string())
                }
                "vfat" => {
                    let id = random_volume_id()?;
                    (Filesystem::Fat(id), format!("{:04X}-{:04X}", id >> 16, id & 0xffff))
                }
                _ => continue,
            };
            ids.insert(partition.guid.to_string(), made.guid.to_string());
            ids.insert(partition.uuid.clone(), uuid);
            filesystems.push((partition, filesystem));
        }
        Ok(Some(Self { filesystems, ids, named_by }))
    }

    /// Gives the file systems on the drive their new identities, then looks at them as the drive has them.
    pub(crate) fn write(&self, target: &Target) -> Result<(), Failure> {
        for (partition, filesystem) in &self.filesystems {
            let mut part = Part { file: &target.file, partition };
            match *filesystem {
                Filesystem::Ext4(uuid) => set_ext4_uuid(&mut part, uuid.into_bytes()),
                Filesystem::Fat(id) => set_fat_volume_id(&mut part, id),
            }
            .map_err(|error| failed(partition, &error))?;
        }
        target.file.sync_all().tried(|| "bring the identities to the drive")?;
        // Where the drive is a device, from the device and not from memory.
        let _ = crate::ioctl::flush_buffers(&target.file);
        for (partition, filesystem) in &self.filesystems {
            let part = Part { file: &target.file, partition };
            match filesystem {
                Filesystem::Ext4(_) => check_ext4(&part),
                Filesystem::Fat(_) => check_fat(&part),
            }
            .map_err(|error| failed(partition, &error))?;
            note(format!("partition {} is {:?} now", partition.number, self.ids.get(&partition.uuid)));
        }
        Ok(())
    }
}

fn failed(partition: &Partition, error: &IdError) -> Failure {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    Failure::new(format!("partition {}: {error}{source}", partition.number))
}

/// A partition of the drive, which the kernel does not show yet.
struct Part<'a> {
    file: &'a File,
    partition: &'a Partition,
}

impl Part<'_> {
    fn place(&self, offset: u64, length: usize) -> io::Result<u64> {
        let end = offset.checked_add(length as u64).filter(|&end| end <= self.partition.size);
        end.map(|_| self.partition.offset + offset).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl ReadAt for Part<'_> {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.partition.size)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, self.place(offset, buffer.len())?)
    }
}

impl WriteAt for Part<'_> {
    fn size(&self) -> ByteSize {
        ReadAt::size(self)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.place(offset, bytes.len())?)
    }
}
