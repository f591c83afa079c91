//! The walk through all directories of one hierarchy.

use std::collections::{BTreeMap, BTreeSet};

use crate::bytes::u32_at;
use crate::descriptor::Described;
use crate::device::Device;
use crate::directory::{PARENT, SELF, records};
use crate::record::{HEAD, Record};
use crate::tree::{Extent, File, Names, Node, Tree};
use crate::{BLOCK, CheckError, Finding, Report, rock_ridge};

/// Most files and directories that are looked at, a finding says where there are more. Media have some 10,000.
pub const MOST_ENTRIES: u64 = 1 << 18;
/// Directories inside of each other.
const MOST_DEPTH: usize = 64;
/// Bytes of all directories, and of all paths.
const MOST_BYTES: u64 = 64 << 20;

/// Bits of the type. Linux, `include/uapi/linux/stat.h`.
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

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

struct Walker<'d, 'r> {
    device: Device<'d>,
    prefix: &'static str,
    report: &'r mut Report,
    /// Bytes of the volume.
    volume: u64,
    /// Bytes to skip before the entries of Rock Ridge; `None` where there are none.
    skip: Option<usize>,
    /// Of directories and paths, so far.
    bytes: u64,
    entries: u64,
    found: Walked,
}

/// A file of which more records follow.
struct Open {
    identifier: Vec<u8>,
    extents: Vec<Extent>,
}

impl Walker<'_, '_> {
    /// How people call what is at a path.
    fn name(&self, path: &str) -> String {
        format!("{}{}", self.prefix, if path.is_empty() { "/" } else { path })
    }

    fn error(&mut self, path: &str, field: &str, found: impl std::fmt::Display, expected: impl std::fmt::Display) {
        let finding = Finding::error(self.name(path), field, found, expected);
        self.report.push(finding);
    }

    fn give_up(&mut self, path: &str, field: &str, limit: impl std::fmt::Display) {
        if self.found.is_complete {
            let expected = format!("at most {limit}; what is behind that is not looked at");
            self.error(path, field, "more", expected);
        }
        self.found.is_complete = false;
    }

    fn directory(
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

    fn record(
        &mut self,
        path: &str,
        record: Record<'_>,
        parent: u32,
        depth: usize,
        open: &mut Option<Open>,
        entries: &mut BTreeMap<Vec<u8>, Node>,
    ) -> Result<(), CheckError> {
        let identifier = self.identifier(record);
        let provisional = format!("{path}/{}", String::from_utf8_lossy(&identifier));
        let described = match self.skip {
            Some(skip) => {
                let system_use = record.system_use().get(skip..).unwrap_or_default();
                rock_ridge::read(&self.device, system_use, &self.name(&provisional))?
            }
            None => rock_ridge::Described::default(),
        };
        described.findings.iter().cloned().for_each(|finding| self.report.push(finding));
        if described.is_relocated {
            return Ok(());
        }
        let name = if described.name.is_empty() { identifier } else { described.name };
        let path = format!("{path}/{}", String::from_utf8_lossy(&name));
        self.entries += 1;
        self.bytes += path.len() as u64;
        if self.entries > MOST_ENTRIES {
            self.give_up(&path, "files and directories", MOST_ENTRIES);
            return Ok(());
        }
        let shown = self.name(&path);
        let (location, length) = (record.location(), record.data_length());
        for finding in [
            location.differs(&shown, "extent's block"),
            length.differs(&shown, "data length"),
            record.sequence().differs(&shown, "volume sequence number"),
        ] {
            finding.into_iter().for_each(|finding| self.report.push(finding));
        }
        let is_directory = record.is_directory() || described.child.is_some();
        let node = match described.file_type {
            Some(kind) if (kind == DIRECTORY) != is_directory => {
                let found =
                    format!("{kind:#o} in PX, {} in the record", if is_directory { "a directory" } else { "a file" });
                self.error(&path, "type", found, "the same");
                Node::Other
            }
            Some(LINK) => match described.target {
                Some(target) => Node::Link(target),
                None => {
                    self.error(&path, "target of the link", "missing", "an entry SL");
                    Node::Other
                }
            },
            _ if is_directory => {
                let place = match described.child {
                    Some(child) => (child, self.relocated(child)?),
                    None => (location.little, length.little),
                };
                // What lies elsewhere for its depth has another above it.
                let parent = described.child.is_none().then_some(parent);
                Node::Directory(self.directory(&path, place, parent, depth + 1)?)
            }
            None | Some(REGULAR) => {
                let mut extents = match open.take() {
                    Some(begun) if begun.identifier == record.identifier() => begun.extents,
                    Some(_) => {
                        self.error(&path, "record before it", "goes on", "the end of its file");
                        Vec::new()
                    }
                    None => Vec::new(),
                };
                let is_there = self.extent(&path, record, &mut extents);
                if record.goes_on() {
                    *open = Some(Open { identifier: record.identifier().to_vec(), extents });
                    return Ok(());
                }
                self.found.files += 1;
                if is_there { Node::File(File { extents }) } else { Node::Other }
            }
            Some(_) => Node::Other,
        };
        if entries.insert(name, node).is_some() {
            self.error(&path, "name", "there twice", "one of its kind in a directory");
        }
        Ok(())
    }

    /// Takes over the bytes that a record names; `false` where they are not in the image.
    fn extent(&mut self, path: &str, record: Record<'_>, extents: &mut Vec<Extent>) -> bool {
        let length = u64::from(record.data_length().little);
        if record.is_interleaved() {
            self.error(path, "interleaving", "gaps in the data", "none, as nobody reads them");
            return false;
        }
        // Files without bytes may name any block.
        if length == 0 {
            return true;
        }
        let block = u64::from(record.location().little) + u64::from(record.attribute_blocks());
        let offset = block * BLOCK;
        let (size, found) = (self.device.bytes(), format!("{length} bytes from block {block} on"));
        if offset + length > size {
            self.error(path, "extent", found, format!("in the image, which has {} blocks", size / BLOCK));
            return false;
        }
        if offset + length > self.volume {
            let expected = format!("in the volume, which has {} blocks", self.volume / BLOCK);
            let finding = Finding::warning(self.name(path), "extent", found, expected);
            self.report.push(finding);
        }
        let extent = Extent { offset, length };
        self.found.extents.push((extent, self.name(path)));
        extents.push(extent);
        true
    }

    /// Bytes of a directory that an entry CL leads to: those of its own first record.
    fn relocated(&self, block: u32) -> Result<u32, CheckError> {
        if !self.device.has(block, BLOCK) {
            return Ok(0);
        }
        let mut head = [0; HEAD];
        self.device.read("directory", u64::from(block) * BLOCK, &mut head)?;
        Ok(u32_at(&head, 10))
    }

    /// The name in a record, without the version that files have.
    fn identifier(&self, record: Record<'_>) -> Vec<u8> {
        let raw = record.identifier();
        let name = match self.found.tree.names {
            Names::Joliet => {
                let units: Vec<u16> = raw.as_chunks().0.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
                String::from_utf16_lossy(&units).into_bytes()
            }
            Names::Plain | Names::RockRidge => raw.to_vec(),
        };
        let versioned = name.iter().rposition(|&byte| byte == b';').filter(|&at| at > 0);
        let name = versioned.map_or(&name[..], |at| &name[..at]);
        name.strip_suffix(b".").filter(|name| !name.is_empty()).unwrap_or(name).to_vec()
    }
}
