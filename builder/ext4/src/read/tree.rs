//! A directory with all below it, as a tree.

use std::collections::BTreeMap;

use builder_tree::{Content, ContentStore, Directory, FileTree, Inode, InodeKind, Metadata, Node, join};

use super::error::failed;
use super::{Ext4Reader, LINK_LIMIT, NAME_COUNT_LIMIT, ReadError, absolute, read_all};

/// Longest way through directories, in directories.
const DEPTH_LIMIT: usize = 256;

/// What is left of the bounds of one reading.
struct Bounds {
    names: u64,
    bytes: u64,
    most_bytes: u64,
}

impl Ext4Reader {
    /// The directory that `path` leads to with all below it, bodies hashed in `store`; who reads them flushes that
    /// first. Files may have `most_bytes` together, holes included.
    ///
    /// # Errors
    /// [`ReadError`]: there is no such directory, the file system is damaged, or there are more files or bytes than
    /// are taken.
    pub fn tree(&self, path: &[u8], most_bytes: u64, store: &mut ContentStore) -> Result<FileTree, ReadError> {
        let found = self.find(path)?.ok_or_else(|| ReadError::Missing { path: path.to_vec() })?;
        let metadata = self.view.metadata(&absolute(&found)).map_err(|source| failed(&found, source))?;
        let mut bounds = Bounds { names: NAME_COUNT_LIMIT, bytes: most_bytes, most_bytes };
        let root = self.directory(&found, 0, metadata_of(&metadata), &mut bounds, store)?;
        Ok(FileTree { root })
    }

    fn directory(
        &self,
        path: &[u8],
        depth: usize,
        metadata: Metadata,
        bounds: &mut Bounds,
        store: &mut ContentStore,
    ) -> Result<Directory, ReadError> {
        let limit =
            |what, limit: u64| ReadError::Limit { path: path.to_vec(), what, value: limit.saturating_add(1), limit };
        if depth > DEPTH_LIMIT {
            return Err(limit("the directories above it are", DEPTH_LIMIT as u64));
        }
        let mut entries = BTreeMap::new();
        for entry in self.view.read_dir(&absolute(path)).map_err(|source| failed(path, source))? {
            let entry = entry.map_err(|source| failed(path, source))?;
            let name = entry.file_name().as_ref().to_vec();
            if name == b"." || name == b".." {
                continue;
            }
            bounds.names =
                bounds.names.checked_sub(1).ok_or_else(|| limit("the names up to here are", NAME_COUNT_LIMIT))?;
            // Files are opened by name, which has to lead to the entry that was looked at.
            if entries.insert(name.clone(), entry).is_some() {
                return Err(ReadError::Twice { path: join(path, &name) });
            }
        }
        let mut directory = Directory::new(metadata);
        for (name, entry) in entries {
            let path = join(path, &name);
            if path.len() as u64 >= LINK_LIMIT {
                let value = path.len() as u64;
                return Err(ReadError::Limit { path, what: "its bytes are", value, limit: LINK_LIMIT - 1 });
            }
            let found = entry.metadata().map_err(|source| failed(&path, source))?;
            let metadata = metadata_of(&found);
            let kind = found.file_type();
            let node: Node = if kind.is_dir() {
                self.directory(&path, depth + 1, metadata, bounds, store)?.into()
            } else {
                let kind = if kind.is_regular_file() {
                    InodeKind::Regular(self.body(&path, found.len(), bounds, store)?)
                } else if kind.is_symlink() {
                    InodeKind::Symlink(self.link(&path, found.len())?)
                } else if kind.is_char_dev() {
                    InodeKind::CharDevice { major: 0, minor: 0 }
                } else if kind.is_block_dev() {
                    InodeKind::BlockDevice { major: 0, minor: 0 }
                } else if kind.is_fifo() {
                    InodeKind::Fifo
                } else {
                    InodeKind::Socket
                };
                Inode::new(metadata, kind).into()
            };
            directory.insert(name, node);
        }
        Ok(directory)
    }

    fn body(
        &self,
        path: &[u8],
        size: u64,
        bounds: &mut Bounds,
        store: &mut ContentStore,
    ) -> Result<Content, ReadError> {
        bounds.bytes = bounds.bytes.checked_sub(size).ok_or_else(|| ReadError::Limit {
            path: path.to_vec(),
            what: "the bytes of all files up to here are",
            value: (bounds.most_bytes - bounds.bytes).saturating_add(size),
            limit: bounds.most_bytes,
        })?;
        let mut file = self.view.open(&absolute(path)).map_err(|source| failed(path, source))?;
        let mut writer = store.writer(b"");
        read_all(&mut file, path, &mut |bytes| writer.write(bytes))?;
        Ok(writer.finish()?)
    }
}

fn metadata_of(found: &ext4_view::Metadata) -> Metadata {
    Metadata { uid: found.uid(), gid: found.gid(), ..Metadata::root(found.mode()) }
}
