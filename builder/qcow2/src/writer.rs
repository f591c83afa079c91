//! Clusters become a file.

use std::io;

use builder_block::{Piece, Sink};

use crate::encode::{Body, Encoded};
use crate::format::{ENTRY_BYTES, Header, REFCOUNT_BYTES, compressed_entry, standard_entry};
use crate::options::{Geometry, Options, OptionsError};

/// A qcow2 file that is being written: clusters in the order of the disk, each L2 table behind what it tells of, then
/// the L1 table and the refcounts; the header comes last, so a file that is not complete is none.
///
/// Compressed clusters are packed one behind the other without regard to sectors, as QEMU does.
#[derive(Debug)]
pub struct Writer {
    options: Options,
    geometry: Geometry,
    /// The L1 table, as far as it is known.
    l1: Vec<u64>,
    /// The L2 table that is being filled; empty before its first entry.
    l2: Vec<u64>,
    /// For every cluster of the file, how often it is referred to. Two bytes for each 64 KiB of the file.
    refcounts: Vec<u16>,
    /// Where the next compressed cluster goes.
    pack: u64,
    /// How far compressed clusters may go: the end of the last cluster that holds some.
    pack_end: u64,
}

impl Writer {
    /// Begins a file.
    ///
    /// # Errors
    /// [`OptionsError`] where no such file can be.
    pub fn new(options: &Options) -> Result<Self, OptionsError> {
        let geometry = options.geometry()?;
        Ok(Self {
            options: *options,
            geometry,
            l1: Vec::new(),
            l2: Vec::new(),
            // The header's cluster.
            refcounts: vec![1],
            pack: 0,
            pack_end: 0,
        })
    }

    /// Appends a piece; pieces come in the order of the disk, and those that are holes may be left out.
    ///
    /// # Errors
    /// I/O of `sink`; the file would grow beyond what qcow2 can address.
    pub fn append(&mut self, sink: &mut dyn Sink, piece: &Piece, encoded: &Encoded) -> io::Result<()> {
        for cluster in &encoded.clusters {
            let entry = match &cluster.body {
                Body::Plain(range) => {
                    let offset = self.allocate(1)?;
                    let bytes = piece.bytes().unwrap_or_default();
                    sink.write_at(offset, &bytes[range.clone()])?;
                    standard_entry(offset)
                }
                Body::Compressed(range) => {
                    let bytes = &encoded.bytes[range.clone()];
                    let length = bytes.len() as u64;
                    let offset = self.place(length)?;
                    sink.write_at(offset, bytes)?;
                    compressed_entry(self.geometry.cluster_bits, offset, length)
                }
            };
            self.enter(sink, cluster.number, entry)?;
        }
        Ok(())
    }

    /// Completes the file and returns its length in bytes.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn finish(mut self, sink: &mut dyn Sink) -> io::Result<u64> {
        self.end_l2(sink)?;
        self.l1.resize(self.geometry.l1_entries as usize, 0);
        let l1_offset = self.allocate((u64::from(self.geometry.l1_entries) * ENTRY_BYTES).div_ceil(self.cluster()))?;
        sink.write_at(l1_offset, &encode(&self.l1))?;

        // The refcounts count the clusters that they are in themselves.
        let counts_in_block = self.cluster() / REFCOUNT_BYTES;
        let blocks_in_table_cluster = self.cluster() / ENTRY_BYTES;
        let before = self.refcounts.len() as u64;
        let (mut blocks, mut table_clusters) = (0, 0);
        loop {
            let needed = (before + blocks + table_clusters).div_ceil(counts_in_block);
            let table_needed = needed.div_ceil(blocks_in_table_cluster);
            if (needed, table_needed) == (blocks, table_clusters) {
                break;
            }
            (blocks, table_clusters) = (needed, table_needed);
        }
        let table_offset = self.allocate(table_clusters)?;
        let blocks_offset = self.allocate(blocks)?;
        let table: Vec<u64> = (0..blocks).map(|block| blocks_offset + block * self.cluster()).collect();
        sink.write_at(table_offset, &encode(&table))?;
        let mut counts = Vec::with_capacity(self.refcounts.len() * 2);
        for count in &self.refcounts {
            counts.extend_from_slice(&count.to_be_bytes());
        }
        sink.write_at(blocks_offset, &counts)?;

