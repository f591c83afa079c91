//! Devices as the format crates see them.

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::ByteSize;

/// Bytes that can be read at any offset.
pub trait ReadAt {
    /// Length in bytes.
    fn size(&self) -> ByteSize;

    /// Fills `buffer` with the bytes at `offset` (in bytes).
    ///
    /// # Errors
    /// An I/O error of the device, or `UnexpectedEof` past its end.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;
}

impl ReadAt for &[u8] {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let there = usize::try_from(offset).ok().and_then(|start| self.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(there.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl<T: ReadAt> ReadAt for &T {
    fn size(&self) -> ByteSize {
        (**self).size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buffer)
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> ByteSize {
        ReadAt::size(&self.as_slice())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        ReadAt::read_at(&self.as_slice(), offset, buffer)
    }
}

/// A file, or what is read like one, that several threads read at any offset.
pub type SharedFile = Arc<dyn FileExt + Send + Sync>;

/// A device that can be written at any offset and reads as zeros where nothing was written.
///
/// A writer never needs to write zeros: what it leaves out *is* zero.
pub trait WriteAt {
    /// Length in bytes; a write must end at or before it.
    fn size(&self) -> ByteSize;

    /// Writes all of `bytes` at `offset` (in bytes).
    ///
    /// # Errors
    /// An I/O error of the device; `InvalidInput` for a write that would end behind the device.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Copies `length` bytes at `source_offset` of `source` to `offset`.
    ///
    /// A device may keep the source and read it later.
    ///
    /// # Errors
    /// As [`WriteAt::write_at`], and `UnexpectedEof` when `source` is shorter than asked.
    fn copy_from(&mut self, offset: u64, source: &SharedFile, source_offset: u64, length: u64) -> io::Result<()> {
        const CHUNK: u64 = 1 << 20;
        // A chunk is at most 1 MiB, which fits every usize.
        let mut buffer = vec![0; usize::try_from(length.min(CHUNK)).expect("1 MiB fits")];
        let mut done = 0;
        while done < length {
            let now = usize::try_from((length - done).min(CHUNK)).expect("1 MiB fits");
            source.read_exact_at(&mut buffer[..now], source_offset + done)?;
            self.write_at(offset + done, &buffer[..now])?;
            done += now as u64;
        }
        Ok(())
    }
}

/// A file system whose every byte is decided; only the writing is left.
pub trait FilesystemImage {
    /// Exact size on disk, a multiple of the sector size.
    fn size(&self) -> ByteSize;

    /// What lies at `offset` (in bytes, below the size), in words: the name of a structure, or of a file and the byte in it.
    fn describe(&self, offset: u64) -> String;

    /// Writes the image.
    ///
    /// `device` begins at the first byte of the file system and ends at its last; it reads as zeros before.
    ///
    /// # Errors
    /// Only I/O: of the device, or of the store the file bodies come from.
    fn write_to(&self, device: &mut dyn WriteAt) -> io::Result<()>;
}
