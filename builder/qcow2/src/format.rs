//! The bytes of a qcow2 file that is written. QEMU, `docs/interop/qcow2.rst`. All numbers are big-endian.

use crate::options::Compression;

/// Length of the header that we write: that of version 3 with the compression type.
pub(crate) const HEADER_LENGTH: u32 = 112;

/// Refcounts have `2^4` bits.
pub(crate) const REFCOUNT_ORDER: u32 = 4;

/// Length of a refcount in bytes.
pub(crate) const REFCOUNT_BYTES: u64 = 2;

/// Length of an entry of the L1, L2 and refcount tables in bytes.
pub(crate) const ENTRY_BYTES: u64 = 8;

/// The largest L1 table that QEMU opens, in bytes (`QCOW_MAX_L1_SIZE` in `block/qcow2.h`).
pub(crate) const L1_LIMIT: u64 = 32 << 20;

/// L1 and L2 entry: the cluster's refcount is exactly one ("COPIED").
const COPIED: u64 = 1 << 63;

/// L2 entry: a compressed cluster descriptor.
const COMPRESSED: u64 = 1 << 62;

/// Unit in which the length of a compressed cluster is given.
const SECTOR_BITS: u32 = 9;

/// Incompatible feature bit 3: the compression type is not zlib.
const COMPRESSION_TYPE: u64 = 1 << 3;

/// What the header says that is not the same in all files.
pub(crate) struct Header {
    /// Cluster size as a power of two.
    pub(crate) cluster_bits: u32,
    /// Virtual size in bytes.
    pub(crate) size: u64,
    /// Entries of the L1 table.
    pub(crate) l1_entries: u32,
    /// Where it is, in bytes.
    pub(crate) l1_offset: u64,
    /// Where the refcount table is, in bytes.
    pub(crate) refcount_table_offset: u64,
    /// How many clusters it has.
    pub(crate) refcount_table_clusters: u32,
    /// How clusters are compressed.
    pub(crate) compression: Compression,
}

impl Header {
    /// The header, and behind it the end of the header extensions.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (incompatible, compression_type) = match self.compression {
            Compression::Zstd => (COMPRESSION_TYPE, 1),
            Compression::Zlib | Compression::None => (0, 0),
        };
        let mut bytes = Vec::with_capacity(120);
        bytes.extend_from_slice(b"QFI\xfb");
        bytes.extend_from_slice(&3_u32.to_be_bytes()); // 4: version
        bytes.extend_from_slice(&0_u64.to_be_bytes()); // 8: no backing file
        bytes.extend_from_slice(&0_u32.to_be_bytes()); // 16: nor its name's length
        bytes.extend_from_slice(&self.cluster_bits.to_be_bytes()); // 20
        bytes.extend_from_slice(&self.size.to_be_bytes()); // 24
        bytes.extend_from_slice(&0_u32.to_be_bytes()); // 32: no encryption
        bytes.extend_from_slice(&self.l1_entries.to_be_bytes()); // 36
        bytes.extend_from_slice(&self.l1_offset.to_be_bytes()); // 40
        bytes.extend_from_slice(&self.refcount_table_offset.to_be_bytes()); // 48
        bytes.extend_from_slice(&self.refcount_table_clusters.to_be_bytes()); // 56
        bytes.extend_from_slice(&0_u32.to_be_bytes()); // 60: no snapshots
        bytes.extend_from_slice(&0_u64.to_be_bytes()); // 64: nor their table
        bytes.extend_from_slice(&incompatible.to_be_bytes()); // 72
        bytes.extend_from_slice(&0_u64.to_be_bytes()); // 80: compatible features
        bytes.extend_from_slice(&0_u64.to_be_bytes()); // 88: features that a writer clears
        bytes.extend_from_slice(&REFCOUNT_ORDER.to_be_bytes()); // 96
        bytes.extend_from_slice(&HEADER_LENGTH.to_be_bytes()); // 100
        bytes.extend_from_slice(&[compression_type, 0, 0, 0, 0, 0, 0, 0]); // 104: and padding
        // The end of the extensions: type 0 and length 0.
        bytes.extend_from_slice(&[0; 8]);
        bytes
    }
}

/// The L1 or L2 entry of a cluster at `offset` that nothing else refers to.
pub(crate) fn standard_entry(offset: u64) -> u64 {
    offset | COPIED
}

/// The L2 entry of a cluster whose `length` compressed bytes are at `offset`: the offset in the low bits, above it the
/// number of sectors that the data reaches into beyond the first.
pub(crate) fn compressed_entry(cluster_bits: u32, offset: u64, length: u64) -> u64 {
    let further_sectors = ((offset + length - 1) >> SECTOR_BITS) - (offset >> SECTOR_BITS);
    COMPRESSED | offset | further_sectors << (62 - (cluster_bits - 8))
}

#[cfg(test)]
mod tests {
    use super::{HEADER_LENGTH, Header, compressed_entry};
    use crate::options::Compression;

    #[test]
    fn the_header_has_the_length_that_it_says() {
        let header = Header {
            cluster_bits: 16,
            size: 1 << 20,
            l1_entries: 1,
            l1_offset: 0x1_0000,
            refcount_table_offset: 0x2_0000,
            refcount_table_clusters: 1,
            compression: Compression::Zstd,
        };
        assert_eq!(header.encode().len(), HEADER_LENGTH as usize + 8);
    }

    #[test]
    fn the_length_of_compressed_data_counts_the_sectors_behind_the_first() {
        for (offset, length, further) in [(0x1_0000, 512, 0), (0x1_0000, 513, 1), (0x1_01ff, 2, 1), (0x1_0001, 511, 0)]
        {
            assert_eq!(compressed_entry(16, offset, length), 1 << 62 | further << 54 | offset, "{offset} {length}");
        }
    }
}
