//! A scratch file that is compressed: for machines with less room than time.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most bytes that are compressed as one: what has to be decompressed to read any of them.
const CHUNK: usize = 256 << 10;

/// The fastest level: the bytes are read once or twice and then gone.
const LEVEL: i32 = 1;

/// How many chunks are kept decompressed: a few for each thread that reads.
const RECENT: usize = 24;

/// The bytes of a file as they were before they were compressed, which are only appended to.
#[derive(Debug)]
pub(crate) struct Packed {
    file: File,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In ascending order, without gaps.
    chunks: Vec<Chunk>,
    /// The chunks read last, the latest in front.
    recent: VecDeque<(u64, Arc<[u8]>)>,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// Its first byte, counted in what is not compressed.
    start: u64,
    /// Its length when it is not compressed.
    length: usize,
    /// Its first byte in the file.
    at: u64,
    /// Its length in the file; the same as `length` where compression gains nothing.
    packed: usize,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.start + self.length as u64
    }
}

impl Packed {
    pub(crate) fn new(file: File) -> Self {
        Self { file, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file takes, in bytes.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.state().chunks.last().map_or(0, |chunk| chunk.at + chunk.packed as u64)
    }

    /// Appends `bytes`.
    pub(crate) fn append(&self, bytes: &[u8]) -> io::Result<()> {
        for bytes in bytes.chunks(CHUNK) {
            let packed = zstd::bulk::compress(bytes, LEVEL)?;
            let packed = if packed.len() < bytes.len() { &packed } else { bytes };
            let mut state = self.state();
            let (start, at) = state.chunks.last().map_or((0, 0), |last| (last.end(), last.at + last.packed as u64));
            self.file.write_all_at(packed, at)?;
            state.chunks.push(Chunk { start, length: bytes.len(), at, packed: packed.len() });
        }
        Ok(())
    }

    /// Forgets what lies at byte `position` and behind it.
    pub(crate) fn roll_back(&self, position: u64) -> io::Result<()> {
        let mut state = self.state();
        let number = state.chunks.partition_point(|chunk| chunk.end() <= position);
        let Some(&chunk) = state.chunks.get(number) else { return Ok(()) };
        let mut kept = self.unpack(chunk)?;
        // Inside of the chunk.
        kept.truncate(usize::try_from(position.saturating_sub(chunk.start)).unwrap_or(0));
        state.chunks.truncate(number);
        state.recent.clear();
        drop(state);
        // What was compressed together with what is forgotten is compressed again.
        self.append(&kept)
    }

    fn unpack(&self, chunk: Chunk) -> io::Result<Vec<u8>> {
        let mut packed = vec![0; chunk.packed];
        self.file.read_exact_at(&mut packed, chunk.at)?;
        if chunk.packed == chunk.length { Ok(packed) } else { zstd::bulk::decompress(&packed, chunk.length) }
    }

    /// Reads up to the end of a chunk.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let (chunk, known) = {
            let mut state = self.state();
            let number = state.chunks.partition_point(|chunk| chunk.end() <= offset);
            let Some(&chunk) = state.chunks.get(number) else { return Ok(0) };
            let known = state.recent.iter().position(|(start, _)| *start == chunk.start);
            let known = known.and_then(|position| state.recent.remove(position));
            if let Some(known) = known.clone() {
                state.recent.push_front(known);
            }
            (chunk, known)
        };
        let bytes = match known {
            Some((_, bytes)) => bytes,
            None => {
                // Another thread may do the same at the same time, which costs less than waiting for it.
                let bytes: Arc<[u8]> = self.unpack(chunk)?.into();
                let mut state = self.state();
                state.recent.push_front((chunk.start, Arc::clone(&bytes)));
                state.recent.truncate(RECENT);
                bytes
            }
        };
        let from = usize::try_from(offset - chunk.start).map_err(io::Error::other)?;
        let there = bytes.get(from..).unwrap_or_default();
        let length = there.len().min(buffer.len());
        buffer[..length].copy_from_slice(&there[..length]);
        Ok(length)
    }
}
