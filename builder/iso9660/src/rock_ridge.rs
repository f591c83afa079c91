//! System use entries: SUSP 1.12 and RRIP 1.12.
//!
//! An entry is two letters, its length in one byte, its version, which is 1, and what is its own. No entry passes 255
//! bytes, so long names and targets become several.

use crate::Metadata;
use crate::number::both32;
use crate::time::Moment;

/// Most bytes of an entry.
const ENTRY_MAX: usize = 255;
/// Bytes of a `CE` entry; SUSP 1.12, section 5.1.
pub(crate) const CONTINUATION: usize = 28;
/// Bytes of a name in one entry: 4 of header and 1 of flags go.
const NAME_MAX: usize = ENTRY_MAX - 5;

/// RRIP 1.12, section 4.1.3: the component or the entry goes on in the next.
const CONTINUE: u8 = 1;
/// The component is `.`.
const CURRENT: u8 = 2;
/// The component is `..`.
const PARENT: u8 = 4;
/// The component is the root: the target begins with a slash.
const ROOT: u8 = 8;

/// Bits of the mode that name the type. Linux, include/uapi/linux/stat.h.
#[derive(Clone, Copy)]
pub(crate) enum FileType {
    Directory = 0o040_000,
    Regular = 0o100_000,
    Symlink = 0o120_000,
}

/// One entry.
pub(crate) type Entry = Vec<u8>;

fn entry(name: [u8; 2], rest: &[u8]) -> Entry {
    let mut entry = vec![name[0], name[1], 0, 1];
    entry.extend_from_slice(rest);
    // Every caller stays below: names and targets are cut by it, all else is short.
    entry[2] = u8::try_from(entry.len()).expect("an entry has at most 255 bytes");
    entry
}

/// `SP`, SUSP 1.12, section 5.3: that there are such entries at all. First in the first record of the root.
pub(crate) fn sharing() -> Entry {
    entry(*b"SP", &[0xBE, 0xEF, 0])
}

/// `ER`, SUSP 1.12, section 5.5: that they are those of RRIP 1.12.
pub(crate) fn extension() -> Entry {
    const ID: &[u8] = b"IEEE_1282";
    const DESCRIPTION: &[u8] = b"THE IEEE 1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS.";
    const SOURCE: &[u8] =
        b"PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE 1282 SPECIFICATION.";
    let length = |text: &[u8]| u8::try_from(text.len()).expect("below 100 characters");
    let mut rest = vec![length(ID), length(DESCRIPTION), length(SOURCE), 1];
    for text in [ID, DESCRIPTION, SOURCE] {
        rest.extend_from_slice(text);
    }
    entry(*b"ER", &rest)
}

/// `PX`, RRIP 1.12, section 4.1.1: mode, links, owner, group and a number of its own, which begins with 1.
pub(crate) fn attributes(kind: FileType, metadata: Metadata, links: u32, serial: u32) -> Entry {
    let mode = kind as u32 | u32::from(metadata.mode & 0o7777);
    let numbers = [mode, links, metadata.uid, metadata.gid, serial];
    entry(*b"PX", &numbers.map(both32).concat())
}

/// `TF`, RRIP 1.12, section 4.1.6: modification, access and change of attributes, all the same, in the short form.
pub(crate) fn times(moment: Moment) -> Entry {
    const MODIFY_ACCESS_ATTRIBUTES: u8 = 0x0E;
    let mut rest = vec![MODIFY_ACCESS_ATTRIBUTES];
    rest.extend_from_slice(&moment.short().repeat(3));
    entry(*b"TF", &rest)
}

/// `NM`, RRIP 1.12, section 4.1.4: the name.
pub(crate) fn name(name: &str) -> Vec<Entry> {
    let chunks = name.as_bytes().chunks(NAME_MAX);
    let last = chunks.len().saturating_sub(1);
    let flags = |index| if index < last { CONTINUE } else { 0 };
    chunks.enumerate().map(|(index, chunk)| entry(*b"NM", &[&[flags(index)], chunk].concat())).collect()
}

