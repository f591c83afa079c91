//! Where a file lies in a finished image of anyone's: to replace what was [reserved](crate::Content::Reserved).

use std::io;

use builder_block::ReadAt;

use crate::BLOCK;
use crate::descriptor::FIRST;

/// Bytes of a block.
const BLOCK_BYTES: usize = 2048;
/// More components than a path of ours has.
const DEPTH_MAX: usize = 128;
/// More areas of entries than any file of ours has: each is a block, a target has 4095 bytes.
const AREAS_MAX: usize = 16;
/// Longest name that is put together.
const NAME_MAX: usize = 1024;
/// Where a descriptor has the record of the root; ECMA-119, section 8.4.18.
const ROOT: usize = 156;
/// Bytes of a record before the identifier.
const RECORD: usize = 33;
/// ECMA-119, section 9.1.6.
const DIRECTORY: u8 = 2;
const MORE: u8 = 0x80;

/// Where a file lies: its bytes are one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// First byte in the image.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
}

/// Why a file cannot be looked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocateError {
    /// The image cannot be read.
    #[error("cannot read the image")]
    Io(#[from] io::Error),
    /// No volume descriptor where one has to be.
    #[error("it is no ISO 9660 image: byte {at} does not begin a primary volume descriptor")]
    NoVolume {
        /// Where it was looked for.
        at: u64,
    },
    /// Something that leaves the image.
    #[error("{what} {name:?} has {length} bytes from byte {offset} on, and the image ends after {size}")]
    Outside {
        /// A directory or a file.
        what: &'static str,
        /// Its name.
        name: String,
        /// First byte.
        offset: u64,
        /// In bytes.
        length: u64,
        /// Of the image, in bytes.
        size: u64,
    },
    /// A record that cannot be.
    #[error("the directory record at byte {at} is damaged: {reason}")]
    Record {
        /// Where it begins.
        at: u64,
        /// Why.
        reason: &'static str,
    },
    /// A file in several places.
    #[error("the file {name:?} lies in pieces that do not follow each other")]
    Scattered {
        /// Its name.
        name: String,
    },
}

/// Finds the file at `path`, by its names of Rock Ridge; `None` where there is none, or a directory or a link. Links are not
/// followed.
///
/// # Errors
/// [`LocateError`]: I/O; it is no image; a directory on the way or the file leaves the image; a record is damaged; the file
/// does not lie in one piece.
pub fn locate(image: &dyn ReadAt, path: &str) -> Result<Option<Located>, LocateError> {
    let at = u64::from(FIRST) * BLOCK;
    let mut descriptor = [0; BLOCK_BYTES];
    match image.read_at(at, &mut descriptor) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(LocateError::NoVolume { at }),
        result => result?,
    }
    if !descriptor.starts_with(b"\x01CD001") {
        return Err(LocateError::NoVolume { at });
    }
    let mut found = Found { place: place(&descriptor[ROOT..]), directory: true };
    if path.split('/').count() > DEPTH_MAX {
        return Ok(None);
    }
    for name in path.split('/') {
        if !found.directory {
            return Ok(None);
        }
        inside(image, "the directory above", name, found.place)?;
        match search(image, found.place, name)? {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    if found.directory {
        return Ok(None);
    }
    inside(image, "the file", path, found.place)?;
    Ok(Some(found.place))
}

struct Found {
    place: Located,
    directory: bool,
}

fn number(bytes: &[u8]) -> u64 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[..4]);
    u64::from(u32::from_le_bytes(number))
}

/// Where the file of a record lies. Both numbers have 32 bits: nothing overflows.
fn place(record: &[u8]) -> Located {
    Located { offset: number(&record[2..]) * BLOCK, length: number(&record[10..]) }
}

fn inside(image: &dyn ReadAt, what: &'static str, name: &str, place: Located) -> Result<(), LocateError> {
    let (Located { offset, length }, size) = (place, image.size().bytes());
    // Directories are read in whole blocks.
    let end = length.checked_next_multiple_of(BLOCK).and_then(|length| length.checked_add(offset));
    if end.is_none_or(|end| end > size) {
        return Err(LocateError::Outside { what, name: name.to_owned(), offset, length, size });
    }
    Ok(())
}

