//! Labels for a whole tree.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use builder_tree::{Directory, FileTree, Inode, Metadata, Node, Xattrs};

use crate::label::{FileKind, Label, XATTR};
use crate::policy::Policy;

/// What happens to files that have a label already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The policy's label replaces it, where the policy has one.
    Replace,
    /// It stays.
    Keep,
}

/// What happens to the paths of one inode whose labels differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HardLinks {
    /// The inode stays one and gets the label of the first of its paths, in byte order, for which there is one.
    FirstPath,
    /// The inode becomes one for each label. That is what a commit holds, where links are not recorded and every
    /// path is labelled for itself.
    Split,
}

/// How a path, or all below it, is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This path alone is looked up as the given absolute one.
    As(Vec<u8>),
    /// This path and all below it are looked up as if they were at the given absolute path.
    At(Vec<u8>),
    /// This path and all below it keep the attributes they have.
    Untouched,
}

/// What is labelled, and as what.
#[derive(Clone, Debug)]
pub struct RelabelRules {
    existing: Existing,
    hard_links: HardLinks,
    /// By absolute path; a deeper one goes before a higher one.
    places: BTreeMap<Vec<u8>, Place>,
}

/// A labelled tree.
#[derive(Debug)]
pub struct Relabelled {
    /// The tree; bodies are shared with the one it was made from, and so are inodes that did not change.
    pub tree: FileTree,
    /// Paths of inodes that stayed one, for which the policy has another label than for the first path, in byte order.
    pub conflicts: Vec<Conflict>,
}

/// Two paths of one inode that the policy labels differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: Vec<u8>,
    /// The policy's label for it.
    pub label: Label,
    /// The first path of the inode.
    pub first: Vec<u8>,
    /// The policy's label for that.
    pub first_label: Label,
}

impl RelabelRules {
    /// For the tree of a commit: every path gets its label, whatever it had; `/proc` gets that of `/mnt`.
    #[must_use]
    pub fn commit() -> Self {
        Self { existing: Existing::Replace, hard_links: HardLinks::Split, places: BTreeMap::new() }
            .with("/proc", Place::As(b"/mnt".to_vec()))
    }

    /// For a tree whose commits are labelled: what has no label yet gets one; links stay; `/proc` gets the label of
    /// `/mnt`.
    #[must_use]
    pub fn unlabelled() -> Self {
        Self { existing: Existing::Keep, hard_links: HardLinks::FirstPath, ..Self::commit() }
    }

    /// The same with a rule for the absolute `path`.
    #[must_use]
    pub fn with(mut self, path: impl Into<Vec<u8>>, place: Place) -> Self {
        self.places.insert(path.into(), place);
        self
    }

    /// The same with another treatment of links.
    #[must_use]
    pub fn with_hard_links(mut self, hard_links: HardLinks) -> Self {
        self.hard_links = hard_links;
        self
    }

    /// The same with another treatment of labels that are there.
    #[must_use]
    pub fn with_existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }
}

/// The tree with the attribute `security.selinux` that the policy and the rules give every inode.
///
/// Where the policy has no label, attributes stay as they are. The root directory is `/`.
#[must_use]
pub fn relabel(tree: &FileTree, policy: &Policy, rules: &RelabelRules) -> Relabelled {
    let asking = Asking { policy, rules };
    let mut seen = Vec::new();
    if rules.hard_links == HardLinks::FirstPath {
        asking.survey(&tree.root, &mut Vec::new(), &Region::Itself, &mut seen);
    }
    // In byte order of the paths, which is not the order of the walk (`a-b` is before `a/c`).
    seen.sort_by(|one, other| one.path.cmp(&other.path));
    let mut shared = SharedInodes::default();
    for name in seen {
        shared.note(name);
    }
    let mut made = Made::default();
    let root = asking.build(&tree.root, &mut Vec::new(), &Region::Itself, &shared, &mut made);
    Relabelled { tree: FileTree { root }, conflicts: shared.conflicts }
}

