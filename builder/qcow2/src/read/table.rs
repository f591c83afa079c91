//! L2 tables. QEMU, `docs/interop/qcow2.rst`, "Cluster mapping" and "Extended L2 Entries".

use std::ops::Range;

use crate::error::{Part, Qcow2Error};
use crate::header::Header;

/// L1 and L2 entry: where in the file the table or cluster is. The bits around it are flags, or have no meaning yet.
pub(super) const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;

/// L2 entry: the cluster is compressed.
const COMPRESSED: u64 = 1 << 62;

/// L2 entry that is not extended: the cluster reads as zeros.
const ZERO: u64 = 1;

/// Unit in which the length of a compressed cluster is given, as a power of two.
const SECTOR_BITS: u32 = 9;

/// A cluster has so many subclusters. One of a file without them is seen as if they were all the same.
const SUBCLUSTERS: u32 = 32;

/// What is known of a run of bytes of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// They are zero.
    Nowhere,
    /// They are as they are at this byte of the file; those behind the end of the file are zero.
    Plain(u64),
    /// They are in this cluster.
    Packed(Packed),
}

/// A compressed cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    /// Where on the disk the cluster is.
    pub(super) guest: u64,
    /// Where in the file its bytes begin.
    pub(super) offset: u64,
    /// How many bytes of the file it has at most: what follows the end of its stream is not its own. At most two
    /// clusters.
    pub(super) length: u64,
}

/// An L2 table, in the memory of at most one and a half clusters.
pub(super) struct Table {
    /// Where on the disk its first cluster is.
    guest: u64,
    /// The entries; extended ones take two words.
    words: Vec<u64>,
    /// The runs of entries that have data, or make no sense, in ascending order.
    data: Vec<Range<u32>>,
}

/// A cluster that is not compressed.
struct Cluster {
    /// Where it is in the file, 0 for nowhere.
    offset: u64,
    /// The subclusters that are there, the first in the lowest bit.
    there: u32,
}

enum Entry {
    Plain(Cluster),
    Packed(Packed),
}

