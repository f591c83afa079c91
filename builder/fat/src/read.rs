//! FAT file systems of anyone's, read with suspicion.
//!
//! ```text
//!  boot sector │ reserved │ FAT (chains of clusters) │ … │ root of FAT12/16 │ clusters 2 ‥
//! ```
//!
//! Microsoft, "FAT: General Overview of On-Disk Format", version 1.03, sections in round brackets. The reader is of our own
//! since the crates for it compute with the numbers of a volume before they check them.
//!
//! FAT has neither owners nor modes: everything is root's, with the modes that Linux gives by default.

mod locate;

use std::collections::BTreeSet;
use std::io;

use builder_block::{ByteSize, ReadAt};
use builder_tree::{ContentStore, Directory, FileTree, Inode, Metadata, Node};

/// Bytes of a directory entry (FAT Directory Structure).
const RECORD: usize = 32;
/// Most bytes of a directory: 65,536 entries.
const DIRECTORY_LIMIT: u64 = 2 << 20;
/// Deepest nesting that is followed.
const DEPTH_LIMIT: usize = 64;
/// Most entries of a whole file system; an ESP has hundreds.
const ENTRY_LIMIT: usize = 1 << 20;
/// First cluster with data.
const FIRST_CLUSTER: u32 = 2;
/// Bytes that are copied at once.
const CHUNK: u64 = 1 << 20;

const ATTRIBUTE_VOLUME: u8 = 0x08;
const ATTRIBUTE_DIRECTORY: u8 = 0x10;
/// Read-only, hidden, system and volume together mark a part of a long name.
const ATTRIBUTE_LONG_NAME: u8 = 0x0f;

/// Why a FAT file system cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The device cannot be read.
    #[error("cannot read the FAT file system")]
    Io(#[from] io::Error),
    /// A boot sector that describes none.
    #[error("it has no FAT file system: {what} is {value}")]
    BootSector {
        /// The field.
        what: &'static str,
        /// What it says.
        value: u64,
    },
    /// A chain of clusters that leaves the volume, or has no end.
    #[error("the FAT file system is damaged: {path} leads to cluster {cluster}, and there are {from} to {to}", from = FIRST_CLUSTER)]
    Cluster {
        /// Whose chain.
        path: String,
        /// Where it leads.
        cluster: u32,
        /// The last cluster.
        to: u32,
    },
    /// A chain that is shorter than its file, or longer than a directory can be.
    #[error("the FAT file system is damaged: the clusters of {path} {problem}")]
    Chain {
        /// Whose chain.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// More than any real one has.
    #[error("the FAT file system is damaged or not for booting: it has {what}, more than {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}

/// How wide an entry of the FAT is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Fat12,
    Fat16,
    Fat32,
}

/// A FAT file system on a device.
pub struct FatReader<'a> {
    device: &'a dyn ReadAt,
    width: Width,
    /// Bytes of a cluster.
    cluster_size: u64,
    /// First byte of the first FAT.
    fat: u64,
    /// First byte and length of the root directory of FAT12 and FAT16.
    fixed_root: (u64, u64),
    /// First cluster of FAT32's root directory.
    root_cluster: u32,
    /// First byte of cluster 2.
    data: u64,
    /// The last cluster there is.
    last_cluster: u32,
}

/// What is left of the bounds of one reading.
struct Bounds {
    entries: usize,
    /// Clusters, so that files over the same ones do not multiply: twice as many as there are.
    clusters: u64,
    /// First clusters of the directories that were entered: each has one name.
    directories: BTreeSet<u32>,
}

/// A directory entry with its name put together.
struct Record {
    name: String,
    attributes: u8,
    cluster: u32,
    size: u32,
}

