//! The store: one unnamed scratch file that takes every body once.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::packed::Packed;
use crate::{BLOCK, Content, Fingerprint};

/// Bytes gathered before they go to the scratch file in one write.
const BUFFER: usize = 1 << 20;
const BLOCK_LEN: usize = 4096;
static ZEROS: [u8; BLOCK_LEN] = [0; BLOCK_LEN];

/// A file that several threads read at any offset.
pub type SharedFile = Arc<dyn FileExt + Send + Sync>;

/// The scratch file as bodies see it.
#[derive(Debug)]
pub(crate) struct ScratchFile {
    bytes: Bytes,
    /// Bytes that have reached the file; behind them lies the store's buffer.
    flushed: AtomicU64,
}

#[derive(Debug)]
enum Bytes {
    Plain(File),
    Packed(Packed),
}

impl ScratchFile {
    fn flushed(&self) -> u64 {
        self.flushed.load(Ordering::Acquire)
    }

    /// Appends `bytes` to what has reached the file.
    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let at = self.flushed();
        match &self.bytes {
            Bytes::Plain(file) => file.write_all_at(bytes, at)?,
            Bytes::Packed(packed) => packed.append(bytes)?,
        }
        self.flushed.store(at + bytes.len() as u64, Ordering::Release);
        Ok(())
    }
}

impl FileExt for ScratchFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.flushed()) {
            return Err(io::Error::other("the store was read before it was flushed"));
        }
        match &self.bytes {
            Bytes::Plain(file) => file.read_at(buffer, offset),
            Bytes::Packed(packed) => packed.read_at(buffer, offset),
        }
    }

    /// Only the store writes, and it only appends.
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A run of data blocks of a body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// First byte, counted in the body.
    pub(crate) offset: u64,
    /// First byte, counted in the scratch file.
    pub(crate) position: u64,
    /// Length in bytes.
    pub(crate) length: u64,
}

/// A body in the scratch file.
pub(crate) struct StoredBody {
    pub(crate) file: SharedFile,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) position: u64,
    pub(crate) segments: Box<[Segment]>,
}

impl fmt::Debug for StoredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file: _, fingerprint, position, segments } = self;
        f.debug_struct("StoredBody")
            .field("fingerprint", fingerprint)
            .field("position", position)
            .field("segments", segments)
            .finish_non_exhaustive()
    }
}

impl StoredBody {
    pub(crate) fn read(&self, offset: u64, end: u64, buffer: &mut [u8]) -> io::Result<()> {
        buffer.fill(0);
        let first = self.segments.partition_point(|segment| segment.offset + segment.length <= offset);
        for segment in &self.segments[first..] {
            if segment.offset >= end {
                break;
            }
            let from = segment.offset.max(offset);
            let to = (segment.offset + segment.length).min(end);
            let position = segment.position + (from - segment.offset);
            // Both are inside `buffer`, so they fit.
            let start = usize::try_from(from - offset).map_err(io::Error::other)?;
            let stop = usize::try_from(to - offset).map_err(io::Error::other)?;
            self.file.read_exact_at(&mut buffer[start..stop], position)?;
        }
        Ok(())
    }
}

/// Takes bodies, hashes each once, keeps equal ones once, and leaves zero blocks out.
#[derive(Debug)]
pub struct ContentStore {
    scratch: Arc<ScratchFile>,
    buffer: Vec<u8>,
    bodies: HashMap<Fingerprint, Content>,
}

impl ContentStore {
    /// A store whose scratch file lies, without a name, in `directory`; it vanishes with the last body.
    ///
    /// # Errors
    /// The scratch file cannot be made.
    pub fn new(directory: &Path) -> io::Result<Self> {
        Ok(Self::with(Bytes::Plain(tempfile::tempfile_in(directory)?)))
    }

