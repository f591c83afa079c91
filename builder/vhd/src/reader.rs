//! The disk in a VHD file of anyone's.

use std::io;

use builder_block::{ByteSize, DiskSource, ReadAt, Region};

use crate::footer::{FOOTER_SIZE, Kind, parse_footer};
use crate::{Footer, VhdError};

/// Reads a fixed disk; it is a [`DiskSource`] where the file is one.
#[derive(Debug)]
pub struct VhdReader<R> {
    file: R,
    size: ByteSize,
}

impl<R: ReadAt> VhdReader<R> {
    /// Reads the footer of `file`.
    ///
    /// # Errors
    /// - those of [`parse_footer`]
    /// - [`VhdError::Unsupported`] for a disk that is not fixed
    /// - [`VhdError::Truncated`] for a disk that is longer than the file
    /// - [`VhdError::Read`] for I/O
    pub fn open(file: R) -> Result<Self, VhdError> {
        let length = file.size().bytes();
        let mut footer = [0; FOOTER_SIZE];
        let before = length.checked_sub(FOOTER_SIZE as u64).ok_or(VhdError::NotVhd)?;
        file.read_at(before, &mut footer)?;
        let Footer { size, kind } = parse_footer(&footer)?;
        if kind != Kind::Fixed {
            return Err(VhdError::Unsupported { kind });
        }
        if size.bytes() > before {
            return Err(VhdError::Truncated { size, file: length });
        }
        Ok(Self { file, size })
    }
}

impl<R: ReadAt> ReadAt for VhdReader<R> {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.size.bytes()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.file.read_at(offset, buffer)
    }
}

impl<R: DiskSource> DiskSource for VhdReader<R> {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        let size = self.size.bytes();
        let found = self.file.data_behind(from)?.filter(|found| found.start < size);
        Ok(found.map(|found| Region { end: found.end.min(size), ..found }))
    }
}
