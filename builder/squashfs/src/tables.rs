//! Inodes, the names in directories, and the tables by number.

use crate::constants::{DIRECTORY_EXTRA, DIRECTORY_GROUP, METADATA_BYTES, inode_type};
use crate::encode::Encoder;
use crate::error::WriteError;
use crate::format::{DirectoryFields, FileFields, InodeHead, Reference, directory_entry, directory_header};
use crate::metadata::Metadata;
use crate::plan::Plan;
use crate::tree::{Kind, ROOT};

/// What became of a file's blocks.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// Where they begin in the image, in bytes; 0 where there are none.
    pub(crate) start: u64,
    /// The length of each; 0 where it is left out.
    pub(crate) words: Vec<u32>,
    /// Bytes of the file that are in blocks that are left out.
    pub(crate) sparse: u64,
}

/// The tables of inodes and of names while they are made.
pub(crate) struct Tables<'p> {
    plan: &'p Plan<'p>,
    /// Of the plan's files.
    bodies: &'p [Body],
    encoder: Encoder,
    inodes: Metadata,
    names: Metadata,
    /// Where the inodes are, by number.
    pub(crate) references: Vec<Reference>,
    /// Where the names of directories are and how long, by number of the inode.
    listings: Vec<(Reference, u32)>,
}

impl<'p> Tables<'p> {
    pub(crate) fn new(plan: &'p Plan<'p>, bodies: &'p [Body], encoder: Encoder) -> Self {
        Self {
            plan,
            bodies,
            encoder,
            inodes: Metadata::new("table of inodes"),
            names: Metadata::new("table of directories"),
            references: vec![Reference::default(); plan.order.len()],
            listings: vec![(Reference::default(), 0); plan.order.len()],
        }
    }

    /// Makes all inodes, and gives them to `write` piece by piece; then the names, in one.
    ///
    /// An inode has to be there before its name, and the names of a directory before its inode. Nodes deeper in the
    /// tree have higher numbers, so directories are gone through from the last to the first.
    pub(crate) fn make(
        &mut self,
        write: &mut dyn FnMut(&[u8]) -> Result<(), WriteError>,
    ) -> Result<Vec<u8>, WriteError> {
        let plan = self.plan;
        for &node in plan.order.iter().rev() {
            let Kind::Directory(names) = &plan.tree.nodes[node].kind else { continue };
            for &child in names.values() {
                self.inode(child, write)?;
            }
            self.listings[index(plan.numbers[node])] =
                self.list(names.iter().map(|(name, &node)| (&name[..], node)))?;
        }
        self.inode(ROOT, write)?;
        self.inodes.end(&mut self.encoder)?;
        write(&self.inodes.take())?;
        self.names.end(&mut self.encoder)?;
        Ok(self.names.take())
    }

    /// The encoder, for what comes behind.
    pub(crate) fn into_encoder(self) -> Encoder {
        self.encoder
    }

    fn inode(&mut self, node: usize, write: &mut dyn FnMut(&[u8]) -> Result<(), WriteError>) -> Result<(), WriteError> {
        let plan = self.plan;
        let number = plan.numbers[node];
        let Attributes { head, links, parent } = attributes(plan, node);
        self.references[index(number)] = self.inodes.reference()?;
        match &plan.tree.nodes[node].kind {
            Kind::Directory(_) => {
                let (names, size) = self.listings[index(number)];
                let inode = head.directory(&DirectoryFields { names, size, links, parent });
                self.inodes.append(&mut self.encoder, &inode)?;
            }
            Kind::Symlink(target) => self.inodes.append(&mut self.encoder, &head.symlink(target))?,
            Kind::File(_) => {
                // Files are in the order of their numbers, and every file is among them.
                let place = plan.files.partition_point(|file| plan.numbers[file.node] < number);
                let (file, body) = (&plan.files[place], &self.bodies[place]);
                let fields =
                    FileFields { start: body.start, size: file.size, sparse: body.sparse, fragment: file.fragment };
                self.inodes.append(&mut self.encoder, &head.file(&fields))?;
                for words in body.words.chunks(METADATA_BYTES) {
                    let list: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                    self.inodes.append(&mut self.encoder, &list)?;
                    write(&self.inodes.take())?;
                }
            }
        }
        Ok(())
    }

