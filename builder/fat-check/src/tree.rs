//! Walking all directories.

use crate::chain::{self, Chain, Fault};
use crate::device::Device;
use crate::geometry::{Geometry, RECORD_SIZE};
use crate::owners::Owners;
use crate::paths::{PathId, Paths};
use crate::record::{END, SIZE};
use crate::table::{Link, Table};
use crate::{CheckError, Finding, Report, directory};

/// Files and directories with content beyond this number are not looked at, and a finding says so.
pub const MOST_ENTRIES: usize = 1 << 22;
/// Most bytes of a directory: 65,536 entries.
const MOST_DIRECTORY_BYTES: u64 = 65_536 * RECORD_SIZE;

/// A directory that is to be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Directory {
    pub(crate) id: PathId,
    /// 0 for the root directory of FAT12 and FAT16.
    pub(crate) first: u32,
    /// Clusters of its chain that are its own.
    pub(crate) clusters: u32,
    /// What its `..` has to say: the first cluster of the directory above, 0 for the root.
    pub(crate) parent: u32,
}

/// The walk and what it found.
pub(crate) struct Tree<'a, 'r> {
    pub(crate) device: Device<'a>,
    pub(crate) geometry: Geometry,
    pub(crate) table: &'r mut Table<'a>,
    pub(crate) report: &'r mut Report,
    pub(crate) owners: Owners,
    pub(crate) paths: Paths,
    pub(crate) files: u64,
    pub(crate) directories: u64,
    /// The volume label of the root directory.
    pub(crate) label: Option<[u8; 11]>,
    /// First cluster of the root directory; 0 with FAT12 and FAT16.
    pub(crate) root_cluster: u32,
    /// Whether nothing was left out, so that clusters without an owner are lost.
    pub(crate) is_complete: bool,
    waiting: Vec<Directory>,
}

impl<'a, 'r> Tree<'a, 'r> {
    /// Walks the tree below the root directory, which begins at `root_cluster` (0 with FAT12 and FAT16).
    pub(crate) fn walk(
        device: Device<'a>,
        geometry: &Geometry,
        table: &'r mut Table<'a>,
        root_cluster: u32,
        report: &'r mut Report,
    ) -> Result<Self, CheckError> {
        let mut tree = Self {
            device,
            geometry: *geometry,
            table,
            report,
            owners: Owners::default(),
            paths: Paths::new(),
            files: 0,
            directories: 0,
            label: None,
            root_cluster,
            is_complete: true,
            waiting: Vec::new(),
        };
        let mut root = Directory { id: PathId::ROOT, first: root_cluster, clusters: 0, parent: 0 };
        if root_cluster != 0 || geometry.root_bytes == 0 {
            root.clusters = tree.follow(root_cluster, PathId::ROOT)?.clusters;
        }
        tree.waiting.push(root);
        while let Some(directory) = tree.waiting.pop() {
            let bytes = tree.load(&directory)?;
            directory::check(&mut tree, &directory, &bytes)?;
        }
        Ok(tree)
    }

    /// Notes a directory that is to be looked at.
    pub(crate) fn visit(&mut self, directory: Directory) {
        self.waiting.push(directory);
    }

    /// Notes a path that gets clusters; `None` where there are too many.
    pub(crate) fn add_path(&mut self, directory: PathId, name: &str) -> Option<PathId> {
        if self.paths.len() < MOST_ENTRIES {
            return Some(self.paths.add(directory, name));
        }
        if self.is_complete {
            self.is_complete = false;
            let expected = format!("at most {MOST_ENTRIES}, others are not looked at");
            self.report.push(Finding::error("root directory", "files and directories", "more", expected));
        }
        None
    }

    /// Gives the clusters of a chain to a path, and says what is wrong with it.
    pub(crate) fn follow(&mut self, first: u32, path: PathId) -> Result<Chain, CheckError> {
        let chain = chain::follow(self.table, &mut self.owners, path, first)?;
        if let Some(fault) = chain.fault.filter(|_| !self.report.skips()) {
            let finding = self.describe(&chain, fault, self.paths.text(path));
            self.report.push(finding);
        }
        Ok(chain)
    }

    fn describe(&self, chain: &Chain, fault: Fault, path: String) -> Finding {
        match fault {
            Fault::Nowhere { value, behind } => {
                let last = self.geometry.last_cluster();
                match behind {
                    None => Finding::error(path, "first cluster", value, format!("a cluster from 2 to {last}")),
                    Some(cluster) => {
                        let found = format!("{value:#x} behind cluster {cluster}");
                        Finding::error(path, "chain", found, format!("an end, or a cluster from 2 to {last}"))
                    }
                }
                .hint("the rest of it cannot be found")
            }
            Fault::Free { cluster } => {
                let found = format!("cluster {cluster}, marked as free");
                Finding::error(path, "chain", found, "clusters in use").hint("what is written next may overwrite it")
            }
            Fault::Bad { cluster } => {
                Finding::error(path, "chain", format!("cluster {cluster}, marked as bad"), "clusters in use")
            }
            Fault::Cycle { cluster } => {
                let expected = format!("an end behind {} clusters", chain.clusters);
                Finding::error(path, "chain", format!("cluster {cluster} for the second time, a cycle"), expected)
            }
            Fault::Crossed { cluster, owner } => {
                let owner = self.paths.text(owner);
                Finding::error(path, "chain", format!("cluster {cluster}, which {owner} has"), "clusters of its own")
                    .hint("one of the two has the other's bytes: copy both, delete both, and put back the right one")
            }
        }
    }

    /// The bytes of a directory, as far as there are entries.
    fn load(&mut self, directory: &Directory) -> Result<Vec<u8>, CheckError> {
        const WHAT: &str = "directory";
        let mut bytes = Vec::new();
        if directory.first == 0 {
            // At most 65,535 entries of 32 bytes.
            bytes.resize(usize::try_from(self.geometry.root_bytes).unwrap_or(0), 0);
            self.device.read("root directory", self.geometry.root_start, &mut bytes)?;
            return Ok(bytes);
        }
        let cluster_size = self.geometry.cluster;
        if u64::from(directory.clusters) * cluster_size > MOST_DIRECTORY_BYTES.max(cluster_size) {
            let path = self.paths.text(directory.id);
            let found = format!("{} clusters of {cluster_size} bytes", directory.clusters);
            let expected = format!("at most {MOST_DIRECTORY_BYTES} bytes, which are 65536 entries");
            self.report.push(Finding::error(path, "length", found, expected));
        }
        let mut cluster = directory.first;
        for _ in 0..directory.clusters {
            let begin = bytes.len();
            if begin as u64 >= MOST_DIRECTORY_BYTES {
                self.is_complete = false;
                break;
            }
            let offset = self.geometry.cluster_offset(cluster);
            if offset + cluster_size > self.device.bytes() {
                let path = self.paths.text(directory.id);
                let expected = format!("a cluster in the {} bytes of the device", self.device.bytes());
                self.report.push(Finding::error(path, "chain", format!("cluster {cluster}"), expected));
                self.is_complete = false;
                break;
            }
            // A cluster has at most 128 sectors of 4096 bytes.
            bytes.resize(begin + usize::try_from(cluster_size).unwrap_or(0), 0);
            self.device.read(WHAT, offset, &mut bytes[begin..])?;
            if bytes[begin..].chunks_exact(SIZE).any(|slot| slot[0] == END) {
                break;
            }
            match self.table.link(cluster)? {
                Link::Next(next) => cluster = next,
                _ => break,
            }
        }
        Ok(bytes)
    }
}
