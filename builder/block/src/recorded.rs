//! A device that only notes where its bytes are.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::{ByteSize, DiskSource, ReadAt, Region, SharedFile, WriteAt};

mod once;

pub use once::Once;

/// A device that keeps what was written as a list of places to read it from.
///
/// File systems write in the order that suits them; a format that is compressed as a stream needs the bytes in theirs.
/// So copies are noted, not made, and other bytes go to a scratch file: the memory is that of the list, however large
/// the device.
#[derive(Debug)]
pub struct Recorded {
    size: ByteSize,
    /// By offset on the device; they do not overlap.
    extents: BTreeMap<u64, Extent>,
    scratch: Arc<File>,
    scratch_length: u64,
}

/// Where a run of bytes is.
#[derive(Clone)]
struct Extent {
    length: u64,
    file: SharedFile,
    from: u64,
}

impl fmt::Debug for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { length, file: _, from } = self;
        f.debug_struct("Extent").field("length", length).field("from", from).finish_non_exhaustive()
    }
}

impl Recorded {
    /// A device of `size` that reads as zeros; `scratch` is empty and takes what is not copied.
    #[must_use]
    pub fn new(size: ByteSize, scratch: File) -> Self {
        Self { size, extents: BTreeMap::new(), scratch: Arc::new(scratch), scratch_length: 0 }
    }

    /// What the scratch file takes.
    #[must_use]
    pub fn scratch_bytes(&self) -> ByteSize {
        ByteSize::new(self.scratch_length)
    }

    /// This device, read for the last time: `scratch`, which most of it was copied from as `shared`, is given back to the
    /// host meanwhile.
    #[must_use]
    pub fn once(&self, shared: SharedFile, scratch: File) -> Once<'_> {
        Once::new(self, shared, scratch)
    }

    /// The extents that may have a part of `offset..end`, with their first bytes.
    fn reaching(&self, offset: u64, end: u64) -> impl Iterator<Item = (u64, &Extent)> {
        let first = self.extents.range(..=offset).next_back().map_or(offset, |(&start, _)| start);
        self.extents.range(first..end.max(first)).map(|(&start, extent)| (start, extent))
    }

    /// Notes an extent, instead of what was there before.
    fn note(&mut self, offset: u64, extent: Extent) -> io::Result<()> {
        let length = extent.length;
        if length == 0 {
            return Ok(());
        }
        let end = offset.checked_add(length).filter(|&end| end <= self.size.bytes()).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("write of {length} bytes at {offset} ends behind the device of {} bytes", self.size.bytes()),
            )
        })?;
        // The extent that begins before and reaches in, and those that begin inside.
        let before = self.extents.range(..offset).next_back().map(|(&start, extent)| (start, extent.clone()));
        if let Some((start, old)) = before {
            let old_end = start + old.length;
            if old_end > offset {
                self.extents.insert(start, Extent { length: offset - start, ..old.clone() });
            }
            if old_end > end {
                self.extents.insert(end, old.behind(end - start));
            }
        }
        let inside: Vec<u64> = self.extents.range(offset..end).map(|(&start, _)| start).collect();
        for start in inside {
            if let Some(old) = self.extents.remove(&start).filter(|old| start + old.length > end) {
                self.extents.insert(end, old.behind(end - start));
            }
        }
        // One run goes on.
        if let Some((&start, last)) = self.extents.range_mut(..offset).next_back()
            && start + last.length == offset
            && Arc::ptr_eq(&last.file, &extent.file)
            && last.from + last.length == extent.from
        {
            last.length += length;
            return Ok(());
        }
        self.extents.insert(offset, extent);
        Ok(())
    }
}

impl Extent {
    /// Without its first `skipped` bytes.
    fn behind(&self, skipped: u64) -> Self {
        Self { length: self.length - skipped, file: Arc::clone(&self.file), from: self.from + skipped }
    }
}

impl WriteAt for Recorded {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        let from = self.scratch_length;
        let file = Arc::clone(&self.scratch) as SharedFile;
        self.note(offset, Extent { length, file, from })?;
        self.scratch.write_all_at(bytes, from)?;
        self.scratch_length += length;
        Ok(())
    }

    fn copy_from(&mut self, offset: u64, source: &SharedFile, source_offset: u64, length: u64) -> io::Result<()> {
        let end = source_offset.checked_add(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        if length > 0 {
            // Asked for now, since nobody would understand it later.
            source.read_exact_at(&mut [0], end - 1)?;
        }
        self.note(offset, Extent { length, file: Arc::clone(source), from: source_offset })
    }
}

