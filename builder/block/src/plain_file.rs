//! A plain file that is read as a disk.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt;

use rustix::fs::{SeekFrom as Sought, seek};
use rustix::io::Errno;

use crate::{ByteSize, DiskSource, ReadAt, Region};

/// A file, or a device, that is only read; its holes are known without reading them where the host's file system tells.
#[derive(Debug)]
pub struct PlainFile {
    file: File,
    size: ByteSize,
}

impl PlainFile {
    /// Reads `file`.
    ///
    /// # Errors
    /// Its length cannot be found.
    pub fn new(file: File) -> io::Result<Self> {
        // The end of a device is found by going there, its metadata have no length.
        let size = (&file).seek(SeekFrom::End(0))?;
        Ok(Self { file, size: ByteSize::new(size) })
    }
}

impl ReadAt for PlainFile {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

impl DiskSource for PlainFile {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        let size = self.size.bytes();
        if from >= size {
            return Ok(None);
        }
        // The file's own position is of no use to anybody: all reading names its offset.
        let start = match seek(&self.file, Sought::Data(from)) {
            Ok(start) => start.clamp(from, size),
            // Nothing but a hole up to the end.
            Err(Errno::NXIO) => return Ok(None),
            // The host does not tell.
            Err(_) => return Ok(Some(Region { start: from, end: size })),
        };
        if start >= size {
            return Ok(None);
        }
        let end = seek(&self.file, Sought::Hole(start)).map_or(size, |end| end.clamp(start, size));
        // A file that changes while it is read may have lost the data that was there a moment ago.
        Ok(Some(Region { start, end: end.max(start + 1) }))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::PlainFile;
    use crate::{DiskSource, Region};

    #[test]
    fn holes_are_known_and_bytes_are_not_lost() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(16 << 20).unwrap();
        file.write_all_at(&[1; 5000], 1 << 20).unwrap();
        file.write_all_at(&[1; 10], (16 << 20) - 10).unwrap();
        let file = PlainFile::new(file).unwrap();
        let regions: Vec<Region> = file.regions().map(Result::unwrap).collect();
        let covered = |at: u64| regions.iter().any(|region| (region.start..region.end).contains(&at));
        assert!(covered(1 << 20) && covered((1 << 20) + 4999) && covered((16 << 20) - 1));
        // A host that does not tell of holes gives one region.
        assert!(regions.len() == 1 || !covered(8 << 20));
        assert_eq!(file.data_behind(16 << 20).unwrap(), None);
    }
}
