//! Where everything lies: Microsoft's FAT specification, section 3.5.

use std::fmt;

use crate::Finding;
use crate::Report;
use crate::boot::BootSector;
use crate::device::Device;

const NAME: &str = "boot sector";
/// Bytes of a directory entry.
pub(crate) const RECORD_SIZE: u64 = 32;
/// FAT12 has fewer clusters than this.
const FAT16_BEGINS: u64 = 4085;
/// FAT16 has fewer clusters than this.
const FAT32_BEGINS: u64 = 65_525;
/// More clusters than numbers for them: 0x0FFFFFF7 marks a bad one.
const FAT32_ENDS: u64 = 0x0FFF_FFF5;

/// Which of the three file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FatKind {
    /// 12 bits for a cluster.
    Fat12,
    /// 16 bits for a cluster.
    Fat16,
    /// 32 bits for a cluster, of which 28 count.
    Fat32,
}

impl fmt::Display for FatKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fat12 => "FAT12",
            Self::Fat16 => "FAT16",
            Self::Fat32 => "FAT32",
        })
    }
}

impl FatKind {
    /// Bits of an entry of the table.
    pub(crate) fn bits(self) -> u64 {
        match self {
            Self::Fat12 => 12,
            Self::Fat16 => 16,
            Self::Fat32 => 32,
        }
    }
}

/// Places in bytes from the start of the device, and how much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) kind: FatKind,
    pub(crate) sector: u64,
    pub(crate) cluster: u64,
    pub(crate) total: u64,
    pub(crate) reserved_sectors: u16,
    pub(crate) fats: u8,
    pub(crate) fat_start: u64,
    pub(crate) fat_bytes: u64,
    pub(crate) root_start: u64,
    /// 0 with FAT32.
    pub(crate) root_bytes: u64,
    pub(crate) data_start: u64,
    /// How many there are, as far as the table has room for them.
    pub(crate) clusters: u32,
}

impl Geometry {
    /// Works it out, and says what is impossible; `None` where nothing can be found then.
    pub(crate) fn new(boot: &BootSector, device: &Device<'_>, report: &mut Report) -> Option<Self> {
        if !fields_are_possible(boot, report) {
            return None;
        }
        // Every product of these fields, of 32 bits and less, fits 64 bits.
        let sector = u64::from(boot.bytes_per_sector);
        let cluster = sector * u64::from(boot.sectors_per_cluster);
        let total = sector * u64::from(boot.total_sectors());
        let fat_start = sector * u64::from(boot.reserved_sectors);
        let fat_bytes = sector * u64::from(boot.fat_sectors());
        let root_start = fat_start + fat_bytes * u64::from(boot.fats);
        let root_bytes = if boot.fat32.is_some() { 0 } else { u64::from(boot.root_entries) * RECORD_SIZE };
        let data_start = root_start + root_bytes.next_multiple_of(sector);
        let clusters = total.saturating_sub(data_start) / cluster;
        if clusters == 0 {
            report.push(Finding::error(
                NAME,
                "total sectors",
                boot.total_sectors(),
                format!("more than {}, which the tables and the root directory take", data_start / sector),
            ));
            return None;
        }
        if total > device.bytes() {
            report.push(
                Finding::error(
                    NAME,
                    "total sectors",
                    format!("{}, which are {total} bytes", boot.total_sectors()),
                    format!("at most the {} bytes of the device", device.bytes()),
                )
                .hint("the partition or its image is cut off: what is behind its end is lost"),
            );
            if data_start > device.bytes() {
                return None;
            }
        }
        let kind = kind(boot, clusters, report);
        let room = (fat_bytes * 8 / kind.bits()).saturating_sub(2);
        if room < clusters {
            report.push(
                Finding::error(
                    NAME,
                    "sectors per FAT",
                    format!("{}, enough for {room} clusters", boot.fat_sectors()),
                    format!("enough for the {clusters} clusters of the file system"),
                )
                .hint("the last clusters cannot be used"),
            );
        }
        // Less than 2^28 by the kind.
        let clusters = u32::try_from(clusters.min(room).min(most(kind))).unwrap_or(0);
        Some(Self {
            kind,
            sector,
            cluster,
            total,
            reserved_sectors: boot.reserved_sectors,
            fats: boot.fats,
            fat_start,
            fat_bytes,
            root_start,
            root_bytes,
            data_start,
            clusters,
        })
    }

