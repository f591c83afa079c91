//! A plain file as a device.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::{ByteSize, ReadAt, WriteAt};

/// A plain file of fixed length; what is not written stays a hole.
#[derive(Debug)]
pub struct SparseFile {
    file: File,
    size: ByteSize,
    written: u64,
}

impl SparseFile {
    /// Makes `file` (empty before) a device of `size`.
    ///
    /// # Errors
    /// The length cannot be set.
    pub fn new(file: File, size: ByteSize) -> io::Result<Self> {
        file.set_len(size.bytes())?;
        Ok(Self { file, size, written: 0 })
    }

    /// Bytes written so far, holes not counted.
    #[must_use]
    pub fn written(&self) -> ByteSize {
        ByteSize::new(self.written)
    }

    /// The file, for syncing and renaming.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }

    fn check(&self, offset: u64, length: u64) -> io::Result<()> {
        if offset.checked_add(length).is_none_or(|end| end > self.size.bytes()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("write of {length} bytes at {offset} ends behind the device of {} bytes", self.size.bytes()),
            ));
        }
        Ok(())
    }
}

impl ReadAt for SparseFile {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

impl WriteAt for SparseFile {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.check(offset, bytes.len() as u64)?;
        self.file.write_all_at(bytes, offset)?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;
    use std::sync::Arc;

    use super::SparseFile;
    use crate::{ByteSize, ReadAt, SharedFile, WriteAt};

    #[test]
    fn what_is_not_written_stays_a_hole() {
        let mut source = tempfile::tempfile().unwrap();
        source.write_all(&[7; 10_000]).unwrap();
        let source: SharedFile = Arc::new(source);
        let mut disk = SparseFile::new(tempfile::tempfile().unwrap(), ByteSize::mib(64)).unwrap();
        disk.write_at(1 << 20, b"hello").unwrap();
        disk.copy_from(2 << 20, &source, 1_000, 9_000).unwrap();
        let mut back = [0; 9_000];
        disk.read_at(2 << 20, &mut back).unwrap();
        assert_eq!(back, [7; 9_000]);
        assert_eq!(disk.written().bytes(), 9_005);
        assert!(disk.write_at((64 << 20) - 1, b"xy").is_err());
        assert!(disk.copy_from(0, &source, 9_999, 2).is_err());
        assert!(disk.into_file().metadata().unwrap().blocks() * 512 < 1 << 20);
    }
}
