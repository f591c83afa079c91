//! The disk on a medium: a squashfs with one file, and the hash of each of its blocks.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use builder_block::{ByteSize, DiskSource, ReadAt, Region, Sink};
use builder_medium::{Block, BlockTable, DISK};
use builder_squashfs::{Attributes, Content, Options, Plan, Tree, WriteError};
use sha2::{Digest, Sha256};

use crate::formats::OutputFormat;
use crate::medium::error::MediumError;

/// Bytes of a block: what is compressed together, and what has a hash. A system that runs from the medium reads whole
/// blocks, so that the largest compress best and run worst.
pub(crate) const BLOCK: ByteSize = ByteSize::kib(256);

/// What was written of a payload.
pub(crate) struct Payload {
    /// Bytes of the squashfs.
    pub(crate) length: u64,
    /// The blocks that have data.
    pub(crate) blocks: BlockTable,
}

/// Why there is no payload.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It cannot be.
    Plan(MediumError),
    /// The disk cannot be read.
    Source(io::Error),
    /// The medium cannot be written.
    Output(io::Error),
}

/// How many blocks of `disk` have data; they are few enough for the table of a medium.
pub(crate) fn count(disk: &dyn DiskSource) -> Result<u64, Failed> {
    let block = BLOCK.bytes();
    let (mut at, mut count) = (0, 0);
    while let Some(region) = disk.data_behind(at).map_err(Failed::Source)? {
        let (first, end) = (region.start.max(at) / block, region.end.div_ceil(block));
        count += end - first;
        at = end * block;
    }
    let limit = BlockTable::MOST_BYTES / BlockTable::length(1);
    if count > limit {
        return Err(Failed::Plan(MediumError::Blocks { count, limit }));
    }
    Ok(count)
}

/// What the payload has at most, in bytes, with so many blocks of `disk` that have data: none of them became shorter.
pub(crate) fn most(disk: &dyn DiskSource, blocks: u64) -> u64 {
    // A word for each block of the disk, and a length for each 8 KiB of words.
    let words = 4 * disk.size().bytes().div_ceil(BLOCK.bytes());
    let lengths = 2 * words.div_ceil(8192);
    // Superblock, two inodes, one name, four tables with an entry or two, and zeros up to a whole 4 KiB.
    let rest = 8192;
    blocks * BLOCK.bytes() + words + lengths + rest
}

/// Where the payload lies on a medium, and how long it can be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// What the medium is written as.
    pub(crate) format: OutputFormat,
    /// First byte.
    pub(crate) start: u64,
    /// In bytes.
    pub(crate) limit: u64,
}

/// Writes `disk` into a squashfs in its `room` in `sink`. One that is too long is given up where the room ends.
pub(crate) fn write(
    disk: &(dyn DiskSource + Sync),
    level: Option<i32>,
    created: i64,
    sink: &mut dyn Sink,
    room: Room,
    threads: usize,
    done: &mut dyn FnMut(u64),
) -> Result<Payload, Failed> {
    let hashed = Hashed { disk, hashes: Mutex::new(BTreeMap::new()) };
    let plan_failed = |message: String| Failed::Plan(MediumError::Payload { message });
    let mut tree = Tree::new(Attributes::root(0o755)).map_err(|error| plan_failed(error.to_string()))?;
    tree.file(DISK.as_bytes(), Attributes::root(0o444), Content::Disk(&hashed))
        .map_err(|error| plan_failed(error.to_string()))?;
    let mtime = u32::try_from(created).unwrap_or(0);
    let options = Options { block_size: BLOCK, level: level.unwrap_or(Options::LEVEL), mtime };
    let plan = Plan::new(&tree, &options).map_err(|error| plan_failed(error.to_string()))?;
    let Room { format, start, limit } = room;
    let mut bounded = Bounded { sink, end: start + limit, passed: None };
    let written = plan.write_to(&mut bounded, start, threads, done);
    if let Some(end) = bounded.passed {
        let length = end - start;
        return Err(Failed::Plan(MediumError::PayloadLength { format, length, limit }));
    }
    let written = written.map_err(|error| match error {
        WriteError::Source { source, .. } => Failed::Source(source),
        WriteError::Output { source, .. } => Failed::Output(source),
        other => plan_failed(other.to_string()),
    })?;
    let hashes = hashed.hashes.into_inner().unwrap_or_else(PoisonError::into_inner);
    let blocks = hashes.into_iter().map(|(offset, sha256)| Block { offset, sha256 }).collect();
    Ok(Payload { length: written.length, blocks: BlockTable::new(blocks) })
}

/// A sink that takes nothing behind some byte.
struct Bounded<'a> {
    sink: &'a mut dyn Sink,
    end: u64,
    /// The end of what was to be written behind that.
    passed: Option<u64>,
}

impl Sink for Bounded<'_> {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        if end > self.end {
            self.passed = Some(end);
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.sink.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.sink.read_at(offset, buffer)
    }

    fn end_at(&mut self, length: u64) -> io::Result<()> {
        self.sink.end_at(length)
    }
}

/// A disk that notes the hash of each block that is read from it: each is read once, as it is compressed.
struct Hashed<'a> {
    disk: &'a (dyn DiskSource + Sync),
    hashes: Mutex<BTreeMap<u64, [u8; 32]>>,
}

impl ReadAt for Hashed<'_> {
    fn size(&self) -> ByteSize {
        self.disk.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buffer)?;
        let hash = Sha256::digest(&*buffer).into();
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner).insert(offset, hash);
        Ok(())
    }
}

impl DiskSource for Hashed<'_> {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        self.disk.data_behind(from)
    }
}