impl ReadAt for Recorded {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let length = buffer.len() as u64;
        let end = offset.checked_add(length).filter(|&end| end <= self.size.bytes());
        let Some(end) = end else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        // Both lie in the buffer, whose length is a usize.
        let within = |at: u64| usize::try_from(at - offset).unwrap_or(usize::MAX);
        let mut at = offset;
        for (start, extent) in self.reaching(offset, end) {
            let (from, to) = (start.max(offset), (start + extent.length).min(end));
            if from < to {
                buffer[within(at)..within(from)].fill(0);
                extent.file.read_exact_at(&mut buffer[within(from)..within(to)], extent.from + (from - start))?;
                at = to;
            }
        }
        buffer[within(at)..].fill(0);
        Ok(())
    }
}

impl DiskSource for Recorded {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        let reaching = self.extents.range(..=from).next_back().map(|(&start, extent)| start + extent.length);
        let start = match reaching.filter(|&end| end > from) {
            Some(_) => from,
            None => match self.extents.range(from..).next() {
                Some((&start, _)) => start,
                None => return Ok(None),
            },
        };
        let mut end = start;
        // The extents are one region as far as they touch.
        let first = self.extents.range(..=start).next_back().map_or(start, |(&start, _)| start);
        for (&start, extent) in self.extents.range(first..) {
            if start > end {
                break;
            }
            end = start + extent.length;
        }
        Ok(Some(Region { start, end }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use super::Recorded;
    use crate::{ByteSize, DiskSource, ReadAt, Region, SharedFile, WriteAt};

    const SIZE: usize = 300;

    fn source() -> (SharedFile, Vec<u8>) {
        let bytes: Vec<u8> = (0..200_u8).map(|at| at.wrapping_mul(7) | 1).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (Arc::new(file), bytes)
    }

    /// Numbers that are the same every time (xorshift).
    fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
        move |below| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        }
    }

    #[test]
    fn it_reads_as_a_plain_device_would_whatever_overlaps() {
        let sources = [source(), source()];
        for seed in 1..200 {
            let mut number = numbers(seed);
            let mut device = Recorded::new(ByteSize::new(SIZE as u64), tempfile::tempfile().unwrap());
            let mut model = vec![0_u8; SIZE];
            let mut touched = [false; SIZE];
            for step in 0..20_u8 {
                let offset = number(SIZE);
                let length = number(100).min(SIZE - offset);
                let range = offset..offset + length;
                if number(2) == 0 {
                    let bytes = vec![step | 0x80; length];
                    device.write_at(offset as u64, &bytes).unwrap();
                    model[range.clone()].copy_from_slice(&bytes);
                } else {
                    let (file, bytes) = &sources[number(2)];
                    let from = number(100);
                    device.copy_from(offset as u64, file, from as u64, length as u64).unwrap();
                    model[range.clone()].copy_from_slice(&bytes[from..from + length]);
                }
                touched[range].fill(true);
            }
            for _ in 0..20 {
                let offset = number(SIZE);
                let length = number(SIZE - offset + 1);
                let mut read = vec![0xee; length];
                device.read_at(offset as u64, &mut read).unwrap();
                assert_eq!(read, model[offset..][..length], "seed {seed}");
            }
            let mut written = [false; SIZE];
            let mut end = None;
            for Region { start, end: behind } in device.regions().map(Result::unwrap) {
                assert!(end.is_none_or(|end| end < start), "seed {seed}: adjacent regions are one");
                written[usize::try_from(start).unwrap()..usize::try_from(behind).unwrap()].fill(true);
                end = Some(behind);
            }
            assert_eq!(written, touched, "seed {seed}");
        }
    }

    #[test]
    fn what_cannot_be_read_later_is_refused_at_once() {
        let (file, _) = source();
        let mut device = Recorded::new(ByteSize::new(SIZE as u64), tempfile::tempfile().unwrap());
        for (offset, from, length) in [(0, 150, 51), (250, 0, 51), (0, u64::MAX, 2), (u64::MAX, 0, 2)] {
            assert!(device.copy_from(offset, &file, from, length).is_err(), "{offset} {from} {length}");
        }
        assert!(device.write_at(299, b"xy").is_err());
        assert!(device.read_at(299, &mut [0; 2]).is_err());
        assert_eq!(device.data_behind(0).unwrap(), None);
        assert_eq!(device.scratch_bytes(), ByteSize::ZERO);
    }
}
