//! Tables of an SQLite database, read without SQL.
//!
//! ```text
//!  page 1  header, sqlite_schema ─► root page of a table
//!          root ─ interior pages ─ leaf pages ─ cells: row number, record ─► overflow pages
//! ```
//!
//! Why not SQLite: opening a file with it runs what its author put into the schema, and what is read here comes from
//! images of anyone. Why not in memory: an rpm database of a desktop has 200 MiB; here no more than one record and one
//! page of each level of the tree is held.
//!
//! A page belongs to one place of the tree. So a walk that comes by more pages than the file has is refused, and with
//! it every circle and every page that two parents share, before it costs more time than a file of that size may. So is
//! a page whose rows lie over each other.
//!
//! Source: "Database File Format" of SQLite (fileformat2), sections 1.3, 1.6, 2.1, 2.6.

mod record;
mod wal;

use std::io;

use builder_tree::Content;

use record::take_varint;
pub(crate) use record::{Value, column};
use wal::Wal;

/// What a database begins with.
const MAGIC: [u8; 16] = *b"SQLite format 3\0";
/// Bytes of the header, which stands before the tree in page 1.
const HEADER_SIZE: usize = 100;
/// Most levels of a tree (`BTCURSOR_MAX_DEPTH`).
const MOST_LEVELS: usize = 20;
/// Longest record in bytes: the limit of an rpm header.
const LONGEST_RECORD: u64 = 256 << 20;
/// Type of a page of a table that leads to others.
const INTERIOR: u8 = 0x05;
/// Type of a page of a table that has rows.
const LEAF: u8 = 0x0d;

