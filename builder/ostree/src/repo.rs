//! A repository in `bare` mode, in memory (spec 1).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use builder_tree::{Content, Directory, DisplayPath, FileTree, Fingerprint, Inode, Metadata, Seal};

use crate::made::Maker;
use crate::object::{
    DirTree, MAX_METADATA_SIZE, ObjectKind, body_prefix, check_leaf, check_name, check_xattrs, content_object,
    directory_metadata, dirmeta, file_checksum, metadata_object,
};
use crate::rebuild::{Rebuild, rebuild, rebuild_simply};
use crate::refs::Refs;
use crate::{Checksum, Commit, OstreeError, RepoConfig};

/// Objects and refs.
#[derive(Debug)]
pub struct Repo {
    maker: Maker,
    objects: BTreeMap<(Checksum, ObjectKind), Arc<Inode>>,
    refs: Refs,
    /// Checksums of bodies that had to be read again, by what they were stored under and the header that counts.
    pub(crate) read_again: HashMap<(Fingerprint, Checksum), Checksum>,
}

/// A tree whose objects are in a repository.
#[derive(Clone, Debug)]
pub struct StoredTree {
    /// The tree as ostree holds it: its leaves are the inodes of the objects, its directories are from 1970.
    pub tree: FileTree,
    /// The names in the root directory.
    pub dirtree: Checksum,
    /// The root directory's own metadata.
    pub dirmeta: Checksum,
}

/// How many of what a repository holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepoStats {
    /// Content objects: regular files and symbolic links.
    pub files: usize,
    /// Directories' names.
    pub dirtrees: usize,
    /// Directories' metadata.
    pub dirmetas: usize,
    /// Commits.
    pub commits: usize,
    /// Commits with detached metadata.
    pub commitmetas: usize,
    /// Refs.
    pub refs: usize,
}

impl Repo {
    /// An empty repository. All that has to have a time, and is not from 1970 by ostree's rules, will be from
    /// `created`, in seconds since 1970.
    #[must_use]
    pub fn new(created: i64) -> Self {
        Self { maker: Maker::new(created), objects: BTreeMap::new(), refs: Refs::default(), read_again: HashMap::new() }
    }

    pub(crate) fn maker(&self) -> Maker {
        self.maker
    }

    /// Adds the objects of `tree`. Equal files, whatever their names and times, become one object.
    ///
    /// # Errors
    /// Something ostree has no object for, a name or target it cannot store, a directory whose names exceed
    /// libostree's limit, or a body that cannot be read.
    pub fn add_tree(&mut self, tree: &FileTree) -> Result<StoredTree, OstreeError> {
        let (root, (dirtree, dirmeta)) = rebuild(&tree.root, self)?;
        Ok(StoredTree { tree: FileTree { root }, dirtree, dirmeta })
    }

    /// [`file_checksum`], reading a body whose fingerprint is of no use only once.
    fn checksum(&mut self, inode: &Inode) -> std::io::Result<Checksum> {
        let Some(print) = inode.content().and_then(|content| content.fingerprint()) else {
            return file_checksum(inode);
        };
        let prefix = Checksum::of(&body_prefix(&inode.metadata));
        if print.prefix == *prefix.bytes() {
            return Ok(print.digest.into());
        }
        if let Some(known) = self.read_again.get(&(*print, prefix)) {
            return Ok(*known);
        }
        let checksum = file_checksum(inode)?;
        self.read_again.insert((*print, prefix), checksum);
        Ok(checksum)
    }

    /// The checksum of a file that was added, or of any: bodies that were read for [`Repo::add_tree`] are not read again.
    ///
    /// # Errors
    /// A body has to be read, and cannot.
    pub fn object_checksum(&self, inode: &Inode) -> std::io::Result<Checksum> {
        let known = inode
            .content()
            .and_then(|content| content.fingerprint())
            .and_then(|print| self.read_again.get(&(*print, Checksum::of(&body_prefix(&inode.metadata)))).copied());
        known.map_or_else(|| file_checksum(inode), Ok)
    }