        let header = Header {
            cluster_bits: self.geometry.cluster_bits,
            size: self.geometry.size,
            l1_entries: self.geometry.l1_entries,
            l1_offset,
            refcount_table_offset: table_offset,
            // One for every 32 GiB of the smallest clusters; QEMU itself stops at 8 MiB of them.
            refcount_table_clusters: u32::try_from(table_clusters).map_err(|_| too_large())?,
            compression: self.options.compression,
        };
        sink.write_at(0, &header.encode())?;
        let length = self.end();
        sink.end_at(length)?;
        Ok(length)
    }

    fn cluster(&self) -> u64 {
        1 << self.geometry.cluster_bits
    }

    /// The end of the file, a multiple of the cluster size.
    fn end(&self) -> u64 {
        self.refcounts.len() as u64 * self.cluster()
    }

    /// The index in the refcounts of the cluster that `offset` lies in.
    fn index(&self, offset: u64) -> io::Result<usize> {
        usize::try_from(offset / self.cluster()).map_err(|_| too_large())
    }

    /// Takes whole clusters at the end of the file.
    fn allocate(&mut self, clusters: u64) -> io::Result<u64> {
        let offset = self.end();
        let counts = usize::try_from(clusters).map_err(|_| too_large())?;
        self.refcounts.resize(self.refcounts.len() + counts, 1);
        // What an L2 entry can hold of a compressed cluster's offset.
        if self.end() >= 1 << (62 - (self.geometry.cluster_bits - 8)).min(56) {
            return Err(too_large());
        }
        Ok(offset)
    }

    /// Takes room for a compressed cluster, which is less than a cluster.
    fn place(&mut self, length: u64) -> io::Result<u64> {
        // No cluster is referred to more often than its count can tell.
        let crowded = self.pack_end > 0 && self.refcounts[self.index(self.pack_end - 1)?] == u16::MAX;
        if crowded || self.pack + length > self.pack_end {
            let offset = self.allocate(1)?;
            // Counted below, once for each of those in it.
            let index = self.index(offset)?;
            self.refcounts[index] = 0;
            if crowded || offset != self.pack_end {
                // Something else lies behind the last one.
                self.pack = offset;
            }
            self.pack_end = self.end();
        }
        let offset = self.pack;
        self.pack += length;
        for index in self.index(offset)?..=self.index(self.pack - 1)? {
            self.refcounts[index] += 1;
        }
        Ok(offset)
    }

    /// Notes where a cluster of the disk is.
    fn enter(&mut self, sink: &mut dyn Sink, number: u64, entry: u64) -> io::Result<()> {
        let entries = self.cluster() / ENTRY_BYTES;
        let (table, index) = (number / entries, number % entries);
        if self.l2.is_empty() || table != self.l1.len() as u64 {
            self.end_l2(sink)?;
            // Within the L1 table, whose length is a u32.
            self.l1.resize(usize::try_from(table).map_err(|_| too_large())?, 0);
            self.l2.resize(usize::try_from(entries).map_err(|_| too_large())?, 0);
        }
        // Less than the entries of a table.
        self.l2[usize::try_from(index).map_err(|_| too_large())?] = entry;
        Ok(())
    }

    /// Writes the L2 table that was being filled.
    fn end_l2(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        if !self.l2.is_empty() {
            let offset = self.allocate(1)?;
            sink.write_at(offset, &encode(&self.l2))?;
            self.l1.push(standard_entry(offset));
            self.l2.clear();
        }
        Ok(())
    }
}

fn encode(table: &[u64]) -> Vec<u8> {
    table.iter().flat_map(|entry| entry.to_be_bytes()).collect()
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "a qcow2 file with clusters of this size cannot grow further")
}
