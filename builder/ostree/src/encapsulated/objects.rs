//! The objects in the layers of a base, each checked against its name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, Inode, InodeKind, Node, Xattrs, join};

use crate::Checksum;
use crate::encapsulated::EncapsulatedError;
use crate::encapsulated::names::{self, OBJECTS, Role, XATTRS};
use crate::object::{ObjectKind, check_leaf, file_checksum, kept_xattrs};
use crate::parse;

/// Bytes of a metadata object: the importer's limit (spec 3.4), with which libostree's own is never reached.
pub(crate) const METADATA_LIMIT: u64 = 10 << 20;
/// Bytes of a file's extended attributes (spec 3.4).
pub(crate) const XATTRS_LIMIT: u64 = 1 << 20;

/// A metadata object that has the checksum in its name.
#[derive(Debug)]
struct Stored {
    layer: usize,
    content: Content,
}

/// All objects of a base.
#[derive(Debug)]
pub(crate) struct Objects {
    pub(crate) commit: Checksum,
    pub(crate) commit_bytes: Vec<u8>,
    pub(crate) detached: Option<Vec<u8>>,
    metadata: HashMap<(Checksum, ObjectKind), Stored>,
    pub(crate) files: BTreeMap<Checksum, Arc<Inode>>,
    /// The file objects of each layer but the first.
    pub(crate) sets: Vec<Vec<Checksum>>,
}

/// What is gathered from the layers before it is known to be whole.
#[derive(Default)]
struct Gathered {
    commit: Option<(Checksum, Vec<u8>)>,
    metadata: HashMap<(Checksum, ObjectKind), Stored>,
    files: BTreeMap<Checksum, Arc<Inode>>,
    sets: Vec<Vec<Checksum>>,
}

impl Objects {
    /// Finds and checks the objects in the trees of the base's layers, the commit layer first.
    pub(crate) fn read(layers: &[&FileTree]) -> Result<Self, EncapsulatedError> {
        let mut gathered = Gathered::default();
        for (number, tree) in (1..).zip(layers) {
            let files = gathered.layer(number, tree)?;
            if number > 1 {
                gathered.sets.push(files);
            }
        }
        let Gathered { commit, metadata, files, sets } = gathered;
        let (commit, commit_bytes) = commit.ok_or(EncapsulatedError::NoCommit)?;
        let detached = metadata.keys().filter(|(_, kind)| *kind == ObjectKind::CommitMeta);
        if let Some((of, _)) = detached.filter(|(of, _)| *of != commit).min() {
            return Err(EncapsulatedError::DetachedFromOther { of: *of, commit });
        }
        let mut objects = Self { commit, commit_bytes, detached: None, metadata, files, sets };
        objects.detached = objects.metadata(&commit, ObjectKind::CommitMeta)?.map(|(_, bytes)| bytes);
        Ok(objects)
    }

    /// The bytes of a metadata object with the number of its layer.
    pub(crate) fn metadata(
        &self,
        checksum: &Checksum,
        kind: ObjectKind,
    ) -> Result<Option<(usize, Vec<u8>)>, EncapsulatedError> {
        let Some(stored) = self.metadata.get(&(*checksum, kind)) else { return Ok(None) };
        let layer = stored.layer;
        read(layer, || object(checksum, kind), &stored.content, METADATA_LIMIT).map(|bytes| Some((layer, bytes)))
    }
}

/// An object as messages name it.
pub(crate) fn object(checksum: &Checksum, kind: ObjectKind) -> String {
    format!("{checksum}.{}", kind.suffix())
}

impl Gathered {
    /// Takes in the layer with this number; gives its file objects in order.
    fn layer(&mut self, layer: usize, tree: &FileTree) -> Result<Vec<Checksum>, EncapsulatedError> {
        for (name, node) in tree.directory(XATTRS).into_iter().flat_map(|directory| &directory.entries) {
            let path = || join(XATTRS, name);
            let checksum = std::str::from_utf8(name).ok().and_then(|name| name.parse().ok());
            let checksum = checksum.ok_or_else(|| EncapsulatedError::NotAnObject { layer, path: path() })?;
            check_xattrs_object(layer, &checksum, node)?;
        }
        let mut files = Vec::new();
        for (fan, node) in tree.directory(OBJECTS).into_iter().flat_map(|directory| &directory.entries) {
            let stray = |path| EncapsulatedError::NotAnObject { layer, path };
            let below = node.as_directory().ok_or_else(|| stray(join(OBJECTS, fan)))?;
            for (name, node) in &below.entries {
                let named = names::parse(fan, name);
                let (checksum, role) = named.ok_or_else(|| stray(join(&join(OBJECTS, fan), name)))?;
                match role {
                    Role::Object(ObjectKind::File) => {
                        self.file(layer, &checksum, below, name, node)?;
                        files.push(checksum);
                    }
                    Role::Object(kind) => self.metadata(layer, checksum, kind, node)?,
                    Role::Xattrs => check_xattrs_object(layer, &checksum, node)?,
                    Role::XattrsOf => {
                        let file = [&name[..62], b".file"].concat();
                        if !below.entries.contains_key(&file) {
                            let object = format!("{checksum}{}", String::from_utf8_lossy(&name[62..]));
                            return Err(EncapsulatedError::StrayXattrs { layer, object });
                        }
                    }
                }
            }
        }
        Ok(files)
    }

