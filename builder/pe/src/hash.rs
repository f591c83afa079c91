//! The digest of a program that its signatures are made for.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::pe::PeFile;
use crate::{HashAlgorithm, Sha256Digest};

/// A program without signatures counts with zeros up to a multiple of this many bytes.
const ALIGNMENT: usize = 8;
static ZEROS: [u8; ALIGNMENT] = [0; ALIGNMENT];

pub(crate) fn digest(pe: &PeFile<'_>, algorithm: HashAlgorithm) -> Vec<u8> {
    let (ranges, zeros) = hashed(pe);
    algorithm.of(pieces(pe, &ranges, zeros))
}

pub(crate) fn sha256(pe: &PeFile<'_>) -> Sha256Digest {
    let (ranges, zeros) = hashed(pe);
    let mut digest = Sha256::new();
    for piece in pieces(pe, &ranges, zeros) {
        digest.update(piece);
    }
    Sha256Digest(digest.finalize().into())
}

fn pieces<'p>(pe: &'p PeFile<'_>, ranges: &'p [Range<usize>], zeros: usize) -> impl Iterator<Item = &'p [u8]> {
    // Parsing checked the ranges; an unsuited one would change the digest, which nobody trusts then.
    let bytes = ranges.iter().map(|range| pe.file.get(range.clone()).unwrap_or_default());
    bytes.chain([ZEROS.get(..zeros).unwrap_or_default()])
}

/// The ranges that count, in their order, and how many zeros follow them.
///
/// As in EDK II, DxeImageVerificationLib, `HashPeImage`, and in shim, pe.c, `generate_hash`: what follows the sections
/// begins where they would end without gaps between them, so what is in a gap counts in part or not at all.
fn hashed(pe: &PeFile<'_>) -> (Vec<Range<usize>>, usize) {
    let headers = &pe.headers;
    let mut ranges = Vec::with_capacity(pe.sections.len() + 4);
    ranges.push(0..headers.checksum.start);
    let mut certificates = 0;
    match &headers.security {
        Some(security) => {
            ranges.push(headers.checksum.end..security.entry.start);
            ranges.push(security.entry.end..headers.end);
            certificates = security.table.len();
        }
        None => ranges.push(headers.checksum.end..headers.end),
    }
    let mut by_place: Vec<_> = pe.sections.iter().filter(|section| !section.raw.is_empty()).collect();
    by_place.sort_by_key(|section| section.raw_offset);
    let mut counted = headers.end;
    for section in by_place {
        // A section that does not lie in the file was refused.
        let start = usize::try_from(section.raw_offset).unwrap_or(usize::MAX);
        ranges.push(start..start.saturating_add(section.raw.len()));
        counted = counted.saturating_add(section.raw.len());
    }
    ranges.push(counted..pe.file.len() - certificates);
    let zeros = if certificates == 0 { pe.file.len().next_multiple_of(ALIGNMENT) - pe.file.len() } else { 0 };
    (ranges, zeros)
}