/// What is wrong with a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteError {
    /// The body of the file.
    #[error("page {page} cannot be read")]
    Read {
        /// The number of the page, from 1 on.
        page: u32,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// Another kind of file.
    #[error("it does not begin with the header of an SQLite 3 database")]
    NotADatabase,
    /// A number in the header.
    #[error("its header says {value} for {field}, possible is {possible}")]
    Header {
        /// Which number.
        field: &'static str,
        /// What it says.
        value: u64,
        /// What it may say.
        possible: &'static str,
    },
    /// A page of another kind.
    #[error("page {page} is of type {kind:#04x}, and those of tables are 0x05 and 0x0d")]
    PageType {
        /// Its number.
        page: u32,
        /// Its type.
        kind: u8,
    },
    /// Something that is not inside its page.
    #[error("page {page}: {what} would end at byte {end} of {size}")]
    Outside {
        /// The page.
        page: u32,
        /// What is not inside.
        what: &'static str,
        /// Where it would end.
        end: usize,
        /// Bytes of the page that are in use.
        size: usize,
    },
    /// A link to no page.
    #[error("page {page} is asked for, and there are 1 to {pages}")]
    NoPage {
        /// The page.
        page: u32,
        /// How many there are.
        pages: u32,
    },
    /// A circle, or a page with two parents.
    #[error("its table leads over more pages than the {pages} there are, so one is in it twice")]
    Circle {
        /// How many there are.
        pages: u64,
    },
    /// Rows that share bytes.
    #[error("page {page} has rows that take more than its {size} bytes, so some lie over others")]
    Overlap {
        /// The page.
        page: u32,
        /// Bytes of the page that are in use.
        size: usize,
    },
    /// A tree too high.
    #[error("its table has more than {MOST_LEVELS} levels")]
    Levels,
    /// A record longer than the file or than rpm's headers.
    #[error("page {page} has a record of {length} bytes, at most {limit} are possible")]
    RecordLength {
        /// The page.
        page: u32,
        /// What it claims.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// A damaged record.
    #[error("a record {problem}")]
    Record {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A missing table.
    #[error("it has no table {name}")]
    NoTable {
        /// Its name.
        name: &'static str,
    },
    /// The file of changes beside it.
    #[error("its write-ahead log (-wal) {problem}")]
    Wal {
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// What [`Database::rows`] calls with number and record of each row.
pub(crate) type Visit<'v, E> = dyn FnMut(i64, &[u8]) -> Result<(), E> + 'v;

/// A database file with the changes beside it.
#[derive(Debug)]
pub(crate) struct Database<'a> {
    body: &'a Content,
    wal: Option<Wal<'a>>,
    /// Bytes of a page.
    page_size: usize,
    /// Bytes of a page that are in use, from its start: 480 to `page_size`.
    usable: usize,
    /// Pages are numbered from 1 to this.
    pages: u32,
    /// Pages that are really there, in the file or in the log.
    present: u64,
}

impl<'a> Database<'a> {
    /// Reads the headers of the database and of `wal`, its write-ahead log.
    pub(crate) fn open(body: &'a Content, wal: Option<&'a Content>) -> Result<Self, SqliteError> {
        let mut header = [0; HEADER_SIZE];
        if body.size() < HEADER_SIZE as u64 {
            return Err(SqliteError::NotADatabase);
        }
        body.read_at(0, &mut header).map_err(|source| SqliteError::Read { page: 1, source })?;
        if !header.starts_with(&MAGIC) {
            return Err(SqliteError::NotADatabase);
        }
        // All ranges below are inside the 100 bytes.
        let word = |offset: usize| u32::from_be_bytes(header[offset..offset + 4].try_into().expect("four bytes"));
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size if size.is_power_of_two() && size >= 512 => usize::from(size),
            size => {
                let possible = "a power of two from 512 to 32,768, or 1 for 65,536";
                return Err(SqliteError::Header { field: "the size of a page", value: size.into(), possible });
            }
        };
        if header[19] > 2 {
            let possible = "1 (rollback journal) or 2 (write-ahead log)";
            return Err(SqliteError::Header { field: "the version to read", value: header[19].into(), possible });
        }
        let usable = page_size - usize::from(header[20]);
        if usable < 480 {
            let possible = "what leaves 480 bytes of a page";
            return Err(SqliteError::Header { field: "the bytes kept free", value: header[20].into(), possible });
        }
        let wal = match wal {
            Some(wal) => Wal::open(wal, page_size)?,
            None => None,
        };
        let in_file = body.size() / page_size as u64;
        let pages = match &wal {
            Some(wal) => u64::from(wal.pages()),
            // Versions before 3.7.0 did not keep the count, nor the second of the numbers that tell whether it holds.
            None if word(24) == word(92) && word(28) != 0 => u64::from(word(28)).min(in_file),
            None => in_file,
        };
        let present = in_file + wal.as_ref().map_or(0, Wal::frames);
        // Page numbers have 32 bits, so what is behind them cannot be reached.
        let pages = u32::try_from(pages).unwrap_or(u32::MAX);
        Ok(Self { body, wal, page_size, usable, pages, present })
    }

    /// The root page of the table `name`.
    pub(crate) fn table(&self, name: &'static str) -> Result<u32, SqliteError> {
        let mut root = None;
        // type, name, tbl_name, rootpage, sql
        self.rows(1, &|error| error, &mut |_, record| -> Result<(), SqliteError> {
            let is = |index, text: &str| Ok::<_, SqliteError>(column(record, index)? == Value::Text(text.as_bytes()));
            if root.is_none() && is(0, "table")? && is(1, name)? {
                root = match column(record, 3)? {
                    Value::Int(page) => u32::try_from(page).ok(),
                    _ => None,
                };
            }
            Ok(())
        })?;
        root.ok_or(SqliteError::NoTable { name })
    }

    /// Calls `visit` with number and record of each row of the table at page `root`, in the order of the numbers.
    ///
    /// # Errors
    /// What `visit` fails with, and what is wrong with the tree, made one by `damaged`.
    pub(crate) fn rows<E>(
        &self,
        root: u32,
        damaged: &dyn Fn(SqliteError) -> E,
        visit: &mut Visit<'_, E>,
    ) -> Result<(), E> {
        let mut walk = Walk { database: self, left: self.present };
        let mut levels = vec![walk.page(root).map_err(damaged)?];
        while let Some(page) = levels.last_mut() {
            let Some(cell) = page.next_cell() else {
                levels.pop();
                continue;
            };
            if page.kind == INTERIOR {
                let child = page.child(cell).map_err(damaged)?;
                if levels.len() == MOST_LEVELS {
                    return Err(damaged(SqliteError::Levels));
                }
                levels.push(walk.page(child).map_err(damaged)?);
            } else {
                let (number, record) = walk.row(page, cell).map_err(damaged)?;
                visit(number, &record)?;
            }
        }
        Ok(())
    }

    fn read(&self, page: u32) -> Result<Vec<u8>, SqliteError> {
        if page == 0 || page > self.pages {
            return Err(SqliteError::NoPage { page, pages: self.pages });
        }
        let mut bytes = vec![0; self.page_size];
        let read = match &self.wal {
            Some(wal) => wal.read(page, &mut bytes),
            None => None,
        };
        read.unwrap_or_else(|| {
            let offset = u64::from(page - 1) * self.page_size as u64;
            self.body.read_at(offset, &mut bytes)
        })
        .map_err(|source| SqliteError::Read { page, source })?;
        bytes.truncate(self.usable);
        Ok(bytes)
    }
}

/// A walk over one tree.
struct Walk<'d> {
    database: &'d Database<'d>,
    /// Pages that it may still read.
    left: u64,
}

impl Walk<'_> {
    fn read(&mut self, page: u32) -> Result<Vec<u8>, SqliteError> {
        self.left = self.left.checked_sub(1).ok_or(SqliteError::Circle { pages: self.database.present })?;
        self.database.read(page)
    }

    /// Page `number` of a tree.
    fn page(&mut self, number: u32) -> Result<Page, SqliteError> {
        let bytes = self.read(number)?;
        let head = if number == 1 { HEADER_SIZE } else { 0 };
        // A page has at least 480 bytes, and its head ends before byte 112.
        let kind = bytes[head];
        let cells = head
            + match kind {
                INTERIOR => 12,
                LEAF => 8,
                _ => return Err(SqliteError::PageType { page: number, kind }),
            };
        let count = usize::from(u16::from_be_bytes([bytes[head + 3], bytes[head + 4]]));
        let end = cells + 2 * count;
        if end > bytes.len() {
            return Err(SqliteError::Outside { page: number, what: "the list of cells", end, size: bytes.len() });
        }
        Ok(Page { number, bytes, kind, head, cells, count, next: 0, taken: 0 })
    }

    /// The row in the cell at byte `cell` of `page`.
    fn row(&mut self, page: &mut Page, cell: usize) -> Result<(i64, Vec<u8>), SqliteError> {
        let outside = |what, end| SqliteError::Outside { page: page.number, what, end, size: page.bytes.len() };
        let mut rest = page.bytes.get(cell..).ok_or_else(|| outside("a cell", cell))?;
        let length = take_varint(&mut rest).ok_or_else(|| outside("a cell's length", page.bytes.len() + 1))?;
        let number = take_varint(&mut rest).ok_or_else(|| outside("a row's number", page.bytes.len() + 1))?;
        let limit = LONGEST_RECORD.min(self.database.present.saturating_mul(self.database.page_size as u64));
        let record_length = usize::try_from(length)
            .ok()
            .filter(|_| length <= limit)
            .ok_or(SqliteError::RecordLength { page: page.number, length, limit })?;

        let here = here(record_length, self.database.usable);
        let start = page.bytes.len() - rest.len();
        let mut record = rest.get(..here).ok_or_else(|| outside("a record", start + here))?.to_vec();
        page.taken += start - cell + here;
        if page.taken > page.bytes.len() {
            return Err(SqliteError::Overlap { page: page.number, size: page.bytes.len() });
        }
        if here < record_length {
            let link = rest[here..].first_chunk().ok_or_else(|| outside("a record's link", start + here + 4))?;
            let mut next = u32::from_be_bytes(*link);
            while record.len() < record_length {
                let bytes = self.read(next)?;
                // A page has at least 480 bytes.
                let (link, body) = bytes.split_at(4);
                let now = body.len().min(record_length - record.len());
                record.extend_from_slice(&body[..now]);
                next = u32::from_be_bytes([link[0], link[1], link[2], link[3]]);
            }
        }
        Ok((number.cast_signed(), record))
    }
}

