//! The unit in which a disk is read, compressed and written to its formats.

use std::io;

use crate::{DiskSource, Region};

/// Length of a piece in bytes, but for the last of a disk. A multiple of every cluster and grain.
pub const PIECE: u64 = 4 << 20;

/// Runs of data begin and end at multiples of this, but for the end of the disk: the unit in which hosts keep holes.
const PAGE: u64 = 4096;

/// The bytes of a disk from one multiple of [`PIECE`] to the next.
///
/// Pieces do not depend on each other, so formats may encode several at a time; what comes of them is put together in
/// the order of the disk, and so does not depend on how many there were at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    offset: u64,
    length: usize,
    /// Empty where all is zero, else `length` bytes.
    bytes: Vec<u8>,
    data: Vec<Region>,
}

impl Piece {
    /// Reads the piece that begins at `offset`, a multiple of [`PIECE`] before the end of `source`.
    ///
    /// # Errors
    /// Those of the source.
    pub fn read(source: &(impl DiskSource + ?Sized), offset: u64) -> io::Result<Self> {
        Self::read_into(source, offset, Vec::new())
    }

    /// [`Piece::read`] into the memory of `buffer`, whatever is in it.
    ///
    /// # Errors
    /// Those of the source.
    pub fn read_into(source: &(impl DiskSource + ?Sized), offset: u64, buffer: Vec<u8>) -> io::Result<Self> {
        let size = source.size().bytes();
        let end = size.min(offset.saturating_add(PIECE));
        // At most 4 MiB, which fits every usize.
        let length = usize::try_from(end.saturating_sub(offset)).unwrap_or(0);
        let mut piece = Self { offset, length, bytes: buffer, data: Vec::new() };
        let runs = Self::runs(source, offset)?;
        if runs.is_empty() {
            piece.bytes.clear();
            return Ok(piece);
        }
        piece.bytes.resize(length, 0);
        let mut at = offset;
        for (start, stop) in runs {
            piece.bytes[within(at, offset)..within(start, offset)].fill(0);
            source.read_at(start, &mut piece.bytes[within(start, offset)..within(stop, offset)])?;
            piece.data.push(Region { start, end: stop });
            at = stop;
        }
        piece.bytes[within(at, offset)..].fill(0);
        Ok(piece)
    }

    /// Its memory, for another piece.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// First byte and end of each run of data of the piece that begins at `offset`, without reading it.
    ///
    /// # Errors
    /// Those of the source.
    pub fn runs(source: &(impl DiskSource + ?Sized), offset: u64) -> io::Result<Vec<(u64, u64)>> {
        let end = source.size().bytes().min(offset.saturating_add(PIECE));
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut at = offset;
        while at < end {
            let Some(found) = source.data_behind(at)?.filter(|found| found.start < end) else { break };
            let start = found.start.max(at) / PAGE * PAGE;
            let stop = found.end.min(end).checked_next_multiple_of(PAGE).map_or(end, |stop| stop.min(end));
            match runs.last_mut() {
                // The page that the last run ended in, or the one behind it.
                Some(last) if last.1 >= start => last.1 = stop.max(last.1),
                _ => runs.push((start, stop)),
            }
            // A source that does not advance would keep its reader busy for ever.
            at = stop.max(at + 1);
        }
        Ok(runs)
    }

    /// Where it begins on the disk, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Its length in bytes.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// Whether it is known to hold nothing but zeros.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All its bytes, zeros included; `None` where there are only zeros.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        (!self.is_hole()).then_some(&self.bytes)
    }

    /// Its runs of data in ascending order, with their bytes; offsets are those of the disk.
    pub fn data(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.data
            .iter()
            .map(|run| (run.start, &self.bytes[within(run.start, self.offset)..within(run.end, self.offset)]))
    }
}

/// The runs of data of a whole disk, as its pieces have them; adjacent ones are one.
///
/// # Errors
/// Those of the source.
pub fn runs(source: &(impl DiskSource + ?Sized)) -> io::Result<Vec<Region>> {
    let mut runs: Vec<Region> = Vec::new();
    let (size, mut at) = (source.size().bytes(), 0);
    while at < size {
        let Some(found) = source.data_behind(at)?.filter(|found| found.start < size) else { break };
        let piece = found.start.max(at) / PIECE * PIECE;
        for (start, end) in Piece::runs(source, piece)? {
            match runs.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => runs.push(Region { start, end }),
            }
        }
        at = piece.saturating_add(PIECE);
    }
    Ok(runs)
}

/// Whether all of `bytes` are zero.
#[must_use]
pub fn is_zero(bytes: &[u8]) -> bool {
    // Without a branch inside of a stretch, so that many bytes are looked at in one instruction.
    bytes.chunks(256).all(|stretch| stretch.iter().fold(0, |seen, byte| seen | byte) == 0)
}

/// Where `at` lies in a piece that begins at `offset`.
fn within(at: u64, offset: u64) -> usize {
    // At most the length of a piece.
    usize::try_from(at - offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{PIECE, Piece};
    use crate::{ByteSize, Recorded, WriteAt};

    #[test]
    fn runs_are_whole_pages_and_the_rest_is_zero() {
        let size = PIECE + 10_000;
        let mut device = Recorded::new(ByteSize::new(size), tempfile::tempfile().unwrap());
        // Two runs in one page, one over the border of the pieces, one that ends the disk.
        for (offset, length) in [(5_000, 10), (6_000, 10), (9_000, 100), (PIECE - 5_000, 6_000), (size - 3, 3)] {
            device.write_at(offset, &vec![7; length]).unwrap();
        }
        let pieces = [Piece::read(&device, 0).unwrap(), Piece::read(&device, PIECE).unwrap()];
        let runs: Vec<(u64, usize)> =
            pieces.iter().flat_map(Piece::data).map(|(offset, bytes)| (offset, bytes.len())).collect();
        assert_eq!(runs, [(4096, 8192), (PIECE - 8192, 8192), (PIECE, 4096), (PIECE + 8192, 10_000 - 8192)]);
        let bytes = pieces[0].bytes().unwrap();
        assert_eq!(bytes.iter().filter(|&&byte| byte == 7).count(), 120 + 5_000);
        assert_eq!(pieces[1].length(), 10_000);
        let empty = Recorded::new(ByteSize::new(10), tempfile::tempfile().unwrap());
        let hole = Piece::read(&empty, 0).unwrap();
        assert!(hole.is_hole() && hole.length() == 10 && hole.data().next().is_none());
    }
}
