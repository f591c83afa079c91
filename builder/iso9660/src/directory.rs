//! One directory as it lies on the medium: its records, and behind them what its system use entries had no room for.

use crate::hierarchy::{Hierarchy, Names, Node};
use crate::number::{both16, both32, put};
use crate::rock_ridge::{self, CONTINUATION, Entry, FileType};
use crate::time::Moment;
use crate::tree::Kind;

/// Bytes of a block.
const BLOCK: usize = 2048;
/// ECMA-119, section 9.1: a record's length is even and in one byte.
const RECORD_MAX: usize = 254;
/// ECMA-119, section 9.1.6: flags of a record.
const DIRECTORY: u8 = 2;
/// The file goes on in the next record.
const MORE: u8 = 0x80;
/// Bytes that one record has of a file: the largest number of whole blocks that 32 bits can count.
pub(crate) const SECTION: u64 = 0xFFFF_F800;

/// Where a directory lies.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// First block, counted from where addresses of the records count.
    pub(crate) block: u32,
    /// Length of its records in bytes, a multiple of a block.
    pub(crate) length: u32,
}

/// Addresses that records tell. While the length of directories is found out, they are all 0.
pub(crate) struct Addresses<'a> {
    /// By node: the directories.
    pub(crate) directories: &'a [Place],
    /// By node: the first block of a file, counted from the begin of the medium.
    pub(crate) files: &'a [u32],
    /// The block that addresses count from.
    pub(crate) base: u32,
    /// Of everything.
    pub(crate) moment: Moment,
    /// How long files are.
    pub(crate) room: Room,
}

/// How long the files of records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// As long as they can become: to find out the room that directories take.
    Most,
    /// As long as they are.
    Known,
}

/// What is written: records, and the areas in which entries go on.
#[derive(Default)]
pub(crate) struct Extent {
    /// Whole blocks.
    pub(crate) records: Vec<u8>,
    /// Not necessarily whole blocks.
    pub(crate) continuation: Vec<u8>,
    pending: Vec<Pending>,
}

/// A `CE` entry of which only the block is not known before the records are complete.
struct Pending {
    /// In the continuation area, not in the records.
    continued: bool,
    /// Where the entry begins, in bytes.
    at: usize,
    /// Where it leads: bytes of the continuation area.
    target: usize,
    length: usize,
}

/// The record of a volume's root: ECMA-119, section 8.4.18.
pub(crate) fn root(place: Place, moment: Moment) -> Vec<u8> {
    let mut record = record(&[0], place.block, place.length, DIRECTORY, moment);
    record[0] = 34;
    record
}

/// ECMA-119, section 9.1. The length, in the first byte, is not known yet.
fn record(identifier: &[u8], block: u32, length: u32, flags: u8, moment: Moment) -> Vec<u8> {
    let mut record = vec![0; 33];
    put(&mut record, 2, &both32(block));
    put(&mut record, 10, &both32(length));
    put(&mut record, 18, &moment.short());
    record[25] = flags;
    put(&mut record, 28, &both16(1));
    // At most 128 bytes, of Joliet.
    record[32] = u8::try_from(identifier.len()).expect("identifiers are short");
    record.extend_from_slice(identifier);
    if !record.len().is_multiple_of(2) {
        record.push(0);
    }
    record
}

/// Encodes the directory `number`.
pub(crate) fn encode(hierarchy: &Hierarchy, nodes: &[Node], number: usize, addresses: &Addresses<'_>) -> Extent {
    let mut extent = Extent::default();
    let rock_ridge = hierarchy.names == Names::Iso;
    let node = &nodes[number];
    for (identifier, of) in [([0], number), ([1], node.parent)] {
        let Place { block, length } = addresses.directories[of];
        let mut entries = Vec::new();
        if rock_ridge {
            let itself = identifier == [0];
            if number == 0 && itself {
                entries.push(rock_ridge::sharing());
            }
            entries.extend(posix(nodes, of, addresses.moment));
            if number == 0 && itself {
                entries.push(rock_ridge::extension());
            }
        }
        extent.add(record(&identifier, block, length, DIRECTORY, addresses.moment), &entries);
    }
    for &child in &hierarchy.children[number] {
        let mut entries = Vec::new();
        if rock_ridge {
            entries.extend(posix(nodes, child, addresses.moment));
            entries.extend(rock_ridge::name(&nodes[child].name));
            if let Kind::Symlink(target) = &nodes[child].kind {
                entries.extend(rock_ridge::target(target));
            }
        }
        let identifier = &hierarchy.identifiers[child];
        if let Kind::Directory = nodes[child].kind {
            let Place { block, length } = addresses.directories[child];
            extent.add(record(identifier, block, length, DIRECTORY, addresses.moment), &entries);
            continue;
        }
        let length = match &nodes[child].kind {
            Kind::File(content) if addresses.room == Room::Most => content.length().max(nodes[child].most),
            Kind::File(content) => content.length(),
            Kind::Directory | Kind::Symlink(_) => 0,
        };
        // Zero in the round that finds out lengths.
        let first = addresses.files[child].saturating_sub(addresses.base);
        for (block, length, flags) in sections(first, length) {
            extent.add(record(identifier, block, length, flags, addresses.moment), &entries);
        }
    }
    extent.finish(addresses.directories[number]);
    extent
}

