//! The sections of a file.

use crate::error::PeError;
use crate::format::{SECTION_BYTES, section};
use crate::headers::{Headers, range};

/// Most bytes of a name in the string table; the names in use have less than 20.
const MOST_NAME_BYTES: usize = 255;

/// One section. Names may occur more than once, as those of profiles in a unified kernel image do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'a> {
    /// Its name, such as `.text`; a name of more than 8 bytes is looked up in the file's string table.
    pub name: String,
    /// Where it is in memory, relative to the image.
    pub virtual_address: u32,
    /// Bytes in memory.
    pub virtual_size: u32,
    /// Where it is in the file; without meaning where `raw` is empty.
    pub raw_offset: u32,
    /// Its bytes in the file, with the padding to the file's alignment.
    pub raw: &'a [u8],
}

impl<'a> Section<'a> {
    /// The bytes without the padding: no more than it has in memory.
    #[must_use]
    pub fn content(&self) -> &'a [u8] {
        // Some old linkers left the size in memory zero; loaders then take the other.
        let bytes =
            if self.virtual_size == 0 { usize::MAX } else { usize::try_from(self.virtual_size).unwrap_or(usize::MAX) };
        self.raw.get(..bytes).unwrap_or(self.raw)
    }

    /// The content up to the first NUL as text, without white space at its end; `None` where that is not UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        let content = self.content();
        let end = content.iter().position(|&byte| byte == 0).unwrap_or(content.len());
        std::str::from_utf8(content.get(..end)?).ok().map(str::trim_end)
    }

    /// Offset in the file behind its last byte.
    pub(crate) fn raw_end(&self) -> u64 {
        u64::from(self.raw_offset) + self.raw.len() as u64
    }
}

/// Reads the section table.
pub(crate) fn read<'a>(file: &'a [u8], headers: &Headers) -> Result<Vec<Section<'a>>, PeError> {
    // The range was checked with the headers.
    let table = file.get(headers.section_table.clone()).unwrap_or_default();
    let (entries, _) = table.as_chunks::<SECTION_BYTES>();
    let mut sections = Vec::with_capacity(entries.len());
    for (number, entry) in (1..).zip(entries) {
        let name = name(file, headers, number, entry)?;
        let (raw_offset, raw_size) = (number_at(entry, section::RAW_OFFSET), number_at(entry, section::RAW_SIZE));
        let raw = if raw_size == 0 {
            &[]
        } else {
            let what = format_args!("section {number} ({name})");
            file.get(range(file, what, raw_offset.into(), raw_size.into())?).unwrap_or_default()
        };
        sections.push(Section {
            virtual_address: number_at(entry, section::VIRTUAL_ADDRESS),
            virtual_size: number_at(entry, section::VIRTUAL_SIZE),
            raw_offset,
            raw,
            name,
        });
    }
    Ok(sections)
}

fn number_at(entry: &[u8; SECTION_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]])
}

/// The name of a section. GNU's tools write `/` and an offset in the string table where it has more than 8 bytes.
fn name(file: &[u8], headers: &Headers, number: usize, entry: &[u8; SECTION_BYTES]) -> Result<String, PeError> {
    let short = until_nul(&entry[..section::NAME_BYTES]);
    let offset = short.strip_prefix(b"/").and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u32>().ok());
    let (Some(offset), Some(strings)) = (offset, headers.strings) else {
        return Ok(readable(short));
    };
    let missing = || PeError::SectionName { number, reference: readable(short), limit: MOST_NAME_BYTES };
    let start = usize::try_from(strings.saturating_add(offset.into())).map_err(|_| missing())?;
    let rest = file.get(start..).ok_or_else(missing)?;
    let rest = rest.get(..=MOST_NAME_BYTES).unwrap_or(rest);
    let name = until_nul(rest);
    // Without a NUL, or too long for one to be found.
    if name.len() == rest.len() { Err(missing()) } else { Ok(readable(name)) }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// As it is where it is ASCII that a terminal shows, else with escapes.
fn readable(name: &[u8]) -> String {
    name.escape_ascii().to_string()
}
