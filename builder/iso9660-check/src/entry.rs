//! A file of a directory, as its record and the entries of Rock Ridge in it describe it.

use std::collections::BTreeMap;

use crate::bytes::u32_at;
use crate::record::{HEAD, Record};
use crate::tree::{Extent, File, Names, Node};
use crate::walk::{MOST_ENTRIES, Walker};
use crate::{BLOCK, CheckError, Finding, rock_ridge};

/// Bits of the type. Linux, `include/uapi/linux/stat.h`.
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

/// A file of which more records follow.
pub(crate) struct Open {
    identifier: Vec<u8>,
    extents: Vec<Extent>,
}

impl Walker<'_, '_> {
    pub(crate) fn record(
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
        // Of those there may be much more than of the directory itself.
        self.bytes += described.bytes;
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