    fn metadata(
        &mut self,
        layer: usize,
        checksum: Checksum,
        kind: ObjectKind,
        node: &Node,
    ) -> Result<(), EncapsulatedError> {
        let name = || object(&checksum, kind);
        if layer > 1 {
            return Err(EncapsulatedError::MetadataInSet { layer, object: name() });
        }
        let content = regular(layer, name, node)?;
        let bytes = read(layer, name, content, METADATA_LIMIT)?;
        let malformed = |problem| EncapsulatedError::Malformed { layer, object: name(), problem };
        let computed = Checksum::of(&bytes);
        match kind {
            // Named by the commit, not by its own checksum.
            ObjectKind::CommitMeta => parse::dictionary(&bytes).map_err(malformed)?,
            _ if computed != checksum => {
                return Err(EncapsulatedError::Damaged { layer, object: name(), computed });
            }
            ObjectKind::Commit => {
                if let Some((first, _)) = self.commit {
                    return Err(EncapsulatedError::TwoCommits { first, second: checksum });
                }
                self.commit = Some((checksum, bytes));
                return Ok(());
            }
            _ => {}
        }
        self.metadata.insert((checksum, kind), Stored { layer, content: content.clone() });
        Ok(())
    }

    /// A file object, with the attributes that lie beside it.
    fn file(
        &mut self,
        layer: usize,
        checksum: &Checksum,
        beside: &Directory,
        name: &[u8],
        node: &Node,
    ) -> Result<(), EncapsulatedError> {
        let object = || object(checksum, ObjectKind::File);
        let inode = match node {
            Node::Leaf(inode) if matches!(inode.kind, InodeKind::Regular(_) | InodeKind::Symlink(_)) => inode,
            other => return Err(EncapsulatedError::Kind { layer, object: object(), kind: other.kind_name() }),
        };
        let record = names::xattrs_of(name).into_iter().find_map(|name| beside.get(&name));
        let xattrs = match record {
            Some(record) => {
                let name = || format!("{checksum}.file-xattrs-link");
                parse_xattrs(layer, name, record)?
            }
            None => Xattrs::new(),
        };
        let mut found = Inode::new(inode.metadata.clone(), inode.kind.clone());
        found.metadata.xattrs = xattrs;
        check_kept(layer, &object, &found)?;
        let read = |source| EncapsulatedError::Read { layer, object: object(), source };
        let computed = file_checksum(&found).map_err(read)?;
        if computed != *checksum {
            return Err(if record.is_none() {
                EncapsulatedError::NoXattrs { layer, object: object() }
            } else {
                EncapsulatedError::Damaged { layer, object: object(), computed }
            });
        }
        // In two layers it is the same object twice; the first one stands for both.
        self.files.entry(*checksum).or_insert_with(|| Arc::new(found));
        Ok(())
    }
}

/// Whether all of a file object reaches the disk (spec 2.6): what does not would make another object of it.
fn check_kept(layer: usize, object: &dyn Fn() -> String, inode: &Inode) -> Result<(), EncapsulatedError> {
    let symlink = matches!(inode.kind, InodeKind::Symlink(_));
    let kept = kept_xattrs(&inode.metadata, symlink);
    if let Some(name) = inode.metadata.xattrs.keys().find(|name| !kept.contains_key(*name)) {
        let problem = if inode.metadata.xattrs[name].is_empty() {
            "has no value, and ostree does not read such attributes back"
        } else {
            "symbolic links cannot have"
        };
        return Err(EncapsulatedError::Xattr { layer, object: object(), name: name.clone(), problem });
    }
    if check_leaf(b"", inode).is_err() {
        let problem = "is a symbolic link whose target is empty or not valid UTF-8";
        return Err(EncapsulatedError::Malformed { layer, object: object(), problem });
    }
    Ok(())
}

/// Extended attributes by themselves: they have to have their checksum as a name.
fn check_xattrs_object(layer: usize, checksum: &Checksum, node: &Node) -> Result<(), EncapsulatedError> {
    let name = || format!("{checksum}.file-xattrs");
    let computed = Checksum::of(&read(layer, name, regular(layer, name, node)?, XATTRS_LIMIT)?);
    if computed == *checksum { Ok(()) } else { Err(EncapsulatedError::Damaged { layer, object: name(), computed }) }
}

fn parse_xattrs(layer: usize, name: impl Fn() -> String, node: &Node) -> Result<Xattrs, EncapsulatedError> {
    let bytes = read(layer, &name, regular(layer, &name, node)?, XATTRS_LIMIT)?;
    parse::xattrs(&bytes).map_err(|problem| EncapsulatedError::Malformed { layer, object: name(), problem })
}

fn regular(layer: usize, object: impl Fn() -> String, node: &Node) -> Result<&Content, EncapsulatedError> {
    let content = node.as_leaf().and_then(|inode| inode.content());
    content.ok_or_else(|| EncapsulatedError::Kind { layer, object: object(), kind: node.kind_name() })
}

fn read(
    layer: usize,
    object: impl Fn() -> String,
    content: &Content,
    limit: u64,
) -> Result<Vec<u8>, EncapsulatedError> {
    let size = content.size();
    if size > limit {
        return Err(EncapsulatedError::TooLarge { layer, object: object(), size, limit });
    }
    content.read_to_vec(limit).map_err(|source| EncapsulatedError::Read { layer, object: object(), source })
}
