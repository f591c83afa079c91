//! A recorded device that is read for the last time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{FallocateFlags, fallocate};

use super::{Extent, Recorded};
use crate::{ByteSize, DiskSource, ReadAt, Region, SharedFile};

/// The unit in which the host frees parts of a file.
const PAGE: u64 = 4096;

/// A [`Recorded`] device whose scratch file is given back to the host while it is read.
///
/// What is written from it then needs no room, and no memory of the host's page cache, beside what it is written from.
/// Each byte can be read once; a second time is an error, and not the zeros that are left of it.
#[derive(Debug)]
pub struct Once<'a> {
    device: &'a Recorded,
    /// The file that is given back, as the extents of the device have it and as the host has it.
    scratch: (SharedFileDebug, File),
    /// Pages of the scratch file that more than one extent has, by their first byte; they stay.
    shared: BTreeMap<u64, u64>,
    /// What has been read of the device, by its first byte.
    read: Mutex<BTreeMap<u64, u64>>,
    /// Whether the host takes parts of files back.
    works: AtomicBool,
}

/// A shared file, which cannot be printed.
struct SharedFileDebug(SharedFile);

impl std::fmt::Debug for SharedFileDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedFile")
    }
}

impl<'a> Once<'a> {
    /// Reads `device`, and gives back what was read of `scratch`, which is the host's file behind `shared`.
    pub(super) fn new(device: &'a Recorded, shared: SharedFile, scratch: File) -> Self {
        let mut pages: Vec<(u64, u64)> = device
            .extents
            .values()
            .filter(|extent| Arc::ptr_eq(&extent.file, &shared))
            .map(|extent| extent.pages(0, extent.length))
            .collect();
        pages.sort_unstable();
        let (mut several, mut reached) = (BTreeMap::new(), 0);
        for (start, end) in pages {
            if start < reached {
                insert(&mut several, start, end.min(reached));
            }
            reached = reached.max(end);
        }
        let works = AtomicBool::new(true);
        Self { device, scratch: (SharedFileDebug(shared), scratch), shared: several, read: Mutex::default(), works }
    }

    /// Notes that a range of the device is read.
    fn note(&self, start: u64, end: u64) -> io::Result<()> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if first_overlap(&read, start, end).is_some() {
            return Err(io::Error::other(format!("bytes {start} to {end} of the disk were asked for a second time")));
        }
        insert(&mut read, start, end);
        Ok(())
    }

    /// Gives whole pages of the scratch file back, but for those that another extent needs.
    fn give_back(&self, (mut start, end): (u64, u64)) {
        while start < end && self.works.load(Ordering::Relaxed) {
            let (from, to) = first_overlap(&self.shared, start, end).unwrap_or((end, end));
            if start < from {
                let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                // A host that cannot keeps the file until the end, as it would any other.
                if fallocate(self.scratch.1.as_fd(), flags, start, from - start).is_err() {
                    self.works.store(false, Ordering::Relaxed);
                }
            }
            start = to.max(from);
        }
    }
}

/// Adds a range, as one with those that it touches.
fn insert(ranges: &mut BTreeMap<u64, u64>, mut start: u64, mut end: u64) {
    while let Some((&first, &last)) = ranges.range(..=end).next_back().filter(|&(_, &last)| last >= start) {
        ranges.remove(&first);
        (start, end) = (start.min(first), end.max(last));
    }
    ranges.insert(start, end);
}

/// The first of `ranges` that has a part of `start..end`.
fn first_overlap(ranges: &BTreeMap<u64, u64>, start: u64, end: u64) -> Option<(u64, u64)> {
    let reaching = ranges.range(..=start).next_back().filter(|&(_, &last)| last > start);
    reaching.or_else(|| ranges.range(start..end).next()).map(|(&first, &last)| (first, last))
}

impl Extent {
    /// The pages of the file that nobody needs any more once the bytes `start..end` of this extent are read: those at
    /// its own ends belong to it, those at the ends of a part of it are read by the next part as well.
    fn pages(&self, start: u64, end: u64) -> (u64, u64) {
        let (from, to) = (self.from + start, self.from + end);
        let first = if start == 0 { from / PAGE * PAGE } else { from.next_multiple_of(PAGE) };
        let last = if end == self.length { to.next_multiple_of(PAGE) } else { to / PAGE * PAGE };
        (first, last)
    }
}

impl ReadAt for Once<'_> {
    fn size(&self) -> ByteSize {
        self.device.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.note(offset, end)?;
        self.device.read_at(offset, buffer)?;
        for (start, extent) in self.device.reaching(offset, end) {
            let (from, to) = (start.max(offset), (start + extent.length).min(end));
            if from < to && Arc::ptr_eq(&extent.file, &self.scratch.0.0) {
                self.give_back(extent.pages(from - start, to - start));
            }
        }
        Ok(())
    }
}

impl DiskSource for Once<'_> {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        self.device.data_behind(from)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};
    use std::sync::Arc;

    use crate::{ByteSize, PIECE, Piece, Recorded, SharedFile, WriteAt as _};

    #[test]
    fn every_byte_comes_once_whatever_shares_a_page_and_what_nobody_else_has_is_given_back() {
        let bytes: Vec<u8> = (0..3 * PIECE).map(|at| (at / 5 % 251).to_le_bytes()[0] | 1).collect();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        let file = Arc::new(file);
        let shared = Arc::clone(&file) as SharedFile;
        let size = 4 * PIECE;
        let mut device = Recorded::new(ByteSize::new(size), tempfile::tempfile().unwrap());
        // On the device, in the file, length: neighbours in a page of both, one range twice, one not at a page, one over
        // the border of two pieces, and one that is partly another.
        let copies = [
            (0, 0, 5000),
            (5000, 5000, 3000),
            (8192, 16_384, 10_000),
            (1 << 20, 16_384, 10_000),
            (PIECE - 3000, 100_001, 9000),
            (2 << 20, 110_000, 1 << 20),
            (2 * PIECE, 150_000, 70_000),
            (3 * PIECE, 2 * PIECE, PIECE),
        ];
        for (to, from, length) in copies {
            device.copy_from(to, &shared, from, length).unwrap();
        }
        device.write_at(300_000, b"made").unwrap();
        let expected: Vec<Piece> = (0..4).map(|number| Piece::read(&device, number * PIECE).unwrap()).collect();
        let before = file.metadata().unwrap().blocks();
        let host: File = file.try_clone().unwrap();
        let once = device.once(shared, host);
        for (number, expected) in (0..).zip(&expected) {
            assert!(&Piece::read(&once, number * PIECE).unwrap() == expected, "piece {number}");
        }
        let error = Piece::read(&once, 0).unwrap_err().to_string();
        assert!(error.contains("a second time"), "{error}");
        // What two extents have is still there, and so is what none has.
        for (start, end) in [(16_384, 26_384), (150_000, 220_000), (PIECE, 2 * PIECE)] {
            let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
            let mut left = vec![0; range.len()];
            file.read_exact_at(&mut left, start).unwrap();
            assert!(left == bytes[range], "{start}");
        }
        let given = (before - file.metadata().unwrap().blocks()) * 512;
        assert!((PIECE + (900 << 10)..PIECE + (1100 << 10)).contains(&given), "{given} bytes");
    }
}