    /// Gives the object of every regular file the seal that `seal` makes of its body, here and in `trees`, which were
    /// added before.
    ///
    /// # Errors
    /// Those of `seal`.
    pub fn seal(
        &mut self,
        trees: &mut [&mut StoredTree],
        seal: &mut dyn FnMut(&Content) -> std::io::Result<Seal>,
    ) -> std::io::Result<()> {
        // As they lie in the store, which is then read from front to back.
        let files = self.objects.iter_mut().filter(|((_, kind), _)| *kind == ObjectKind::File);
        let mut objects: Vec<_> = files.map(|(_, object)| object).collect();
        objects.sort_by_key(|object| object.content().and_then(Content::store_position));
        let mut sealed = HashMap::new();
        for object in objects {
            let Some(content) = object.content() else { continue };
            let with = Inode { seal: Some(Arc::new(seal(content)?)), ..Inode::clone(object) };
            let before = std::mem::replace(object, Arc::new(with));
            // The old one is kept, so that no new one has its address.
            sealed.insert(Arc::as_ptr(&before), (before, Arc::clone(object)));
        }
        for tree in trees {
            let leaf = |inode: &Arc<Inode>| sealed.get(&Arc::as_ptr(inode)).map_or(inode, |(_, new)| new).clone();
            tree.tree.root = rebuild_simply(&tree.tree.root, Metadata::clone, leaf);
        }
        Ok(())
    }

    fn add_metadata(
        &mut self,
        kind: ObjectKind,
        bytes: Vec<u8>,
        what: &dyn Fn() -> String,
    ) -> Result<Checksum, OstreeError> {
        let size = bytes.len() as u64;
        if size > MAX_METADATA_SIZE {
            return Err(OstreeError::ObjectTooLarge { what: what(), size, limit: MAX_METADATA_SIZE });
        }
        let checksum = Checksum::of(&bytes);
        let maker = self.maker;
        self.objects.entry((checksum, kind)).or_insert_with(|| metadata_object(maker, bytes));
        Ok(checksum)
    }

    /// Adds a commit of a tree that was added before.
    ///
    /// # Errors
    /// A text with a zero byte in it, or more metadata than libostree reads.
    pub fn add_commit(&mut self, commit: &Commit) -> Result<Checksum, OstreeError> {
        self.add_metadata(ObjectKind::Commit, commit.serialise()?, &|| "commit".to_owned())
    }

    /// Adds a commit that somebody else made, of a tree that was added before, and what else is known of it.
    pub(crate) fn add_foreign_commit(&mut self, checksum: &Checksum, bytes: &[u8], detached: Option<&[u8]>) {
        let maker = self.maker;
        let parts = [(ObjectKind::Commit, Some(bytes)), (ObjectKind::CommitMeta, detached)];
        for (kind, bytes) in parts.into_iter().filter_map(|(kind, bytes)| Some((kind, bytes?))) {
            self.objects.entry((*checksum, kind)).or_insert_with(|| metadata_object(maker, bytes.to_vec()));
        }
    }

    /// Makes `name` stand for `commit`.
    ///
    /// # Errors
    /// A name outside ostree's grammar, one above or below another ref, or a commit that is not here.
    pub fn set_ref(&mut self, name: &str, commit: &Checksum) -> Result<(), OstreeError> {
        if !self.holds_commit(commit) {
            return Err(OstreeError::NoSuchCommit { what: format!("the ref {name:?}"), commit: *commit });
        }
        self.refs.set(name, commit)
    }

    pub(crate) fn holds_commit(&self, commit: &Checksum) -> bool {
        self.objects.contains_key(&(*commit, ObjectKind::Commit))
    }

    /// The refs with the commits they stand for, sorted by name.
    pub fn refs(&self) -> impl Iterator<Item = (&str, &Checksum)> {
        self.refs.iter()
    }