    /// Appends the names of a directory, whose inodes are there.
    fn list<'n>(&mut self, names: impl Iterator<Item = (&'n [u8], usize)>) -> Result<(Reference, u32), WriteError> {
        let plan = self.plan;
        let begin = self.names.reference()?;
        let mut size = 0;
        let mut group = Group::default();
        for (name, node) in names {
            let number = plan.numbers[node];
            let Reference { block, offset } = self.references[index(number)];
            let behind = match group.behind(block, number) {
                Some(behind) => behind,
                None => {
                    size += self.append_group(&group)?;
                    group = Group { block, first: number, ..Group::default() };
                    0
                }
            };
            group.count += 1;
            group.entries.extend(directory_entry(offset, behind, kind_type(&plan.tree.nodes[node].kind), name));
        }
        size += self.append_group(&group)?;
        let limit = u32::MAX - DIRECTORY_EXTRA;
        match u32::try_from(size) {
            Ok(size) if size <= limit => Ok((begin, size)),
            _ => Err(WriteError::Table { table: "directory", bytes: size, limit: u64::from(limit) }),
        }
    }

    /// Appends a group with its header and gives the length of both in bytes.
    fn append_group(&mut self, group: &Group) -> Result<u64, WriteError> {
        if group.count == 0 {
            return Ok(0);
        }
        let header = directory_header(group.count, group.block, group.first);
        self.names.append(&mut self.encoder, &header)?;
        self.names.append(&mut self.encoder, &group.entries)?;
        Ok((header.len() + group.entries.len()) as u64)
    }
}

/// Names whose inodes begin in one metadata block.
#[derive(Debug, Default)]
struct Group {
    /// Where the block begins in the table of inodes.
    block: u32,
    /// Number of the first inode.
    first: u32,
    count: u32,
    entries: Vec<u8>,
}

impl Group {
    /// How far `number` is behind the first one's; `None` where an inode of `block` cannot be in this group.
    fn behind(&self, block: u32, number: u32) -> Option<i16> {
        let room = self.count > 0 && (self.count as usize) < DIRECTORY_GROUP && block == self.block;
        room.then(|| i16::try_from(number.checked_sub(self.first)?).ok()).flatten()
    }
}

/// What inodes of all kinds, and of directories, need of the plan.
struct Attributes {
    head: InodeHead,
    links: u32,
    parent: u32,
}

fn attributes(plan: &Plan<'_>, node: usize) -> Attributes {
    let number = plan.numbers[node];
    let attributes = plan.tree.nodes[node].attributes;
    let directories = match &plan.tree.nodes[node].kind {
        Kind::Directory(names) => {
            names.values().filter(|&&child| matches!(plan.tree.nodes[child].kind, Kind::Directory(_))).count()
        }
        _ => 0,
    };
    // The root has none; `mksquashfs` names the first number that no inode has.
    let parent = if node == ROOT {
        u32::try_from(plan.order.len()).unwrap_or(u32::MAX).saturating_add(1)
    } else {
        plan.numbers[plan.tree.nodes[node].parent]
    };
    let head = InodeHead {
        mode: attributes.mode,
        // Every owner and group is in the plan.
        uid: plan.ids.get(&attributes.uid).copied().unwrap_or_default(),
        gid: plan.ids.get(&attributes.gid).copied().unwrap_or_default(),
        mtime: plan.options.mtime,
        number,
    };
    Attributes { head, links: u32::try_from(directories).unwrap_or(u32::MAX).saturating_add(2), parent }
}

fn kind_type(kind: &Kind<'_>) -> u16 {
    match kind {
        Kind::Directory(_) => inode_type::DIRECTORY,
        Kind::File(_) => inode_type::FILE,
        Kind::Symlink(_) => inode_type::SYMLINK,
    }
}

/// Where the inode of a number is in lists of all.
fn index(number: u32) -> usize {
    // Numbers count from 1.
    (number - 1) as usize
}