    /// A store whose scratch file is compressed: it takes less room and more time.
    ///
    /// # Errors
    /// The scratch file cannot be made.
    pub fn packed(directory: &Path) -> io::Result<Self> {
        Ok(Self::with(Bytes::Packed(Packed::new(tempfile::tempfile_in(directory)?))))
    }

    fn with(bytes: Bytes) -> Self {
        Self {
            scratch: Arc::new(ScratchFile { bytes, flushed: AtomicU64::new(0) }),
            buffer: Vec::with_capacity(BUFFER + BLOCK_LEN),
            bodies: HashMap::new(),
        }
    }

    /// Bytes of scratch space in use.
    #[must_use]
    pub fn scratch_bytes(&self) -> u64 {
        match &self.scratch.bytes {
            Bytes::Plain(_) => self.end(),
            Bytes::Packed(packed) => packed.file_bytes() + self.buffer.len() as u64,
        }
    }

    /// The scratch file, as the bodies have it and as the host has it, for the reader that needs each body for the last
    /// time; `None` where it is packed, so that its bytes are not where bodies say they are.
    ///
    /// # Errors
    /// The host has no more file descriptors.
    pub fn scratch_file(&self) -> io::Result<Option<(SharedFile, File)>> {
        match &self.scratch.bytes {
            Bytes::Plain(file) => Ok(Some((Arc::clone(&self.scratch) as SharedFile, file.try_clone()?))),
            Bytes::Packed(_) => Ok(None),
        }
    }

    /// Begins a body; its digest will be over `prefix` and the body.
    pub fn writer(&mut self, prefix: &[u8]) -> BodyWriter<'_> {
        let start = self.end();
        BodyWriter {
            prefix: Sha256::digest(prefix).into(),
            hasher: Sha256::new_with_prefix(prefix),
            start,
            size: 0,
            partial: Vec::new(),
            segments: Vec::new(),
            store: self,
        }
    }

    /// Stores `bytes` as a body.
    ///
    /// # Errors
    /// I/O of the scratch file.
    pub fn add(&mut self, prefix: &[u8], bytes: &[u8]) -> io::Result<Content> {
        let mut writer = self.writer(prefix);
        writer.write(bytes)?;
        writer.finish()
    }

    /// Makes everything stored so far readable.
    ///
    /// # Errors
    /// I/O of the scratch file.
    pub fn flush(&mut self) -> io::Result<()> {
        self.scratch.append(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn end(&self) -> u64 {
        self.scratch.flushed() + self.buffer.len() as u64
    }

    /// Appends whole blocks.
    fn append(&mut self, blocks: &[u8]) -> io::Result<()> {
        if self.buffer.len() + blocks.len() > BUFFER {
            self.flush()?;
        }
        if blocks.len() >= BUFFER {
            self.scratch.append(blocks)?;
        } else {
            self.buffer.extend_from_slice(blocks);
        }
        Ok(())
    }

    /// Forgets what lies behind `position`, which is the end of an earlier body.
    fn roll_back(&mut self, position: u64) -> io::Result<()> {
        let flushed = self.scratch.flushed();
        if position >= flushed {
            self.buffer.truncate(usize::try_from(position - flushed).unwrap_or(0));
            return Ok(());
        }
        self.buffer.clear();
        if let Bytes::Packed(packed) = &self.scratch.bytes {
            packed.roll_back(position)?;
        }
        self.scratch.flushed.store(position, Ordering::Release);
        Ok(())
    }
}

/// A body on its way into the store. Dropped unfinished, it leaves nothing behind but space that the next one takes.
#[derive(Debug)]
pub struct BodyWriter<'a> {
    store: &'a mut ContentStore,
    prefix: [u8; 32],
    hasher: Sha256,
    start: u64,
    /// Bytes taken, those in `partial` included.
    size: u64,
    /// The begun block: always shorter than a block.
    partial: Vec<u8>,
    segments: Vec<Segment>,
}

