//! The write-ahead log: pages that are newer than those of the database file.
//!
//! Rpm keeps its database in this mode and empties the log when it ends; a log with something in it is what an rpm
//! leaves that was killed, or one that ended while another ran.
//!
//! Source: "Database File Format" of SQLite, section 4; "WAL-mode File Format".

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read as _};

use builder_tree::Content;

use super::SqliteError;

/// What a log begins with, but for the last bit, which tells the byte order of the checksums: 1 for big-endian.
const MAGIC: u32 = 0x377f_0682;
/// The only version.
const VERSION: u32 = 3_007_000;
/// Bytes of the log's header.
const HEADER_SIZE: usize = 32;
/// Bytes before the page of each frame.
const FRAME_HEADER_SIZE: usize = 24;

/// A log with at least one transaction that was finished.
#[derive(Debug)]
pub(super) struct Wal<'a> {
    body: &'a Content,
    /// By page: where its newest body begins in the log.
    newest: BTreeMap<u32, u64>,
    /// Size of the database in pages after the last transaction.
    pages: u32,
}

impl<'a> Wal<'a> {
    /// Reads the log of a database with pages of `page_size` bytes, up to the last transaction that was finished;
    /// `None` where there is none. As in SQLite, the first frame that does not belong to the others ends the log.
    pub(super) fn open(body: &'a Content, page_size: usize) -> Result<Option<Self>, SqliteError> {
        let mut reader = BufReader::with_capacity(1 << 20, body.reader());
        let unread = |_| SqliteError::Wal { problem: "cannot be read" };
        let mut header = [0; HEADER_SIZE];
        if body.size() < HEADER_SIZE as u64 {
            return Ok(None);
        }
        reader.read_exact(&mut header).map_err(unread)?;
        let magic = word(&header, 0);
        let mut sum = Checksum { order: if magic & 1 == 1 { Order::Big } else { Order::Little }, sums: [0; 2] };
        sum.add(&header[..24]);
        if magic & !1 != MAGIC || sum.sums != [word(&header, 24), word(&header, 28)] {
            return Ok(None);
        }
        if word(&header, 4) != VERSION {
            return Err(SqliteError::Wal { problem: "is of another version than 3007000" });
        }
        if usize::try_from(word(&header, 8)) != Ok(page_size) {
            return Err(SqliteError::Wal { problem: "has pages of another size than the database" });
        }

        let (mut newest, mut unfinished, mut pages) = (BTreeMap::new(), Vec::new(), 0);
        let mut frame = vec![0; FRAME_HEADER_SIZE + page_size];
        let frames = (body.size() - HEADER_SIZE as u64) / frame.len() as u64;
        for index in 0..frames {
            reader.read_exact(&mut frame).map_err(unread)?;
            let (page, pages_after) = (word(&frame, 0), word(&frame, 4));
            sum.add(&frame[..8]);
            sum.add(&frame[FRAME_HEADER_SIZE..]);
            // The two salts of the header show that the frame is not left over from an earlier log.
            if page == 0 || frame[8..16] != header[16..24] || sum.sums != [word(&frame, 16), word(&frame, 20)] {
                break;
            }
            let start = HEADER_SIZE as u64 + index * frame.len() as u64 + FRAME_HEADER_SIZE as u64;
            unfinished.push((page, start));
            if pages_after != 0 {
                newest.extend(unfinished.drain(..));
                pages = pages_after;
            }
        }
        Ok((pages != 0).then_some(Self { body, newest, pages }))
    }

    /// Size of the database in pages.
    pub(super) fn pages(&self) -> u32 {
        self.pages
    }

    /// Pages that are in the log.
    pub(super) fn frames(&self) -> u64 {
        self.newest.len() as u64
    }

    /// Fills `buffer` with page `page`, where the log has it.
    pub(super) fn read(&self, page: u32, buffer: &mut [u8]) -> Option<io::Result<()>> {
        self.newest.get(&page).map(|&offset| self.body.read_at(offset, buffer))
    }
}

#[derive(Clone, Copy)]
enum Order {
    Big,
    Little,
}

/// The checksum over all of the log so far.
struct Checksum {
    order: Order,
    sums: [u32; 2],
}

impl Checksum {
    /// Adds `bytes`, a multiple of 8.
    fn add(&mut self, bytes: &[u8]) {
        let [mut one, mut two] = self.sums;
        let (pairs, _) = bytes.as_chunks::<8>();
        for &[a, b, c, d, e, f, g, h] in pairs {
            let (first, second) = match self.order {
                Order::Big => (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])),
                Order::Little => (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h])),
            };
            one = one.wrapping_add(first).wrapping_add(two);
            two = two.wrapping_add(second).wrapping_add(one);
        }
        self.sums = [one, two];
    }
}

/// The big-endian number at byte `offset` of a header, which is inside it.
fn word(bytes: &[u8], offset: usize) -> u32 {
    u32::from_be_bytes([bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]])
}
