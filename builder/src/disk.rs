//! A disk: a partition table and the file systems in their places.

use std::io;

use builder_block::{ByteSize, FilesystemImage, Lba, Window, WriteAt};
use builder_gpt::PartitionTable;

/// A file system at its place.
pub struct Part<'a> {
    /// The partition's first sector.
    pub first: Lba,
    /// What fills it.
    pub filesystem: Box<dyn FilesystemImage + 'a>,
}

/// Placed parts, in order, complete.
pub struct DiskImage<'a> {
    /// The table that tells where the parts are.
    pub table: PartitionTable,
    /// The parts, in the order of the table.
    pub parts: Vec<Part<'a>>,
}

impl DiskImage<'_> {
    /// Size of the disk.
    #[must_use]
    pub fn size(&self) -> ByteSize {
        self.table.disk_size()
    }

    /// Writes table and parts; `device` is as large as the disk and reads as zeros.
    ///
    /// # Errors
    /// I/O of the device or of the store that the file bodies come from.
    pub fn write_to(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        self.table.write_to(device)?;
        for part in &self.parts {
            let mut window = Window::new(device, part.first.offset().bytes(), part.filesystem.size())?;
            part.filesystem.write_to(&mut window)?;
        }
        Ok(())
    }

    /// How many bytes [`DiskImage::write_to`] writes: what the disk takes where holes take nothing.
    ///
    /// # Errors
    /// As [`DiskImage::write_to`], but nothing is written.
    pub fn written(&self) -> io::Result<ByteSize> {
        let mut tally = Tally { size: self.size(), pages: 0, last: None };
        self.write_to(&mut tally)?;
        Ok(ByteSize::new(tally.pages.saturating_mul(PAGE)))
    }
}

/// Unit in which file systems of the host allocate.
const PAGE: u64 = 4096;

/// A device that only counts the pages it is asked to write.
struct Tally {
    size: ByteSize,
    pages: u64,
    /// The page that the last write ended in: writes that meet in a page are counted once.
    last: Option<u64>,
}

impl Tally {
    fn count(&mut self, offset: u64, length: u64) {
        if length == 0 {
            return;
        }
        let (first, last) = (offset / PAGE, (offset + length - 1) / PAGE);
        self.pages += last - first + 1 - u64::from(self.last == Some(first));
        self.last = Some(last);
    }
}

impl WriteAt for Tally {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.count(offset, bytes.len() as u64);
        Ok(())
    }

    fn copy_from(&mut self, offset: u64, _: &std::fs::File, _: u64, length: u64) -> io::Result<()> {
        self.count(offset, length);
        Ok(())
    }
}
