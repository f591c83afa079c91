//! FAT16 file systems: for the EFI system partition of a medium, where FAT32's least 33 MiB would be mostly empty.
//!
//! ```text
//!  sector 0   1        1+F      1+2F
//!  ┌──────┬────────┬────────┬────────────┬──────────────┬───────────┐
//!  │ boot │ FAT    │ FAT    │ root, 512  │ directories, │ files,    │
//!  │      │        │ again  │ records    │ parents first│ unbroken  │
//!  └──────┴────────┴────────┴────────────┴──────────────┴───────────┘
//! ```
//!
//! UEFI 2.10, section 13.3: firmware reads FAT12 and FAT16 on removable media, and FAT32 everywhere.

use std::io;

use builder_block::{ByteSize, FilesystemImage, SECTOR_SIZE, WriteAt};
use builder_tree::FileTree;

use crate::image::write_content;
use crate::outline::Outline;
use crate::record::{self, RECORD, SmallVolume};
use crate::records::Records;
use crate::time::FatTime;
use crate::{FatError, name};

/// Fewer clusters make a FAT12, more a FAT32, whatever the boot sector says: FAT specification, "FAT type determination".
const CLUSTERS: std::ops::RangeInclusive<u64> = 4085..=65_524;
/// Records of the root directory: what the specification recommends, and all readers take.
const ROOT_RECORDS: u64 = 512;
const ROOT_SECTORS: u64 = ROOT_RECORDS * RECORD as u64 / SECTOR_SIZE;
/// Sectors in front of the first FAT.
const RESERVED_SECTORS: u64 = 1;
/// Sectors of the largest clusters, of 32 KiB.
const MOST_PER_CLUSTER: u64 = 64;
const FIRST_CLUSTER: u64 = 2;
/// First entry of a FAT, and last of a chain.
const MEDIA_ENTRY: u16 = 0xFFF8;
const END_OF_CHAIN: u16 = 0xFFFF;

/// What a small file system is made with beside its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallOptions {
    /// Serial number of the volume, which Linux shows as the UUID `XXXX-XXXX`.
    pub volume_id: u32,
    /// Label: at most 11 capitals, digits and a few signs; empty for none.
    pub label: String,
    /// Time of all entries in seconds since 1970, written as UTC; moved into the years 1980 to 2107.
    pub timestamp: i64,
}

/// A FAT16 file system, no larger than its tree needs, whose every byte is decided.
#[derive(Debug)]
pub struct SmallFatImage {
    geometry: SmallGeometry,
    volume: SmallVolume,
    has_label: bool,
    time: FatTime,
    outline: Outline,
    /// First cluster and number of clusters of each directory but the root, in their order; the root has none.
    directories: Vec<(u16, u64)>,
    /// The same of the files.
    files: Vec<(u16, u64)>,
}

/// Sizes of all parts, in sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SmallGeometry {
    /// Sectors of the file system.
    pub(crate) sectors: u64,
    /// 1 to 64, a power of two.
    pub(crate) sectors_per_cluster: u64,
    /// Sectors of one FAT.
    pub(crate) fat_sectors: u64,
}

impl SmallGeometry {
    /// The smallest with at least so many `clusters`.
    fn new(clusters: u64, sectors_per_cluster: u64) -> Self {
        let clusters = clusters.max(*CLUSTERS.start());
        let fat_sectors = ((clusters + FIRST_CLUSTER) * 2).div_ceil(SECTOR_SIZE);
        let data = clusters * sectors_per_cluster;
        Self { sectors: RESERVED_SECTORS + 2 * fat_sectors + ROOT_SECTORS + data, sectors_per_cluster, fat_sectors }
    }

    fn root_offset(&self) -> u64 {
        (RESERVED_SECTORS + 2 * self.fat_sectors) * SECTOR_SIZE
    }

    /// First byte of cluster `number`, counted from 2.
    fn cluster_offset(&self, number: u16) -> u64 {
        let inside = u64::from(number).saturating_sub(FIRST_CLUSTER) * self.sectors_per_cluster;
        self.root_offset() + (ROOT_SECTORS + inside) * SECTOR_SIZE
    }
}

