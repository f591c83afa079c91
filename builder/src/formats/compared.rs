//! A file that is compared with what would be written to it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use builder_block::Sink;

/// The first bytes of a file that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// Where in the file, in bytes.
    pub(crate) offset: u64,
    /// What should be there; at most [`SHOWN`] bytes, fewer where the file should have ended.
    pub(crate) expected: Vec<u8>,
    /// What is there; fewer bytes where the file ends.
    pub(crate) found: Vec<u8>,
}

/// How many bytes of a difference are kept.
const SHOWN: usize = 8;

/// Bytes that are compared at a time.
const CHUNK: usize = 1 << 18;

/// A file that is read where it would be written.
pub(crate) struct Compared {
    file: File,
    length: u64,
    /// Parts that nothing has been written to so far; they must be zeros in the end.
    gaps: Vec<Range<u64>>,
    reached: u64,
    first: Option<Mismatch>,
}

impl Compared {
    /// Compares with `file`.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length, gaps: Vec::new(), reached: 0, first: None })
    }

    /// Whether a difference was found so far.
    pub(crate) fn has_difference(&self) -> bool {
        self.first.is_some()
    }

    /// The difference that comes first in the file.
    pub(crate) fn first(self) -> Option<Mismatch> {
        self.first
    }

    fn compare(&mut self, offset: u64, expected: &[u8]) -> io::Result<()> {
        // What lies behind a difference that is known already is of no interest.
        if self.first.as_ref().is_some_and(|first| first.offset <= offset) {
            return Ok(());
        }
        let mut buffer = vec![0; expected.len().min(CHUNK)];
        for (number, part) in (0_u64..).zip(expected.chunks(CHUNK)) {
            let at = offset + number * CHUNK as u64;
            let there = read_up_to(&self.file, at, &mut buffer[..part.len()])?;
            let same = part.iter().zip(&buffer[..there]).take_while(|(one, other)| one == other).count();
            if same < part.len() {
                let expected = part[same..].iter().take(SHOWN).copied().collect();
                let found = buffer[same.min(there)..there].iter().take(SHOWN).copied().collect();
                self.differs(Mismatch { offset: at + same as u64, expected, found });
                break;
            }
        }
        Ok(())
    }

    fn differs(&mut self, mismatch: Mismatch) {
        if self.first.as_ref().is_none_or(|first| mismatch.offset < first.offset) {
            self.first = Some(mismatch);
        }
    }

    /// Takes what is written now out of the gaps.
    fn fill(&mut self, start: u64, end: u64) {
        if start >= self.reached {
            if start > self.reached {
                self.gaps.push(self.reached..start);
            }
        } else {
            // Rare: formats go back for a header and the like.
            let gaps = std::mem::take(&mut self.gaps);
            for gap in gaps {
                for part in [gap.start..gap.end.min(start), gap.start.max(end)..gap.end] {
                    if part.start < part.end {
                        self.gaps.push(part);
                    }
                }
            }
        }
        self.reached = self.reached.max(end);
    }
}

fn read_up_to(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match FileExt::read_at(file, &mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(length) => done += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

impl Sink for Compared {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.fill(offset, offset + bytes.len() as u64);
        self.compare(offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        // What is not there is a difference that is known by now.
        let there = read_up_to(&self.file, offset, buffer)?;
        buffer[there..].fill(0);
        Ok(())
    }

    fn end_at(&mut self, length: u64) -> io::Result<()> {
        self.fill(length, length);
        let zeros = vec![0; CHUNK];
        for gap in std::mem::take(&mut self.gaps) {
            let mut at = gap.start;
            while at < gap.end {
                let now = usize::try_from(gap.end - at).map_or(CHUNK, |left| left.min(CHUNK));
                self.compare(at, &zeros[..now])?;
                at += now as u64;
            }
        }
        if self.length > length {
            let mut found = [0; SHOWN];
            let there = read_up_to(&self.file, length, &mut found)?;
            self.differs(Mismatch { offset: length, expected: Vec::new(), found: found[..there].to_vec() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use builder_block::Sink as _;

    use super::{Compared, Mismatch};

    /// Compares a file of `there` with header and body written as containers do.
    fn compared(there: &[u8]) -> Option<Mismatch> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(there).unwrap();
        let mut compared = Compared::new(file).unwrap();
        compared.write_at(10, b"body").unwrap();
        compared.write_at(20, b"tail").unwrap();
        compared.write_at(0, b"head").unwrap();
        compared.end_at(30).unwrap();
        compared.first()
    }

    #[test]
    fn the_first_difference_is_found_wherever_it_is() {
        let good = b"head\0\0\0\0\0\0body\0\0\0\0\0\0tail\0\0\0\0\0\0";
        assert_eq!(compared(good), None);
        for offset in 0..good.len() {
            let mut bad = good.to_vec();
            bad[offset] ^= 1;
            assert_eq!(compared(&bad).unwrap().offset, offset as u64);
            // Of two, the first counts.
            bad[29] ^= 2;
            assert_eq!(compared(&bad).unwrap().offset, offset as u64);
        }
        let mismatch = |offset, expected: &[u8], found: &[u8]| {
            Some(Mismatch { offset, expected: expected.to_vec(), found: found.to_vec() })
        };
        assert_eq!(compared(&good[..29]), mismatch(29, &[0], &[]));
        assert_eq!(compared(&good[..12]), mismatch(12, b"dy", &[]));
        assert_eq!(compared(&[&good[..], b"more"].concat()), mismatch(30, &[], b"more"));
    }
}
