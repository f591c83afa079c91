//! What a qcow2 file is to be.

use builder_block::{ByteSize, PIECE};

use crate::format::{ENTRY_BYTES, L1_LIMIT};

/// How clusters are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// Deflate, which every QEMU reads.
    Zlib,
    /// Zstandard, which QEMU reads since 5.1 (2020).
    Zstd,
}

/// What a qcow2 file is to be.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Virtual size, a multiple of 512 bytes.
    pub size: ByteSize,
    /// Size of a cluster: a power of two from 512 bytes to 2 MiB.
    pub cluster_size: ByteSize,
    /// How clusters are compressed.
    pub compression: Compression,
    /// Level of compression: 1 to 9 for zlib, 1 to 22 for zstd.
    pub level: i32,
}

/// Options of which no file can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// The virtual size is none that a disk has.
    #[error("a qcow2 disk has whole sectors of 512 bytes and at least one, but {size} bytes were asked for")]
    Size {
        /// The size in bytes.
        size: u64,
    },
    /// There are no such clusters.
    #[error("the cluster size is {cluster_size} bytes, but must be a power of two from 512 bytes to 2 MiB")]
    ClusterSize {
        /// The size in bytes.
        cluster_size: u64,
    },
    /// There is no such level.
    #[error("the level of compression is {level}, but must be from {least} to {most}")]
    Level {
        /// The level.
        level: i32,
        /// The lowest.
        least: i32,
        /// The highest.
        most: i32,
    },
    /// The tables of so many clusters would be larger than QEMU opens.
    #[error("a disk of {} has too many clusters of {cluster_size} bytes: QEMU opens no such table", ByteSize::new(*.size))]
    ClustersTooSmall {
        /// Virtual size in bytes.
        size: u64,
        /// Size of the clusters in bytes.
        cluster_size: u64,
    },
}

/// Checked options, with the numbers that follow from them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Virtual size in bytes.
    pub(crate) size: u64,
    /// Cluster size as a power of two.
    pub(crate) cluster_bits: u32,
    /// Entries of the L1 table.
    pub(crate) l1_entries: u32,
}

impl Options {
    /// The size of cluster that QEMU takes by itself.
    pub const CLUSTER_SIZE: ByteSize = ByteSize::new(64 << 10);

    /// The level that is a good bargain for `compression`.
    #[must_use]
    pub fn default_level(compression: Compression) -> i32 {
        match compression {
            Compression::None => 0,
            Compression::Zlib => 6,
            Compression::Zstd => 3,
        }
    }

    pub(crate) fn geometry(&self) -> Result<Geometry, OptionsError> {
        let (size, cluster_size) = (self.size.bytes(), self.cluster_size.bytes());
        if size == 0 || !size.is_multiple_of(512) {
            return Err(OptionsError::Size { size });
        }
        // Whole clusters make a piece.
        if !cluster_size.is_power_of_two() || !(512..=(2 << 20)).contains(&cluster_size) || cluster_size > PIECE {
            return Err(OptionsError::ClusterSize { cluster_size });
        }
        let levels = match self.compression {
            Compression::None => self.level..=self.level,
            Compression::Zlib => 1..=9,
            Compression::Zstd => 1..=22,
        };
        if !levels.contains(&self.level) {
            return Err(OptionsError::Level { level: self.level, least: *levels.start(), most: *levels.end() });
        }
        let l1_entries = size.div_ceil(cluster_size).div_ceil(cluster_size / ENTRY_BYTES);
        let too_small = OptionsError::ClustersTooSmall { size, cluster_size };
        let l1_entries = u32::try_from(l1_entries).map_err(|_| too_small)?;
        if u64::from(l1_entries) * ENTRY_BYTES > L1_LIMIT {
            return Err(OptionsError::ClustersTooSmall { size, cluster_size });
        }
        Ok(Geometry { size, cluster_bits: cluster_size.trailing_zeros(), l1_entries })
    }
}
