//! Sparse files: GNU tar manual, "Storing Sparse Files"; old GNU headers and PAX versions 0.0, 0.1 and 1.0.

use tar_core::GnuSparseHeader;

use crate::feed::{Feed, Halt};
use crate::pax::{self, Pax};
use crate::problem::EntryProblem;
use crate::tarblock::{self, BLOCK, TarHeader};

/// Pieces of one file: memory is bounded, real files have thousands at most.
const PIECE_LIMIT: usize = 1 << 17;
/// Descriptors in an extension block, and where its flag for another block lies.
const EXTENSION_PIECES: usize = 21;
const EXTENSION_FLAG: usize = 504;
/// Digits of a number in the map of version 1.0.
const DIGIT_LIMIT: usize = 20;

/// Where a sparse file has data; the rest are holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SparseMap {
    /// Length of the file in bytes, holes included.
    pub(crate) size: u64,
    /// Offset and length in bytes, ascending, without overlap.
    pub(crate) pieces: Vec<(u64, u64)>,
}

impl SparseMap {
    /// Checks a map against the length of the file's body in the archive.
    fn checked(self, body: u64) -> Result<Self, EntryProblem> {
        let (mut end, mut data) = (0_u64, 0_u64);
        for &(offset, length) in &self.pieces {
            if offset < end {
                return Err(EntryProblem::Sparse("has pieces out of order"));
            }
            end = offset.checked_add(length).ok_or(EntryProblem::Sparse("ends beyond any file"))?;
            // Pieces do not overlap, so their sum stays below their end.
            data += length;
        }
        if end > self.size {
            return Err(EntryProblem::Sparse("goes beyond the end of the file"));
        }
        if data != body {
            return Err(EntryProblem::Sparse("does not add up to the data that is stored"));
        }
        Ok(self)
    }

    /// Bytes that are in holes.
    pub(crate) fn holes(&self) -> u64 {
        self.size - self.pieces.iter().map(|(_, length)| length).sum::<u64>()
    }

    fn push(&mut self, offset: u64, length: u64) -> Result<(), EntryProblem> {
        if self.pieces.len() == PIECE_LIMIT {
            return Err(EntryProblem::Sparse("has more than 131,072 pieces"));
        }
        self.pieces.push((offset, length));
        Ok(())
    }

    fn push_descriptor(&mut self, descriptor: &GnuSparseHeader) -> Result<(), EntryProblem> {
        // An unused one.
        if descriptor.numbytes[0] == 0 {
            return Ok(());
        }
        let offset = tarblock::unsigned("offset of a sparse piece", &descriptor.offset)?;
        let length = tarblock::unsigned("length of a sparse piece", &descriptor.numbytes)?;
        self.push(offset, length)
    }
}

/// The map of an old GNU sparse entry (type flag `S`): in its header and the extension blocks behind it.
pub(crate) fn old_gnu(feed: &mut Feed<'_>, header: &TarHeader<'_>, body: u64) -> Result<SparseMap, Halt> {
    let gnu = header.gnu().ok_or(EntryProblem::Sparse("is in a header that is not GNU's"))?;
    let size = tarblock::unsigned("size of the sparse file", &gnu.realsize)?;
    let mut map = SparseMap { size, pieces: Vec::new() };
    for descriptor in &gnu.sparse {
        map.push_descriptor(descriptor)?;
    }
    let mut more = gnu.isextended[0] != 0;
    while more {
        let block = feed.block()?.ok_or(EntryProblem::CutOff { missing: BLOCK })?;
        for piece in block.chunks_exact(24).take(EXTENSION_PIECES) {
            let (mut offset, mut numbytes) = ([0; 12], [0; 12]);
            offset.copy_from_slice(&piece[..12]);
            numbytes.copy_from_slice(&piece[12..]);
            map.push_descriptor(&GnuSparseHeader { offset, numbytes })?;
        }
        more = block[EXTENSION_FLAG] != 0;
    }
    Ok(map.checked(body)?)
}

/// A sparse file in a PAX archive.
pub(crate) struct PaxSparse {
    pub(crate) map: SparseMap,
    /// Bytes of data that follow: version 1.0 keeps the map ahead of them.
    pub(crate) body: u64,
    pub(crate) name: Option<Vec<u8>>,
}

