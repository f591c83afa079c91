//! The headers of a file, up to the section table.

use std::fmt;
use std::ops::Range;

use crate::error::PeError;
use crate::format::{
    COFF_BYTES, DIRECTORIES_PE32, DIRECTORIES_PE32_PLUS, DIRECTORY_BYTES, DOS_BYTES, DOS_MAGIC, MAGIC_PE32,
    MAGIC_PE32_PLUS, MOST_DIRECTORIES, PE_OFFSET, PE_SIGNATURE, SECTION_BYTES, SECURITY_DIRECTORY, SYMBOL_BYTES, coff,
    optional,
};
use crate::machine::{Machine, Subsystem};

/// What the headers say, each range checked to lie in the file.
#[derive(Debug, Clone)]
pub(crate) struct Headers {
    pub(crate) machine: Machine,
    pub(crate) subsystem: Subsystem,
    /// A multiple of [`SECTION_BYTES`].
    pub(crate) section_table: Range<usize>,
    /// Where the string table should be, if there is one. Not checked.
    pub(crate) strings: Option<u64>,
    /// `SizeOfHeaders`: behind the section table.
    pub(crate) end: usize,
    /// Of the four bytes with the checksum.
    pub(crate) checksum: Range<usize>,
    /// Where there is a place for it.
    pub(crate) security: Option<Security>,
}

/// The directory of the certificate table.
#[derive(Debug, Clone)]
pub(crate) struct Security {
    /// Its eight bytes in the optional header.
    pub(crate) entry: Range<usize>,
    /// The table; empty where there is none.
    pub(crate) table: Range<usize>,
}

impl Headers {
    pub(crate) fn read(file: &[u8]) -> Result<Self, PeError> {
        if !file.starts_with(DOS_MAGIC) {
            return Err(PeError::NotPe { found: file.iter().take(DOS_MAGIC.len()).copied().collect() });
        }
        range(file, "the DOS header", 0, DOS_BYTES)?;
        let pe = u64::from(u32::from_le_bytes(field(file, "the offset of the PE header", PE_OFFSET)?));
        if pe < DOS_BYTES {
            return Err(PeError::Overlap {
                first: "the DOS header".into(),
                first_end: DOS_BYTES,
                second: "the PE header".into(),
                second_start: pe,
            });
        }
        let signature: [u8; 4] = field(file, "the PE header", pe)?;
        if signature != *PE_SIGNATURE {
            return Err(PeError::Signature { offset: pe, found: signature.to_vec() });
        }
        let coff_start = pe + PE_SIGNATURE.len() as u64;
        range(file, "the COFF header", coff_start, COFF_BYTES)?;
        let coff = |at| coff_start + at;
        let machine = u16::from_le_bytes(field(file, "the machine", coff(coff::MACHINE))?);
        let sections = u16::from_le_bytes(field(file, "the number of sections", coff(coff::SECTIONS))?);
        let symbol_table = u32::from_le_bytes(field(file, "the symbol table's place", coff(coff::SYMBOL_TABLE))?);
        let symbols = u32::from_le_bytes(field(file, "the number of symbols", coff(coff::SYMBOLS))?);
        let optional_bytes = u64::from(u16::from_le_bytes(field(file, "a length", coff(coff::OPTIONAL_BYTES))?));

        let optional_start = coff_start + COFF_BYTES;
        let optional = Optional::read(file, optional_start, optional_bytes)?;
        let section_bytes = u64::from(sections) * SECTION_BYTES as u64;
        let section_table = range(file, "the section table", optional_start + optional_bytes, section_bytes)?;
        let end = range(file, "the headers' part", 0, optional.headers_end)?.end;
        if end < section_table.end {
            return Err(PeError::HeadersEnd { end: end as u64, table_end: section_table.end as u64 });
        }
        let strings = u64::from(symbol_table) + u64::from(symbols) * SYMBOL_BYTES;
        Ok(Self {
            machine: machine.into(),
            subsystem: optional.subsystem,
            section_table,
            strings: (symbol_table != 0).then_some(strings),
            end,
            checksum: optional.checksum,
            security: optional.security,
        })
    }
}

/// What is read of the optional header.
struct Optional {
    subsystem: Subsystem,
    headers_end: u64,
    checksum: Range<usize>,
    security: Option<Security>,
}

impl Optional {
    fn read(file: &[u8], start: u64, bytes: u64) -> Result<Self, PeError> {
        range(file, "the optional header", start, bytes)?;
        let magic = u16::from_le_bytes(field(file, "the optional header", start + optional::MAGIC)?);
        let directories_start = match magic {
            MAGIC_PE32 => DIRECTORIES_PE32,
            MAGIC_PE32_PLUS => DIRECTORIES_PE32_PLUS,
            found => return Err(PeError::Magic { found }),
        };
        if bytes < directories_start {
            return Err(PeError::OptionalHeader { bytes, directories: 0, needed: directories_start });
        }
        let directories = u32::from_le_bytes(field(file, "a number", start + directories_start - 4)?);
        if directories > MOST_DIRECTORIES {
            return Err(PeError::Directories { directories, limit: MOST_DIRECTORIES });
        }
        let needed = directories_start + u64::from(directories) * DIRECTORY_BYTES;
        if bytes != needed {
            return Err(PeError::OptionalHeader { bytes, directories, needed });
        }
        let security = if directories > SECURITY_DIRECTORY {
            let entry = start + directories_start + u64::from(SECURITY_DIRECTORY) * DIRECTORY_BYTES;
            Some(Security::read(file, entry)?)
        } else {
            None
        };
        Ok(Self {
            subsystem: u16::from_le_bytes(field(file, "the subsystem", start + optional::SUBSYSTEM)?).into(),
            headers_end: u32::from_le_bytes(field(file, "a length", start + optional::HEADERS_END)?).into(),
            checksum: range(file, "the checksum", start + optional::CHECKSUM, 4)?,
            security,
        })
    }
}

impl Security {
    fn read(file: &[u8], entry: u64) -> Result<Self, PeError> {
        let what = "the place of the certificate table";
        let start = u32::from_le_bytes(field(file, what, entry)?);
        let length = u32::from_le_bytes(field(file, what, entry + 4)?);
        let table = if length == 0 {
            file.len()..file.len()
        } else {
            range(file, "the certificate table", start.into(), length.into())?
        };
        if table.end != file.len() {
            return Err(PeError::CertificateTableEnd { end: table.end as u64, size: file.len() as u64 });
        }
        Ok(Self { entry: range(file, what, entry, DIRECTORY_BYTES)?, table })
    }
}

/// The `length` bytes from `start` on, if the file has them.
pub(crate) fn range(file: &[u8], what: impl fmt::Display, start: u64, length: u64) -> Result<Range<usize>, PeError> {
    let size = file.len() as u64;
    let end = start.saturating_add(length);
    match (usize::try_from(start), usize::try_from(end)) {
        (Ok(from), Ok(to)) if end <= size => Ok(from..to),
        _ => Err(PeError::Outside { what: what.to_string(), start, end, size }),
    }
}

/// The `N` bytes at `start`.
pub(crate) fn field<const N: usize>(file: &[u8], what: &str, start: u64) -> Result<[u8; N], PeError> {
    let outside =
        || PeError::Outside { what: what.into(), start, end: start.saturating_add(N as u64), size: file.len() as u64 };
    let from = usize::try_from(start).map_err(|_| outside())?;
    file.get(from..).and_then(|rest| rest.first_chunk()).copied().ok_or_else(outside)
}
