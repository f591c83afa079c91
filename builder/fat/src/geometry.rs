//! How large clusters and tables are.

use builder_block::{ByteSize, SectorSize};

/// Fewer clusters make a FAT16, whatever the boot sector says: FAT specification, "FAT type determination".
pub(crate) const MINIMUM_CLUSTERS: u64 = 65_525;

/// The largest file system: sectors are counted in 32 bits, and larger ones do not make it larger here.
pub(crate) const LARGEST: ByteSize = ByteSize::new(0xFFFF_FFFF * 512);

/// Sectors before the first FAT; more where a cluster has more, so that clusters stay aligned.
const RESERVED_SECTORS: u64 = 32;

/// Bytes of a cluster number in the FAT.
const ENTRY_BYTES: u64 = 4;

/// Entries of the FAT that belong to no cluster.
const RESERVED_ENTRIES: u64 = 2;

/// Largest file system and size of its clusters, in bytes: FAT specification, table `DskTableFAT32`. A cluster has at
/// least one sector, so with sectors of 4096 bytes the first two classes are the same.
const CLASSES: [(u64, u64); 5] = [
    (532_480 * 512, 512),
    (16_777_216 * 512, 4096),
    (33_554_432 * 512, 8192),
    (67_108_864 * 512, 16_384),
    (LARGEST.bytes(), 32_768),
];

/// Sizes of all parts, in sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Bytes in a sector.
    pub(crate) sector: SectorSize,
    /// Sectors of the file system: those of the partition, less a few where another sector of FAT would cost more
    /// clusters than it brings.
    pub(crate) sectors: u64,
    /// 1 to 64, a power of two.
    pub(crate) sectors_per_cluster: u64,
    /// Sectors before the first FAT.
    pub(crate) reserved_sectors: u64,
    /// Sectors of one FAT.
    pub(crate) fat_sectors: u64,
    /// Clusters, counted from 2.
    pub(crate) clusters: u64,
}

impl Geometry {
    /// For a partition of so many whole sectors, at most [`LARGEST`]; `None` where not even an empty FAT fits.
    pub(crate) fn new(sectors: u64, sector: SectorSize) -> Option<Self> {
        let size = sectors.checked_mul(sector.bytes())?;
        let (_, cluster) = CLASSES.into_iter().find(|&(largest, _)| size <= largest)?;
        Self::with_clusters(sectors, cluster, sector)
    }

    /// With clusters of so many bytes, but at least a sector.
    fn with_clusters(sectors: u64, cluster: u64, sector: SectorSize) -> Option<Self> {
        let sectors_per_cluster = (cluster / sector.bytes()).max(1);
        let entries_per_sector = sector.bytes() / ENTRY_BYTES;
        let reserved_sectors = RESERVED_SECTORS.next_multiple_of(sectors_per_cluster);
        let rest = sectors.checked_sub(reserved_sectors)?;
        // With more FAT than this there is an entry for every cluster, with less a cluster for every entry; the most
        // clusters are to be had at one of the two multiples of a cluster around it.
        let balance = (rest + RESERVED_ENTRIES * sectors_per_cluster)
            .div_ceil(entries_per_sector * sectors_per_cluster + 2)
            .next_multiple_of(sectors_per_cluster);
        let clusters = |fat_sectors: u64| -> Option<u64> {
            let by_space = rest.checked_sub(2 * fat_sectors)? / sectors_per_cluster;
            Some(by_space.min((fat_sectors * entries_per_sector).checked_sub(RESERVED_ENTRIES)?))
        };
        // Of equals the later one: the larger table is the one `mkfs.fat` makes.
        let fat_sectors = [balance - sectors_per_cluster, balance].into_iter().max_by_key(|&fat| clusters(fat))?;
        let clusters = clusters(fat_sectors).filter(|&clusters| clusters > 0)?;
        // Readers count the clusters by the space, so there must be no space without an entry.
        let data_sectors = (rest - 2 * fat_sectors).min((clusters + 1) * sectors_per_cluster - 1);
        Some(Self {
            sector,
            sectors: reserved_sectors + 2 * fat_sectors + data_sectors,
            sectors_per_cluster,
            reserved_sectors,
            fat_sectors,
            clusters,
        })
    }

    /// Bytes of a cluster.
    pub(crate) fn cluster_bytes(&self) -> u64 {
        self.sectors_per_cluster * self.sector.bytes()
    }

    /// First byte of cluster `number`, counted from 2.
    pub(crate) fn cluster_offset(&self, number: u64) -> u64 {
        let data = self.reserved_sectors + 2 * self.fat_sectors;
        (data + number.saturating_sub(RESERVED_ENTRIES) * self.sectors_per_cluster) * self.sector.bytes()
    }