impl Table {
    /// Decodes a cluster of `bytes` that tells of the disk from byte `guest` on.
    pub(super) fn decode(header: &Header, guest: u64, bytes: &[u8]) -> Self {
        let words = bytes.chunks_exact(8).map(|word| word.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        let mut table = Self { guest, words: words.collect(), data: Vec::new() };
        // At most 2^18.
        let entries = u32::try_from(header.l2_entries()).unwrap_or(u32::MAX);
        for index in 0..entries {
            if !table.may_have_data(header, index) {
                continue;
            }
            match table.data.last_mut() {
                Some(last) if last.end == index => last.end = index + 1,
                _ => table.data.push(index..index + 1),
            }
        }
        table
    }

    /// The first run of data at or behind byte `from` of the disk, which the table tells of; in bytes of the disk.
    pub(super) fn data_behind(&self, header: &Header, from: u64) -> Option<Range<u64>> {
        let run = self.run_behind(self.index(header, from))?;
        let [start, end] = [run.start, run.end].map(|index| self.guest_of(header, index));
        Some(start.max(from)..end)
    }

    /// Where byte `guest` of the disk is, which the table tells of, and how many bytes behind it are there as well;
    /// where that may be more than `wanted` bytes, no further ones are looked for.
    pub(super) fn locate(
        &self,
        header: &Header,
        file_length: u64,
        guest: u64,
        wanted: u64,
    ) -> Result<(Place, u64), Qcow2Error> {
        let mut index = self.index(header, guest);
        match self.run_behind(index) {
            Some(run) if run.contains(&index) => {}
            next => {
                let end = next.map_or(self.guest + header.l2_span(), |run| self.guest_of(header, run.start));
                return Ok((Place::Nowhere, end - guest));
            }
        }
        let within = guest - self.guest_of(header, index);
        let cluster_size = header.cluster_size();
        let cluster = match self.entry(header, file_length, index)? {
            Entry::Packed(packed) => return Ok((Place::Packed(packed), cluster_size - within)),
            Entry::Plain(cluster) => cluster,
        };
        if cluster.there != u32::MAX {
            // At least 512 bytes, in clusters of 16 KiB.
            let subcluster_size = cluster_size / u64::from(SUBCLUSTERS);
            // Less than 32.
            let first = u32::try_from(within / subcluster_size).unwrap_or(0);
            let there = cluster.there >> first & 1 == 1;
            let alike = if there { cluster.there } else { !cluster.there };
            // Zeros come in at the top, so it ends with the cluster.
            let alike = (alike >> first).trailing_ones();
            let length = u64::from(first + alike) * subcluster_size - within;
            return Ok((if there { Place::Plain(cluster.offset + within) } else { Place::Nowhere }, length));
        }
        let mut length = cluster_size - within;
        while length < wanted && u64::from(index) + 1 < header.l2_entries() {
            index += 1;
            // What is wrong with the next one is said when it comes to it.
            let Ok(Entry::Plain(next)) = self.entry(header, file_length, index) else { break };
            if next.there != u32::MAX || next.offset != cluster.offset + within + length {
                break;
            }
            length += cluster_size;
        }
        Ok((Place::Plain(cluster.offset + within), length))
    }

    /// The index of the entry for byte `guest` of the disk.
    fn index(&self, header: &Header, guest: u64) -> u32 {
        // Less than 2^18, since the table tells of the byte.
        u32::try_from((guest - self.guest) >> header.cluster_bits).unwrap_or(u32::MAX)
    }

    fn guest_of(&self, header: &Header, index: u32) -> u64 {
        self.guest + (u64::from(index) << header.cluster_bits)
    }

    fn run_behind(&self, index: u32) -> Option<Range<u32>> {
        self.data.get(self.data.partition_point(|run| run.end <= index)).cloned()
    }

    /// An entry, and its bitmap of subclusters.
    fn words(&self, header: &Header, index: u32) -> (u64, u64) {
        // On every host where a table fits into memory.
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if header.extended_l2 { (self.words[2 * index], self.words[2 * index + 1]) } else { (self.words[index], 0) }
    }

    fn may_have_data(&self, header: &Header, index: u32) -> bool {
        let (entry, bitmap) = self.words(header, index);
        if entry & COMPRESSED != 0 {
            true
        } else if header.extended_l2 {
            bitmap & u64::from(u32::MAX) != 0
        } else if entry & ZERO != 0 {
            header.version == 2
        } else {
            entry & OFFSET != 0
        }
    }

    /// An entry that may have data.
    fn entry(&self, header: &Header, file_length: u64, index: u32) -> Result<Entry, Qcow2Error> {
        let (entry, bitmap) = self.words(header, index);
        let guest = self.guest_of(header, index);
        let senseless = |problem| Qcow2Error::Entry { guest, entry, problem };
        if entry & COMPRESSED != 0 {
            return packed(header, file_length, guest, entry).map(Entry::Packed);
        }
        let cluster = if header.extended_l2 {
            // Neither half has more than 32 bits.
            let [there, zero] =
                [bitmap & u64::from(u32::MAX), bitmap >> 32].map(|half| u32::try_from(half).unwrap_or(0));
            if there & zero != 0 {
                return Err(senseless("has subclusters that are both there and zero"));
            }
            if there != 0 && entry & OFFSET == 0 {
                return Err(senseless("has subclusters but no cluster for them"));
            }
            Cluster { offset: entry & OFFSET, there }
        } else if entry & ZERO != 0 {
            if header.version == 2 {
                return Err(senseless("has the zero flag, which version 2 of the format does not have"));
            }
            Cluster { offset: entry & OFFSET, there: 0 }
        } else {
            Cluster { offset: entry & OFFSET, there: if entry & OFFSET == 0 { 0 } else { u32::MAX } }
        };
        if cluster.there != 0 {
            let (part, offset, length) = (Part::Cluster { guest }, cluster.offset, header.cluster_size());
            if !offset.is_multiple_of(length) {
                return Err(Qcow2Error::Misplaced { part, offset, cluster_size: length });
            }
            // The last cluster of a file may be short: QEMU does not write its end before it has to.
            if offset >= file_length {
                return Err(Qcow2Error::Outside { part, offset, length, file_length });
            }
        }
        Ok(Entry::Plain(cluster))
    }
}

/// The compressed cluster of an entry: its offset in the low bits, above it the number of sectors behind that of the
/// offset.
fn packed(header: &Header, file_length: u64, guest: u64, entry: u64) -> Result<Packed, Qcow2Error> {
    let offset_bits = 62 - (header.cluster_bits - 8);
    let offset = entry & ((1 << offset_bits) - 1);
    let sectors_behind = (entry & (COMPRESSED - 1)) >> offset_bits;
    // Less than 2^62.
    let end = ((offset >> SECTOR_BITS) + 1 + sectors_behind) << SECTOR_BITS;
    if offset >= file_length {
        let part = Part::CompressedCluster { guest };
        return Err(Qcow2Error::Outside { part, offset, length: end - offset, file_length });
    }
    // The last sector of a file may be short.
    Ok(Packed { guest, offset, length: end.min(file_length) - offset })
}

#[cfg(test)]
mod tests {
    use super::{COMPRESSED, Packed, Place, Table};
    use crate::header::{Header, Packing};

    const HEADER: Header = Header {
        version: 3,
        cluster_bits: 16,
        size: 1 << 30,
        l1_entries: 2,
        l1_offset: 1 << 16,
        extended_l2: false,
        packing: Packing::Deflate,
    };
    const CLUSTER: u64 = 1 << 16;
    /// Where on the disk the table's first cluster is.
    const GUEST: u64 = 1 << 29;

    fn table(header: &Header, words: &[u64]) -> Table {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.resize(1 << header.cluster_bits, 0);
        Table::decode(header, GUEST, &bytes)
    }

