//! The plan of a file system, and its writing.

use std::io;

use builder_block::{ByteSize, FilesystemImage, SectorSize, WriteAt};
use builder_tree::{Content, FileTree, Source};

use crate::geometry::{self, Geometry, LARGEST, MINIMUM_CLUSTERS};
use crate::outline::{Outline, What};
use crate::record::{self, BACKUP_SECTOR, END_OF_CHAIN, INFO_SECTOR, MEDIA_ENTRY, ROOT_CLUSTER, Volume};
use crate::records::Records;
use crate::time::FatTime;
use crate::{FatError, name};

/// Entries of the FAT that are written at once.
const FAT_CHUNK: usize = 64 << 10;

/// What a file system is made with beside its tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Serial number of the volume, which Linux shows as the UUID `XXXX-XXXX`.
    pub volume_id: u32,
    /// Label: at most 11 capitals, digits and a few signs, such as `EFI-SYSTEM`; empty for none.
    pub label: String,
    /// First sector of the partition on its disk.
    pub hidden_sectors: u32,
    /// Exact size of the partition, whole sectors.
    pub size: ByteSize,
    /// Bytes in a sector of the disk.
    pub sector: SectorSize,
    /// Time of all entries in seconds since 1970, written as UTC; moved into the years 1980 to 2107.
    pub timestamp: i64,
}

/// How full a file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Size of a cluster: what a file's size is rounded up to.
    pub cluster_size: ByteSize,
    /// Clusters, used and free.
    pub clusters: u64,
    /// Size of the clusters that files and directories take.
    pub used: ByteSize,
    /// Size of the clusters that are left.
    pub free: ByteSize,
}

/// A FAT32 file system whose every byte is decided.
#[derive(Debug)]
pub struct FatImage {
    size: ByteSize,
    geometry: Geometry,
    volume: Volume,
    has_label: bool,
    time: FatTime,
    outline: Outline,
    /// Clusters of each directory, in their order.
    directories: Vec<Chain>,
    /// Clusters of each file, in their order.
    files: Vec<Chain>,
}

/// Neighbouring clusters in their order; of an empty file there are none.
#[derive(Clone, Copy, Debug)]
struct Chain {
    first: u32,
    clusters: u32,
}

impl Chain {
    /// The first cluster as records give it: 0 for none.
    fn start(self) -> u32 {
        if self.clusters == 0 { 0 } else { self.first }
    }
}

impl FatImage {
    /// Decides every byte of a file system that holds what is below `tree`'s root.
    ///
    /// # Errors
    /// [`FatError`]: the size is odd, too small or too large for FAT32, or too small for the tree; the label, a name, a
    /// type or metadata cannot be held; a file has 4 GiB or more; a directory needs more than 2 MiB.
    pub fn plan(tree: &FileTree, options: &Options) -> Result<Self, FatError> {
        let label = name::check_label(&options.label)
            .map_err(|reason| FatError::Label { label: options.label.clone(), reason })?;
        let has_label = !options.label.is_empty();
        let outline = Outline::new(tree, has_label)?;
        let geometry = fit(&outline, options.size, options.sector)?;
        let mut next = ROOT_CLUSTER;
        let mut chain = |clusters: u64| {
            // `fit` has found the sum to be at most the clusters there are, which are fewer than 2^28.
            let clusters = u32::try_from(clusters).expect("the tree fits");
            let chain = Chain { first: next, clusters };
            next += clusters;
            chain
        };
        let bytes = geometry.cluster_bytes();
        let directories = outline.directories.iter().map(|directory| chain(directory.clusters(bytes))).collect();
        let files = outline.files.iter().map(|content| chain(content.size().div_ceil(bytes))).collect();
        Ok(Self {
            size: options.size,
            geometry,
            volume: Volume { id: options.volume_id, label, hidden_sectors: options.hidden_sectors },
            has_label,
            time: FatTime::clamped(options.timestamp),
            outline,
            directories,
            files,
        })
    }

