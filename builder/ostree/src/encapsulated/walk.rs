//! From a commit's root to its tree.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use builder_tree::{Directory, FileTree, Metadata, join};

use crate::encapsulated::EncapsulatedError;
use crate::encapsulated::objects::{Objects, object};
use crate::object::{ObjectKind, check_name};
use crate::parse::{self, Names};
use crate::{Checksum, OstreeError};

/// Directories above a file: whoever walks the tree may do so by recursion. That of the layers' reader.
const DEPTH_LIMIT: usize = 512;
/// Paths in the tree. One list of names may stand for many directories, so few objects can make very many.
const PATH_LIMIT: u64 = 1 << 21;
/// Bytes of a name (NAME_MAX).
const NAME_LIMIT: usize = 255;

/// The tree of the directory with these two objects; equal files share one inode.
pub(crate) fn tree(objects: &Objects, root: (Checksum, Checksum)) -> Result<FileTree, OstreeError> {
    let mut walk = Walk { objects, paths: 0, names: HashMap::new(), metadata: HashMap::new() };
    Ok(FileTree { root: walk.directory(b"", 0, &root.0, &root.1)? })
}

struct Walk<'a> {
    objects: &'a Objects,
    paths: u64,
    names: HashMap<Checksum, Rc<Names>>,
    metadata: HashMap<Checksum, Metadata>,
}

impl Walk<'_> {
    fn directory(
        &mut self,
        path: &[u8],
        depth: usize,
        dirtree: &Checksum,
        dirmeta: &Checksum,
    ) -> Result<Directory, OstreeError> {
        if depth > DEPTH_LIMIT {
            return Err(EncapsulatedError::TooDeep { path: path.to_vec(), limit: DEPTH_LIMIT }.into());
        }
        let mut directory = Directory::new(self.metadata(path, dirmeta)?);
        let names = self.names(path, dirtree)?;
        for (name, file) in &names.files {
            let path = self.path(path, name)?;
            let missing = || EncapsulatedError::Missing { path, object: object(file, ObjectKind::File) };
            let inode = self.objects.files.get(file).ok_or_else(missing)?;
            directory.insert(name.clone(), Arc::clone(inode));
        }
        for (name, tree, meta) in &names.directories {
            if directory.entries.contains_key(name) {
                let problem = "gives one name to a file and a directory";
                return Err(EncapsulatedError::Names { path: path.to_vec(), problem }.into());
            }
            let path = self.path(path, name)?;
            let below = self.directory(&path, depth + 1, tree, meta)?;
            directory.insert(name.clone(), below);
        }
        Ok(directory)
    }

    /// A path that is taken into the tree.
    fn path(&mut self, parent: &[u8], name: &[u8]) -> Result<Vec<u8>, OstreeError> {
        let path = join(parent, name);
        check_name(&path, name)?;
        if name.len() > NAME_LIMIT {
            return Err(OstreeError::Name { path, problem: "is longer than 255 bytes" });
        }
        self.paths += 1;
        if self.paths > PATH_LIMIT {
            return Err(EncapsulatedError::TooMany { limit: PATH_LIMIT }.into());
        }
        Ok(path)
    }

    fn names(&mut self, path: &[u8], checksum: &Checksum) -> Result<Rc<Names>, OstreeError> {
        if let Some(known) = self.names.get(checksum) {
            return Ok(Rc::clone(known));
        }
        let names = Rc::new(self.read(path, checksum, ObjectKind::DirTree, parse::dirtree)?);
        self.names.insert(*checksum, Rc::clone(&names));
        Ok(names)
    }

    fn metadata(&mut self, path: &[u8], checksum: &Checksum) -> Result<Metadata, OstreeError> {
        if let Some(known) = self.metadata.get(checksum) {
            return Ok(known.clone());
        }
        let (kind, read) = (ObjectKind::DirMeta, parse::dirmeta);
        let metadata = self.read(path, checksum, kind, read)?;
        if let Some((name, _)) = metadata.xattrs.iter().find(|(_, value)| value.is_empty()) {
            let (layer, name, problem) =
                (1, name.clone(), "has no value, and ostree does not read such attributes back");
            return Err(EncapsulatedError::Xattr { layer, object: object(checksum, kind), name, problem }.into());
        }
        self.metadata.insert(*checksum, metadata.clone());
        Ok(metadata)
    }

    fn read<T>(
        &self,
        path: &[u8],
        checksum: &Checksum,
        kind: ObjectKind,
        parse: fn(&[u8]) -> Result<T, parse::Problem>,
    ) -> Result<T, EncapsulatedError> {
        let missing = || EncapsulatedError::Missing { path: path.to_vec(), object: object(checksum, kind) };
        let (layer, bytes) = self.objects.metadata(checksum, kind)?.ok_or_else(missing)?;
        let malformed = |problem| EncapsulatedError::Malformed { layer, object: object(checksum, kind), problem };
        parse(&bytes).map_err(malformed)
    }
}
