//! The walk through all directories of one hierarchy.

use std::collections::{BTreeMap, BTreeSet};

use crate::descriptor::Described;
use crate::device::Device;
use crate::directory::{PARENT, SELF, records};
use crate::entry::Open;
use crate::record::Record;
use crate::tree::{Extent, Names, Node, Tree};
use crate::{BLOCK, CheckError, Finding, Report, rock_ridge};

/// Most files and directories that are looked at, a finding says where there are more. Media have some 10,000.
pub const MOST_ENTRIES: u64 = 1 << 18;
/// Directories inside of each other.
const MOST_DEPTH: usize = 64;
/// Bytes of all directories, and of all paths.
const MOST_BYTES: u64 = 64 << 20;

/// What was found on the way.
pub(crate) struct Walked {
    pub(crate) tree: Tree,
    pub(crate) files: u64,
    /// The root not among them.
    pub(crate) directories: u64,
    /// First blocks of all directories.
    pub(crate) blocks: BTreeSet<u32>,
    /// What takes room, with its path.
    pub(crate) extents: Vec<(Extent, String)>,
    /// Whether nothing was left out.
    pub(crate) is_complete: bool,
}

/// Walks what `described` leads to; `prefix` is put before its paths.
pub(crate) fn walk(
    device: Device<'_>,
    described: &Described,
    is_joliet: bool,
    report: &mut Report,
) -> Result<Walked, CheckError> {
    let prefix = if is_joliet { "Joliet: " } else { "" };
    let name = if is_joliet { "Joliet volume descriptor" } else { "primary volume descriptor" };
    let mut walker = Walker {
        device,
        prefix,
        report,
        volume: u64::from(described.blocks) * BLOCK,
        skip: None,
        bytes: 0,
        entries: 0,
        found: Walked {
            tree: Tree { names: if is_joliet { Names::Joliet } else { Names::Plain }, ..Tree::default() },
            files: 0,
            directories: 0,
            blocks: BTreeSet::new(),
            extents: Vec::new(),
            is_complete: true,
        },
    };
    let Some(root) = Record::parse(described.root()).filter(|record| record.is_directory()) else {
        walker.report.push(Finding::error(name, "root directory's record", "none of a directory", "one"));
        walker.found.is_complete = false;
        return Ok(walker.found);
    };
    let (location, length) = (root.location(), root.data_length());
    walker.report.findings.extend(location.differs(name, "root directory's extent"));
    walker.report.findings.extend(length.differs(name, "root directory's length"));
    let place = (location.little, length.little);
    if !is_joliet && device.has(place.0, BLOCK) {
        let mut first = [0; 2048];
        device.read("root directory", u64::from(place.0) * BLOCK, &mut first)?;
        let system_use = Record::parse(&first).map(Record::system_use);
        walker.skip = system_use.and_then(rock_ridge::sharing);
        if walker.skip.is_some() {
            walker.found.tree.names = Names::RockRidge;
        }
    }
    walker.found.tree.root = walker.directory("", place, Some(place.0), 0)?;
    walker.found.directories = walker.found.directories.saturating_sub(1);
    Ok(walker.found)
}

pub(crate) struct Walker<'d, 'r> {
    pub(crate) device: Device<'d>,
    prefix: &'static str,
    pub(crate) report: &'r mut Report,
    /// Bytes of the volume.
    pub(crate) volume: u64,
    /// Bytes to skip before the entries of Rock Ridge; `None` where there are none.
    pub(crate) skip: Option<usize>,
    /// Of directories and paths, so far.
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
    pub(crate) found: Walked,
}

impl Walker<'_, '_> {
    /// How people call what is at a path.
    pub(crate) fn name(&self, path: &str) -> String {
        format!("{}{}", self.prefix, if path.is_empty() { "/" } else { path })
    }

