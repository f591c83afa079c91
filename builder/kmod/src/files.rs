//! Where the files of modules come from.

use std::io;

use builder_tree::{FileTree, Node};

/// A tree of files: an image, or an unpacked initramfs.
///
/// Paths have no leading slash, and symbolic links on their way are followed inside of the tree.
///
/// ```
/// use std::{collections::BTreeMap, io};
/// use builder_kmod::{ModuleFiles, Modules, State};
///
/// struct Unpacked(BTreeMap<&'static str, &'static [u8]>);
///
/// impl ModuleFiles for Unpacked {
///     fn names(&self, directory: &str) -> io::Result<Option<Vec<Vec<u8>>>> {
///         let below = self.0.keys().filter_map(|path| path.strip_prefix(directory)?.strip_prefix('/'));
///         let names: Vec<_> = below.filter_map(|path| Some(path.split('/').next()?.into())).collect();
///         Ok((!names.is_empty()).then_some(names))
///     }
///
///     fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
///         match self.0.get(path) {
///             Some(body) if body.len() as u64 > limit => Err(io::ErrorKind::FileTooLarge.into()),
///             body => Ok(body.map(|body| body.to_vec())),
///         }
///     }
/// }
///
/// let files = Unpacked(BTreeMap::from([
///     ("usr/lib/modules/6.12/modules.dep", &b"kernel/loop.ko.xz:\n"[..]),
///     ("usr/lib/modules/6.12/kernel/loop.ko.xz", b""),
/// ]));
/// let modules = Modules::read(&files, "usr/lib/modules/6.12")?;
/// assert!(matches!(modules.state("loop"), State::Module(module) if module.path == "kernel/loop.ko.xz"));
/// # Ok::<(), builder_kmod::ReadError>(())
/// ```
pub trait ModuleFiles {
    /// The names in a directory, in any order; `None` where there is no directory.
    ///
    /// # Errors
    /// The tree cannot be read there.
    fn names(&self, directory: &str) -> io::Result<Option<Vec<Vec<u8>>>>;

    /// The body of a file; `None` where there is nothing.
    ///
    /// # Errors
    /// It has more than `limit` bytes, is not a regular file, or cannot be read.
    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>>;
}

impl ModuleFiles for FileTree {
    fn names(&self, directory: &str) -> io::Result<Option<Vec<Vec<u8>>>> {
        // Links in a circle lead to no directory.
        let node = self.resolve(directory.as_bytes()).unwrap_or_default();
        Ok(node.and_then(Node::as_directory).map(|directory| directory.entries.keys().cloned().collect()))
    }

    fn read(&self, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(node) = self.resolve(path.as_bytes()).map_err(io::Error::other)? else { return Ok(None) };
        let Some(content) = node.as_leaf().and_then(|inode| inode.content()) else {
            return Err(io::Error::other(format!("it is a {}", node.kind_name())));
        };
        content.read_to_vec(limit).map(Some)
    }
}
