//! The file systems of a disk as firmware, boot loader and kernel find them.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use builder_ext4::read::{Ext4Reader, FoundKind};
use builder_fat::read::FatReader;
use builder_grub::{Device, DeviceId, Kind, Machine};
use builder_iso9660_check::{File, Found as IsoFound, Tree};
use builder_pe::{PeFile, uki};
use builder_tree::{ContentStore, Directory, FileTree, Node};

use super::other::OtherPartition;
use super::swap::uuid_and_label;
use crate::part::DiskPart;

/// Where ext4 has its UUID and its label, in bytes from the start of the file system.
const UUID: u64 = 1024 + 0x68;
const LABEL: u64 = 1024 + 0x78;

/// Largest program of a firmware that is read, in bytes.
pub(crate) const PROGRAM: u64 = 1 << 30;

/// A partition with a file system that can be read.
pub(crate) struct Volume {
    /// How people call the place: `partition 1`, `boot image 2`.
    pub(crate) place: String,
    /// Name of the partition.
    pub(crate) name: String,
    /// Whether firmware looks for programs here.
    pub(crate) is_esp: bool,
    /// Whether boot loaders do not see it, as they do not see the boot images of a disc.
    pub(crate) is_hidden: bool,
    /// What a boot loader knows of it.
    pub(crate) device: Device,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Fat(FileTree),
    Ext4(Box<Ext4Reader>),
    Iso(Iso),
}

/// The files of an ISO 9660 image.
#[derive(Clone)]
pub(crate) struct Iso {
    pub(crate) image: Rc<DiskPart>,
    pub(crate) tree: Rc<Tree>,
}

impl Iso {
    fn file(&self, path: &str) -> Option<&File> {
        match self.tree.find(path.as_bytes()) {
            Some(IsoFound::File(file)) => Some(file),
            _ => None,
        }
    }
}

impl Body {
    /// Reads a FAT file system; its files go to `store`.
    pub(crate) fn fat(part: &DiskPart, store: &mut ContentStore) -> io::Result<Self> {
        let tree = FatReader::open(part).and_then(|reader| reader.tree(store)).map_err(io::Error::other)?;
        store.flush()?;
        Ok(Self::Fat(tree))
    }

    pub(crate) fn ext4(part: DiskPart) -> io::Result<Self> {
        Ok(Self::Ext4(Box::new(Ext4Reader::open(Box::new(part)).map_err(io::Error::other)?)))
    }
}

/// UUID and label of an ext4 file system.
pub(crate) fn ext4_names(part: &DiskPart) -> io::Result<(String, Option<String>)> {
    uuid_and_label(part, UUID, LABEL)
}

/// All of them.
pub(crate) struct Volumes {
    pub(crate) all: Vec<Volume>,
    /// The partitions beside them.
    pub(crate) others: Vec<OtherPartition>,
    /// Takes files that are unpacked on the way.
    pub(crate) store: Rc<RefCell<ContentStore>>,
}

impl Volumes {
    /// Whether this is a medium with an ISO 9660 image.
    pub(crate) fn is_medium(&self) -> bool {
        self.all.iter().any(|volume| matches!(volume.body, Body::Iso(_)))
    }

    pub(crate) fn get(&self, device: DeviceId) -> Option<&Volume> {
        self.all.iter().find(|volume| volume.device.id == device)
    }
}

/// Walks a FAT tree, whose names have no case.
fn lookup<'t>(tree: &'t FileTree, path: &str) -> Option<Found<'t>> {
    let mut directory = &tree.root;
    let mut components = path.split('/').filter(|name| !name.is_empty() && *name != ".").peekable();
    while let Some(name) = components.next() {
        let found = directory.entries.iter().find(|(entry, _)| entry.eq_ignore_ascii_case(name.as_bytes()));
        let (_, node) = found?;
        match node.as_directory() {
            Some(inner) => directory = inner,
            None if components.peek().is_none() => return Some(Found::Node(node)),
            None => return None,
        }
    }
    Some(Found::Directory(directory))
}