    /// First byte of either FAT.
    pub(crate) fn fat_offsets(&self) -> [u64; 2] {
        [self.reserved_sectors, self.reserved_sectors + self.fat_sectors].map(|sectors| sectors * self.sector.bytes())
    }
}

/// The size from which on every partition with such sectors, up to the largest, has the clusters that `needed` asks for
/// when told their size in bytes; `None` where the largest has not.
///
/// Where clusters grow, many small files may fit just below and not just above; the size above is given then.
pub(crate) fn minimum_size(sector: SectorSize, needed: impl Fn(u64) -> u64) -> Option<ByteSize> {
    let mut minimum = None;
    for (class, &(largest, cluster)) in CLASSES.iter().enumerate().rev() {
        let needed = needed(cluster.max(sector.bytes())).max(MINIMUM_CLUSTERS);
        let enough = |sectors| {
            Geometry::with_clusters(sectors, cluster, sector).is_some_and(|geometry| geometry.clusters >= needed)
        };
        let largest = largest / sector.bytes();
        let smallest = class.checked_sub(1).map_or(0, |below| CLASSES[below].0 / sector.bytes() + 1);
        if !enough(largest) {
            break;
        }
        // Clusters never become fewer with more sectors: half the range goes with every step.
        let (mut low, mut high) = (smallest, largest);
        while low < high {
            let middle = low + (high - low) / 2;
            if enough(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        minimum = Some(ByteSize::new(low * sector.bytes()));
        if low > smallest {
            break;
        }
    }
    minimum
}

#[cfg(test)]
mod tests {
    use builder_block::{ByteSize, SectorSize};

    use super::{CLASSES, Geometry, MINIMUM_CLUSTERS, minimum_size};

    #[test]
    fn more_sectors_never_make_fewer_clusters() {
        let sizes = SectorSize::ALL.into_iter().flat_map(|sector| CLASSES.map(|(_, cluster)| (sector, cluster)));
        for (sector, cluster) in sizes {
            let mut before = 0;
            for sectors in (100..3_000).chain(66_000..70_000).chain(4_000_000..4_020_000) {
                let Some(geometry) = Geometry::with_clusters(sectors, cluster, sector) else { continue };
                let sectors_per_cluster = geometry.sectors_per_cluster;
                assert_eq!(geometry.cluster_bytes(), cluster.max(sector.bytes()));
                assert!(geometry.clusters >= before, "{sectors} {geometry:?}");
                before = geometry.clusters;
                // What every reader computes.
                let data = geometry.sectors - geometry.reserved_sectors - 2 * geometry.fat_sectors;
                assert_eq!(data / sectors_per_cluster, geometry.clusters, "{geometry:?}");
                assert!(geometry.clusters + 2 <= geometry.fat_sectors * sector.bytes() / 4, "{geometry:?}");
                assert!(geometry.sectors <= sectors && geometry.sectors + 3 * sectors_per_cluster >= sectors);
            }
        }
    }

    #[test]
    fn the_minimum_is_enough_and_one_sector_less_is_not() {
        let clusters =
            |sectors: u64| Geometry::new(sectors, SectorSize::Bytes512).map_or(0, |geometry| geometry.clusters);
        // Reserved sectors, two FATs of a sector for 128 clusters (rounded up), the clusters.
        for (needed, sectors) in [(0, 32 + 2 * 512 + 65_525), (66_000, 32 + 2 * 516 + 66_000)] {
            assert_eq!(minimum_size(SectorSize::Bytes512, |_| needed), Some(ByteSize::new(sectors * 512)));
            assert!(clusters(sectors) == needed.max(MINIMUM_CLUSTERS) && clusters(sectors - 1) < clusters(sectors));
        }
        // 300,000 files of one byte fit into 150 MiB, but from 260 MiB on, where clusters grow, only above 1.1 GiB.
        assert_eq!(clusters(32 + 2 * 2_344 + 300_000), 300_000);
        let minimum = minimum_size(SectorSize::Bytes512, |_| 300_000).unwrap();
        assert_eq!(minimum, ByteSize::new((32 + 2 * 2_344 + 300_000 * 8) * 512));
        // A sector of 4096 bytes holds the numbers of 1,024 clusters, and is one at least.
        let native = minimum_size(SectorSize::Bytes4096, |_| 0).unwrap();
        assert_eq!(native, ByteSize::new((32 + 2 * 64 + 65_525) * 4096));
        let clusters = |sectors| Geometry::new(sectors, SectorSize::Bytes4096).unwrap().clusters;
        let sectors = native.bytes() / 4096;
        assert!(clusters(sectors) == MINIMUM_CLUSTERS && clusters(sectors - 1) < MINIMUM_CLUSTERS);
        assert_eq!(minimum_size(SectorSize::Bytes512, |_| 1 << 26), None);
    }
}
