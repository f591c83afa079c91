//! A disk: a partition table and the file systems in their places.

use std::io;

use builder_block::{ByteSize, FilesystemImage, Lba, Window, WriteAt};
use builder_gpt::PartitionTable;

use crate::layout::Layout;

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

    /// What lies at `offset` (in bytes), in words; `layout` is what the parts were made by.
    #[must_use]
    pub fn describe(&self, offset: u64, layout: &Layout) -> String {
        let sector = self.table.sector_size();
        for (number, (part, planned)) in (1..).zip(self.parts.iter().zip(&layout.partitions)) {
            let start = part.first.offset(sector).bytes();
            if (start..start + part.filesystem.size().bytes()).contains(&offset) {
                let what = part.filesystem.describe(offset - start);
                return format!("partition {number} ({}): {what}", planned.name);
            }
        }
        let [header, entries, usable] =
            [Lba(1), Lba(2), self.table.first_usable()].map(|lba| lba.offset(sector).bytes());
        let last_usable = self.table.last_usable().offset(sector).bytes();
        match offset {
            _ if offset < header => format!("protective MBR, byte {offset}"),
            _ if offset < entries => format!("header of the partition table, byte {}", offset - header),
            _ if offset < usable => format!("entry {} of the partition table", (offset - entries) / 128 + 1),
            _ if offset >= last_usable + sector.bytes() => "second copy of the partition table".to_owned(),
            _ => "between the partitions".to_owned(),
        }
    }

    /// Writes table and parts; `device` is as large as the disk and reads as zeros.
    ///
    /// # Errors
    /// I/O of the device or of the store that the file bodies come from.
    pub fn write_to(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        self.table.write_to(device)?;
        for part in &self.parts {
            let start = part.first.offset(self.table.sector_size()).bytes();
            let mut window = Window::new(device, start, part.filesystem.size())?;
            part.filesystem.write_to(&mut window)?;
        }
        Ok(())
    }
}
