//! The disk in a VMDK file of anyone's.

use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use builder_block::{ByteSize, DiskSource, ReadAt, Region, SECTOR_SIZE};
use flate2::{Decompress, FlushDecompress, Status};

use crate::VmdkError;
use crate::format::{GRAIN_MARKER, TABLE_BYTES, TABLE_ENTRIES, ZERO_GRAIN, entries, u32_at, u64_at};
use crate::layout::Layout;

/// Reads a disk of the type streamOptimized or monolithicSparse.
///
/// Kept in memory are the directory, at most 16 MiB, and the grain table and the grain that were read last. The file
/// may say anything: what cannot be right is an error when it is read.
#[derive(Debug)]
pub struct VmdkReader<R> {
    file: R,
    layout: Layout,
    /// Where the grain tables begin, in sectors; 0 where all grains are zero.
    directory: Vec<u32>,
    cache: Mutex<Cache>,
}

/// What was read last.
#[derive(Debug, Default)]
struct Cache {
    /// Number of the table.
    table: Option<usize>,
    /// Its entries.
    entries: Vec<u32>,
    /// Number of the compressed grain.
    grain: Option<u64>,
    /// Its bytes.
    bytes: Vec<u8>,
    /// Bytes of the disk between data, from where the search for data began last.
    hole: Range<u64>,
}

impl<R: ReadAt> VmdkReader<R> {
    /// Reads header, descriptor and directory of `file`.
    ///
    /// # Errors
    /// - [`VmdkError::NotVmdk`] for a file of another format
    /// - [`VmdkError::Unsupported`] for a disk that is not sparse or not in one file; [`VmdkError::Parent`] for one
    ///   that is a difference
    /// - [`VmdkError::Field`] and [`VmdkError::Outside`] for numbers that cannot be right
    /// - [`VmdkError::Read`] for I/O
    pub fn open(file: R) -> Result<Self, VmdkError> {
        let layout = Layout::read(&file)?;
        let (offset, length) = (layout.directory, 4 * layout.tables as u64);
        check_inside(&file, "grain directory", offset, length)?;
        let mut bytes = vec![0; 4 * layout.tables];
        file.read_at(offset, &mut bytes)?;
        let directory = entries(&bytes);
        // Tables that many entries share would make a disk of any size out of a small file.
        let mut sorted: Vec<u32> = directory.iter().copied().filter(|&sector| sector != 0).collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let allowed = "two entries of the directory have it";
            return Err(VmdkError::Field { field: "first sector of a grain table", value: pair[0].into(), allowed });
        }
        Ok(Self { file, layout, directory, cache: Mutex::default() })
    }

    /// A panic while the cache was held cannot have left it half changed: see `table` and `grain`.
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grain_bytes(&self) -> u64 {
        self.layout.grain_bytes as u64
    }

    /// Has the cache hold grain table `number`; `false` where there is none and its grains are zero.
    fn table(&self, cache: &mut Cache, number: usize) -> Result<bool, VmdkError> {
        let Some(&sector) = self.directory.get(number).filter(|&&sector| sector != 0) else { return Ok(false) };
        if cache.table != Some(number) {
            cache.table = None;
            let offset = u64::from(sector) * SECTOR_SIZE;
            check_inside(&self.file, "grain table", offset, TABLE_BYTES as u64)?;
            let mut bytes = [0; TABLE_BYTES];
            self.file.read_at(offset, &mut bytes)?;
            cache.entries = entries(&bytes);
            cache.table = Some(number);
        }
        Ok(true)
    }

    /// Whether the entry of a grain table leads to bytes.
    fn is_data(&self, entry: u32) -> bool {
        entry != 0 && !(self.layout.zero_grains && entry == ZERO_GRAIN)
    }

    /// Has the cache hold the compressed grain `number`, whose marker is at byte `offset` of the file.
    fn grain(&self, cache: &mut Cache, number: u64, offset: u64) -> Result<(), VmdkError> {
        if cache.grain == Some(number) {
            return Ok(());
        }
        cache.grain = None;
        let disk_offset = number * self.grain_bytes();
        let broken = |problem| VmdkError::Grain { disk_offset, offset, problem };
        let mut marker = [0; GRAIN_MARKER];
        check_inside(&self.file, "grain marker", offset, GRAIN_MARKER as u64)?;
        self.file.read_at(offset, &mut marker)?;
        if u64_at(&marker, 0) != disk_offset / SECTOR_SIZE {
            return Err(broken("has the marker of another one"));
        }
        let length = u32_at(&marker, 8);
        // zlib adds a few bytes to what it cannot compress; nobody needs twice the size.
        let Some(length) = usize::try_from(length).ok().filter(|&n| n <= 2 * self.layout.grain_bytes) else {
            return Err(broken("claims to have more than twice its size when compressed"));
        };
        check_inside(&self.file, "grain", offset + GRAIN_MARKER as u64, length as u64)?;
        let mut compressed = vec![0; length];
        self.file.read_at(offset + GRAIN_MARKER as u64, &mut compressed)?;
        cache.bytes.resize(self.layout.grain_bytes, 0);
        let mut zlib = Decompress::new(true);
        let status = zlib.decompress(&compressed, &mut cache.bytes, FlushDecompress::Finish);
        if !matches!(status, Ok(Status::StreamEnd)) {
            return Err(broken("is not a zlib stream of at most its size"));
        }
        // The last grain of the disk may end with it.
        let needed = self.grain_bytes().min(self.layout.size - disk_offset);
        if zlib.total_out() < needed {
            return Err(broken("is shorter than it should be"));
        }
        cache.grain = Some(number);
        Ok(())
    }

    /// Fills `buffer` from byte `within` of grain `number`, in which it ends.
    fn read_grain(&self, number: u64, within: u64, buffer: &mut [u8]) -> Result<(), VmdkError> {
        let mut cache = self.cache();
        let (table, entry) = place(number);
        let entry = if self.table(&mut cache, table)? { cache.entries[entry] } else { 0 };
        if !self.is_data(entry) {
            buffer.fill(0);
            return Ok(());
        }
        let offset = u64::from(entry) * SECTOR_SIZE;
        if self.layout.compressed {
            self.grain(&mut cache, number, offset)?;
            // Below the size of a grain, which is a usize.
            let within = usize::try_from(within).unwrap_or(0);
            buffer.copy_from_slice(&cache.bytes[within..within + buffer.len()]);
        } else {
            drop(cache);
            check_inside(&self.file, "grain", offset + within, buffer.len() as u64)?;
            self.file.read_at(offset + within, buffer)?;
        }
        Ok(())
    }
}

