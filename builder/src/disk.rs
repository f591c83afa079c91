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
}