/// The pieces of a file: first block, length in bytes and flags.
fn sections(first: u32, length: u64) -> impl Iterator<Item = (u32, u32, u8)> {
    let count = length.div_ceil(SECTION).max(1);
    (0..count).map(move |index| {
        let done = index * SECTION;
        // The plan has found all blocks to be counted by 32 bits; a section is shorter than those count.
        let block = u64::from(first) + done / BLOCK as u64;
        let length = (length - done).min(SECTION);
        let flags = if index + 1 < count { MORE } else { 0 };
        (u32::try_from(block).unwrap_or(u32::MAX), u32::try_from(length).expect("a section"), flags)
    })
}

/// What every record has to say of its file.
fn posix(nodes: &[Node], number: usize, moment: Moment) -> [Entry; 2] {
    let node = &nodes[number];
    let (kind, links) = match node.kind {
        Kind::Directory => {
            let below = node.children.iter().filter(|&&child| matches!(nodes[child].kind, Kind::Directory)).count();
            (FileType::Directory, below + 2)
        }
        Kind::File(_) => (FileType::Regular, 1),
        Kind::Symlink(_) => (FileType::Symlink, 1),
    };
    // A serial number of 0 is "none": there are fewer nodes than that in any memory.
    let count = |number: usize| u32::try_from(number).unwrap_or(0);
    [rock_ridge::attributes(kind, node.metadata, count(links), count(number + 1)), rock_ridge::times(moment)]
}

impl Extent {
    fn add(&mut self, mut record: Vec<u8>, entries: &[Entry]) {
        let mut rest = entries;
        let room = RECORD_MAX - record.len();
        let open = fill(&mut record, &mut rest, room);
        if !record.len().is_multiple_of(2) {
            record.push(0);
        }
        record[0] = u8::try_from(record.len()).expect("a record has at most 254 bytes");
        // ECMA-119, section 6.8.1.1: a record ends in the block that it begins in.
        if self.records.len() % BLOCK + record.len() > BLOCK {
            self.records.resize(self.records.len().next_multiple_of(BLOCK), 0);
        }
        let start = self.records.len();
        self.records.extend_from_slice(&record);
        let mut open = open.map(|at| (false, start + at));
        while let Some((continued, at)) = open {
            // Linux, fs/isofs/rock.c: a continuation ends in the block that it begins in.
            let total: usize = rest.iter().map(Vec::len).sum();
            if self.continuation.len() % BLOCK + total > BLOCK {
                self.continuation.resize(self.continuation.len().next_multiple_of(BLOCK), 0);
            }
            let target = self.continuation.len();
            let next = fill(&mut self.continuation, &mut rest, BLOCK - target % BLOCK);
            let length = self.continuation.len() - target;
            self.pending.push(Pending { continued, at, target, length });
            open = next.map(|at| (true, at));
        }
    }

    /// Fills up the records to the length that their directory has, which is 0 while it is found out, and tells the
    /// entries where they go on. Every reader skips blocks that begin with zero, as it does the rest of a block.
    fn finish(&mut self, place: Place) {
        let room = usize::try_from(place.length).unwrap_or(0);
        self.records.resize(self.records.len().next_multiple_of(BLOCK).max(room), 0);
        let blocks = |bytes: usize| u32::try_from(bytes / BLOCK).unwrap_or(u32::MAX);
        let first = place.block.saturating_add(blocks(self.records.len()));
        for Pending { continued, at, target, length } in std::mem::take(&mut self.pending) {
            let block = first.saturating_add(blocks(target));
            // Both are at most the bytes of a block.
            let small = |number: usize| u32::try_from(number).expect("at most a block");
            let entry = rock_ridge::continuation(block, small(target % BLOCK), small(length));
            put(if continued { &mut self.continuation } else { &mut self.records }, at, &entry);
        }
    }
}

/// Appends as many of `rest` as `room` has bytes for. Where not all fit, room for a `CE` entry follows: it begins at the
/// answer.
fn fill(into: &mut Vec<u8>, rest: &mut &[Entry], room: usize) -> Option<usize> {
    if rest.iter().map(Vec::len).sum::<usize>() <= room {
        for entry in std::mem::take(rest) {
            into.extend_from_slice(entry);
        }
        return None;
    }
    let mut left = room - CONTINUATION;
    while let Some((entry, others)) = rest.split_first() {
        let Some(less) = left.checked_sub(entry.len()) else { break };
        into.extend_from_slice(entry);
        left = less;
        *rest = others;
    }
    into.resize(into.len() + CONTINUATION, 0);
    Some(into.len() - CONTINUATION)
}