impl<'a> FatReader<'a> {
    /// Reads the boot sector (BPB).
    ///
    /// # Errors
    /// [`ReadError`]: it describes no FAT file system that lies on the device.
    pub fn open(device: &'a dyn ReadAt) -> Result<Self, ReadError> {
        let mut sector = [0; 512];
        device.read_at(0, &mut sector)?;
        let wrong = |what, value: u64| Err(ReadError::BootSector { what, value });
        let signature = u16_at(&sector, 510);
        if signature != 0xaa55 {
            return wrong("the signature of its boot sector", signature.into());
        }
        let sector_size = u64::from(u16_at(&sector, 11));
        if !sector_size.is_power_of_two() || !(512..=4096).contains(&sector_size) {
            return wrong("the size of its sectors", sector_size);
        }
        let per_cluster = u64::from(sector[13]);
        if !per_cluster.is_power_of_two() {
            return wrong("the number of sectors in a cluster", per_cluster);
        }
        let reserved = u64::from(u16_at(&sector, 14));
        let fats = u64::from(sector[16]);
        if reserved == 0 || fats == 0 {
            return wrong("the number of reserved sectors or FATs", 0);
        }
        let root_entries = u64::from(u16_at(&sector, 17));
        let sectors = match u16_at(&sector, 19) {
            0 => u64::from(u32_at(&sector, 32)),
            few => u64::from(few),
        };
        let fat_sectors = match u16_at(&sector, 22) {
            0 => u64::from(u32_at(&sector, 36)),
            few => u64::from(few),
        };
        // Sums and products of numbers of 32 bits and less do not leave 64.
        let root_sectors = (root_entries * RECORD as u64).div_ceil(sector_size);
        let first_data = reserved + fats * fat_sectors + root_sectors;
        if fat_sectors == 0 || first_data >= sectors {
            return wrong("the number of sectors before its data", first_data);
        }
        if sectors * sector_size > device.size().bytes() {
            return wrong("the number of its sectors, more than the partition has,", sectors);
        }
        let clusters = (sectors - first_data) / per_cluster;
        // (FAT Type Determination): by the number of clusters alone.
        let width = match clusters {
            0..4085 => Width::Fat12,
            4085..65525 => Width::Fat16,
            _ => Width::Fat32,
        };
        let entries = fat_sectors * sector_size * 8
            / match width {
                Width::Fat12 => 12,
                Width::Fat16 => 16,
                Width::Fat32 => 32,
            };
        if entries < clusters + u64::from(FIRST_CLUSTER) {
            return wrong("the number of entries of its FAT, fewer than clusters,", entries);
        }
        let last = u32::try_from(clusters + 1).ok().filter(|&last| last < 0x0fff_fff7);
        let Some(last_cluster) = last else { return wrong("the number of clusters", clusters) };
        Ok(Self {
            device,
            width,
            cluster_size: per_cluster * sector_size,
            fat: reserved * sector_size,
            fixed_root: ((reserved + fats * fat_sectors) * sector_size, root_entries * RECORD as u64),
            root_cluster: if width == Width::Fat32 { u32_at(&sector, 44) } else { 0 },
            data: first_data * sector_size,
            last_cluster,
        })
    }

    /// All files, their bodies hashed in `store`; who reads them flushes that first. Times are not read.
    ///
    /// # Errors
    /// [`ReadError`]: the file system is damaged, or larger than one to boot from.
    pub fn tree(&self, store: &mut ContentStore) -> Result<FileTree, ReadError> {
        let mut bounds = Bounds {
            entries: ENTRY_LIMIT,
            clusters: u64::from(self.last_cluster).saturating_mul(2),
            directories: BTreeSet::new(),
        };
        let records = self.root_bytes(&mut bounds)?;
        let root = self.directory(&records, "", 0, &mut bounds, store)?;
        Ok(FileTree { root })
    }

    /// The records of the root directory.
    fn root_bytes(&self, bounds: &mut Bounds) -> Result<Vec<u8>, ReadError> {
        match self.width {
            Width::Fat32 => self.directory_bytes(self.root_cluster, "/", bounds),
            Width::Fat12 | Width::Fat16 => {
                // At most 65,535 entries.
                let mut bytes = vec![0; usize::try_from(self.fixed_root.1).map_err(io::Error::other)?];
                self.device.read_at(self.fixed_root.0, &mut bytes)?;
                Ok(bytes)
            }
        }
    }