/// How many of a record's `length` bytes stand in the leaf, where pages have `usable` bytes (section 1.6).
fn here(length: usize, usable: usize) -> usize {
    let most = usable - 35;
    if length <= most {
        return length;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let full_pages_elsewhere = least + (length - least) % (usable - 4);
    if full_pages_elsewhere <= most { full_pages_elsewhere } else { least }
}

/// A page of a tree, and which of its cells is the next.
struct Page {
    number: u32,
    bytes: Vec<u8>,
    kind: u8,
    /// Where its head begins.
    head: usize,
    /// Where the list of its cells begins; the list is inside the page.
    cells: usize,
    count: usize,
    next: usize,
    /// Bytes of the rows so far.
    taken: usize,
}

impl Page {
    /// Where the next cell begins; behind the last one of an interior page comes the link in its head.
    fn next_cell(&mut self) -> Option<usize> {
        let index = self.next;
        self.next += 1;
        if index < self.count {
            let at = self.cells + 2 * index;
            Some(usize::from(u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])))
        } else if index == self.count && self.kind == INTERIOR {
            Some(self.head + 8)
        } else {
            None
        }
    }

    /// The page that the cell at byte `cell` leads to.
    fn child(&self, cell: usize) -> Result<u32, SqliteError> {
        let link = self.bytes.get(cell..).and_then(|rest| rest.first_chunk());
        let (page, end, size) = (self.number, cell + 4, self.bytes.len());
        let outside = SqliteError::Outside { page, what: "a cell", end, size };
        link.map(|bytes| u32::from_be_bytes(*bytes)).ok_or(outside)
    }
}

#[cfg(test)]
mod tests;