    /// The size from which on every partition with such sectors holds `tree` with a label.
    ///
    /// Smaller ones may do where clusters are smaller: below 260 MiB they have a sector, above 4 KiB.
    ///
    /// # Errors
    /// As [`FatImage::plan`], for all that has nothing to do with the size of the partition; and
    /// [`FatError::TreeTooLarge`] where no size is enough.
    pub fn minimum_size(tree: &FileTree, sector: SectorSize) -> Result<ByteSize, FatError> {
        minimum(&Outline::new(tree, true)?, sector)
    }

    /// How full it is.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let bytes = self.geometry.cluster_bytes();
        let used = u64::from(self.next_cluster() - ROOT_CLUSTER);
        Summary {
            cluster_size: ByteSize::new(bytes),
            clusters: self.geometry.clusters,
            used: ByteSize::new(used * bytes),
            free: ByteSize::new((self.geometry.clusters - used) * bytes),
        }
    }

    /// All chains in the order of their clusters, without a gap.
    fn chains(&self) -> impl Iterator<Item = Chain> + '_ {
        self.directories.iter().chain(&self.files).copied()
    }

    /// First free cluster.
    fn next_cluster(&self) -> u32 {
        self.chains().map(|chain| chain.first + chain.clusters).max().unwrap_or(ROOT_CLUSTER)
    }

    fn write_boot(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        let next = self.next_cluster();
        // Fewer than 2^28 clusters, of which the root takes at least one.
        let clusters = u32::try_from(self.geometry.clusters).expect("fewer than 2^28 clusters");
        let boot = record::boot_sector(&self.geometry, &self.volume);
        let info = record::info_sector(clusters - (next - ROOT_CLUSTER), next - 1);
        let sector = self.geometry.sector.bytes();
        for copy in [0, u64::from(BACKUP_SECTOR)] {
            device.write_at(copy * sector, &boot)?;
            device.write_at((copy + u64::from(INFO_SECTOR)) * sector, &info)?;
        }
        Ok(())
    }

    /// Writes both FATs up to the last entry in use; free clusters have zeros.
    fn write_fats(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        let mut offsets = self.geometry.fat_offsets();
        let mut chunk: Vec<u8> = Vec::with_capacity(FAT_CHUNK * 4);
        let mut flush = |chunk: &mut Vec<u8>| -> io::Result<()> {
            for offset in &mut offsets {
                device.write_at(*offset, chunk)?;
                *offset += chunk.len() as u64;
            }
            chunk.clear();
            Ok(())
        };
        let chained = self.chains().flat_map(|chain| {
            let end = chain.first + chain.clusters;
            (chain.first..end).map(move |cluster| if cluster + 1 == end { END_OF_CHAIN } else { cluster + 1 })
        });
        for entry in [MEDIA_ENTRY, END_OF_CHAIN].into_iter().chain(chained) {
            chunk.extend_from_slice(&entry.to_le_bytes());
            if chunk.len() == FAT_CHUNK * 4 {
                flush(&mut chunk)?;
            }
        }
        flush(&mut chunk)
    }
}

impl FatImage {
    /// The path of the directory or file that `what` is.
    fn path_of(&self, what: What) -> String {
        let same = |entry: What| match (entry, what) {
            (What::Directory(one), What::Directory(other)) | (What::File(one), What::File(other)) => one == other,
            _ => false,
        };
        let places = self.outline.directories.iter().enumerate();
        let mut found = places.flat_map(|(place, directory)| directory.entries.iter().map(move |entry| (place, entry)));
        match found.find(|(_, entry)| same(entry.what)) {
            Some((0, entry)) => format!("/{}", entry.name()),
            // Parents come before their children, so this ends at the root.
            Some((place, entry)) => format!("{}/{}", self.path_of(What::Directory(place)), entry.name()),
            None => "/".to_owned(),
        }
    }
}

