//! Where the fields of a sparse extent lie, and how numbers go into them. All are little-endian.
//!
//! Source: VMware, "Virtual Disk Format 5.0", "Hosted Sparse Extent Header" and "Stream-Optimized Compressed".

use builder_block::SECTOR_SIZE;

/// Bytes in a sector.
pub(crate) const SECTOR: usize = 512;
const _: () = assert!(SECTOR as u64 == SECTOR_SIZE);
/// Sectors in a grain of our own files: the only size that all readers take.
pub(crate) const GRAIN_SECTORS: u64 = 128;
/// Bytes in a grain of our own files.
pub(crate) const GRAIN: usize = 64 << 10;
const _: () = assert!(GRAIN as u64 == GRAIN_SECTORS * SECTOR_SIZE);
/// Entries of a grain table (`numGTEsPerGT`), in every file.
pub(crate) const TABLE_ENTRIES: usize = 512;
/// Bytes of a grain table.
pub(crate) const TABLE_BYTES: usize = 4 * TABLE_ENTRIES;
/// Bytes of a grain marker before the compressed grain: first sector (u64), length of what follows (u32).
pub(crate) const GRAIN_MARKER: usize = 12;
/// A grain table's entry for a grain of zeros that has no place in the file (with [`FLAG_ZERO_GRAIN`]).
pub(crate) const ZERO_GRAIN: u32 = 1;
/// `GD_AT_END`: the directory is found through the footer.
pub(crate) const DIRECTORY_AT_END: u64 = u64::MAX;

/// `SPARSE_MAGICNUMBER`.
pub(crate) const MAGIC: [u8; 4] = *b"KDMV";
/// Bit 0 of the flags: the bytes at [`NEWLINES_AT`] are valid.
pub(crate) const FLAG_NEWLINES: u32 = 1;
/// Bit 2: entries of grain tables can be [`ZERO_GRAIN`].
pub(crate) const FLAG_ZERO_GRAIN: u32 = 1 << 2;
/// Bit 16: grains are compressed.
pub(crate) const FLAG_COMPRESSED: u32 = 1 << 16;
/// Bit 17: there are markers before grains and tables.
pub(crate) const FLAG_MARKERS: u32 = 1 << 17;
/// The bits that a reader must know (16 to 31) and that have no meaning yet.
pub(crate) const FLAGS_UNKNOWN: u32 = 0xffff_0000 & !(FLAG_COMPRESSED | FLAG_MARKERS);
/// `COMPRESSION_DEFLATE`: zlib streams, RFC 1950.
pub(crate) const DEFLATE: u16 = 1;
/// What tells that a transfer "as text" has damaged the file.
pub(crate) const NEWLINES: [u8; 4] = *b"\n \r\n";
const NEWLINES_AT: usize = 73;

/// `MARKER_GT`: before a grain table.
pub(crate) const MARKER_TABLE: u32 = 1;
/// `MARKER_GD`: before the grain directory.
pub(crate) const MARKER_DIRECTORY: u32 = 2;
/// `MARKER_FOOTER`: before the footer.
pub(crate) const MARKER_FOOTER: u32 = 3;
/// `MARKER_EOS`: the end.
pub(crate) const MARKER_END: u32 = 0;

/// `SparseExtentHeader`, the first sector, and at the end of a stream the footer.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// 0x04 `version`, 1 to 3.
    pub(crate) version: u32,
    /// 0x08 `flags`.
    pub(crate) flags: u32,
    /// 0x0C `capacity`, size of the disk in sectors.
    pub(crate) capacity: u64,
    /// 0x14 `grainSize`, in sectors.
    pub(crate) grain_sectors: u64,
    /// 0x1C `descriptorOffset`, in sectors; 0 where there is none.
    pub(crate) descriptor_sector: u64,
    /// 0x24 `descriptorSize`, in sectors.
    pub(crate) descriptor_sectors: u64,
    /// 0x2C `numGTEsPerGT`.
    pub(crate) table_entries: u32,
    /// 0x38 `gdOffset`, in sectors, or [`DIRECTORY_AT_END`].
    pub(crate) directory_sector: u64,
    /// 0x40 `overHead`, sectors before the first grain.
    pub(crate) overhead_sectors: u64,
    /// 0x49 the four bytes of [`NEWLINES`].
    pub(crate) newlines: [u8; 4],
    /// 0x4D `compressAlgorithm`.
    pub(crate) compression: u16,
}

impl Header {
    /// The sector.
    ///
    /// Zero stay: `rgdOffset` (a stream has no second directory) and `uncleanShutdown` (nobody has it open).
    pub(crate) fn to_sector(&self) -> Vec<u8> {
        let mut sector = Vec::with_capacity(SECTOR);
        sector.extend(MAGIC); // 0x00
        sector.extend(self.version.to_le_bytes()); // 0x04
        sector.extend(self.flags.to_le_bytes()); // 0x08
        sector.extend(self.capacity.to_le_bytes()); // 0x0C
        sector.extend(self.grain_sectors.to_le_bytes()); // 0x14
        sector.extend(self.descriptor_sector.to_le_bytes()); // 0x1C
        sector.extend(self.descriptor_sectors.to_le_bytes()); // 0x24
        sector.extend(self.table_entries.to_le_bytes()); // 0x2C
        sector.extend([0; 8]); // 0x30 rgdOffset
        sector.extend(self.directory_sector.to_le_bytes()); // 0x38
        sector.extend(self.overhead_sectors.to_le_bytes()); // 0x40
        sector.push(0); // 0x48 uncleanShutdown
        sector.extend(self.newlines); // 0x49
        sector.extend(self.compression.to_le_bytes()); // 0x4D
        sector.resize(SECTOR, 0);
        sector
    }

    /// The fields, unchecked; `None` without the magic number.
    pub(crate) fn parse(sector: &[u8; SECTOR]) -> Option<Self> {
        (sector[..4] == MAGIC).then(|| Self {
            version: u32_at(sector, 0x04),
            flags: u32_at(sector, 0x08),
            capacity: u64_at(sector, 0x0C),
            grain_sectors: u64_at(sector, 0x14),
            descriptor_sector: u64_at(sector, 0x1C),
            descriptor_sectors: u64_at(sector, 0x24),
            table_entries: u32_at(sector, 0x2C),
            directory_sector: u64_at(sector, 0x38),
            overhead_sectors: u64_at(sector, 0x40),
            newlines: array_at(sector, NEWLINES_AT),
            compression: u16::from_le_bytes(array_at(sector, 0x4D)),
        })
    }
}

/// A marker before `sectors` of `kind`.
pub(crate) fn marker(sectors: u64, kind: u32) -> Vec<u8> {
    let mut sector = Vec::with_capacity(SECTOR);
    sector.extend(sectors.to_le_bytes()); // 0x00 val
    sector.extend([0; 4]); // 0x08 size: what follows is not a grain
    sector.extend(kind.to_le_bytes()); // 0x0C type
    sector.resize(SECTOR, 0);
    sector
}

/// Whether `sector` is the marker of `kind`.
pub(crate) fn is_marker(sector: &[u8; SECTOR], kind: u32) -> bool {
    u32_at(sector, 8) == 0 && u32_at(sector, 12) == kind
}

/// The entries of a table or directory.
pub(crate) fn entries(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|&entry| u32::from_le_bytes(entry)).collect()
}

/// The u32 at byte `at`, which has four bytes behind it.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

/// The u64 at byte `at`, which has eight bytes behind it.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}
