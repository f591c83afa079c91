//! One layer as a tree of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use builder_tree::{Content, ContentStore, Directory, FileTree, Inode, InodeKind, Metadata, Node, Wanted};

use crate::entry::{Entry, EntryKind};
use crate::feed::{Feed, Halt};
use crate::overlay::{self, Found, View};
use crate::problem::EntryProblem;
use crate::sparse::SparseMap;
use crate::tarblock::padding;
use crate::whiteout::{self, Name};

/// Holes of all sparse files together: they cost no space, but hashing them costs time.
const HOLE_LIMIT: u64 = 64 << 30;
/// Entries of all layers together: each takes some hundred bytes of memory.
const ENTRY_LIMIT: u64 = 1 << 22;

/// What one layer brings.
#[derive(Clone, Debug)]
pub struct LayerTree {
    /// The layer's files. Whiteouts are kept as empty regular files named `.wh.NAME` and `.wh..wh..opq`; where the
    /// layer puts a directory in the place of a file that it had put in the place of a directory, such a
    /// `.wh..wh..opq` is added to say so. The tree of merged layers is what the trees give when they are laid over
    /// each other in order.
    pub tree: FileTree,
    /// Directories of `tree` that no entry lists, the root (the empty path) among them: root's, mode 0755, from
    /// 1970.
    pub implicit: BTreeSet<Vec<u8>>,
}

/// What may still be spent on an image.
#[derive(Debug)]
pub(crate) struct Budget {
    holes: u64,
    entries: u64,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { holes: HOLE_LIMIT, entries: ENTRY_LIMIT }
    }

    fn entry(&mut self) -> Result<(), EntryProblem> {
        self.entries = self.entries.checked_sub(1).ok_or(EntryProblem::Entries { limit: ENTRY_LIMIT })?;
        Ok(())
    }

    fn holes(&mut self, map: &SparseMap) -> Result<(), EntryProblem> {
        self.holes = self.holes.checked_sub(map.holes()).ok_or(EntryProblem::Holes { limit: HOLE_LIMIT })?;
        Ok(())
    }
}

/// A regular file whose body comes next in a layer's stream.
#[derive(Clone, Copy, Debug)]
pub struct FileAhead<'a> {
    /// The layer, counted from zero.
    pub layer: usize,
    /// Where the file goes, free of links.
    pub path: &'a [u8],
    /// The file's metadata.
    pub metadata: &'a Metadata,
    /// Length of the body in bytes, holes included. A claim, until the body has been read.
    pub size: u64,
    /// What the layer has brought so far. Of the bodies in it only those in memory can be read yet.
    pub before: &'a FileTree,
}

/// What becomes of a body.
#[derive(Clone, Debug)]
pub enum Keep {
    /// It goes to the store, hashed behind these bytes.
    Stored(Vec<u8>),
    /// It is kept in memory.
    InMemory,
    /// Its first bytes are kept in memory, so many or all; who wants more is noted.
    Beginning(usize, Wanted),
}

impl From<Option<Vec<u8>>> for Keep {
    /// What is to be hashed ahead of it; `None` to keep it in memory.
    fn from(prefix: Option<Vec<u8>>) -> Self {
        prefix.map_or(Self::InMemory, Self::Stored)
    }
}

/// Decides about a body before it is read.
pub type PlanBody<'p> = dyn FnMut(&FileAhead<'_>) -> Keep + 'p;

/// Where bodies go.
pub(crate) struct Bodies<'a> {
    pub(crate) store: &'a mut ContentStore,
    pub(crate) plan: &'a mut PlanBody<'a>,
    /// The layer that is being read, counted from zero.
    pub(crate) layer: usize,
}

/// A layer in the making, over the merged layers below.
pub(crate) struct LayerBuilder<'a> {
    lower: &'a FileTree,
    layer: LayerTree,
}