/// `SL`, RRIP 1.12, section 4.1.3: the target of a link. Of several slashes in a row, and of those at its end, none gets
/// lost: they stand beside components of no characters.
///
/// An entry ends inside of a component wherever it can. Between two components there is a slash, also between entries; but
/// libarchive forgets that one.
pub(crate) fn target(target: &[u8]) -> Vec<Entry> {
    let mut filled = Targets { entries: vec![vec![0]] };
    let relative = target.strip_prefix(b"/");
    if relative.is_some() {
        filled.push(ROOT, b"");
    }
    let relative = relative.unwrap_or(target);
    let mut components = relative.split(|&byte| byte == b'/').filter(|_| !relative.is_empty()).peekable();
    while let Some(component) = components.next() {
        match component {
            b"." => filled.push(CURRENT, b""),
            b".." => filled.push(PARENT, b""),
            _ => filled.text(component, components.peek().is_some()),
        }
    }
    let last = filled.entries.len() - 1;
    for entry in &mut filled.entries[..last] {
        entry[0] = CONTINUE;
    }
    filled.entries.iter().map(|rest| entry(*b"SL", rest)).collect()
}

/// Entries of a target without their headers: flags, then components.
struct Targets {
    entries: Vec<Vec<u8>>,
}

impl Targets {
    /// Bytes that the last entry has room for.
    fn room(&self) -> usize {
        self.entries.last().map_or(0, |entry| (ENTRY_MAX - 4).saturating_sub(entry.len()))
    }

    /// Adds a component that is not divided any more.
    fn push(&mut self, flags: u8, text: &[u8]) {
        if self.room() < text.len() + 2 {
            self.entries.push(vec![0]);
        }
        if let Some(entry) = self.entries.last_mut() {
            // What is too long for an entry was divided.
            entry.extend_from_slice(&[flags, u8::try_from(text.len()).expect("an entry has at most 255 bytes")]);
            entry.extend_from_slice(text);
        }
    }

    /// Adds a component, in several parts where it does not fit, or where no further component of more than no characters
    /// would begin behind it.
    fn text(&mut self, mut text: &[u8], more: bool) {
        const LEAST: usize = 3;
        loop {
            let room = self.room();
            let left = room.checked_sub(text.len() + 2);
            let part = match left {
                Some(left) if left < LEAST && more && text.len() > 1 => text.len() - 1,
                Some(_) => return self.push(0, text),
                None if room >= LEAST => room - 2,
                None => {
                    self.entries.push(vec![0]);
                    continue;
                }
            };
            let (first, rest) = text.split_at(part);
            self.push(CONTINUE, first);
            self.entries.push(vec![0]);
            text = rest;
        }
    }
}

/// `CE`, SUSP 1.12, section 5.1: the entries go on in `block`, at `offset`, for `length` bytes.
pub(crate) fn continuation(block: u32, offset: u32, length: u32) -> Entry {
    entry(*b"CE", &[block, offset, length].map(both32).concat())
}

#[cfg(test)]
mod tests {
    use super::{CONTINUATION, continuation, extension, name, target};

    #[test]
    fn entries_stay_below_256_bytes_and_lose_nothing() {
        assert_eq!(continuation(1, 2, 3).len(), CONTINUATION);
        assert!(extension().len() < 256);
        for length in [1, 250, 251, 255] {
            let entries = name(&"n".repeat(length));
            assert_eq!(entries.iter().map(|entry| entry.len() - 5).sum::<usize>(), length);
            assert_eq!(entries.len(), length.div_ceil(250));
        }
        for (text, components) in [
            ("/", &b"\x08\0"[..]),
            ("a/b", b"\0\x01a\0\x01b"),
            ("/../.", b"\x08\0\x04\0\x02\0"),
            ("a//b/", b"\0\x01a\0\0\0\x01b\0\0"),
        ] {
            let entries = target(text.as_bytes());
            assert_eq!(entries.len(), 1);
            assert_eq!(&entries[0][5..], components, "{text}");
        }
        let long = target(&[b'x'; 1000]);
        assert_eq!(long.iter().map(|entry| entry[4]).collect::<Vec<_>>(), [1, 1, 1, 1, 0]);
        assert_eq!(long.iter().map(|entry| entry.len() - 7).sum::<usize>(), 1000);
    }

    #[test]
    fn targets_of_all_lengths_come_back() {
        for length in 2..40 {
            let text = vec!["c".repeat(length); 4000 / (length + 1)].join("/");
            let entries = target(text.as_bytes());
            let mut read = String::new();
            for entry in &entries {
                let mut rest = &entry[5..];
                let mut slash = false;
                while let [flags, length, text @ ..] = rest {
                    // As libarchive does: no slash before the first component of an entry.
                    if slash {
                        read.push('/');
                    }
                    let (text, behind) = text.split_at(usize::from(*length));
                    read.push_str(std::str::from_utf8(text).unwrap());
                    (slash, rest) = (*flags == 0, behind);
                }
            }
            assert!(read == text, "{length}");
        }
    }
}