    #[test]
    fn clusters_in_a_row_are_one_run() {
        let copied = 1 << 63;
        let words = [0, copied | CLUSTER, copied | (2 * CLUSTER), 4 * CLUSTER, 1, (5 * CLUSTER) | 1, 6 * CLUSTER];
        let table = table(&HEADER, &words);
        // In clusters, but for the offsets of the bytes asked for.
        for (guest, wanted, expected) in [
            (5, 1, (Place::Nowhere, CLUSTER - 5)),
            (CLUSTER + 7, 1, (Place::Plain(CLUSTER + 7), CLUSTER - 7)),
            (CLUSTER + 7, 9 * CLUSTER, (Place::Plain(CLUSTER + 7), 2 * CLUSTER - 7)),
            (3 * CLUSTER, 9 * CLUSTER, (Place::Plain(4 * CLUSTER), CLUSTER)),
            (4 * CLUSTER, 1, (Place::Nowhere, 2 * CLUSTER)),
            (6 * CLUSTER, 9 * CLUSTER, (Place::Plain(6 * CLUSTER), CLUSTER)),
            (7 * CLUSTER, 1, (Place::Nowhere, 8185 * CLUSTER)),
        ] {
            assert_eq!(table.locate(&HEADER, 7 * CLUSTER, GUEST + guest, wanted).unwrap(), expected, "{guest}");
        }
        for (from, expected) in [
            (0, Some(CLUSTER..4 * CLUSTER)),
            (CLUSTER + 1, Some(CLUSTER + 1..4 * CLUSTER)),
            (4 * CLUSTER, Some(6 * CLUSTER..7 * CLUSTER)),
            (7 * CLUSTER, None),
        ] {
            let found = table.data_behind(&HEADER, GUEST + from);
            assert_eq!(found, expected.map(|run| GUEST + run.start..GUEST + run.end), "{from}");
        }
        // The last one begins behind the end of the file, and does not spoil those before.
        let error = table.locate(&HEADER, 6 * CLUSTER, GUEST + 6 * CLUSTER, 1).unwrap_err();
        assert!(error.to_string().contains("cluster for byte 537264128 of the disk"), "{error}");
        assert!(table.locate(&HEADER, 6 * CLUSTER, GUEST + 3 * CLUSTER, CLUSTER).is_ok());
    }

    #[test]
    fn compressed_clusters_end_with_a_sector() {
        for (offset, sectors_behind, length) in [(70_000, 0, 144), (1 << 17, 0, 512), ((1 << 17) - 1, 3, 1537)] {
            let table = table(&HEADER, &[COMPRESSED | sectors_behind << 54 | offset]);
            let (place, reach) = table.locate(&HEADER, 1 << 20, GUEST + 1000, 1).unwrap();
            assert_eq!(place, Place::Packed(Packed { guest: GUEST, offset, length }));
            assert_eq!(reach, CLUSTER - 1000);
            assert!(table.locate(&HEADER, offset, GUEST, 1).is_err());
            // As much as the file has.
            let (place, _) = table.locate(&HEADER, offset + 1, GUEST, 1).unwrap();
            assert_eq!(place, Place::Packed(Packed { guest: GUEST, offset, length: 1 }));
        }
    }

    #[test]
    fn subclusters_are_found_one_by_one() {
        let header = Header { extended_l2: true, ..HEADER };
        let zero = |bits: u64| bits << 32;
        let table = table(&header, &[CLUSTER, 0b1101 | zero(0b10), 0, zero(7), 2 * CLUSTER, u64::from(u32::MAX)]);
        for (guest, expected) in [
            (1, (Place::Plain(CLUSTER + 1), 2047)),
            (2048, (Place::Nowhere, 2048)),
            (4096, (Place::Plain(CLUSTER + 4096), 4096)),
            (8192, (Place::Nowhere, CLUSTER - 8192)),
            (CLUSTER, (Place::Nowhere, CLUSTER)),
            (2 * CLUSTER + 1, (Place::Plain(2 * CLUSTER + 1), CLUSTER - 1)),
        ] {
            assert_eq!(table.locate(&header, 1 << 20, GUEST + guest, 4 * CLUSTER).unwrap(), expected, "{guest}");
        }
    }

    #[test]
    fn senseless_entries_are_refused() {
        let extended = Header { extended_l2: true, ..HEADER };
        let older = Header { version: 2, ..HEADER };
        for (header, words, text) in [
            (HEADER, [CLUSTER + 512, 0], "at byte 66048, which is not one of the multiples"),
            (HEADER, [1 << 55, 0], "ends at byte 1048576"),
            (older, [1, 0], "zero flag"),
            (extended, [CLUSTER, 1 << 32 | 1], "both there and zero"),
            (extended, [0, 1], "no cluster"),
        ] {
            let error = table(&header, &words).locate(&header, 1 << 20, GUEST, 1).unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("536870912"), "{text}: {error}");
        }
    }
}
