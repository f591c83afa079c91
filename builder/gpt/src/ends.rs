//! A disk of which only both ends exist: what the `gpt` crate writes to.

use std::io::{self, Read, Seek, SeekFrom, Write};

use builder_block::{ByteSize, SectorSize};

/// The first and the last sectors of a disk, in memory. Everything between can neither be read nor written.
#[derive(Debug)]
pub(crate) struct DiskEnds {
    size: u64,
    position: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl DiskEnds {
    /// A disk of `size` with `head_sectors` and `tail_sectors` of zeros.
    pub(crate) fn new(size: ByteSize, sector: SectorSize, head_sectors: u64, tail_sectors: u64) -> io::Result<Self> {
        let zeros = |sectors: u64| -> io::Result<Vec<u8>> {
            let bytes = sectors.saturating_mul(sector.bytes());
            Ok(vec![0; usize::try_from(bytes).map_err(io::Error::other)?])
        };
        let (head, tail) = (zeros(head_sectors)?, zeros(tail_sectors)?);
        if (head.len() as u64).saturating_add(tail.len() as u64) > size.bytes() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "both ends of the disk do not fit on it"));
        }
        Ok(Self { size: size.bytes(), position: 0, head, tail })
    }

    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    pub(crate) fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Offset of the tail's first byte on the disk.
    pub(crate) fn tail_offset(&self) -> u64 {
        self.size - self.tail.len() as u64
    }

    /// The bytes from the position on that are in one of the ends.
    fn here(&mut self) -> io::Result<&mut [u8]> {
        let tail_offset = self.tail_offset();
        let (end, start) = match self.position.checked_sub(tail_offset) {
            Some(start) => (&mut self.tail, start),
            None => (&mut self.head, self.position),
        };
        usize::try_from(start)
            .ok()
            .and_then(|start| end.get_mut(start..))
            .filter(|bytes| !bytes.is_empty())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "neither at the head nor at the tail"))
    }
}

impl Read for DiskEnds {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let here = self.here()?;
        let now = here.len().min(buffer.len());
        buffer[..now].copy_from_slice(&here[..now]);
        self.position += now as u64;
        Ok(now)
    }
}

impl Write for DiskEnds {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let here = self.here()?;
        let now = here.len().min(bytes.len());
        here[..now].copy_from_slice(&bytes[..now]);
        self.position += now as u64;
        Ok(now)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for DiskEnds {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(distance) => self.size.checked_add_signed(distance),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom, Write};

    use builder_block::{ByteSize, SectorSize};

    use super::DiskEnds;

    #[test]
    fn only_the_ends_exist() {
        let mut ends = DiskEnds::new(ByteSize::mib(1), SectorSize::Bytes512, 2, 1).unwrap();
        ends.seek(SeekFrom::Start(1020)).unwrap();
        assert!(ends.write_all(&[1; 5]).is_err());
        assert_eq!(ends.head()[1020..], [1; 4]);
        assert_eq!(ends.seek(SeekFrom::End(-512)).unwrap(), ends.tail_offset());
        ends.write_all(&[2; 512]).unwrap();
        assert!(ends.write_all(&[2]).is_err());
        ends.seek(SeekFrom::Current(-512)).unwrap();
        let mut back = [0; 512];
        ends.read_exact(&mut back).unwrap();
        assert_eq!((back, ends.tail()), ([2; 512], &[2; 512][..]));
        ends.seek(SeekFrom::Start(4096)).unwrap();
        assert!(ends.read(&mut back).is_err());
        assert!(DiskEnds::new(ByteSize::kib(1), SectorSize::Bytes512, 2, 1).is_err());
    }
}
