//! The nodes of the image in its order: breadth-first, children by name. Hard links are not merged, each name has a
//! node of its own, as libostree hands trees to libcomposefs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use builder_tree::{Directory, FileTree, Inode, InodeKind, Metadata};

use crate::format::{FileType, NAME_MAX, PATH_MAX};
use crate::inode;
use crate::overlay::{self, MOUNT_POINT_MODE, MOUNT_POINTS, WHITEOUT_MODE};
use crate::xattr::{Attribute, AttributeId, Pool, Table};
use crate::{ErofsError, Payload, PayloadError, Unrepresentable, XattrError};

/// Type bits of a directory's mode.
const DIRECTORY_BITS: u16 = 0o040_000;
/// Type bits of a regular file's mode.
const REGULAR_BITS: u16 = 0o100_000;
/// Type bits of a symbolic link's mode.
const SYMLINK_BITS: u16 = 0o120_000;
/// Type bits of a character device's mode.
const CHAR_DEVICE_BITS: u16 = 0o020_000;
/// Permission bits.
const PERMISSIONS: u16 = 0o7777;
/// Access control lists: an image that has them says so in its header.
const ACLS: [&[u8]; 2] = [b"system.posix_acl_access", b"system.posix_acl_default"];

/// What has an inode in the image.
#[derive(Debug)]
pub(crate) struct Node<'t> {
    /// The directory it is in; the root's is itself.
    pub(crate) parent: usize,
    pub(crate) name: Cow<'t, [u8]>,
    pub(crate) kind: Kind<'t>,
    /// Permission bits.
    permissions: u16,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// In order of names.
    pub(crate) attributes: Vec<AttributeId>,
}

/// The type of a node with what belongs to it.
#[derive(Clone, Debug)]
pub(crate) enum Kind<'t> {
    /// A directory with its entries.
    Directory {
        /// The entries but `.` and `..`, in order of names.
        children: Range<usize>,
        /// Link count.
        links: u32,
    },
    /// A regular file with its length in bytes.
    Regular(u64),
    /// A symbolic link with its target.
    Symlink(&'t [u8]),
    /// A character device 0:0.
    Whiteout,
}

impl Node<'_> {
    /// `st_mode`.
    pub(crate) fn mode(&self) -> u16 {
        self.permissions
            | match self.kind {
                Kind::Directory { .. } => DIRECTORY_BITS,
                Kind::Regular(_) => REGULAR_BITS,
                Kind::Symlink(_) => SYMLINK_BITS,
                Kind::Whiteout => CHAR_DEVICE_BITS,
            }
    }

    /// The type as directories have it.
    pub(crate) fn file_type(&self) -> FileType {
        match self.kind {
            Kind::Directory { .. } => FileType::Directory,
            Kind::Regular(_) => FileType::Regular,
            Kind::Symlink(_) => FileType::Symlink,
            Kind::Whiteout => FileType::CharDevice,
        }
    }
}

/// All nodes with their attributes.
#[derive(Debug)]
pub(crate) struct Nodes<'t> {
    /// The root is the first.
    pub(crate) list: Vec<Node<'t>>,
    pub(crate) table: Table<'t>,
    /// Whether any of them has an access control list.
    pub(crate) has_acl: bool,
}

/// What a name stands for before it is a node.
enum Source<'t> {
    Tree(&'t builder_tree::Node),
    MountPoint,
    Whiteout,
}

/// Puts the nodes together.
struct Gatherer<'t, F> {
    list: Vec<Node<'t>>,
    /// By node, the directory of the tree whose entries are to follow.
    directories: Vec<Option<&'t Directory>>,
    pool: Pool<'t>,
    has_acl: bool,
    payload: F,
}

/// The nodes of `tree`, with what composefs adds to it.
///
/// # Errors
/// [`ErofsError`]; the path is that of the first thing in the order of nodes that cannot be.
pub(crate) fn gather<'t, F>(tree: &'t FileTree, payload: F) -> Result<Nodes<'t>, ErofsError>
where
    F: FnMut(&Arc<Inode>) -> Result<Payload, PayloadError>,
{
    let mut gatherer =
        Gatherer { list: Vec::new(), directories: Vec::new(), pool: Pool::default(), has_acl: false, payload };
    gatherer.root(&tree.root)?;
    let mut at = 1;
    while at < gatherer.list.len() {
        if let Some(directory) = gatherer.directories[at] {
            let children = directory.entries.iter().map(|(name, node)| (name.into(), Source::Tree(node)));
            gatherer.children(at, children, &directory.metadata)?;
        }
        at += 1;
    }
    let needed = gatherer.list.len() as u64;
    let limit = u64::from(u32::MAX);
    if needed > limit {
        return Err(ErofsError::TooLarge { unit: "inodes", needed, limit });
    }
    Ok(Nodes { list: gatherer.list, table: gatherer.pool.place()?, has_acl: gatherer.has_acl })
}