/// How the paths of a part of the tree are looked up.
#[derive(Clone, Debug)]
enum Region {
    /// As themselves.
    Itself,
    /// With so many first bytes replaced by these.
    At(usize, Vec<u8>),
    /// Not at all.
    Untouched,
}

/// What is to be done with one path.
#[derive(Clone, Copy, Debug)]
enum Answer<'p> {
    /// Nothing; its inode is not to be changed for another path's sake either.
    Untouched,
    /// It has this label in the policy.
    Label(Option<&'p Label>),
}

/// One of several paths of an inode.
struct Name<'p> {
    inode: *const Inode,
    path: Vec<u8>,
    answer: Answer<'p>,
}

/// What was made so far and is shared.
#[derive(Default)]
struct Made<'p> {
    /// Inodes for those that may have several paths.
    inodes: HashMap<(*const Inode, &'p Label), Arc<Inode>>,
    /// The attributes of inodes that have nothing but a label: one map for all.
    labels: HashMap<*const Label, Xattrs>,
}

/// The paths here are absolute, but that of the root is empty.
struct Asking<'p> {
    policy: &'p Policy,
    rules: &'p RelabelRules,
}

impl<'p> Asking<'p> {
    /// The region of a path in a directory of the region `above`.
    fn region<'r>(&self, path: &[u8], above: &'r Region) -> Cow<'r, Region> {
        match self.rules.places.get(absolute(path)) {
            Some(Place::At(prefix)) => Cow::Owned(Region::At(path.len(), prefix.clone())),
            Some(Place::Untouched) => Cow::Owned(Region::Untouched),
            Some(Place::As(_)) | None => Cow::Borrowed(above),
        }
    }

    fn ask(&self, path: &[u8], kind: FileKind, region: &Region) -> Answer<'p> {
        if let Some(Place::As(other)) = self.rules.places.get(absolute(path)) {
            return Answer::Label(self.policy.label(other, kind));
        }
        match region {
            Region::Untouched => Answer::Untouched,
            Region::Itself => Answer::Label(self.policy.label(absolute(path), kind)),
            Region::At(length, prefix) => {
                // A region's paths all begin with the path it begins at.
                let rest = path.get(*length..).unwrap_or_default();
                Answer::Label(self.policy.label(&[prefix.as_slice(), rest].concat(), kind))
            }
        }
    }

    /// Asks for every path of the inodes that may have several.
    fn survey(&self, directory: &Directory, path: &mut Vec<u8>, above: &Region, seen: &mut Vec<Name<'p>>) {
        let region = self.region(path, above);
        let length = path.len();
        for (name, node) in &directory.entries {
            path.push(b'/');
            path.extend_from_slice(name);
            match node {
                Node::Directory(below) => self.survey(below, path, &region, seen),
                // A count of one excludes a second path; a higher one may come from other trees.
                Node::Leaf(inode) if Arc::strong_count(inode) > 1 && !self.keeps(&inode.metadata) => {
                    let region = self.region(path, &region);
                    let answer = self.ask(path, FileKind::from(&inode.kind), &region);
                    seen.push(Name { inode: Arc::as_ptr(inode), path: path.clone(), answer });
                }
                Node::Leaf(_) => {}
            }
            path.truncate(length);
        }
    }

    fn build(
        &self,
        directory: &Directory,
        path: &mut Vec<u8>,
        above: &Region,
        shared: &SharedInodes<'p>,
        made: &mut Made<'p>,
    ) -> Directory {
        let region = self.region(path, above);
        let mut labelled = Directory::new(directory.metadata.clone());
        if let Answer::Label(Some(label)) = self.ask(path, FileKind::Directory, &region) {
            self.set(&mut labelled.metadata, label, made);
        }
        let length = path.len();
        for (name, node) in &directory.entries {
            path.push(b'/');
            path.extend_from_slice(name);
            let node = match node {
                Node::Directory(below) => self.build(below, path, &region, shared, made).into(),
                Node::Leaf(inode) if self.keeps(&inode.metadata) => Arc::clone(inode).into(),
                Node::Leaf(inode) => {
                    let region = self.region(path, &region);
                    let label = match self.ask(path, FileKind::from(&inode.kind), &region) {
                        Answer::Untouched => None,
                        Answer::Label(own) => self.settle(inode, own, shared),
                    };
                    label.map_or_else(|| Arc::clone(inode), |label| self.leaf(inode, label, made)).into()
                }
            };
            labelled.entries.insert(name.clone(), node);
            path.truncate(length);
        }
        labelled
    }

    /// The label that a path's inode gets, if the policy has `own` for the path.
    fn settle(&self, inode: &Arc<Inode>, own: Option<&'p Label>, shared: &SharedInodes<'p>) -> Option<&'p Label> {
        match (self.rules.hard_links, shared.firsts.get(&Arc::as_ptr(inode))) {
            (HardLinks::Split, _) | (_, None) => own,
            (HardLinks::FirstPath, Some(first)) if first.untouched => None,
            (HardLinks::FirstPath, Some(first)) => first.label.as_ref().map(|(_, label)| *label),
        }
    }

    /// The inode with the label: the same one where it has it, else a new one for all paths that want it.
    fn leaf(&self, inode: &Arc<Inode>, label: &'p Label, made: &mut Made<'p>) -> Arc<Inode> {
        let mut metadata = inode.metadata.clone();
        if !self.set(&mut metadata, label, made) {
            return Arc::clone(inode);
        }
        let new = || Arc::new(Inode { metadata, ..Inode::clone(inode) });
        if Arc::strong_count(inode) == 1 {
            return new();
        }
        Arc::clone(made.inodes.entry((Arc::as_ptr(inode), label)).or_insert_with(new))
    }

    fn keeps(&self, metadata: &Metadata) -> bool {
        self.rules.existing == Existing::Keep && metadata.xattrs.contains_key(XATTR)
    }

    /// Sets the attribute; tells whether anything changed.
    fn set(&self, metadata: &mut Metadata, label: &'p Label, made: &mut Made<'p>) -> bool {
        if self.keeps(metadata) || metadata.xattrs.get(XATTR).is_some_and(|value| value == label.as_xattr()) {
            return false;
        }
        if metadata.xattrs.is_empty() {
            let alone = made.labels.entry(std::ptr::from_ref(label));
            metadata.xattrs = alone.or_insert_with(|| [(XATTR.to_vec(), label.as_xattr().to_vec())].into()).clone();
        } else {
            metadata.xattrs.insert(XATTR.to_vec(), label.as_xattr().to_vec());
        }
        true
    }
}

/// `/` for the root, whose path is empty while walking.
fn absolute(path: &[u8]) -> &[u8] {
    if path.is_empty() { b"/" } else { path }
}

/// What was found out about inodes with several paths.
#[derive(Default)]
struct SharedInodes<'p> {
    firsts: HashMap<*const Inode, First<'p>>,
    conflicts: Vec<Conflict>,
}

#[derive(Default)]
struct First<'p> {
    untouched: bool,
    /// The first path that has a label, with it.
    label: Option<(Vec<u8>, &'p Label)>,
}

impl<'p> SharedInodes<'p> {
    /// Takes the next path in byte order.
    fn note(&mut self, name: Name<'p>) {
        let first = self.firsts.entry(name.inode).or_default();
        match (name.answer, &first.label) {
            (Answer::Untouched, _) => first.untouched = true,
            (Answer::Label(None), _) => {}
            (Answer::Label(Some(label)), None) => first.label = Some((name.path, label)),
            (Answer::Label(Some(label)), Some((_, same))) if label == *same => {}
            (Answer::Label(Some(label)), Some((path, other))) => self.conflicts.push(Conflict {
                path: name.path,
                label: label.clone(),
                first: path.clone(),
                first_label: (*other).clone(),
            }),
        }
    }
}