    /// What is in here, counted.
    #[must_use]
    pub fn stats(&self) -> RepoStats {
        let mut stats = RepoStats { refs: self.refs.len(), ..RepoStats::default() };
        for (_, kind) in self.objects.keys() {
            *match kind {
                ObjectKind::Commit => &mut stats.commits,
                ObjectKind::CommitMeta => &mut stats.commitmetas,
                ObjectKind::DirMeta => &mut stats.dirmetas,
                ObjectKind::DirTree => &mut stats.dirtrees,
                ObjectKind::File => &mut stats.files,
            } += 1;
        }
        stats
    }

    /// The directory that is to be `/ostree/repo`.
    ///
    /// # Errors
    /// A value of `config` that a key file cannot hold.
    pub fn into_directory(self, config: &RepoConfig) -> Result<Directory, OstreeError> {
        let maker = self.maker;
        let mut repo = maker.directory(0o755);
        repo.insert("config", maker.file(0o644, config.text()?));
        repo.insert("refs", self.refs.into_directory(maker));
        let mut tmp = maker.directory(0o755);
        tmp.insert("cache", maker.directory(0o755));
        repo.insert("tmp", tmp);
        repo.insert("state", maker.directory(0o755));
        repo.insert("extensions", maker.directory(0o755));

        // A real repository has all 256, filled or not (spec 11.7).
        let mut fans: Vec<Directory> = (0..=u8::MAX).map(|_| maker.directory(0o755)).collect();
        for ((checksum, kind), inode) in self.objects {
            let name = checksum.to_string();
            let name = format!("{}.{}", &name[2..], kind.suffix());
            fans[usize::from(checksum.bytes()[0])].insert(name, inode);
        }
        let mut objects = maker.directory(0o755);
        for (number, fan) in fans.into_iter().enumerate() {
            objects.insert(format!("{number:02x}"), fan);
        }
        repo.insert("objects", objects);
        Ok(repo)
    }
}

/// What [`Repo::add_tree`] does with each part of a tree.
impl Rebuild for Repo {
    type Open = DirTree;
    /// Dirtree and dirmeta.
    type Closed = (Checksum, Checksum);
    type Error = OstreeError;

    fn open(&mut self, path: &[u8], name: &[u8], old: &Directory) -> Result<Metadata, OstreeError> {
        if !path.is_empty() {
            check_name(path, name)?;
        }
        check_xattrs(path, &old.metadata)?;
        Ok(directory_metadata(&old.metadata))
    }

    fn leaf(
        &mut self,
        open: &mut DirTree,
        path: &[u8],
        name: &[u8],
        inode: &Arc<Inode>,
    ) -> Result<Arc<Inode>, OstreeError> {
        check_name(path, name)?;
        check_leaf(path, inode)?;
        let checksum = self.checksum(inode).map_err(|source| OstreeError::Read { path: path.to_vec(), source })?;
        open.file(name, &checksum);
        let time = self.maker.time();
        let object = self.objects.entry((checksum, ObjectKind::File));
        Ok(Arc::clone(object.or_insert_with(|| Arc::new(content_object(inode, time)))))
    }

    fn close(&mut self, open: DirTree, path: &[u8], metadata: &Metadata) -> Result<Self::Closed, OstreeError> {
        let what = || format!("list of names in {}", DisplayPath(path));
        let dirtree = self.add_metadata(ObjectKind::DirTree, open.finish(), &what)?;
        let what = || format!("metadata of {}", DisplayPath(path));
        let dirmeta = self.add_metadata(ObjectKind::DirMeta, dirmeta(metadata), &what)?;
        Ok((dirtree, dirmeta))
    }

    fn below(&mut self, open: &mut DirTree, name: &[u8], (dirtree, dirmeta): &Self::Closed) {
        open.directory(name, dirtree, dirmeta);
    }
}