impl<'a> LayerBuilder<'a> {
    pub(crate) fn new(lower: &'a FileTree) -> Self {
        Self { lower, layer: LayerTree { tree: FileTree::new(), implicit: BTreeSet::from([Vec::new()]) } }
    }

    pub(crate) fn finish(self) -> LayerTree {
        self.layer
    }

    fn root(&self) -> View<'_> {
        View::new(Some(&self.layer.tree.root), Some(&self.lower.root))
    }

    /// Takes an entry, with its body from the stream.
    pub(crate) fn apply(
        &mut self,
        entry: Entry,
        feed: &mut Feed<'_>,
        bodies: &mut Bodies<'_>,
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        budget.entry()?;
        let Entry { names, metadata, kind, body } = entry;
        let Some((name, parents)) = names.split_last() else {
            let EntryKind::Directory = kind else { return Err(EntryProblem::Root.into()) };
            self.layer.tree.root.metadata = metadata;
            self.layer.implicit.remove(&b""[..]);
            return Ok(());
        };
        if names.iter().any(|name| whiteout::classify(name) == Name::Aufs) {
            return feed.skip(body + padding(body));
        }
        let parent = overlay::resolve(self.root(), parents)?.path;
        if whiteout::classify(name) != Name::Plain {
            if whiteout::classify(name) == Name::Whiteout(b"") {
                return Err(EntryProblem::Name { what: "name", reason: "is a whiteout of nothing" }.into());
            }
            // Only the name counts (OCI image specification, "Whiteouts").
            feed.skip(body + padding(body))?;
            self.place(&parent, name, Inode::regular(metadata, Content::empty()).into());
            return Ok(());
        }
        let device = |kind| Node::from(Inode::new(metadata.clone(), kind));
        let node = match kind {
            EntryKind::Directory => {
                self.place_directory(&parent, name, metadata);
                return Ok(());
            }
            EntryKind::HardLink(target) => {
                let path = builder_tree::join(&parent, name);
                self.link_target(&path, &target)?.into()
            }
            EntryKind::File(map) => {
                if let Some(map) = &map {
                    budget.holes(map)?;
                }
                let ahead = FileAhead {
                    layer: bodies.layer,
                    path: &builder_tree::join(&parent, name),
                    metadata: &metadata,
                    size: map.as_ref().map_or(body, |map| map.size),
                    before: &self.layer.tree,
                };
                let content = read_body(feed, bodies, &ahead, body, map.as_ref())?;
                feed.skip(padding(body))?;
                Inode::regular(metadata, content).into()
            }
            // A link has no permissions of its own; Linux shows them as 0777.
            EntryKind::Symlink(target) => {
                Inode::new(Metadata { mode: 0o777, ..metadata }, InodeKind::Symlink(target)).into()
            }
            EntryKind::CharDevice(major, minor) => device(InodeKind::CharDevice { major, minor }),
            EntryKind::BlockDevice(major, minor) => device(InodeKind::BlockDevice { major, minor }),
            EntryKind::Fifo => device(InodeKind::Fifo),
        };
        self.place(&parent, name, node);
        Ok(())
    }

    /// The inode that a hard link at `path` joins.
    fn link_target(&self, path: &[u8], target: &[Vec<u8>]) -> Result<Arc<Inode>, EntryProblem> {
        let missing = || EntryProblem::NoLinkTarget { target: target.join(&b'/') };
        let Some((name, parents)) = target.split_last() else {
            return Err(EntryProblem::LinkToDirectory { target: Vec::new() });
        };
        if whiteout::classify(name) != Name::Plain {
            return Err(missing());
        }
        let parent = overlay::resolve(self.root(), parents)?;
        let found = parent.view.and_then(|view| view.get(name)).ok_or_else(missing)?;
        let Found::Leaf(inode) = found else {
            return Err(EntryProblem::LinkToDirectory { target: target.join(&b'/') });
        };
        // What is at the link's place goes away before the link is made, as with `ln -f`, so it cannot be the target.
        let at = builder_tree::join(&parent.path, name);
        let inside = at.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"));
        if inside { Err(missing()) } else { Ok(Arc::clone(inode)) }
    }

    /// The layer's own directory at `path`, made where missing; nothing of the layer is in the way.
    fn directory(&mut self, path: &[u8]) -> &mut Directory {
        let mut at = &mut self.layer.tree.root;
        let mut end = 0;
        for name in path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
            end += name.len();
            if at.get(name).and_then(Node::as_directory).is_none() {
                at.insert(name, Directory::root_owned(0o755));
                self.layer.implicit.insert(path[..end].to_vec());
            }
            // The slash behind it.
            end += 1;
            // The line above made it a directory if it was none.
            at = at.entries.get_mut(name).and_then(Node::as_directory_mut).expect("a directory was just put there");
        }
        at
    }

    fn place(&mut self, parent: &[u8], name: &[u8], node: Node) {
        let replaced = self.directory(parent).entries.insert(name.to_vec(), node);
        if let Some(Node::Directory(_)) = replaced {
            self.forget_implicit(&builder_tree::join(parent, name));
        }
    }

    fn place_directory(&mut self, parent: &[u8], name: &[u8], metadata: Metadata) {
        let path = builder_tree::join(parent, name);
        self.layer.implicit.remove(&path);
        let lower_is_directory = self.lower.directory(&path).is_some();
        match self.directory(parent).entries.get_mut(name) {
            Some(Node::Directory(directory)) => directory.metadata = metadata,
            None => {
                self.directory(parent).insert(name, Directory::new(metadata));
            }
            Some(Node::Leaf(_)) => {
                let mut directory = Directory::new(metadata);
                // The leaf had replaced all that was below; that does not come back with the directory.
                if lower_is_directory {
                    directory.insert(whiteout::OPAQUE, Inode::regular(Metadata::root(0o644), Content::empty()));
                }
                self.directory(parent).insert(name, directory);
            }
        }
    }

    /// A directory of the layer is gone, with all below it.
    fn forget_implicit(&mut self, path: &[u8]) {
        self.layer.implicit.remove(path);
        let below = [path, b"/"].concat();
        // `0` follows the slash in ASCII.
        let behind = [path, b"0"].concat();
        let gone: Vec<Vec<u8>> = self.layer.implicit.range(below..behind).cloned().collect();
        for path in gone {
            self.layer.implicit.remove(&path);
        }
    }
}

