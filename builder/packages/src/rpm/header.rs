//! The header of an rpm: values by tag.
//!
//! ```text
//!  entries (u32)  bytes of data (u32)  entry …  data
//!                                      tag, type, offset into the data, count: u32 each
//! ```
//!
//! All numbers are big-endian. In the database a header has no magic before it.
//!
//! Source: rpm, docs/manual/format_header.md, lib/header.c, include/rpm/rpmtag.h. The region tags (61 to 63) say how much
//! of the header came signed; what rpm added when it installed the package stands behind that and wins over an entry of
//! the same tag.

use std::fmt;

use crate::package::text;

/// Most entries; rpm's own limit.
const MOST_ENTRIES: u64 = 0xffff;
/// Longest string that is taken out, in bytes. The descriptions and scripts that are longer are not asked for.
const LONGEST_STRING: usize = 64 << 10;
/// Bytes before the entries.
const INTRO_SIZE: usize = 8;
/// Bytes of an entry.
const ENTRY_SIZE: usize = 16;

/// `RPM_INT32_TYPE`.
const INT32: u32 = 4;
/// `RPM_INT64_TYPE`.
const INT64: u32 = 5;
/// `RPM_STRING_TYPE`.
const STRING: u32 = 6;
/// `RPM_STRING_ARRAY_TYPE`.
const STRING_ARRAY: u32 = 8;
/// `RPM_I18NSTRING_TYPE`: one string for each language, that of the C locale first.
const I18N_STRING: u32 = 9;

/// What a value is (`rpmTag_e`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    number: u32,
    name: &'static str,
}

impl Tag {
    pub(super) const NAME: Self = Self { number: 1000, name: "NAME" };
    pub(super) const VERSION: Self = Self { number: 1001, name: "VERSION" };
    pub(super) const RELEASE: Self = Self { number: 1002, name: "RELEASE" };
    pub(super) const EPOCH: Self = Self { number: 1003, name: "EPOCH" };
    /// In bytes.
    pub(super) const SIZE: Self = Self { number: 1009, name: "SIZE" };
    pub(super) const VENDOR: Self = Self { number: 1011, name: "VENDOR" };
    pub(super) const LICENSE: Self = Self { number: 1014, name: "LICENSE" };
    pub(super) const URL: Self = Self { number: 1020, name: "URL" };
    pub(super) const ARCH: Self = Self { number: 1022, name: "ARCH" };
    pub(super) const SOURCERPM: Self = Self { number: 1044, name: "SOURCERPM" };
    /// In bytes.
    pub(super) const LONGSIZE: Self = Self { number: 5009, name: "LONGSIZE" };
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.number)
    }
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// It ends before its entries or data do.
    #[error("its header has {length} bytes, and its {entries} entries and {data} bytes of data need {needed}")]
    Short {
        /// Length in bytes.
        length: usize,
        /// Entries that it claims.
        entries: u32,
        /// Bytes of data that it claims.
        data: u32,
        /// How many bytes that is.
        needed: u64,
    },
    /// More entries than rpm takes.
    #[error("its header has {entries} entries, at most {MOST_ENTRIES} are possible")]
    Entries {
        /// How many.
        entries: u32,
    },
    /// Not even a beginning.
    #[error("its header has {length} bytes, fewer than the {INTRO_SIZE} that it begins with")]
    NoIntro {
        /// Length in bytes.
        length: usize,
    },
    /// A value of another type.
    #[error("the value of {tag} is of type {found} with {count} values")]
    Type {
        /// Which value.
        tag: Tag,
        /// Its type (`rpmTagType_e`).
        found: u32,
        /// Its count.
        count: u32,
    },
    /// A value that is not in the data.
    #[error("the value of {tag} begins at byte {offset} of {data} bytes of data, and does not end in them")]
    Outside {
        /// Which value.
        tag: Tag,
        /// Where it begins.
        offset: u32,
        /// Bytes of data.
        data: usize,
    },
    /// A very long string.
    #[error("the value of {tag} has {length} bytes, at most {LONGEST_STRING} are read")]
    Long {
        /// Which value.
        tag: Tag,
        /// Its length.
        length: usize,
    },
    /// A package without what every package has.
    #[error("it has no {tag}")]
    NoTag {
        /// What is missing.
        tag: Tag,
    },
}

/// A header whose entries and data are there; what they say is checked when it is asked for.
#[derive(Debug)]
pub(super) struct Header<'a> {
    entries: &'a [u8],
    data: &'a [u8],
}

struct Entry {
    kind: u32,
    offset: u32,
    count: u32,
}

