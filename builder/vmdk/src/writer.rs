//! The file, from its first byte to its last.

use std::io;

use builder_block::{PIECE, SECTOR_SIZE, Sink};

use crate::encoder::Encoded;
use crate::format::{
    DEFLATE, DIRECTORY_AT_END, FLAG_COMPRESSED, FLAG_MARKERS, FLAG_NEWLINES, GRAIN, GRAIN_SECTORS, Header,
    MARKER_DIRECTORY, MARKER_END, MARKER_FOOTER, MARKER_TABLE, NEWLINES, SECTOR, TABLE_BYTES, TABLE_ENTRIES, marker,
};
use crate::{Options, VmdkError, descriptor};

/// Sectors before the first grain: a grain, so that grains of files that are not compressed would be aligned.
const OVERHEAD_SECTORS: u64 = GRAIN_SECTORS;
const _: () = assert!(descriptor::SECTORS < OVERHEAD_SECTORS);

// All grains of a piece are in one table.
const _: () = assert!((GRAIN as u64 * TABLE_ENTRIES as u64).is_multiple_of(PIECE));

/// Puts encoded pieces behind each other.
///
/// Each write begins where the one before ended, and none is changed later: what it is written to may be a stream.
/// Kept in memory are the directory (4 bytes for 32 MiB of the disk) and one grain table.
#[derive(Debug)]
pub struct Writer {
    header: Header,
    /// All before the first grain, until it is written.
    head: Option<Vec<u8>>,
    /// Where the next write begins, in sectors.
    at: u64,
    /// Where the grain tables begin, in sectors; 0 where all grains are zero.
    directory: Vec<u32>,
    /// Number of the grain table that is being filled.
    current: usize,
    /// Where its grains begin, in sectors; 0 for a grain of zeros.
    table: [u32; TABLE_ENTRIES],
    /// The last grain that was appended.
    last: Option<u64>,
}

impl Writer {
    /// A writer of the disk of `options`.
    ///
    /// # Errors
    /// [`VmdkError::Size`], [`VmdkError::Name`] or [`VmdkError::ContentId`] for options that no reader would take.
    pub fn new(options: &Options) -> Result<Self, VmdkError> {
        options.check()?;
        let header = Header {
            version: 3,
            flags: FLAG_NEWLINES | FLAG_COMPRESSED | FLAG_MARKERS,
            capacity: options.sectors(),
            grain_sectors: GRAIN_SECTORS,
            descriptor_sector: 1,
            descriptor_sectors: descriptor::SECTORS,
            table_entries: 512,
            directory_sector: DIRECTORY_AT_END,
            overhead_sectors: OVERHEAD_SECTORS,
            newlines: NEWLINES,
            compression: DEFLATE,
        };
        let mut head = header.to_sector();
        head.extend(descriptor::text(options).into_bytes());
        head.resize(GRAIN, 0);
        let tables = header.capacity.div_ceil(GRAIN_SECTORS * TABLE_ENTRIES as u64);
        // At most two million tables for MAX_SIZE.
        let directory = vec![0; usize::try_from(tables).map_err(|_| VmdkError::Size { size: options.size })?];
        Ok(Self { header, head: Some(head), at: 0, directory, current: 0, table: [0; TABLE_ENTRIES], last: None })
    }

    /// Appends a piece. Pieces come in the order of the disk; those that are zero may be left out.
    ///
    /// # Errors
    /// I/O; `InvalidInput` for a piece before one that was appended, or one of another disk; `FileTooLarge` where the
    /// file passes 2 TiB. After an error the file cannot be completed.
    pub fn append(&mut self, sink: &mut dyn Sink, encoded: &Encoded) -> io::Result<()> {
        let (Some(&(first, _)), Some(&(last, _))) = (encoded.grains.first(), encoded.grains.last()) else {
            return Ok(());
        };
        if let Some(previous) = self.last.filter(|&previous| previous >= first) {
            return Err(VmdkError::Order { grain: first, previous }.into());
        }
        if last >= self.header.capacity.div_ceil(GRAIN_SECTORS) {
            let (offset, length) = (first * GRAIN as u64, (last - first + 1) * GRAIN as u64);
            return Err(VmdkError::Piece { offset, length, size: self.header.capacity * SECTOR_SIZE }.into());
        }
        // The grain is one of the disk, so its table is one of the directory.
        let table = usize::try_from(first / TABLE_ENTRIES as u64).unwrap_or(usize::MAX);
        if table != self.current {
            self.end_table(sink)?;
            self.current = table;
        }
        let start = self.write(sink, &encoded.bytes)?;
        for &(grain, at) in &encoded.grains {
            // Below TABLE_ENTRIES, which is a usize.
            let entry = usize::try_from(grain % TABLE_ENTRIES as u64).unwrap_or(0);
            self.table[entry] = pointer(start + at)?;
        }
        self.last = Some(last);
        Ok(())
    }

    /// Completes the file and gives its length in bytes.
    ///
    /// # Errors
    /// I/O; `FileTooLarge` where the file passes 2 TiB.
    pub fn finish(mut self, sink: &mut dyn Sink) -> io::Result<u64> {
        self.end_table(sink)?;
        let mut directory: Vec<u8> = self.directory.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        directory.resize(directory.len().next_multiple_of(SECTOR), 0);
        let start = self.write(sink, &marker(directory.len() as u64 / SECTOR_SIZE, MARKER_DIRECTORY))?;
        self.write(sink, &directory)?;
        let mut end = marker(1, MARKER_FOOTER);
        end.extend(Header { directory_sector: start + 1, ..self.header.clone() }.to_sector());
        end.extend(marker(0, MARKER_END));
        self.write(sink, &end)?;
        let length = self.at * SECTOR_SIZE;
        sink.end_at(length)?;
        Ok(length)
    }

    /// Writes the current grain table, unless all its grains are zero, and empties it.
    fn end_table(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        if self.table.iter().all(|&entry| entry == 0) {
            return Ok(());
        }
        let mut bytes = marker(TABLE_BYTES as u64 / SECTOR_SIZE, MARKER_TABLE);
        bytes.extend(self.table.iter().flat_map(|entry| entry.to_le_bytes()));
        let start = self.write(sink, &bytes)?;
        self.directory[self.current] = pointer(start + 1)?;
        self.table.fill(0);
        Ok(())
    }

    /// Writes whole sectors where the last write ended, and gives the sector.
    fn write(&mut self, sink: &mut dyn Sink, bytes: &[u8]) -> io::Result<u64> {
        if let Some(head) = self.head.take() {
            sink.write_at(0, &head)?;
            self.at = OVERHEAD_SECTORS;
        }
        let start = self.at;
        sink.write_at(start * SECTOR_SIZE, bytes)?;
        self.at += bytes.len() as u64 / SECTOR_SIZE;
        Ok(start)
    }
}

/// What the tables hold.
fn pointer(sector: u64) -> Result<u32, VmdkError> {
    u32::try_from(sector).map_err(|_| VmdkError::TooLarge)
}