fn read_body(
    feed: &mut Feed<'_>,
    bodies: &mut Bodies<'_>,
    ahead: &FileAhead<'_>,
    body: u64,
    map: Option<&SparseMap>,
) -> Result<Content, Halt> {
    let prefix = match ((bodies.plan)(ahead), map) {
        (Keep::Stored(prefix), _) => prefix,
        (Keep::InMemory, None) => return feed.take(body).map(Content::bytes),
        (Keep::Beginning(bytes, wanted), None) => {
            let beginning = body.min(bytes as u64);
            let kept = feed.take(beginning)?;
            feed.skip(body - beginning)?;
            return Ok(Content::beginning(body, &kept, wanted));
        }
        // Holes are the store's business.
        (Keep::InMemory | Keep::Beginning(..), Some(_)) => Vec::new(),
    };
    let mut writer = bodies.store.writer(&prefix);
    if let Some(map) = map {
        let mut at = 0;
        for &(offset, length) in &map.pieces {
            writer.hole(offset - at).map_err(Halt::Store)?;
            feed.copy(length, &mut |bytes| writer.write(bytes))?;
            at = offset + length;
        }
        writer.hole(map.size - at).map_err(Halt::Store)?;
    } else {
        feed.copy(body, &mut |bytes| writer.write(bytes))?;
    }
    writer.finish().map_err(Halt::Store)
}
