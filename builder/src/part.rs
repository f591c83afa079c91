//! A partition of somebody's disk.

use std::io;
use std::rc::Rc;

use builder_block::{ByteSize, DiskSource, ReadAt, SECTOR_SIZE, SectorSize};
use builder_gpt::Partition;

use crate::open::OpenedDisk;

/// A partition that behaves like a device.
pub(crate) struct DiskPart {
    disk: Rc<OpenedDisk>,
    start: u64,
    size: u64,
}

impl ReadAt for DiskPart {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.size)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|&end| end <= self.size);
        if end.is_none() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("{} bytes at {offset} are not in the partition, which has {}", buffer.len(), self.size),
            ));
        }
        self.disk.read_at(self.start + offset, buffer)
    }
}

impl DiskPart {
    /// The `size` bytes from `start` on (in bytes), which the table's reader has found to lie on the disk.
    pub(crate) fn new(disk: &Rc<OpenedDisk>, start: u64, size: u64) -> Self {
        Self { disk: Rc::clone(disk), start, size }
    }

    /// A partition, which the table's reader has found to lie on the disk.
    pub(crate) fn of(disk: &Rc<OpenedDisk>, partition: &Partition, sector: SectorSize) -> Self {
        Self::new(disk, partition.first.offset(sector).bytes(), partition.size(sector).bytes())
    }

    /// Bytes that may be other than zero.
    pub(crate) fn data(&self) -> io::Result<u64> {
        let end = self.start + self.size;
        let (mut at, mut sum) = (self.start, 0);
        while let Some(run) = self.disk.data_behind(at)?.filter(|run| run.start < end) {
            sum += run.end.min(end).saturating_sub(run.start);
            // A source that does not advance would keep its reader busy for ever.
            at = run.end.max(at + SECTOR_SIZE);
        }
        Ok(sum)
    }
}