    fn directory(
        &self,
        bytes: &[u8],
        path: &str,
        depth: usize,
        bounds: &mut Bounds,
        store: &mut ContentStore,
    ) -> Result<Directory, ReadError> {
        if depth > DEPTH_LIMIT {
            return Err(ReadError::Limit { what: "directories in each other", limit: DEPTH_LIMIT as u64 });
        }
        let mut directory = Directory::root_owned(0o755);
        for record in records(bytes) {
            bounds.entries =
                bounds.entries.checked_sub(1).ok_or(ReadError::Limit { what: "entries", limit: ENTRY_LIMIT as u64 })?;
            let path = format!("{path}/{}", record.name);
            let node: Node = if record.attributes & ATTRIBUTE_DIRECTORY != 0 {
                let below = self.directory_bytes(record.cluster, &path, bounds)?;
                self.directory(&below, &path, depth + 1, bounds, store)?.into()
            } else {
                self.file(&record, &path, bounds, store)?.into()
            };
            directory.insert(record.name.into_bytes(), node);
        }
        Ok(directory)
    }

    fn directory_bytes(&self, first: u32, path: &str, bounds: &mut Bounds) -> Result<Vec<u8>, ReadError> {
        let broken = |problem| ReadError::Chain { path: path.to_owned(), problem };
        if !bounds.directories.insert(first) {
            return Err(broken("are those of another directory"));
        }
        let mut bytes = Vec::new();
        let mut next = Some(first);
        while let Some(cluster) = next {
            if bytes.len() as u64 >= DIRECTORY_LIMIT {
                return Err(broken("are more than a directory can have"));
            }
            let at = self.offset(cluster, path)?;
            bounds.take(1)?;
            let start = bytes.len();
            bytes.resize(start + usize::try_from(self.cluster_size).map_err(io::Error::other)?, 0);
            self.device.read_at(at, &mut bytes[start..])?;
            next = self.next(cluster)?;
        }
        Ok(bytes)
    }

    fn file(
        &self,
        record: &Record,
        path: &str,
        bounds: &mut Bounds,
        store: &mut ContentStore,
    ) -> Result<Inode, ReadError> {
        let mut writer = store.writer(b"");
        let mut left = u64::from(record.size);
        let mut next = Some(record.cluster);
        let mut buffer = Vec::new();
        while left > 0 {
            let Some(first) = next else {
                return Err(ReadError::Chain { path: path.to_owned(), problem: "hold less than its size" });
            };
            // Neighbours are read together.
            let at = self.offset(first, path)?;
            let (mut last, mut length) = (first, self.cluster_size);
            next = self.next(last)?;
            while length < left.min(CHUNK) && next == last.checked_add(1) && last < self.last_cluster {
                last += 1;
                length += self.cluster_size;
                next = self.next(last)?;
            }
            bounds.take(length / self.cluster_size)?;
            let now = length.min(left);
            buffer.resize(usize::try_from(now).map_err(io::Error::other)?, 0);
            self.device.read_at(at, &mut buffer)?;
            writer.write(&buffer)?;
            left -= now;
        }
        Ok(Inode::regular(Metadata::root(0o755), writer.finish()?))
    }

    /// Where a cluster lies.
    fn offset(&self, cluster: u32, path: &str) -> Result<u64, ReadError> {
        if !(FIRST_CLUSTER..=self.last_cluster).contains(&cluster) {
            let path = if path.is_empty() { "/" } else { path }.to_owned();
            return Err(ReadError::Cluster { path, cluster, to: self.last_cluster });
        }
        // All clusters lie on the device, as the boot sector was checked.
        Ok(self.data + u64::from(cluster - FIRST_CLUSTER) * self.cluster_size)
    }

    /// The cluster behind `cluster`, which there is; `None` at the end of the chain (FAT Data Structure).
    fn next(&self, cluster: u32) -> Result<Option<u32>, ReadError> {
        let (value, end) = match self.width {
            Width::Fat12 => {
                let pair = self.fat_bytes::<2>(u64::from(cluster) + u64::from(cluster) / 2)?;
                let pair = u32::from(u16::from_le_bytes(pair));
                (if cluster.is_multiple_of(2) { pair & 0xfff } else { pair >> 4 }, 0xff8)
            }
            Width::Fat16 => (u16::from_le_bytes(self.fat_bytes(u64::from(cluster) * 2)?).into(), 0xfff8),
            // The upper four bits mean nothing.
            Width::Fat32 => (u32::from_le_bytes(self.fat_bytes(u64::from(cluster) * 4)?) & 0x0fff_ffff, 0x0fff_fff8),
        };
        Ok((value < end).then_some(value))
    }