impl<R: ReadAt> ReadAt for VmdkReader<R> {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.layout.size)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.layout.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let within = at % self.grain_bytes();
            // At most the size of a grain, which is a usize.
            let left = usize::try_from(self.grain_bytes() - within).unwrap_or(usize::MAX).min(rest.len());
            let (now, later) = rest.split_at_mut(left);
            self.read_grain(at / self.grain_bytes(), within, now)?;
            at += now.len() as u64;
            rest = later;
        }
        Ok(())
    }
}

impl<R: ReadAt> VmdkReader<R> {
    /// The first run of data in one table at or behind the byte `from` of the disk.
    fn search(&self, cache: &mut Cache, from: u64) -> Result<Option<Region>, VmdkError> {
        let (first_table, mut first_entry) = place(from / self.grain_bytes());
        for table in first_table..self.directory.len() {
            if self.table(cache, table)? {
                let is_data = |&entry: &usize| self.is_data(cache.entries[entry]);
                if let Some(start) = (first_entry..TABLE_ENTRIES).find(is_data) {
                    let end = (start..TABLE_ENTRIES).find(|entry| !is_data(entry)).unwrap_or(TABLE_ENTRIES);
                    let offset = |entry: usize| ((table * TABLE_ENTRIES + entry) as u64) * self.grain_bytes();
                    let found = Region { start: offset(start).max(from), end: offset(end).min(self.layout.size) };
                    // What is behind the end of the disk in its last table is not of the disk.
                    return Ok((found.start < found.end).then_some(found));
                }
            }
            first_entry = 0;
        }
        Ok(None)
    }
}

impl<R: ReadAt> DiskSource for VmdkReader<R> {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        let mut cache = self.cache();
        // Who reads a disk piece by piece asks in each piece of a hole. To search to its end each time would take
        // hours for a large disk whose grain tables are all there, as QEMU makes them.
        let begin = if cache.hole.contains(&from) { cache.hole.end } else { from };
        if begin >= self.layout.size {
            return Ok(None);
        }
        let found = self.search(&mut cache, begin)?;
        cache.hole = from..found.map_or(self.layout.size, |found| found.start);
        Ok(found)
    }
}

/// In which table, and in which of its entries, a grain of a disk that has a directory is found.
fn place(grain: u64) -> (usize, usize) {
    let entries = TABLE_ENTRIES as u64;
    // The tables of a directory are counted by a usize.
    let [table, entry] = [grain / entries, grain % entries].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    (table, entry)
}

/// Whether the file has the `length` bytes at `offset`.
fn check_inside(file: &impl ReadAt, part: &'static str, offset: u64, length: u64) -> Result<(), VmdkError> {
    let size = file.size().bytes();
    match offset.checked_add(length) {
        Some(end) if end <= size => Ok(()),
        _ => Err(VmdkError::Outside { part, offset, length, file: size }),
    }
}
