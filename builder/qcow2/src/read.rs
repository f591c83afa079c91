//! qcow2 files are read, whoever wrote them.

mod map;
mod recent;
mod table;
mod unpack;

use std::io;

use builder_block::{ByteSize, DiskSource, ReadAt, Region};

use self::map::Map;
use self::recent::Recent;
use self::table::{Packed, Place};
use self::unpack::Unpacker;
use crate::error::{Part, Qcow2Error};
use crate::header::{HEADER_ROOM, Header};

/// How many decompressed clusters are kept, each of at most 2 MiB.
const CLUSTERS: usize = 4;

/// The disk in a qcow2 file of version 2 or 3. QEMU, `docs/interop/qcow2.rst`.
///
/// ```text
///  header ──▶ L1 table ──▶ L2 table ──▶ cluster           as it is
///                      └▶  none: zeros └▶ compressed bytes  a cluster
///                                      └▶ none: zeros
/// ```
///
/// All clusters and subclusters are read, compressed ones as well (zlib and zstd). A file that was not closed (the
/// "dirty bit") is read as it is, since only its refcounts may be wrong. Internal snapshots are not looked at: the disk
/// is the one that a machine would see. Files that are not complete in themselves are refused: those with a backing
/// file, with an external data file, and encrypted ones.
///
/// The file may be anything: all places in it are checked when they are used, and the memory needed is that of the L2
/// tables' places (a few words for each that is in the file) and of a few clusters, whatever the file claims. The disk
/// may be as large as 2^61 bytes for all that; who reads it sets a limit.
///
/// Errors of its reads are [`Qcow2Error`] inside of [`io::Error`].
#[derive(Debug)]
pub struct Qcow2Reader<R> {
    file: R,
    header: Header,
    map: Map,
    /// The decompressed clusters that were asked for in part, by where they are on the disk.
    clusters: Recent<Vec<u8>>,
}

impl<R: ReadAt> Qcow2Reader<R> {
    /// Reads the header and the L1 table of `file`.
    ///
    /// # Errors
    /// This is no qcow2 file, one that cannot be read alone, or a damaged one; I/O of `file`.
    pub fn open(file: R) -> Result<Self, Qcow2Error> {
        let length = file.size().bytes().min(HEADER_ROOM);
        // At most 64 KiB.
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_at(0, &mut bytes).map_err(|source| Qcow2Error::Read { part: Part::Header, offset: 0, source })?;
        let header = Header::parse(&bytes)?;
        let map = Map::read(header, &file)?;
        Ok(Self { file, header, map, clusters: Recent::new(CLUSTERS) })
    }

    /// Size of a cluster in bytes: a power of two from 512 to 2097152.
    #[must_use]
    pub fn cluster_size(&self) -> ByteSize {
        ByteSize::new(self.header.cluster_size())
    }

    /// Fills `buffer`, which is on the disk, with what is at byte `guest`.
    fn fill(&self, mut guest: u64, mut buffer: &mut [u8]) -> Result<(), Qcow2Error> {
        let mut unpacker = Unpacker::new(self.header.packing);
        while !buffer.is_empty() {
            let (place, reach) = self.map.locate(&self.file, guest, buffer.len() as u64)?;
            let length = usize::try_from(reach).map_or(buffer.len(), |reach| reach.min(buffer.len()));
            let (now, behind) = std::mem::take(&mut buffer).split_at_mut(length);
            match place {
                Place::Nowhere => now.fill(0),
                Place::Plain(offset) => self.copy(guest, offset, now)?,
                Place::Packed(cluster) => self.unpack(&mut unpacker, guest, cluster, now)?,
            }
            guest += length as u64;
            buffer = behind;
        }
        Ok(())
    }

    /// Reads bytes that are in the file as they are; those behind its end are zero.
    fn copy(&self, guest: u64, offset: u64, buffer: &mut [u8]) -> Result<(), Qcow2Error> {
        let there = self.map.file_length().saturating_sub(offset);
        let there = usize::try_from(there).map_or(buffer.len(), |there| there.min(buffer.len()));
        let (in_file, behind) = buffer.split_at_mut(there);
        behind.fill(0);
        if in_file.is_empty() {
            return Ok(());
        }
        let part = Part::Cluster { guest };
        self.file.read_at(offset, in_file).map_err(|source| Qcow2Error::Read { part, offset, source })
    }

    /// Reads bytes of a compressed cluster, from byte `guest` of the disk on.
    fn unpack(
        &self,
        unpacker: &mut Unpacker,
        guest: u64,
        cluster: Packed,
        buffer: &mut [u8],
    ) -> Result<(), Qcow2Error> {
        // At most 2 MiB.
        let cluster_size = usize::try_from(self.header.cluster_size()).unwrap_or(usize::MAX);
        if buffer.len() == cluster_size {
            return unpacker.unpack(&self.file, cluster, buffer);
        }
        let plain = self.clusters.get(cluster.guest, || {
            let mut plain = vec![0; cluster_size];
            unpacker.unpack(&self.file, cluster, &mut plain)?;
            Ok(plain)
        })?;
        // Less than a cluster.
        let start = usize::try_from(guest - cluster.guest).unwrap_or(usize::MAX);
        buffer.copy_from_slice(&plain[start..start + buffer.len()]);
        Ok(())
    }
}

impl<R: ReadAt> ReadAt for Qcow2Reader<R> {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.header.size)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        if offset.checked_add(buffer.len() as u64).is_none_or(|end| end > self.header.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.fill(offset, buffer)?)
    }
}

impl<R: ReadAt> DiskSource for Qcow2Reader<R> {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        Ok(self.map.data_behind(&self.file, from)?)
    }
}