    fn fat_bytes<const N: usize>(&self, offset: u64) -> Result<[u8; N], ReadError> {
        let mut bytes = [0; N];
        self.device.read_at(self.fat + offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Bytes of a cluster.
    #[must_use]
    pub fn cluster_size(&self) -> ByteSize {
        ByteSize::new(self.cluster_size)
    }
}

impl Bounds {
    fn take(&mut self, clusters: u64) -> Result<(), ReadError> {
        let limit = ReadError::Limit { what: "clusters in use", limit: self.clusters };
        self.clusters = self.clusters.checked_sub(clusters).ok_or(limit)?;
        Ok(())
    }
}

/// The files and directories of a directory's bytes.
fn records(bytes: &[u8]) -> Vec<Record> {
    let mut found = Vec::new();
    // Parts of a long name come before its entry, the last part first (Long File Name Implementation).
    let mut long: Vec<(u8, [u16; 13], u8)> = Vec::new();
    for record in bytes.chunks_exact(RECORD) {
        match (record[0], record[11]) {
            (0x00, _) => break,
            (0xe5, _) => long.clear(),
            (order, attributes) if attributes & 0x3f == ATTRIBUTE_LONG_NAME => {
                if order & 0x40 != 0 {
                    long.clear();
                }
                let mut units = [0; 13];
                let places = (1..11).step_by(2).chain((14..26).step_by(2)).chain((28..32).step_by(2));
                for (unit, at) in units.iter_mut().zip(places) {
                    *unit = u16_at(record, at);
                }
                long.push((order & 0x3f, units, record[13]));
            }
            (_, attributes) if attributes & ATTRIBUTE_VOLUME != 0 => long.clear(),
            (_, attributes) => {
                let name = long_name(&long, record).unwrap_or_else(|| short_name(record));
                long.clear();
                if name != "." && name != ".." {
                    let cluster = u32::from(u16_at(record, 20)) << 16 | u32::from(u16_at(record, 26));
                    found.push(Record { name, attributes, cluster, size: u32_at(record, 28) });
                }
            }
        }
    }
    found
}

/// The long name before `record`, if its parts are complete and belong to it; not one with a slash or a zero in it.
fn long_name(parts: &[(u8, [u16; 13], u8)], record: &[u8]) -> Option<String> {
    let checksum = record[..11].iter().fold(0_u8, |sum, &byte| sum.rotate_right(1).wrapping_add(byte));
    let complete = !parts.is_empty()
        && parts.len() <= 20
        && parts.iter().rev().zip(1_u8..).all(|((order, _, sum), number)| *order == number && *sum == checksum);
    if !complete {
        return None;
    }
    let units: Vec<u16> = parts.iter().rev().flat_map(|(_, units, _)| *units).take_while(|&unit| unit != 0).collect();
    let name = String::from_utf16(&units).ok()?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// The name of eight and three, in small letters where the entry says so (Windows NT's bits of byte 12).
fn short_name(record: &[u8]) -> String {
    let part = |bytes: &[u8], small: bool| {
        let text: String = bytes
            .iter()
            .map(|&byte| match byte {
                // The letter 0xE5 would mark a free entry; a slash cannot be in a name, nor what is no ASCII be read.
                0x05 | 0x80.. | b'/' | 0 => '\u{fffd}',
                byte => char::from(byte),
            })
            .collect();
        let text = text.trim_end_matches(' ');
        if small { text.to_ascii_lowercase() } else { text.to_owned() }
    };
    let (name, extension) = (part(&record[..8], record[12] & 8 != 0), part(&record[8..11], record[12] & 16 != 0));
    if extension.is_empty() { name } else { format!("{name}.{extension}") }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