/// Looks for `name` in a directory, which lies inside the image.
fn search(image: &dyn ReadAt, directory: Located, name: &str) -> Result<Option<Found>, LocateError> {
    let mut block = [0; BLOCK_BYTES];
    // A file whose next piece is in the next record.
    let mut open: Option<Located> = None;
    for index in 0..directory.length.div_ceil(BLOCK) {
        let start = directory.offset + index * BLOCK;
        image.read_at(start, &mut block)?;
        let mut rest = &block[..];
        while let [length @ 1..=u8::MAX, ..] = *rest {
            let at = start + (BLOCK_BYTES - rest.len()) as u64;
            let damaged = |reason| LocateError::Record { at, reason };
            let (record, behind) = rest.split_at_checked(usize::from(length)).ok_or(damaged("it leaves its block"))?;
            rest = behind;
            if record.len() <= RECORD {
                return Err(damaged("it is shorter than a record"));
            }
            let (flags, piece) = (record[25], place(record));
            let file = match open.take() {
                Some(first) if first.offset.checked_add(first.length) == Some(piece.offset) => {
                    Located { length: first.length.saturating_add(piece.length), ..first }
                }
                Some(_) => return Err(LocateError::Scattered { name: name.to_owned() }),
                None => {
                    let identifier = usize::from(record[32]);
                    // An identifier of even length has a byte behind it.
                    let Some(entries) = record.get((RECORD + identifier).next_multiple_of(2)..) else {
                        // Two identifiers of one byte have no room for entries: those of itself and of the one above.
                        if record.len() < RECORD + identifier {
                            return Err(damaged("its identifier is longer than the record"));
                        }
                        continue;
                    };
                    match described(image, entries).map_err(|error| error.unwrap_or_else(|| damaged(ENTRIES)))? {
                        Described { name: found, link: false } if found == name.as_bytes() => piece,
                        _ => continue,
                    }
                }
            };
            if flags & MORE == 0 {
                return Ok(Some(Found { place: file, directory: flags & DIRECTORY != 0 }));
            }
            open = Some(file);
        }
    }
    Ok(None)
}

const ENTRIES: &str = "its system use entries are";

/// What Rock Ridge says of a file.
#[derive(Default)]
struct Described {
    name: Vec<u8>,
    link: bool,
}

/// Reads system use entries, and where they go on. The error without a value is "damaged".
fn described(image: &dyn ReadAt, entries: &[u8]) -> Result<Described, Option<LocateError>> {
    const CONTINUATION: usize = 28;
    let mut described = Described::default();
    let mut area = entries.to_vec();
    for _ in 0..AREAS_MAX {
        let mut next = None;
        let mut rest = &area[..];
        while let [first, second, length, _, ..] = *rest {
            // A byte that makes a length even, or the end of the entries.
            if first == 0 || (first, second) == (b'S', b'T') {
                break;
            }
            let (entry, behind) = rest.split_at_checked(usize::from(length)).ok_or(None)?;
            rest = behind;
            match (first, second) {
                (b'N', b'M') => described.name.extend_from_slice(entry.get(5..).ok_or(None)?),
                (b'S', b'L') => described.link = true,
                (b'C', b'E') if entry.len() == CONTINUATION => next = Some(entry.to_vec()),
                // No progress without a header.
                _ if entry.len() < 4 => return Err(None),
                _ => {}
            }
            if described.name.len() > NAME_MAX {
                return Err(None);
            }
        }
        let Some(entry) = next else { return Ok(described) };
        let (offset, length) = (number(&entry[12..]), number(&entry[20..]));
        if offset + length > BLOCK {
            return Err(None);
        }
        // At most a block.
        area = vec![0; usize::try_from(length).map_err(|_| None)?];
        let start = number(&entry[4..]) * BLOCK + offset;
        match image.read_at(start, &mut area) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(None),
            result => result.map_err(|error| Some(error.into()))?,
        }
    }
    Err(None)
}
