//! Files that grow while they are written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The file that a disk format is written to.
///
/// Unlike a [device](crate::WriteAt) it has no size before it is complete. What is left out reads as zeros.
pub trait Sink {
    /// Writes all of `bytes` at `offset` (in bytes).
    ///
    /// # Errors
    /// I/O.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Fills `buffer` with what was written at `offset` (in bytes): for the checksums that a format has inside.
    ///
    /// # Errors
    /// I/O.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Ends the file at `length` bytes, which no write has passed.
    ///
    /// # Errors
    /// I/O.
    fn end_at(&mut self, length: u64) -> io::Result<()>;
}

impl Sink for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn end_at(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// A part of a file that behaves like one of its own: for formats that have another inside.
pub struct Inner<'a> {
    file: &'a mut dyn Sink,
    start: u64,
}

impl<'a> Inner<'a> {
    /// The part of `file` from `start` (in bytes) on.
    #[must_use]
    pub fn new(file: &'a mut dyn Sink, start: u64) -> Self {
        Self { file, start }
    }

    fn at(&self, offset: u64) -> io::Result<u64> {
        self.start.checked_add(offset).ok_or_else(|| io::ErrorKind::FileTooLarge.into())
    }
}

impl Sink for Inner<'_> {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = self.at(offset)?;
        self.file.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(self.at(offset)?, buffer)
    }

    /// The file around it goes on.
    fn end_at(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }
}