impl SmallFatImage {
    /// Decides every byte of the smallest file system that holds what is below `tree`'s root.
    ///
    /// # Errors
    /// [`FatError`]: the label, a name, a type or metadata cannot be held; the root directory has more than 512 records;
    /// the tree is larger than FAT16 can be, which is about 2 GiB.
    pub fn plan(tree: &FileTree, options: &SmallOptions) -> Result<Self, FatError> {
        let label = name::check_label(&options.label)
            .map_err(|reason| FatError::Label { label: options.label.clone(), reason })?;
        let has_label = !options.label.is_empty();
        let outline = Outline::new(tree, has_label)?;
        let root = outline.directories.first().map_or(0, |root| root.records);
        if root > ROOT_RECORDS {
            return Err(FatError::DirectoryTooLarge { path: Vec::new(), records: root, limit: ROOT_RECORDS });
        }
        let clusters = |bytes: u64| -> u64 {
            let below = outline.directories.iter().skip(1).map(|directory| directory.clusters(bytes));
            let files = outline.files.iter().map(|content| content.size().div_ceil(bytes));
            below.chain(files).fold(0, u64::saturating_add)
        };
        let mut per_cluster = 1;
        while clusters(per_cluster * SECTOR_SIZE) > *CLUSTERS.end() {
            per_cluster *= 2;
            if per_cluster > MOST_PER_CLUSTER {
                return Err(FatError::TreeTooLarge { needed: clusters(MOST_PER_CLUSTER * SECTOR_SIZE) });
            }
        }
        let bytes = per_cluster * SECTOR_SIZE;
        let geometry = SmallGeometry::new(clusters(bytes), per_cluster);
        let mut next = FIRST_CLUSTER;
        let mut chain = |clusters: u64| {
            // There are at most 65,524 clusters in all.
            let first = u16::try_from(next).expect("clusters are counted by 16 bits");
            next += clusters;
            (if clusters == 0 { 0 } else { first }, clusters)
        };
        let mut directories = vec![(0, 0)];
        directories.extend(outline.directories.iter().skip(1).map(|directory| chain(directory.clusters(bytes))));
        let files = outline.files.iter().map(|content| chain(content.size().div_ceil(bytes))).collect();
        Ok(Self {
            geometry,
            volume: SmallVolume { id: options.volume_id, label },
            has_label,
            time: FatTime::clamped(options.timestamp),
            outline,
            directories,
            files,
        })
    }

    /// One FAT, up to the last entry in use.
    fn fat(&self) -> Vec<u8> {
        let mut fat: Vec<u8> = [MEDIA_ENTRY, END_OF_CHAIN].into_iter().flat_map(u16::to_le_bytes).collect();
        for &(first, clusters) in self.directories.iter().chain(&self.files) {
            // Below 2^16, as the last cluster is.
            let next = (1..clusters).filter_map(|further| u16::try_from(u64::from(first) + further).ok());
            fat.extend(next.flat_map(u16::to_le_bytes));
            if clusters > 0 {
                fat.extend(END_OF_CHAIN.to_le_bytes());
            }
        }
        fat
    }
}

impl FilesystemImage for SmallFatImage {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.geometry.sectors * SECTOR_SIZE)
    }

    fn describe(&self, offset: u64) -> String {
        let root = self.geometry.root_offset();
        if offset < SECTOR_SIZE {
            return format!("boot sector, byte {offset}");
        }
        if offset < root {
            return format!("file allocation tables, byte {}", offset - SECTOR_SIZE);
        }
        match offset.checked_sub(root + ROOT_SECTORS * SECTOR_SIZE) {
            None => format!("root directory, byte {}", offset - root),
            Some(inside) => format!("byte {inside} of the clusters"),
        }
    }

    fn write_to(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        if device.size() != self.size() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the file system has {} bytes but the device {}", self.size().bytes(), device.size().bytes()),
            ));
        }
        device.write_at(0, &record::small_boot_sector(&self.geometry, &self.volume))?;
        let fat = self.fat();
        for copy in 0..2 {
            device.write_at((RESERVED_SECTORS + copy * self.geometry.fat_sectors) * SECTOR_SIZE, &fat)?;
        }
        let records = Records {
            outline: &self.outline,
            label: self.has_label.then_some(self.volume.label),
            time: self.time,
            directory: |place: usize| u32::from(self.directories[place].0),
            file: |place: usize| u32::from(self.files[place].0),
        };
        for place in 0..self.outline.directories.len() {
            let offset = match place {
                0 => self.geometry.root_offset(),
                _ => self.geometry.cluster_offset(self.directories[place].0),
            };
            device.write_at(offset, &records.of(place))?;
        }
        for (content, &(first, _)) in self.outline.files.iter().zip(&self.files) {
            write_content(content, self.geometry.cluster_offset(first), device)?;
        }
        Ok(())
    }
}
