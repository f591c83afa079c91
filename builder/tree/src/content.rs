//! File bodies: how long they are and where their bytes lie.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::{SharedFile, StoredBody};

/// The body of a regular file. Cloning it copies no byte.
#[derive(Clone, Debug)]
pub struct Content {
    size: u64,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    Inline(Arc<[u8]>),
    Stored(Arc<StoredBody>),
    /// Its beginning, and nothing else was kept.
    Beginning(Arc<(Box<[u8]>, Wanted)>),
    /// Nothing was kept.
    Absent(Wanted),
}

/// Notes that somebody wanted bytes of a body that were not kept. All clones are one.
#[derive(Clone, Debug, Default)]
pub struct Wanted(Arc<AtomicBool>);

impl Wanted {
    /// Nobody did.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether somebody did.
    #[must_use]
    pub fn is_noted(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn note(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// What a body's digest was computed over: `SHA-256(prefix ‖ body)`, and the SHA-256 of the prefix alone.
///
/// The prefix lets a format that hashes a header before the body have its digest from the one pass in which the
/// bytes came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    /// SHA-256 of the prefix.
    pub prefix: [u8; 32],
    /// SHA-256 of prefix and body.
    pub digest: [u8; 32],
}

/// A range of a body that holds data; between two ranges all bytes are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataRange {
    /// First byte, counted in the body; a multiple of [`crate::BLOCK`].
    pub offset: u64,
    /// Length in bytes.
    pub length: u64,
}

/// Where the bytes of a [`DataRange`] lie.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In the store's file, from this byte on; up to the next multiple of [`crate::BLOCK`] behind the range the file
    /// reads as zeros, so whole blocks may be copied.
    File {
        /// The file.
        file: &'a SharedFile,
        /// Offset in it in bytes, a multiple of [`crate::BLOCK`].
        offset: u64,
    },
}

impl Content {
    /// A body held in memory: for the small files that are made, not read.
    #[must_use]
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        Self { size: bytes.len() as u64, body: Body::Inline(bytes) }
    }

    /// The empty body.
    #[must_use]
    pub fn empty() -> Self {
        Self::bytes(Vec::new())
    }

    /// A body of `size` bytes of which at most its `beginning` was kept. Who reads on gets an error, and `wanted` notes it.
    #[must_use]
    pub fn beginning(size: u64, beginning: &[u8], wanted: Wanted) -> Self {
        let body = if beginning.len() as u64 >= size {
            Body::Inline(beginning.into())
        } else if beginning.is_empty() {
            Body::Absent(wanted)
        } else {
            Body::Beginning(Arc::new((beginning.into(), wanted)))
        };
        Self { size, body }
    }

    pub(crate) fn stored(size: u64, body: Arc<StoredBody>) -> Self {
        Self { size, body: Body::Stored(body) }
    }

    /// Length in bytes, holes included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.size == 0
    }

    /// The digest from the pass in which the body was stored; `None` for bodies in memory.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        match &self.body {
            Body::Stored(stored) => Some(&stored.fingerprint),
            Body::Inline(_) | Body::Beginning(_) | Body::Absent(_) => None,
        }
    }

    /// Where the body begins in the store: bodies written to the disk in this order are read in one sweep.
    #[must_use]
    pub fn store_position(&self) -> Option<u64> {
        match &self.body {
            Body::Stored(stored) => Some(stored.position),
            Body::Inline(_) | Body::Beginning(_) | Body::Absent(_) => None,
        }
    }

    /// The ranges that hold data, in order, with where their bytes lie. Ranges begin at multiples of
    /// [`crate::BLOCK`] and, but for the last, end at them. Of a body that was not kept there are none.
    pub fn data(&self) -> impl Iterator<Item = (DataRange, Source<'_>)> {
        let (inline, stored) = match &self.body {
            Body::Inline(bytes) => (Some(bytes), None),
            Body::Stored(stored) => (None, Some(stored)),
            Body::Beginning(kept) => {
                kept.1.note();
                (None, None)
            }
            Body::Absent(wanted) => {
                wanted.note();
                (None, None)
            }
        };
        let inline = inline
            .filter(|bytes| !bytes.is_empty())
            .map(|bytes| (DataRange { offset: 0, length: self.size }, Source::Bytes(bytes)));
        let stored = stored.into_iter().flat_map(|stored| {
            stored.segments.iter().map(|segment| {
                (
                    DataRange { offset: segment.offset, length: segment.length },
                    Source::File { file: &stored.file, offset: segment.position },
                )
            })
        });
        inline.into_iter().chain(stored)
    }

    /// Fills `buffer` from byte `offset` on; holes read as zeros.
    ///
    /// # Errors
    /// I/O of the store; `UnexpectedEof` past the end; the bytes were not kept.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|&end| end <= self.size);
        let Some(end) = end else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let in_memory = |bytes: &[u8], buffer: &mut [u8]| {
            // Both ends are within what is in memory.
            let start = usize::try_from(offset).map_err(io::Error::other)?;
            buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
            Ok(())
        };
        let wanted = match &self.body {
            Body::Inline(bytes) => return in_memory(bytes, buffer),
            Body::Stored(stored) => return stored.read(offset, end, buffer),
            Body::Beginning(kept) if end <= kept.0.len() as u64 => return in_memory(&kept.0, buffer),
            Body::Beginning(kept) => &kept.1,
            Body::Absent(_) if buffer.is_empty() => return Ok(()),
            Body::Absent(wanted) => wanted,
        };
        wanted.note();
        Err(io::Error::other("only the beginning of the body was kept"))
    }

    /// Reads the body from its start.
    #[must_use]
    pub fn reader(&self) -> ContentReader<'_> {
        ContentReader { content: self, offset: 0 }
    }

    /// The whole body, for files that ought to be small.
    ///
    /// # Errors
    /// I/O of the store; `FileTooLarge` above `limit` bytes.
    pub fn read_to_vec(&self, limit: u64) -> io::Result<Vec<u8>> {
        if self.size > limit {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it has {} bytes, more than the {limit} that are read here", self.size),
            ));
        }
        let mut bytes = vec![0; usize::try_from(self.size).map_err(io::Error::other)?];
        self.read_at(0, &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads a [`Content`] from start to end.
#[derive(Debug)]
pub struct ContentReader<'a> {
    content: &'a Content,
    offset: u64,
}

impl Read for ContentReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.content.size - self.offset;
        let now = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        self.content.read_at(self.offset, &mut buffer[..now])?;
        self.offset += now as u64;
        Ok(now)
    }
}