impl BodyWriter<'_> {
    /// Appends `bytes` to the body.
    ///
    /// # Errors
    /// I/O of the scratch file.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        let mut bytes = bytes;
        if !self.partial.is_empty() {
            let wanted = (BLOCK_LEN - self.partial.len()).min(bytes.len());
            self.partial.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if self.partial.len() < BLOCK_LEN {
                return Ok(());
            }
            let block = std::mem::take(&mut self.partial);
            self.blocks(&block, self.size - bytes.len() as u64 - BLOCK)?;
        }
        let whole = bytes.len() - bytes.len() % BLOCK_LEN;
        let at = self.size - bytes.len() as u64;
        self.blocks(&bytes[..whole], at)?;
        self.partial.extend_from_slice(&bytes[whole..]);
        Ok(())
    }

    /// Appends a hole of `length` bytes: as zeros, hashed as such, stored as nothing.
    ///
    /// # Errors
    /// I/O of the scratch file.
    pub fn hole(&mut self, length: u64) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            // At most a block, which fits.
            let now = usize::try_from(left.min(BLOCK)).unwrap_or(BLOCK_LEN);
            self.write(&ZEROS[..now])?;
            left -= now as u64;
        }
        Ok(())
    }

    /// Ends the body; if an equal one (same prefix, same bytes) is stored already, that one is given.
    ///
    /// # Errors
    /// I/O of the scratch file.
    pub fn finish(mut self) -> io::Result<Content> {
        let tail = std::mem::take(&mut self.partial);
        if !tail.is_empty() {
            let at = self.size - tail.len() as u64;
            let mut block = tail;
            let length = block.len() as u64;
            block.resize(BLOCK_LEN, 0);
            self.blocks(&block, at)?;
            // The block was filled up to its end; the body ends before.
            if let Some(last) = self.segments.last_mut().filter(|last| last.offset + last.length > at) {
                last.length -= BLOCK - length;
            }
        }
        let fingerprint = Fingerprint { prefix: self.prefix, digest: self.hasher.finalize_reset().into() };
        if let Some(known) = self.store.bodies.get(&fingerprint) {
            let known = known.clone();
            self.store.roll_back(self.start)?;
            return Ok(known);
        }
        let body = StoredBody {
            file: Arc::clone(&self.store.scratch) as SharedFile,
            fingerprint,
            position: self.start,
            segments: std::mem::take(&mut self.segments).into(),
        };
        let content = Content::stored(self.size, Arc::new(body));
        self.store.bodies.insert(fingerprint, content.clone());
        Ok(content)
    }

    /// Takes whole blocks whose first byte is byte `offset` of the body; zero blocks are only noted.
    fn blocks(&mut self, blocks: &[u8], offset: u64) -> io::Result<()> {
        let zero = |at: usize| blocks[at..at + BLOCK_LEN] == ZEROS;
        let mut at = 0;
        while at < blocks.len() {
            let begin = at;
            while at < blocks.len() && zero(at) {
                at += BLOCK_LEN;
            }
            if at > begin {
                continue;
            }
            while at < blocks.len() && !zero(at) {
                at += BLOCK_LEN;
            }
            let position = self.store.end();
            self.store.append(&blocks[begin..at])?;
            let (offset, length) = (offset + begin as u64, (at - begin) as u64);
            match self.segments.last_mut() {
                Some(last) if last.offset + last.length == offset && last.position + last.length == position => {
                    last.length += length;
                }
                _ => self.segments.push(Segment { offset, position, length }),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use sha2::{Digest, Sha256};

    use super::ContentStore;

    fn stores() -> [ContentStore; 2] {
        let directory = std::env::temp_dir();
        [ContentStore::new(&directory).unwrap(), ContentStore::packed(&directory).unwrap()]
    }

    #[test]
    fn bodies_come_back_as_they_went_in() {
        let big: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
        let mut gaps = vec![0; 1 << 20];
        gaps[5000] = 1;
        gaps[900_000] = 2;
        let bodies: Vec<Vec<u8>> =
            vec![vec![], vec![1], vec![0; 4096], vec![0; 4097], vec![9; 4096], big, gaps, vec![3; 100_000]];
        for (mut store, step) in
            [1_usize, 1000, 4096, 5_000_000].into_iter().flat_map(|step| stores().map(|store| (store, step)))
        {
            let mut contents = Vec::new();
            for body in &bodies {
                if step == 1 && body.len() > 10_000 {
                    continue;
                }
                let mut writer = store.writer(b"head");
                for chunk in body.chunks(step) {
                    writer.write(chunk).unwrap();
                }
                contents.push((body, writer.finish().unwrap()));
            }
            store.flush().unwrap();
            for (body, content) in contents {
                let mut back = Vec::new();
                content.reader().read_to_end(&mut back).unwrap();
                assert!(&back == body, "step {step}, {} bytes", body.len());
                let digest: [u8; 32] = Sha256::new_with_prefix(b"head").chain_update(body).finalize().into();
                assert_eq!(content.fingerprint().unwrap().digest, digest);
            }
        }
    }

    #[test]
    fn zeros_and_equal_bodies_take_no_space() {
        let [mut store, _] = stores();
        let mut writer = store.writer(b"");
        writer.hole(1 << 30).unwrap();
        writer.write(b"end").unwrap();
        let sparse = writer.finish().unwrap();
        assert_eq!((sparse.size(), store.scratch_bytes()), ((1 << 30) + 3, 4096));
        let before = store.add(b"a", &[5; 2_000_000]).unwrap();
        let used = store.scratch_bytes();
        let again = store.add(b"a", &[5; 2_000_000]).unwrap();
        assert_eq!((again.store_position(), store.scratch_bytes()), (before.store_position(), used));
        // Another prefix is another body: formats that hash a header keep the two apart.
        assert_ne!(store.add(b"b", &[5; 2_000_000]).unwrap().store_position(), before.store_position());
        store.flush().unwrap();
        let mut end = [0; 5];
        sparse.read_at((1 << 30) - 2, &mut end).unwrap();
        assert_eq!(&end, b"\0\0end");
        assert_eq!(sparse.data().map(|(range, _)| (range.offset, range.length)).collect::<Vec<_>>(), [(1 << 30, 3)]);
    }

    /// A body of so many bytes that compress a little.
    fn text(seed: u32, length: usize) -> Vec<u8> {
        let numbers = (0..).map(|n: u32| (n ^ seed).wrapping_mul(2_654_435_761) >> 20);
        numbers.flat_map(|number| format!("{number} ").into_bytes()).take(length).collect()
    }

    #[test]
    fn a_packed_store_holds_the_same_in_less_space_whatever_is_forgotten_between() {
        let [mut plain, mut packed] = stores();
        let mut bodies = Vec::new();
        for round in 0..40_u32 {
            let length = [10, 5_000, 300_000, 3_000_000][round as usize % 4];
            // Every third body is an earlier one again, which is forgotten once all of it has come.
            let seed = if round % 3 == 2 { round.saturating_sub(4) } else { round };
            let length = if seed == round { length } else { [10, 5_000, 300_000, 3_000_000][seed as usize % 4] };
            let body = text(seed, length);
            let contents = [&mut plain, &mut packed].map(|store| store.add(b"", &body).unwrap());
            assert_eq!(contents[0].store_position(), contents[1].store_position(), "{round}");
            bodies.push((body, contents));
            if round % 7 == 0 {
                plain.flush().unwrap();
                packed.flush().unwrap();
            }
        }
        plain.flush().unwrap();
        packed.flush().unwrap();
        for (body, contents) in &bodies {
            for content in contents {
                let mut back = Vec::new();
                content.reader().read_to_end(&mut back).unwrap();
                assert!(&back == body);
            }
        }
        assert!(packed.scratch_bytes() * 3 < plain.scratch_bytes() * 2, "{}", packed.scratch_bytes());
    }
}