impl<'t, F> Gatherer<'t, F>
where
    F: FnMut(&Arc<Inode>) -> Result<Payload, PayloadError>,
{
    fn root(&mut self, root: &'t Directory) -> Result<(), ErofsError> {
        let attributes = overlay::root_attributes(&root.metadata.xattrs);
        let attributes = attributes.map_err(|source| ErofsError::Xattr { path: Vec::new(), source })?;
        self.push(0, b"".into(), directory(), &root.metadata, attributes, None);
        let mut children: BTreeMap<Cow<'t, [u8]>, Source<'t>> =
            root.entries.iter().map(|(name, node)| (name.into(), Source::Tree(node))).collect();
        for name in MOUNT_POINTS {
            children.entry(name.into()).or_insert(Source::MountPoint);
        }
        for name in overlay::whiteout_names() {
            children.entry(name.to_vec().into()).or_insert(Source::Whiteout);
        }
        self.children(0, children.into_iter(), &root.metadata)
    }

    /// Appends the entries of the directory `parent`, which has the metadata `around`.
    fn children(
        &mut self,
        parent: usize,
        children: impl Iterator<Item = (Cow<'t, [u8]>, Source<'t>)>,
        around: &'t Metadata,
    ) -> Result<(), ErofsError> {
        let first = self.list.len();
        let mut links = 2;
        for (name, source) in children {
            if let Err(reason) = check_name(&name) {
                return Err(ErofsError::Unrepresentable { path: self.path(parent, &name), reason });
            }
            match source {
                Source::Tree(builder_tree::Node::Directory(below)) => {
                    links += 1;
                    let attributes = overlay::attributes(&below.metadata.xattrs);
                    let attributes = attributes.map_err(|source| self.bad_xattr(parent, &name, source))?;
                    self.push(parent, name, directory(), &below.metadata, attributes, Some(below));
                }
                Source::Tree(builder_tree::Node::Leaf(inode)) => self.leaf(parent, name, inode)?,
                Source::MountPoint => {
                    links += 1;
                    self.push(parent, name, directory(), &Metadata::root(MOUNT_POINT_MODE), Vec::new(), None);
                }
                Source::Whiteout => {
                    let attributes = overlay::whiteout_attributes(&around.xattrs);
                    let metadata = Metadata { uid: around.uid, gid: around.gid, ..Metadata::root(WHITEOUT_MODE) };
                    self.push(parent, name, Kind::Whiteout, &metadata, attributes, None);
                }
            }
        }
        self.list[parent].kind = Kind::Directory { children: first..self.list.len(), links };
        Ok(())
    }

    fn leaf(&mut self, parent: usize, name: Cow<'t, [u8]>, inode: &'t Arc<Inode>) -> Result<(), ErofsError> {
        let unrepresentable =
            |this: &Self, reason| ErofsError::Unrepresentable { path: this.path(parent, &name), reason };
        let Metadata { xattrs, .. } = &inode.metadata;
        let (kind, attributes) = match &inode.kind {
            InodeKind::Regular(content) if content.is_empty() => (Kind::Regular(0), overlay::attributes(xattrs)),
            InodeKind::Regular(content) => {
                inode::check_size(content.size()).map_err(|reason| unrepresentable(self, reason))?;
                let payload = (self.payload)(inode)
                    .map_err(|source| ErofsError::Payload { path: self.path(parent, &name), source })?;
                overlay::check_payload(&payload).map_err(|reason| unrepresentable(self, reason))?;
                (Kind::Regular(content.size()), overlay::file_attributes(xattrs, &payload))
            }
            InodeKind::Symlink(target) => {
                check_target(target).map_err(|reason| unrepresentable(self, reason))?;
                (Kind::Symlink(target), overlay::attributes(xattrs))
            }
            InodeKind::CharDevice { .. } | InodeKind::BlockDevice { .. } | InodeKind::Fifo | InodeKind::Socket => {
                return Err(unrepresentable(self, Unrepresentable::Special { kind: inode.kind.name() }));
            }
        };
        let attributes = attributes.map_err(|source| self.bad_xattr(parent, &name, source))?;
        self.push(parent, name, kind, &inode.metadata, attributes, None);
        Ok(())
    }

    fn push(
        &mut self,
        parent: usize,
        name: Cow<'t, [u8]>,
        kind: Kind<'t>,
        metadata: &Metadata,
        attributes: Vec<Attribute<'t>>,
        directory: Option<&'t Directory>,
    ) {
        self.has_acl |= attributes.iter().any(|attribute| ACLS.contains(&&*attribute.name));
        let attributes = attributes.into_iter().map(|attribute| self.pool.add(attribute)).collect();
        let Metadata { mode, uid, gid, .. } = *metadata;
        self.list.push(Node { parent, name, kind, permissions: mode & PERMISSIONS, uid, gid, attributes });
        self.directories.push(directory);
    }

    fn bad_xattr(&self, parent: usize, name: &[u8], source: XattrError) -> ErofsError {
        ErofsError::Xattr { path: self.path(parent, name), source }
    }

    /// The path of `name` in the directory `parent`.
    fn path(&self, parent: usize, name: &[u8]) -> Vec<u8> {
        let mut names = vec![name];
        let mut at = parent;
        while at != 0 {
            names.push(&self.list[at].name);
            at = self.list[at].parent;
        }
        names.reverse();
        names.join(&b'/')
    }
}

/// A directory whose entries are not known yet.
fn directory<'t>() -> Kind<'t> {
    Kind::Directory { children: 0..0, links: 2 }
}

fn check_name(name: &[u8]) -> Result<(), Unrepresentable> {
    if name.is_empty() || name.len() > NAME_MAX {
        return Err(Unrepresentable::NameLength { length: name.len() });
    }
    if name == b"." || name == b".." || name.contains(&b'/') || name.contains(&0) {
        return Err(Unrepresentable::Name);
    }
    Ok(())
}

fn check_target(target: &[u8]) -> Result<(), Unrepresentable> {
    if target.is_empty() || target.len() > PATH_MAX {
        return Err(Unrepresentable::TargetLength { length: target.len() });
    }
    match target.iter().position(|&byte| byte == 0) {
        Some(at) => Err(Unrepresentable::NulInTarget { at }),
        None => Ok(()),
    }
}
