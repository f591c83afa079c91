//! A part of a device that behaves like a whole one.

use std::io;

use crate::{ByteSize, SharedFile, WriteAt};

/// A range of a device; a write outside of it is an error, not a neighbour's problem.
pub struct Window<'a> {
    device: &'a mut dyn WriteAt,
    start: u64,
    size: ByteSize,
}

impl<'a> Window<'a> {
    /// The `size` bytes of `device` from `start` (in bytes).
    ///
    /// # Errors
    /// `InvalidInput` where the window ends behind the device.
    pub fn new(device: &'a mut dyn WriteAt, start: u64, size: ByteSize) -> io::Result<Self> {
        if start.checked_add(size.bytes()).is_none_or(|end| end > device.size().bytes()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "window ends behind the device"));
        }
        Ok(Self { device, start, size })
    }

    fn absolute(&self, offset: u64, length: u64) -> io::Result<u64> {
        if offset.checked_add(length).is_none_or(|end| end > self.size.bytes()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("write of {length} bytes at {offset} leaves a window of {} bytes", self.size.bytes()),
            ));
        }
        Ok(self.start + offset)
    }
}

impl WriteAt for Window<'_> {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = self.absolute(offset, bytes.len() as u64)?;
        self.device.write_at(offset, bytes)
    }

    fn copy_from(&mut self, offset: u64, source: &SharedFile, source_offset: u64, length: u64) -> io::Result<()> {
        let offset = self.absolute(offset, length)?;
        self.device.copy_from(offset, source, source_offset, length)
    }
}