enum Found<'t> {
    Directory(&'t Directory),
    Node(&'t Node),
}

impl Machine for Volumes {
    fn devices(&self) -> Vec<Device> {
        self.all.iter().filter(|volume| !volume.is_hidden).map(|volume| volume.device.clone()).collect()
    }

    fn read(&self, device: DeviceId, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(volume) = self.get(device) else { return Ok(None) };
        match &volume.body {
            Body::Fat(tree) => {
                let Some(Found::Node(node)) = lookup(tree, path) else { return Ok(None) };
                let content = node.as_leaf().and_then(|inode| inode.content());
                content.map(|content| content.read_to_vec(limit)).transpose()
            }
            Body::Ext4(reader) => {
                let path = path.trim_start_matches('/').as_bytes();
                match reader.kind(path).map_err(io::Error::other)? {
                    Some(FoundKind::File(_)) => reader.read(path, limit).map(Some).map_err(io::Error::other),
                    _ => Ok(None),
                }
            }
            Body::Iso(iso) => {
                iso.file(path).map(|file| file.read(&*iso.image, limit).map_err(io::Error::other)).transpose()
            }
        }
    }

    fn list(&self, device: DeviceId, directory: &str) -> io::Result<Option<Vec<String>>> {
        let Some(volume) = self.get(device) else { return Ok(None) };
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        match &volume.body {
            Body::Fat(tree) => Ok(match lookup(tree, directory) {
                Some(Found::Directory(directory)) => Some(directory.entries.keys().map(|name| text(name)).collect()),
                _ => None,
            }),
            Body::Ext4(reader) => {
                let path = directory.trim_start_matches('/').as_bytes();
                if reader.kind(path).map_err(io::Error::other)? != Some(FoundKind::Directory) {
                    return Ok(None);
                }
                let names = reader.names(path).map_err(io::Error::other)?;
                Ok(Some(names.iter().map(|name| text(name)).collect()))
            }
            Body::Iso(iso) => Ok(match iso.tree.find(directory.as_bytes()) {
                Some(IsoFound::Directory(entries)) => Some(entries.keys().map(|name| text(name)).collect()),
                _ => None,
            }),
        }
    }

    fn look(&self, device: DeviceId, path: &str) -> io::Result<Option<Kind>> {
        let Some(volume) = self.get(device) else { return Ok(None) };
        match &volume.body {
            Body::Fat(tree) => Ok(match lookup(tree, path) {
                Some(Found::Directory(_)) => Some(Kind::Directory),
                Some(Found::Node(node)) => {
                    node.as_leaf().and_then(|inode| inode.content()).map(|content| Kind::File(content.size()))
                }
                None => None,
            }),
            Body::Ext4(reader) => {
                let found = reader.kind(path.trim_start_matches('/').as_bytes()).map_err(io::Error::other)?;
                Ok(match found {
                    Some(FoundKind::File(size)) => Some(Kind::File(size)),
                    Some(FoundKind::Directory) => Some(Kind::Directory),
                    Some(FoundKind::Special) | None => None,
                })
            }
            Body::Iso(iso) => Ok(match iso.tree.find(path.as_bytes()) {
                Some(IsoFound::Directory(_)) => Some(Kind::Directory),
                Some(IsoFound::File(file)) => Some(Kind::File(file.size())),
                Some(IsoFound::Other) | None => None,
            }),
        }
    }

    fn os_release(&self, device: DeviceId, path: &str) -> io::Result<Option<String>> {
        let bytes = self.read(device, path, PROGRAM)?.unwrap_or_default();
        let program = PeFile::parse(&bytes).map_err(io::Error::other)?;
        Ok(program.section(uki::OSREL).map(|section| String::from_utf8_lossy(section.content()).into_owned()))
    }
}