impl FilesystemImage for FatImage {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn describe(&self, offset: u64) -> String {
        let [first, second] = self.geometry.fat_offsets();
        let clusters = self.geometry.cluster_offset(u64::from(ROOT_CLUSTER));
        if offset < first {
            return format!("boot sectors, byte {offset}");
        }
        if offset < clusters {
            let (number, start) = if offset < second { (1, first) } else { (2, second) };
            return format!("file allocation table {number}, byte {}", offset - start);
        }
        let directories = self.directories.iter().enumerate().map(|(place, chain)| (What::Directory(place), chain));
        let files = self.files.iter().enumerate().map(|(place, chain)| (What::File(place), chain));
        for (what, chain) in directories.chain(files) {
            let start = self.geometry.cluster_offset(u64::from(chain.first));
            let end = start + u64::from(chain.clusters) * self.geometry.cluster_bytes();
            if (start..end).contains(&offset) {
                let word = if matches!(what, What::Directory(_)) { "directory " } else { "" };
                return format!("{word}{}, byte {}", self.path_of(what), offset - start);
            }
        }
        "free space".to_owned()
    }

    fn write_to(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        if device.size() != self.size {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("the file system has {} bytes but the device {}", self.size.bytes(), device.size().bytes()),
            ));
        }
        self.write_boot(device)?;
        self.write_fats(device)?;
        let records = Records {
            outline: &self.outline,
            label: self.has_label.then_some(self.volume.label),
            time: self.time,
            directory: |place: usize| if place == 0 { 0 } else { self.directories[place].start() },
            file: |place: usize| self.files[place].start(),
        };
        for (place, chain) in self.directories.iter().enumerate() {
            let offset = self.geometry.cluster_offset(u64::from(chain.first));
            device.write_at(offset, &records.of(place))?;
        }
        for (content, chain) in self.outline.files.iter().zip(&self.files) {
            write_content(content, self.geometry.cluster_offset(u64::from(chain.first)), device)?;
        }
        Ok(())
    }
}

pub(crate) fn write_content(content: &Content, offset: u64, device: &mut dyn WriteAt) -> io::Result<()> {
    for (range, source) in content.data() {
        match source {
            Source::Bytes(bytes) => device.write_at(offset + range.offset, bytes)?,
            Source::File { file, offset: position } => {
                device.copy_from(offset + range.offset, file, position, range.length)?;
            }
        }
    }
    Ok(())
}

fn minimum(outline: &Outline, sector: SectorSize) -> Result<ByteSize, FatError> {
    geometry::minimum_size(sector, |cluster_bytes| outline.clusters(cluster_bytes))
        .ok_or_else(|| FatError::TreeTooLarge { needed: outline.clusters(32 << 10) })
}

/// The geometry of a partition of `size` that holds the outline.
fn fit(outline: &Outline, size: ByteSize, sector: SectorSize) -> Result<Geometry, FatError> {
    if !size.bytes().is_multiple_of(sector.bytes()) {
        return Err(FatError::OddSize { size, sector });
    }
    if size > LARGEST {
        return Err(FatError::TooLarge { size });
    }
    let geometry = Geometry::new(size.bytes() / sector.bytes(), sector);
    let Some(geometry) = geometry.filter(|geometry| geometry.clusters >= MINIMUM_CLUSTERS) else {
        let clusters = geometry.map_or(0, |geometry| geometry.clusters);
        return Err(FatError::TooSmall { size, clusters, minimum: minimum(outline, sector)? });
    };
    let needed = outline.clusters(geometry.cluster_bytes());
    if needed > geometry.clusters {
        return Err(FatError::DoesNotFit {
            size,
            cluster_size: ByteSize::new(geometry.cluster_bytes()),
            available: geometry.clusters,
            needed,
            minimum: minimum(outline, sector)?,
        });
    }
    Ok(geometry)
}
