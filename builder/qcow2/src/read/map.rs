//! Which part of the file is which part of the disk.

use std::sync::{Arc, Mutex, PoisonError};

use builder_block::{ReadAt, Region};

use crate::error::{Part, Qcow2Error};
use crate::format::ENTRY_BYTES;
use crate::header::Header;
use crate::read::recent::Recent;
use crate::read::table::{OFFSET, Place, Table};

/// How many L2 tables are kept; a table needs at most 3 MiB.
const TABLES: usize = 16;

/// How much of the L1 table is read at a time, in bytes.
const L1_PIECE: u64 = 64 << 10;

/// The map of a disk.
#[derive(Debug)]
pub(super) struct Map {
    header: Header,
    /// Length of the file in bytes.
    file_length: u64,
    /// Where the L2 tables are that there are, by their number: those that are not take no memory and no time.
    l1: Vec<(u64, u64)>,
    tables: Recent<Table>,
    /// Where no data was found the last time: without this, a disk that is read piece by piece would for each piece
    /// look at all the tables behind it that became empty.
    gap: Mutex<Region>,
}

impl Map {
    /// Reads the L1 table.
    pub(super) fn read(header: Header, file: &impl ReadAt) -> Result<Self, Qcow2Error> {
        let file_length = file.size().bytes();
        Ok(Self {
            header,
            file_length,
            l1: read_l1(&header, file, file_length)?,
            tables: Recent::new(TABLES),
            gap: Mutex::new(Region { start: 0, end: 0 }),
        })
    }

    /// Length of the file in bytes, as it was when its map was read.
    pub(super) fn file_length(&self) -> u64 {
        self.file_length
    }

    /// Where byte `guest` of the disk is, and how many bytes behind it are there as well; `guest` is on the disk, and
    /// the number, which is at least 1, may reach behind it. No more than `wanted` are looked for.
    pub(super) fn locate(&self, file: &impl ReadAt, guest: u64, wanted: u64) -> Result<(Place, u64), Qcow2Error> {
        let number = guest / self.header.l2_span();
        match self.l1.get(self.position(number)) {
            Some(&(there, offset)) if there == number => {
                self.table(file, number, offset)?.locate(&self.header, self.file_length, guest, wanted)
            }
            // Its number is less than that of the tables that the disk needs, so this is on the disk.
            Some(&(next, _)) => Ok((Place::Nowhere, next * self.header.l2_span() - guest)),
            None => Ok((Place::Nowhere, self.header.size - guest)),
        }
    }

    /// The first run of data at or behind byte `from` of the disk; it ends with its L2 table at the latest.
    pub(super) fn data_behind(&self, file: &impl ReadAt, from: u64) -> Result<Option<Region>, Qcow2Error> {
        let known = *self.gap.lock().unwrap_or_else(PoisonError::into_inner);
        let in_gap = known.start <= from && from < known.end;
        let found = self.search(file, if in_gap { known.end } else { from })?;
        let gap = Region {
            start: if in_gap { known.start } else { from },
            end: found.map_or(self.header.size, |found| found.start),
        };
        if gap.start < gap.end {
            *self.gap.lock().unwrap_or_else(PoisonError::into_inner) = gap;
        }
        Ok(found)
    }

    fn search(&self, file: &impl ReadAt, from: u64) -> Result<Option<Region>, Qcow2Error> {
        let (span, size) = (self.header.l2_span(), self.header.size);
        for &(number, offset) in &self.l1[self.position(from / span)..] {
            let from = from.max(number * span);
            if from >= size {
                break;
            }
            let table = self.table(file, number, offset)?;
            if let Some(run) = table.data_behind(&self.header, from) {
                // The clusters behind the end of the disk are none of it.
                return Ok((run.start < size).then_some(Region { start: run.start, end: run.end.min(size) }));
            }
        }
        Ok(None)
    }

    /// The position in `l1` of the first table with this or a higher number.
    fn position(&self, number: u64) -> usize {
        self.l1.partition_point(|&(other, _)| other < number)
    }

    fn table(&self, file: &impl ReadAt, number: u64, offset: u64) -> Result<Arc<Table>, Qcow2Error> {
        // By number, not by offset: a table knows which part of the disk it tells of.
        self.tables.get(number, || {
            let guest = number * self.header.l2_span();
            // At most 2 MiB, which are in the file.
            let mut bytes = vec![0; usize::try_from(self.header.cluster_size()).unwrap_or(usize::MAX)];
            let part = Part::L2Table { guest };
            file.read_at(offset, &mut bytes).map_err(|source| Qcow2Error::Read { part, offset, source })?;
            Ok(Table::decode(&self.header, guest, &bytes))
        })
    }
}

/// The numbers and offsets of the L2 tables. They take memory for what is in the file, not for what it claims.
fn read_l1(header: &Header, file: &impl ReadAt, file_length: u64) -> Result<Vec<(u64, u64)>, Qcow2Error> {
    let (offset, cluster_size) = (header.l1_offset, header.cluster_size());
    let length = u64::from(header.l1_entries) * ENTRY_BYTES;
    let part = Part::L1Table;
    if length == 0 {
        return Ok(Vec::new());
    }
    if offset == 0 || !offset.is_multiple_of(cluster_size) {
        return Err(Qcow2Error::Misplaced { part, offset, cluster_size });
    }
    if offset.checked_add(length).is_none_or(|end| end > file_length) {
        return Err(Qcow2Error::Outside { part, offset, length, file_length });
    }
    let needed = header.l1_needed() * ENTRY_BYTES;
    let mut tables = Vec::new();
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < needed {
        let now = L1_PIECE.min(needed - at);
        // At most 64 KiB.
        bytes.resize(usize::try_from(now).unwrap_or(0), 0);
        let offset = offset + at;
        file.read_at(offset, &mut bytes).map_err(|source| Qcow2Error::Read { part, offset, source })?;
        for (number, entry) in (at / ENTRY_BYTES..).zip(bytes.chunks_exact(8)) {
            let offset = entry.iter().fold(0, |entry, &byte| entry << 8 | u64::from(byte)) & OFFSET;
            if offset == 0 {
                continue;
            }
            let part = Part::L2Table { guest: number * header.l2_span() };
            if !offset.is_multiple_of(cluster_size) {
                return Err(Qcow2Error::Misplaced { part, offset, cluster_size });
            }
            if offset.checked_add(cluster_size).is_none_or(|end| end > file_length) {
                return Err(Qcow2Error::Outside { part, offset, length: cluster_size, file_length });
            }
            tables.push((number, offset));
        }
        at += now;
    }
    // Tables that many entries share would make a disk of any size out of a small file.
    let mut by_offset: Vec<_> = tables.iter().map(|&(number, offset)| (offset, number)).collect();
    by_offset.sort_unstable();
    let twice = by_offset.windows(2).find(|pair| pair[0].0 == pair[1].0);
    if let Some(&[(offset, first), (_, second)]) = twice {
        let [first, second] = [first, second].map(|number| Part::L2Table { guest: number * header.l2_span() });
        return Err(Qcow2Error::Shared { first, second, offset });
    }
    Ok(tables)
}