    pub(crate) fn error(
        &mut self,
        path: &str,
        field: &str,
        found: impl std::fmt::Display,
        expected: impl std::fmt::Display,
    ) {
        let finding = Finding::error(self.name(path), field, found, expected);
        self.report.push(finding);
    }

    pub(crate) fn give_up(&mut self, path: &str, field: &str, limit: impl std::fmt::Display) {
        if self.found.is_complete {
            let expected = format!("at most {limit}; what is behind that is not looked at");
            self.error(path, field, "more", expected);
        }
        self.found.is_complete = false;
    }

    pub(crate) fn directory(
        &mut self,
        path: &str,
        (block, length): (u32, u32),
        parent: Option<u32>,
        depth: usize,
    ) -> Result<BTreeMap<Vec<u8>, Node>, CheckError> {
        let mut entries = BTreeMap::new();
        let bytes = u64::from(length);
        if bytes == 0 || !bytes.is_multiple_of(BLOCK) {
            self.error(path, "data length", format!("{bytes} bytes"), "whole blocks, one at least");
        }
        if bytes == 0 || !self.device.has(block, bytes) {
            let expected = format!("in the image, which has {}", self.device.bytes() / BLOCK);
            self.error(path, "extent", format!("{bytes} bytes from block {block} on"), expected);
            self.found.is_complete = false;
            return Ok(entries);
        }
        self.bytes += bytes;
        if depth > MOST_DEPTH {
            self.give_up(path, "directories inside each other", MOST_DEPTH);
            return Ok(entries);
        }
        if self.bytes > MOST_BYTES {
            self.give_up(path, "bytes of directories and paths", MOST_BYTES);
            return Ok(entries);
        }
        if !self.found.blocks.insert(block) {
            self.error(path, "extent", format!("block {block}, where another directory is"), "one of its own");
            self.found.is_complete = false;
            return Ok(entries);
        }
        self.found.directories += 1;
        let extent = Extent { offset: u64::from(block) * BLOCK, length: bytes };
        self.found.extents.push((extent, self.name(path)));
        let bytes = self.device.bytes_of("directory", block, usize::try_from(length).unwrap_or_default())?;
        let (records, findings) = records(&bytes, &self.name(path));
        findings.into_iter().for_each(|finding| self.report.push(finding));
        self.links(path, &records, (block, length), parent);
        let mut open: Option<Open> = None;
        for record in records.iter().filter(|record| !matches!(record.identifier(), SELF | PARENT)) {
            if !self.found.is_complete && (self.entries > MOST_ENTRIES || self.bytes > MOST_BYTES) {
                break;
            }
            self.record(path, *record, block, depth, &mut open, &mut entries)?;
        }
        if open.is_some() {
            self.error(path, "last record", "goes on", "the end of its file");
        }
        Ok(entries)
    }

    /// The first two records: the directory itself, and the one above it, which is `parent` where that is known.
    fn links(&mut self, path: &str, records: &[Record<'_>], own: (u32, u32), parent: Option<u32>) {
        let first = records.first().filter(|record| record.identifier() == SELF);
        let Some(first) = first else {
            self.error(path, "first record", "another", "the directory itself");
            return;
        };
        let found = (first.location().little, first.data_length().little);
        if found != own {
            let (found, expected) =
                (format!("block {}, {} bytes", found.0, found.1), format!("block {}, {} bytes", own.0, own.1));
            self.error(path, "record of the directory itself", found, expected);
        }
        match records.get(1).filter(|record| record.identifier() == PARENT) {
            None => self.error(path, "second record", "another", "the directory above"),
            Some(above) => {
                let above = above.location().little;
                // libisofs writes the directory itself into Joliet's, and nobody asks there.
                let is_usual = self.found.tree.names == Names::Joliet && above == own.0;
                if let Some(parent) = parent.filter(|&parent| above != parent && !is_usual) {
                    self.error(
                        path,
                        "record of the directory above",
                        format!("block {above}"),
                        format!("block {parent}"),
                    );
                }
            }
        }
    }
}