    /// The highest number of a cluster; the lowest is 2.
    pub(crate) fn last_cluster(&self) -> u32 {
        self.clusters + 1
    }

    /// Whether there is a cluster of that number.
    pub(crate) fn has_cluster(&self, cluster: u32) -> bool {
        (2..=self.last_cluster()).contains(&cluster)
    }

    /// Where a cluster begins, which must be one.
    pub(crate) fn cluster_offset(&self, cluster: u32) -> u64 {
        self.data_start + u64::from(cluster.saturating_sub(2)) * self.cluster
    }
}

fn most(kind: FatKind) -> u64 {
    match kind {
        FatKind::Fat12 => FAT16_BEGINS - 1,
        FatKind::Fat16 => FAT32_BEGINS - 1,
        FatKind::Fat32 => FAT32_ENDS,
    }
}

fn kind(boot: &BootSector, clusters: u64, report: &mut Report) -> FatKind {
    match boot.fat32 {
        Some(_) => {
            if clusters < FAT32_BEGINS {
                report.push(
                    Finding::warning(
                        NAME,
                        "number of clusters",
                        clusters,
                        format!("at least {FAT32_BEGINS}, where FAT32 begins"),
                    )
                    .hint("firmware that goes by the number takes it for FAT12 or FAT16; make it larger, or FAT16"),
                );
            } else if clusters > FAT32_ENDS {
                report.push(Finding::error(NAME, "number of clusters", clusters, format!("at most {FAT32_ENDS}")));
            }
            FatKind::Fat32
        }
        None if clusters < FAT16_BEGINS => FatKind::Fat12,
        None => {
            if clusters >= FAT32_BEGINS {
                let expected = format!("less than {FAT32_BEGINS}, as it has the fields of FAT16");
                report.push(Finding::error(NAME, "number of clusters", clusters, expected));
            }
            FatKind::Fat16
        }
    }
}

/// Whether the fields are such that there is a geometry at all.
fn fields_are_possible(boot: &BootSector, report: &mut Report) -> bool {
    let before = report.findings.len();
    if ![512, 1024, 2048, 4096].contains(&boot.bytes_per_sector) {
        report.push(
            Finding::error(NAME, "bytes per sector", boot.bytes_per_sector, "512, 1024, 2048 or 4096")
                .hint("this may be no FAT file system"),
        );
    }
    if !boot.sectors_per_cluster.is_power_of_two() {
        report.push(Finding::error(NAME, "sectors per cluster", boot.sectors_per_cluster, "a power of two"));
    }
    if boot.reserved_sectors == 0 {
        report.push(Finding::error(NAME, "reserved sectors", 0, "at least 1, the boot sector"));
    }
    if boot.fats == 0 {
        report.push(Finding::error(NAME, "number of FATs", 0, "1 or 2"));
    }
    if boot.fat_sectors() == 0 {
        report.push(Finding::error(NAME, "sectors per FAT", 0, "at least 1"));
    }
    if boot.total_sectors() == 0 {
        report.push(Finding::error(NAME, "total sectors", 0, "the sectors of the file system"));
    }
    if boot.fat32.is_none() && boot.root_entries == 0 {
        report.push(Finding::error(
            NAME,
            "root entries",
            0,
            "at least 1, as FAT12 and FAT16 have a root of fixed size",
        ));
    }
    report.findings.len() == before
}
