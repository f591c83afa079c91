//! The array of entries of one copy of the table.

use crate::crc::Crc32;
use crate::disk::Disk;
use crate::entry::Entry;
use crate::header::{ENTRY_SIZE, Header, hex};
use crate::{CheckError, Finding, Report, TableCopy};

/// A longer array is not read. There are 16 KiB as a rule; 4 MiB have room for 32,768 partitions.
pub const MOST_ARRAY_BYTES: u64 = 4 << 20;
/// Bytes read at a time, unless an entry is larger.
const CHUNK: u64 = 64 << 10;

/// The used entries of a copy.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    /// With their numbers, from 1, in that order.
    pub(crate) entries: Vec<(u32, Entry)>,
    /// Whether the bytes have the checksum that the header names.
    pub(crate) crc_is_right: bool,
}

/// Reads the array a header leads to, and says what is wrong with it as a whole. `None` where it cannot be read.
pub(crate) fn read(
    disk: &Disk<'_>,
    copy: TableCopy,
    header: &Header,
    report: &mut Report,
) -> Result<Option<Array>, CheckError> {
    let (name, bytes) = (copy.entries(), header.array_bytes());
    // What is wrong with these is a finding of the header.
    if header.entry_size < ENTRY_SIZE || !header.entry_size.is_multiple_of(8) || header.entry_count == 0 {
        return Ok(None);
    }
    if bytes > MOST_ARRAY_BYTES {
        report.push(Finding::error(
            name,
            "length",
            format!("{} entries of {} bytes", header.entry_count, header.entry_size),
            format!("at most {MOST_ARRAY_BYTES} bytes, more are not looked at"),
        ));
        return Ok(None);
    }
    let last = header.entries_lba.saturating_add(header.array_sectors(disk)).saturating_sub(1);
    if header.entries_lba == 0 || last > disk.last() {
        report.push(Finding::error(
            name,
            "place",
            format!("sectors {} to {last}", header.entries_lba),
            format!("sectors of the disk, which ends with {}", disk.last()),
        ));
        return Ok(None);
    }
    let (mut crc, mut entries, mut number) = (Crc32::new(), Vec::new(), 0);
    let entry_size = u64::from(header.entry_size);
    let chunk = (CHUNK / entry_size).max(1) * entry_size;
    let start = header.entries_lba * disk.sector_size().bytes();
    let mut done = 0;
    while done < bytes {
        // At most the 4 MiB of an array.
        let length = usize::try_from((bytes - done).min(chunk)).unwrap_or(0);
        let mut buffer = vec![0; length];
        disk.read(name, start + done, &mut buffer)?;
        crc.add(&buffer);
        for slot in buffer.chunks_exact(usize::try_from(entry_size).unwrap_or(length)) {
            number += 1;
            if let Some(entry) = Entry::parse(slot) {
                entries.push((number, entry));
            }
        }
        done += length as u64;
    }
    let crc_is_right = crc.value() == header.entries_crc;
    if !crc_is_right {
        report.push(
            Finding::error(
                copy.header(),
                "CRC of the entries",
                hex(header.entries_crc),
                format!("{}, which the {name} have", hex(crc.value())),
            )
            .hint("do not trust these entries; sgdisk can rebuild them from the other copy"),
        );
    }
    Ok(Some(Array { entries, crc_is_right }))
}
