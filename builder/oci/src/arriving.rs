//! A layer's blob on its way: one thread reads and hashes it, another decodes what arrives.

use std::io::{self, BufRead, Read};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::digest::Hasher;
use crate::layout::{Layout, Section};
use crate::problem::LayerProblem;
use crate::{Digest, OciError};

/// Bytes of a blob that travel together.
const CHUNK: usize = 128 << 10;
/// Chunks on their way: 1 MiB.
const IN_FLIGHT: usize = 8;

/// A blob that another thread reads, to be decoded here.
#[derive(Debug)]
pub(crate) struct Arriving<'s> {
    length: u64,
    incoming: Receiver<Vec<u8>>,
    /// Where chunks go that have been decoded, to be filled again.
    used: Sender<Vec<u8>>,
    reader: ScopedJoinHandle<'s, io::Result<Digest>>,
    chunk: Vec<u8>,
    at: usize,
    passed: u64,
}

impl<'s> Arriving<'s> {
    /// Opens a layer's blob, whose size must be the given one, and begins to read it.
    pub(crate) fn begin<'e>(
        scope: &'s Scope<'s, 'e>,
        layout: &Layout,
        digest: &Digest,
        size: u64,
    ) -> Result<Self, LayerProblem> {
        let section = match layout.blob(digest) {
            Ok(Some(section)) => section,
            Ok(None) => return Err(LayerProblem::Missing),
            Err(OciError::Io { source, .. }) => return Err(LayerProblem::Read { cause: source }),
            Err(error) => return Err(LayerProblem::Read { cause: io::Error::other(error) }),
        };
        let length = section.length();
        if length != size {
            return Err(LayerProblem::Size { expected: size, found: length });
        }
        let (outgoing, incoming) = bounded(IN_FLIGHT);
        let (used, reusable) = bounded(IN_FLIGHT);
        let hasher = digest.hasher();
        let reader = Builder::new()
            .name("oci-read".into())
            .spawn_scoped(scope, move || read(section, hasher, &outgoing, &reusable))
            .map_err(|cause| LayerProblem::Read { cause })?;
        Ok(Self { length, incoming, used, reader, chunk: Vec::new(), at: 0, passed: 0 })
    }

    /// Bytes that have been taken.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Lets pass what is left, then compares the digest. `complaint` is what the decoder had to say: it only counts if
    /// the blob is sound.
    pub(crate) fn finish(mut self, digest: &Digest, complaint: Option<LayerProblem>) -> Result<(), LayerProblem> {
        self.passed += (self.chunk.len() - self.at) as u64;
        for chunk in &self.incoming {
            self.passed += chunk.len() as u64;
            // Nobody needs it where it does not fit in.
            let _ = self.used.try_send(chunk);
        }
        // A panic there is a defect, and goes on here.
        let read = self.reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let computed = read.map_err(|cause| LayerProblem::Read { cause })?;
        if self.passed != self.length {
            return Err(LayerProblem::Size { expected: self.length, found: self.passed });
        }
        if computed != *digest {
            return Err(LayerProblem::Digest { computed });
        }
        complaint.map_or(Ok(()), Err)
    }
}

/// Reads and hashes a blob until it ends, or nobody wants more.
fn read(
    mut section: Section,
    mut hasher: Hasher,
    outgoing: &Sender<Vec<u8>>,
    reusable: &Receiver<Vec<u8>>,
) -> io::Result<Digest> {
    loop {
        let mut chunk = reusable.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let length = loop {
            match section.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        chunk.truncate(length);
        hasher.update(&chunk);
        if length == 0 || outgoing.send(chunk).is_err() {
            return Ok(hasher.finish());
        }
    }
}

impl BufRead for Arriving<'_> {
    /// What has arrived; empty at the end, and where the file cannot be read, which [`Arriving::finish`] tells.
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.chunk.len()
            && let Ok(chunk) = self.incoming.recv()
        {
            let old = std::mem::replace(&mut self.chunk, chunk);
            self.at = 0;
            let _ = self.used.try_send(old);
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, bytes: usize) {
        self.at += bytes;
        self.passed += bytes as u64;
    }
}

impl Read for Arriving<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let arrived = self.fill_buf()?;
        let now = arrived.len().min(buffer.len());
        buffer[..now].copy_from_slice(&arrived[..now]);
        self.consume(now);
        Ok(now)
    }
}
