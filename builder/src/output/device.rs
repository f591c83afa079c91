//! Block devices that are overwritten with a disk.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use builder_block::{ByteSize, PlainFile, ReadAt, Sink};
use rustix::fs::{FallocateFlags, OFlags};

use super::{OutputError, pending, special, stop_if_interrupted};

/// What is held back until all else is there, and wiped before: partition tables lie in the first and in the last MiB.
const ENDS: u64 = 1 << 20;

/// A block device that nobody else uses.
#[derive(Debug)]
pub(super) struct Device {
    path: PathBuf,
    file: File,
    size: ByteSize,
}

impl Device {
    /// Opens it for this process alone.
    pub(super) fn open(path: &Path) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Device { path: path.to_owned(), source };
        let kind = fs::metadata(path).map_err(failed)?.file_type();
        if !kind.is_block_device() {
            let kind = special(kind).unwrap_or("regular file");
            return Err(OutputError::NotADevice { path: path.to_owned(), kind });
        }
        // The kernel refuses O_EXCL for a device that is mounted or otherwise claimed, or has such a partition.
        let exclusive = i32::try_from(OFlags::EXCL.bits()).unwrap_or(0);
        let opened = OpenOptions::new().read(true).write(true).custom_flags(exclusive).open(path);
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                return Err(OutputError::DeviceInUse { path: path.to_owned() });
            }
            opened => opened.map_err(failed)?,
        };
        let size = PlainFile::new(file.try_clone().map_err(failed)?).map_err(failed)?.size();
        Ok(Self { path: path.to_owned(), file, size })
    }

    pub(super) fn size(&self) -> ByteSize {
        self.size
    }

    /// Bytes in a logical sector.
    pub(super) fn sector_bytes(&self) -> Result<u32, OutputError> {
        rustix::fs::ioctl_blksszget(&self.file)
            .map_err(|error| OutputError::Device { path: self.path.clone(), source: error.into() })
    }

    pub(super) fn file(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    pub(super) fn sink(&self) -> Result<DeviceSink, OutputError> {
        let file = self.file().map_err(|source| OutputError::Device { path: self.path.clone(), source })?;
        Ok(DeviceSink { path: self.path.clone(), file, size: self.size.bytes(), at: 0, first: None })
    }
}

/// Writes a disk to a device so that it has a partition table only once all else is there.
///
/// Old contents are overwritten, also where the disk has holes: what they read as is a part of the disk.
#[derive(Debug)]
pub(super) struct DeviceSink {
    path: PathBuf,
    file: File,
    size: u64,
    /// How far the device has been written, in bytes.
    at: u64,
    /// The disk's first bytes, held back; `None` before anything was written.
    first: Option<Vec<u8>>,
}

impl DeviceSink {
    /// Takes the tables away, so that what is half written is not taken for a disk.
    fn begin(&mut self) -> io::Result<()> {
        let mut pending = stop_if_interrupted(pending());
        pending.device = Some(self.path.clone());
        drop(pending);
        let ends = ENDS.min(self.size);
        self.zero(0, ends)?;
        self.zero(self.size - ends, self.size)?;
        self.file.sync_data()?;
        // At most 1 MiB.
        self.first = Some(vec![0; usize::try_from(ends).unwrap_or(0)]);
        self.at = ends;
        Ok(())
    }

    /// Makes the bytes from `start` to `end` zeros.
    fn zero(&self, start: u64, end: u64) -> io::Result<()> {
        if start >= end {
            return Ok(());
        }
        // The device may have a command for it; what it cannot do, the kernel does (block/fops.c, blkdev_fallocate).
        if rustix::fs::fallocate(&self.file, FallocateFlags::ZERO_RANGE, start, end - start).is_ok() {
            return Ok(());
        }
        let zeros = vec![0; 1 << 20];
        let mut at = start;
        while at < end {
            let now = usize::try_from(end - at).map_or(zeros.len(), |left| left.min(zeros.len()));
            self.file.write_all_at(&zeros[..now], at)?;
            at += now as u64;
        }
        Ok(())
    }
}

impl Sink for DeviceSink {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.first.is_none() {
            self.begin()?;
        }
        let (mut offset, mut bytes) = (offset, bytes);
        if let Some(first) = &mut self.first {
            let room = first.len() as u64;
            if offset < room {
                // Both lie inside of `first`.
                let start = usize::try_from(offset).unwrap_or(0);
                let now = bytes.len().min(first.len() - start);
                first[start..start + now].copy_from_slice(&bytes[..now]);
                bytes = &bytes[now..];
                offset += now as u64;
            }
        }
        if bytes.is_empty() {
            return Ok(());
        }
        if offset > self.at {
            self.zero(self.at, offset)?;
        }
        self.file.write_all_at(bytes, offset)?;
        self.at = self.at.max(offset + bytes.len() as u64);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn end_at(&mut self, length: u64) -> io::Result<()> {
        if self.first.is_none() {
            self.begin()?;
        }
        self.zero(self.at, length)?;
        self.file.sync_data()?;
        // Held, so that an interrupt comes before or after, not between.
        let mut pending = stop_if_interrupted(pending());
        if let Some(first) = &self.first {
            self.file.write_all_at(first, 0)?;
        }
        self.file.sync_data()?;
        pending.device = None;
        pending.complete = true;
        Ok(())
    }
}
