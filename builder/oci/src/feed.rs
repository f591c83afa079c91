//! The tar stream of a layer as it arrives from the decoding thread.

use std::io;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::Digest;
use crate::digest::Hasher;
use crate::hash::Job;
use crate::problem::{EntryProblem, LayerProblem};
use crate::tarblock::Block;

/// What the decoding thread sends, layer after layer.
pub(crate) enum Message {
    /// The next bytes of the tar stream.
    Bytes {
        chunk: Vec<u8>,
        /// Bytes of the blob that have been read for it.
        compressed: u64,
    },
    /// The layer is complete, and its blob is sound.
    End,
    /// It is not; nothing more comes.
    Failed(LayerProblem),
}

/// Why a layer's reading stops.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The entry at hand.
    Entry(EntryProblem),
    /// The layer as a whole.
    Layer(LayerProblem),
    /// The content store.
    Store(io::Error),
}

impl From<EntryProblem> for Halt {
    fn from(problem: EntryProblem) -> Self {
        Self::Entry(problem)
    }
}

/// One layer's stream, read as blocks and bodies.
pub(crate) struct Feed<'a> {
    incoming: &'a Receiver<Message>,
    /// Where chunks go that have been read, to be hashed.
    read: &'a Sender<Job>,
    on_bytes: &'a mut dyn FnMut(u64),
    chunk: Vec<u8>,
    at: usize,
    position: u64,
    ended: bool,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(
        incoming: &'a Receiver<Message>,
        read: &'a Sender<Job>,
        hasher: Hasher,
        on_bytes: &'a mut dyn FnMut(u64),
    ) -> Self {
        // Where nobody hashes any more, `finish` finds out.
        let _ = read.send(Job::Begin(hasher));
        Self { incoming, read, on_bytes, chunk: Vec::new(), at: 0, position: 0, ended: false }
    }

    /// Where in the stream the next byte lies.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// What has arrived and not been read; empty only at the end.
    fn available(&mut self) -> Result<&[u8], Halt> {
        while self.at == self.chunk.len() && !self.ended {
            match self.incoming.recv() {
                Ok(Message::Bytes { chunk, compressed }) => {
                    let old = std::mem::replace(&mut self.chunk, chunk);
                    self.at = 0;
                    // Where nobody hashes any more, `finish` finds out.
                    let _ = self.read.send(Job::Bytes(old));
                    (self.on_bytes)(compressed);
                }
                Ok(Message::End) => self.ended = true,
                Ok(Message::Failed(problem)) => {
                    self.ended = true;
                    return Err(Halt::Layer(problem));
                }
                Err(_) => {
                    self.ended = true;
                    return Err(Halt::Layer(LayerProblem::Read { cause: io::Error::other("the decoder stopped") }));
                }
            }
        }
        Ok(&self.chunk[self.at..])
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
        self.position += n as u64;
    }

    /// The next block; `None` at the end of the stream.
    pub(crate) fn block(&mut self) -> Result<Option<Block>, Halt> {
        if self.available()?.is_empty() {
            return Ok(None);
        }
        let mut block = [0; 512];
        let mut filled = 0;
        self.copy(512, &mut |bytes| {
            block[filled..filled + bytes.len()].copy_from_slice(bytes);
            filled += bytes.len();
            Ok(())
        })?;
        Ok(Some(block))
    }

    /// Hands the next `size` bytes to `sink`, piece by piece.
    pub(crate) fn copy(&mut self, size: u64, sink: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> Result<(), Halt> {
        let mut left = size;
        while left > 0 {
            let bytes = self.available()?;
            if bytes.is_empty() {
                return Err(EntryProblem::CutOff { missing: left }.into());
            }
            let now = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            sink(&bytes[..now]).map_err(Halt::Store)?;
            self.consume(now);
            left -= now as u64;
        }
        Ok(())
    }

    pub(crate) fn skip(&mut self, size: u64) -> Result<(), Halt> {
        self.copy(size, &mut |_| Ok(()))
    }

    /// The next `size` bytes, which the caller has found to be few. Memory grows with what arrives.
    pub(crate) fn take(&mut self, size: u64) -> Result<Vec<u8>, Halt> {
        let mut bytes = Vec::new();
        self.copy(size, &mut |piece| {
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Reads the rest of the stream, which must be zeros.
    pub(crate) fn zeros(&mut self) -> Result<(), Halt> {
        loop {
            let bytes = self.available()?;
            if bytes.is_empty() {
                return Ok(());
            }
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            let more = zeros < bytes.len();
            self.consume(zeros);
            if more {
                return Err(EntryProblem::AfterEnd.into());
            }
        }
    }

    /// Lets the rest of a layer pass whose reading failed. If its blob turns out to be damaged, that is the answer:
    /// damaged blobs make entries fail.
    pub(crate) fn verdict(mut self, problem: LayerProblem) -> LayerProblem {
        loop {
            self.at = self.chunk.len();
            match self.available() {
                Ok([]) => return problem,
                Ok(_) => {}
                // The decoder's complaints about a sound blob say less than the entry does.
                Err(Halt::Layer(LayerProblem::Decompress { .. })) => return problem,
                Err(Halt::Layer(worse)) => return worse,
                Err(_) => return problem,
            }
        }
    }

    /// The digest of all that has passed; `None` where the thread that hashes has ended.
    pub(crate) fn finish(self) -> Option<Digest> {
        let (answer, digest) = bounded(1);
        self.read.send(Job::Bytes(self.chunk)).ok()?;
        self.read.send(Job::End(answer)).ok()?;
        digest.recv().ok()
    }
}