/// The map that the PAX records of an entry hold or announce; `None` where the file is not sparse.
pub(crate) fn of_pax(feed: &mut Feed<'_>, pax: &Pax, body: u64) -> Result<Option<PaxSparse>, Halt> {
    if pax.sparse.is_empty() {
        return Ok(None);
    }
    let field = |wanted: &[u8]| pax.sparse.iter().rev().find(|(key, _)| key == wanted).map(|(_, value)| &value[..]);
    let size = field(b"realsize").or_else(|| field(b"size"));
    let size = size.map(|value| pax::decimal("size of the sparse file", value)).transpose()?;
    let name = field(b"name").map(<[u8]>::to_vec);
    let version = (field(b"major").unwrap_or(b"0"), field(b"minor").unwrap_or(b"0"));
    let size = size.ok_or(EntryProblem::Sparse("has no size of the whole file"))?;
    let mut map = SparseMap { size, pieces: Vec::new() };
    let mut left = body;
    match version {
        (b"1", b"0") => left = map_1_0(feed, &mut map, body)?,
        (b"0", b"0" | b"1") => map_0(pax, &mut map)?,
        _ => return Err(EntryProblem::Sparse("has a version that is not known").into()),
    }
    Ok(Some(PaxSparse { map: map.checked(left)?, body: left, name }))
}

/// Versions 0.0 (a pair of records for each piece) and 0.1 (one record with all numbers).
fn map_0(pax: &Pax, map: &mut SparseMap) -> Result<(), EntryProblem> {
    let mut numbers = Vec::new();
    for (key, value) in &pax.sparse {
        let value: &[u8] = value;
        match &key[..] {
            b"offset" if numbers.len() % 2 == 0 => numbers.push(value),
            b"numbytes" if numbers.len() % 2 == 1 => numbers.push(value),
            b"offset" | b"numbytes" => return Err(EntryProblem::Sparse("has an offset without a length")),
            b"map" => numbers = value.split(|&byte| byte == b',').filter(|number| !number.is_empty()).collect(),
            _ => {}
        }
    }
    let (pairs, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(EntryProblem::Sparse("has an offset without a length"));
    }
    for [offset, length] in pairs {
        map.push(decimal(offset)?, decimal(length)?)?;
    }
    Ok(())
}

/// Version 1.0: the map stands at the beginning of the body, one number a line, filled up to a block.
/// Gives the bytes of the body that are left.
fn map_1_0(feed: &mut Feed<'_>, map: &mut SparseMap, body: u64) -> Result<u64, Halt> {
    let mut left = body;
    let mut numbers = Vec::new();
    let mut digits = Vec::new();
    // One number says how many pieces follow; each has two more.
    let mut wanted = 1;
    while numbers.len() < wanted {
        left = left.checked_sub(BLOCK).ok_or(EntryProblem::Sparse("is longer than the entry"))?;
        let block = feed.block()?.ok_or(EntryProblem::CutOff { missing: BLOCK })?;
        for &byte in &block {
            if numbers.len() == wanted {
                break;
            }
            if byte != b'\n' {
                digits.push(byte);
                if digits.len() > DIGIT_LIMIT {
                    return Err(EntryProblem::Sparse("has a number that is too long").into());
                }
                continue;
            }
            let number = decimal(&digits)?;
            digits.clear();
            if numbers.is_empty() {
                let pieces = usize::try_from(number).ok().filter(|&pieces| pieces <= PIECE_LIMIT);
                wanted = 1 + 2 * pieces.ok_or(EntryProblem::Sparse("has more than 131,072 pieces"))?;
            }
            numbers.push(number);
        }
    }
    for pair in numbers[1..].chunks_exact(2) {
        map.push(pair[0], pair[1])?;
    }
    Ok(left)
}

fn decimal(digits: &[u8]) -> Result<u64, EntryProblem> {
    pax::decimal("number in the sparse map", digits)
}

#[cfg(test)]
mod tests {
    use super::SparseMap;

    #[test]
    fn maps_must_fit_file_and_body() {
        let map = |size, pieces: &[(u64, u64)]| SparseMap { size, pieces: pieces.to_vec() };
        for (map, body, good) in [
            (map(0, &[]), 0, true),
            (map(100, &[]), 0, true),
            (map(100, &[(0, 10), (50, 50), (100, 0)]), 60, true),
            (map(100, &[(0, 10)]), 11, false),
            (map(100, &[(10, 10), (0, 10)]), 20, false),
            (map(100, &[(0, 10), (9, 10)]), 20, false),
            (map(100, &[(91, 10)]), 10, false),
            (map(100, &[(u64::MAX, 2)]), 2, false),
        ] {
            let text = format!("{map:?}");
            assert_eq!(map.checked(body).is_ok(), good, "{text}");
        }
        assert_eq!(map(100, &[(0, 10), (50, 50)]).holes(), 40);
    }
}
