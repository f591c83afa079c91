//! The drive that is written, which nobody else uses meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, FallocateFlags, OFlags, fadvise, fallocate};

use crate::failure::{Failure, Tried as _};
use crate::ioctl;
use crate::log::note;

/// What is wiped at both ends: partition tables, and marks of RAID and LVM.
const ENDS: u64 = 1 << 20;
/// Most bytes that are made zero with one call.
pub(crate) const PIECE: u64 = 64 << 20;

/// The drive, open for this program alone.
#[derive(Debug)]
pub(crate) struct Target {
    path: PathBuf,
    pub(crate) file: File,
    /// In bytes.
    pub(crate) size: u64,
}

impl Target {
    /// Opens a drive. The kernel refuses one that is mounted or part of something.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let exclusive = i32::try_from(OFlags::EXCL.bits()).unwrap_or_default();
        let opened = OpenOptions::new().read(true).write(true).custom_flags(exclusive).open(path);
        let mut file = opened.map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy => Failure::new(format!("the kernel says that {} is in use", path.display()))
                .hint("unmount what is on it, or choose another drive"),
            _ => Failure::of(format!("open {}", path.display()), error),
        })?;
        let size = file.seek(SeekFrom::End(0)).tried(|| format!("find the size of {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, size })
    }

    /// Takes the old tables away, so that what is half written is not taken for a disk.
    pub(crate) fn wipe_ends(&self) -> io::Result<()> {
        let ends = ENDS.min(self.size);
        self.zero(0, ends)?;
        self.zero(self.size - ends, self.size)?;
        self.file.sync_all()?;
        self.read_partitions();
        Ok(())
    }

    /// Makes the bytes from `start` to `end` zeros.
    pub(crate) fn zero(&self, start: u64, end: u64) -> io::Result<()> {
        let Some(length) = end.checked_sub(start).filter(|&length| length > 0) else { return Ok(()) };
        // The drive may forget them where it promises zeros, may have a command for zeros, or is written by the kernel
        // (block/fops.c, blkdev_fallocate). Discarding alone would promise nothing.
        for how in [FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, FallocateFlags::ZERO_RANGE] {
            if fallocate(&self.file, how, start, length).is_ok() {
                return Ok(());
            }
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

    /// Has the kernel look for partitions again. Where it cannot, it will at the next boot.
    pub(crate) fn read_partitions(&self) {
        if let Err(error) = ioctl::read_partitions(&self.file) {
            note(format!("the kernel does not read the partitions of {} again: {error}", self.path.display()));
        }
    }

    /// The drive to read from, and not what is left of it in memory.
    pub(crate) fn reader(&self) -> io::Result<Reader> {
        self.file.sync_all()?;
        let direct = i32::try_from(OFlags::DIRECT.bits()).unwrap_or_default();
        if let Ok(file) = OpenOptions::new().read(true).custom_flags(direct).open(&self.path) {
            return Ok(Reader { file, buffer: Vec::new() });
        }
        // Not for every device. The kernel then forgets what it has of it.
        let flushed = ioctl::flush_buffers(&self.file);
        let advised = fadvise(&self.file, 0, None, Advice::DontNeed);
        note(format!("reading back with what is in memory dropped: {flushed:?}, {advised:?}"));
        Ok(Reader { file: self.file.try_clone()?, buffer: Vec::new() })
    }
}

/// Reads with a buffer that begins where direct reading wants it.
#[derive(Debug)]
pub(crate) struct Reader {
    file: File,
    buffer: Vec<u8>,
}

impl Reader {
    /// Direct reading goes to multiples of this, for every drive.
    const ALIGNMENT: usize = 4096;

    /// The bytes at `offset`, which is a multiple of a sector, as is their number.
    pub(crate) fn read(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let needed = length.saturating_add(Self::ALIGNMENT);
        if self.buffer.len() < needed {
            self.buffer = vec![0; needed];
        }
        let start = self.buffer.as_ptr().align_offset(Self::ALIGNMENT);
        let bytes = self.buffer.get_mut(start..start.saturating_add(length)).ok_or(io::ErrorKind::OutOfMemory)?;
        self.file.read_exact_at(bytes, offset)?;
        Ok(bytes)
    }
}