impl<'a> Header<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, HeaderError> {
        let length = bytes.len();
        let (Some(entries), Some(data)) = (word(bytes, 0), word(bytes, 4)) else {
            return Err(HeaderError::NoIntro { length });
        };
        if u64::from(entries) > MOST_ENTRIES {
            return Err(HeaderError::Entries { entries });
        }
        let entries_end = INTRO_SIZE as u64 + u64::from(entries) * ENTRY_SIZE as u64;
        let needed = entries_end + u64::from(data);
        let short = HeaderError::Short { length, entries, data, needed };
        let (Ok(entries_end), Ok(end)) = (usize::try_from(entries_end), usize::try_from(needed)) else {
            return Err(short);
        };
        match (bytes.get(INTRO_SIZE..entries_end), bytes.get(entries_end..end)) {
            (Some(entries), Some(data)) => Ok(Self { entries, data }),
            _ => Err(short),
        }
    }

    /// The last entry of that tag.
    fn find(&self, tag: Tag) -> Option<Entry> {
        let mut entries = self.entries.chunks_exact(ENTRY_SIZE).rev();
        let entry = entries.find(|entry| word(entry, 0) == Some(tag.number))?;
        Some(Entry { kind: word(entry, 4)?, offset: word(entry, 8)?, count: word(entry, 12)? })
    }

    /// What stands in the data from `entry` on.
    fn behind(&self, tag: Tag, entry: &Entry) -> Result<&'a [u8], HeaderError> {
        let start = usize::try_from(entry.offset).ok();
        start.and_then(|start| self.data.get(start..)).ok_or_else(|| self.outside(tag, entry))
    }

    fn outside(&self, tag: Tag, entry: &Entry) -> HeaderError {
        HeaderError::Outside { tag, offset: entry.offset, data: self.data.len() }
    }

    /// The string of that tag, of several the first; `None` where there is none or it is empty.
    pub(super) fn string(&self, tag: Tag) -> Result<Option<String>, HeaderError> {
        let Some(entry) = self.find(tag) else { return Ok(None) };
        if !matches!(entry.kind, STRING | STRING_ARRAY | I18N_STRING) || entry.count == 0 {
            return Err(HeaderError::Type { tag, found: entry.kind, count: entry.count });
        }
        let behind = self.behind(tag, &entry)?;
        let length = behind.iter().position(|&byte| byte == 0).ok_or_else(|| self.outside(tag, &entry))?;
        if length > LONGEST_STRING {
            return Err(HeaderError::Long { tag, length });
        }
        Ok(text(&behind[..length]))
    }

    /// The number of that tag, of several the first.
    pub(super) fn number(&self, tag: Tag) -> Result<Option<u64>, HeaderError> {
        let Some(entry) = self.find(tag) else { return Ok(None) };
        if !matches!(entry.kind, INT32 | INT64) || entry.count == 0 {
            return Err(HeaderError::Type { tag, found: entry.kind, count: entry.count });
        }
        let behind = self.behind(tag, &entry)?;
        let value = if entry.kind == INT32 {
            word(behind, 0).map(u64::from)
        } else {
            behind.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
        };
        value.map(Some).ok_or_else(|| self.outside(tag, &entry))
    }
}

/// The big-endian number at byte `offset`.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::{Header, HeaderError, INT32, INT64, STRING, Tag};

    fn header(entries: &[(u32, u32, u32, u32)], data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for word in [entries.len(), data.len()] {
            bytes.extend(u32::try_from(word).unwrap().to_be_bytes());
        }
        for &(tag, kind, offset, count) in entries {
            bytes.extend([tag, kind, offset, count].into_iter().flat_map(u32::to_be_bytes));
        }
        bytes.extend(data);
        bytes
    }

    #[test]
    fn what_rpm_added_later_wins() {
        let bytes = header(
            &[(1000, STRING, 0, 1), (1003, INT32, 2, 1), (1000, STRING, 6, 1), (5009, INT64, 8, 1)],
            b"a\0\0\0\0\x07b\0\x01\0\0\0\0\0\0\0",
        );
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.string(Tag::NAME), Ok(Some("b".to_owned())));
        assert_eq!(header.number(Tag::EPOCH), Ok(Some(7)));
        assert_eq!(header.number(Tag::LONGSIZE), Ok(Some(1 << 56)));
        assert_eq!((header.number(Tag::SIZE), header.string(Tag::URL)), (Ok(None), Ok(None)));
    }

    #[test]
    fn hostile_headers_are_refused() {
        for length in 0..8 {
            assert_eq!(Header::parse(&vec![0; length]).unwrap_err(), HeaderError::NoIntro { length });
        }
        for (entries, data) in [(1, 0), (0, 1), (0xffff, u32::MAX), (3, u32::MAX)] {
            let mut bytes = header(&[], b"");
            bytes[..4].copy_from_slice(&u32::to_be_bytes(entries));
            bytes[4..].copy_from_slice(&u32::to_be_bytes(data));
            assert!(matches!(Header::parse(&bytes), Err(HeaderError::Short { .. })), "{entries} {data}");
        }
        assert!(matches!(Header::parse(&[0xff; 8]), Err(HeaderError::Entries { .. })));

        let long = [b"x".repeat(70_000), vec![0]].concat();
        let name = Tag::NAME;
        for (entry, data, expected) in [
            ((1000, INT32, 0, 1), &b"\0\0\0\0"[..], HeaderError::Type { tag: name, found: INT32, count: 1 }),
            ((1000, STRING, 0, 0), b"\0", HeaderError::Type { tag: name, found: STRING, count: 0 }),
            ((1000, STRING, 0, 1), b"abc", HeaderError::Outside { tag: name, offset: 0, data: 3 }),
            ((1000, STRING, 1, 1), b"", HeaderError::Outside { tag: name, offset: 1, data: 0 }),
            ((1000, STRING, u32::MAX, 1), b"a\0", HeaderError::Outside { tag: name, offset: u32::MAX, data: 2 }),
            ((1000, STRING, 0, 1), &long, HeaderError::Long { tag: name, length: 70_000 }),
        ] {
            let bytes = header(&[entry], data);
            assert_eq!(Header::parse(&bytes).unwrap().string(name), Err(expected));
        }
        for (entry, data) in
            [((1003, INT32, 0, 1), &b"abc"[..]), ((1003, INT64, 0, 1), b"abcdefg"), ((1003, 7, 0, 1), b"")]
        {
            assert!(Header::parse(&header(&[entry], data)).unwrap().number(Tag::EPOCH).is_err());
        }
    }
}
