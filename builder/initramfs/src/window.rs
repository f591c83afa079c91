//! A reader with a buffer, a count and a limit.

use std::io::{self, BufRead, Read};

/// Bytes of the buffer; what the kernel and zstd use for theirs.
const BUFFER_BYTES: usize = 128 << 10;

/// Why reading stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The reader failed.
    Failed(io::Error),
    /// There are more bytes than the limit allows.
    Limit,
}

/// A reader with a buffer to look ahead, that counts what was taken and stops at a limit.
pub(crate) struct Window<R> {
    reader: R,
    buffer: Box<[u8]>,
    /// The bytes that were read and not yet taken, in `buffer`.
    start: usize,
    end: usize,
    /// How many bytes were taken.
    offset: u64,
    /// How many may be.
    limit: u64,
    ended: bool,
    /// Why the reader stopped under a decoder, which sees only that it did.
    stop: Option<Stop>,
}

impl<R: Read> Window<R> {
    pub(crate) fn new(reader: R, limit: u64) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self { reader, buffer, start: 0, end: 0, offset: 0, limit, ended: false, stop: None }
    }

    /// How many bytes were taken.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Sets how many bytes may be taken, from the very first on.
    pub(crate) fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// Why the reader stopped, if it did while it was used through [`BufRead`].
    pub(crate) fn take_stop(&mut self) -> Option<Stop> {
        self.stop.take()
    }

    /// Keeps why the reader stopped, for [`take_stop`](Self::take_stop).
    pub(crate) fn set_stop(&mut self, stop: Stop) {
        self.stop = Some(stop);
    }

    /// The bytes ahead: at least `wanted`, or all there are.
    pub(crate) fn ahead(&mut self, wanted: usize) -> Result<&[u8], Stop> {
        if self.end - self.start < wanted {
            self.fill(wanted)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn fill(&mut self, wanted: usize) -> Result<(), Stop> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < wanted.min(self.buffer.len()) && !self.ended {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Failed(error)),
            }
            let read = u64::try_from(self.end).unwrap_or(u64::MAX);
            if self.offset.saturating_add(read) > self.limit {
                return Err(Stop::Limit);
            }
        }
        Ok(())
    }

    /// Takes `count` bytes that were seen with [`ahead`](Self::ahead).
    pub(crate) fn advance(&mut self, count: usize) {
        let count = count.min(self.end - self.start);
        self.start += count;
        // The count is that of bytes in the buffer, and the limit keeps their sum far below 2^64.
        self.offset = self.offset.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Takes up to `count` bytes and shows them to `see` piece by piece. Returns how many there were.
    pub(crate) fn pass(&mut self, count: u64, mut see: impl FnMut(&[u8])) -> Result<u64, Stop> {
        let mut left = count;
        while left > 0 {
            let ahead = self.ahead(1)?;
            let piece = usize::try_from(left).map_or(ahead.len(), |left| left.min(ahead.len()));
            if piece == 0 {
                break;
            }
            see(&ahead[..piece]);
            self.advance(piece);
            left -= u64::try_from(piece).unwrap_or(left);
        }
        Ok(count - left)
    }

    /// Takes all zero bytes that come next.
    pub(crate) fn pass_zeros(&mut self) -> Result<(), Stop> {
        loop {
            let ahead = self.ahead(1)?;
            let zeros = ahead.iter().position(|&byte| byte != 0);
            let all = ahead.len();
            self.advance(zeros.unwrap_or(all));
            if zeros.is_some() || all == 0 {
                return Ok(());
            }
        }
    }
}

/// For decoders: they take exactly what belongs to them.
impl<R: Read> BufRead for Window<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end
            && let Err(stop) = self.fill(1)
        {
            self.stop = Some(stop);
            return Err(io::Error::other("the compressed bytes cannot be read"));
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.advance(count);
    }
}

impl<R: Read> Read for Window<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let ahead = self.fill_buf()?;
        let count = ahead.len().min(out.len());
        out[..count].copy_from_slice(&ahead[..count]);
        self.advance(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = out.len().min(1);
            self.0.read(&mut out[..count])
        }
    }

    #[test]
    fn looking_ahead_takes_nothing() {
        let mut window = Window::new(Slow(b"0123456789"), 10);
        assert_eq!(window.ahead(4).unwrap(), b"0123");
        assert_eq!(window.offset(), 0);
        window.advance(3);
        assert_eq!(window.ahead(100).unwrap(), b"3456789");
        assert_eq!(window.offset(), 3);
    }

    #[test]
    fn zeros_end_where_something_else_begins() {
        let mut bytes = vec![0; 3 * BUFFER_BYTES + 5];
        bytes.push(7);
        let mut window = Window::new(&bytes[..], u64::MAX);
        window.pass_zeros().unwrap();
        assert_eq!(window.offset(), 3 * 131_072 + 5);
        assert_eq!(window.ahead(1).unwrap(), [7]);
    }

    #[test]
    fn the_limit_stops_an_endless_reader() {
        let mut window = Window::new(io::repeat(0), 1 << 20);
        assert!(matches!(window.pass_zeros(), Err(Stop::Limit)));
        let mut window = Window::new(&b"1234"[..], 4);
        assert_eq!(window.pass(9, |_| ()).unwrap(), 4);
    }
}
