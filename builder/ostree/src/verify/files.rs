//! Where a repository lies: on a host, in a file system of a disk image, anywhere.

use std::collections::BTreeMap;
use std::io;

use sha2::{Digest, Sha256};

use crate::Checksum;
use crate::gvariant::{Tuple, terminated, xattrs};

/// Type bits of a mode.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const DIRECTORY: u32 = 0o040_000;

/// Extended attributes: full names with values.
pub type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// What `lstat` says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Type (`S_IFMT`) and permissions.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Bytes of the body.
    pub size: u64,
    /// Number of the inode: equal for names of one file.
    pub inode: u64,
}

impl FileFacts {
    /// Whether it is a regular file.
    #[must_use]
    pub fn is_regular(&self) -> bool {
        self.mode & TYPE == REGULAR
    }

    /// Whether it is a symbolic link.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.mode & TYPE == SYMLINK
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.mode & TYPE == DIRECTORY
    }
}

/// The files below a directory, such as a repository. Paths are relative to it, `b""` is the directory itself.
pub trait RepoFiles {
    /// What is at `path`, a link at its end not followed; `None` where nothing is.
    ///
    /// # Errors
    /// It cannot be told.
    fn metadata(&self, path: &[u8]) -> io::Result<Option<FileFacts>>;

    /// The names in a directory in any order, without `.` and `..`; `None` where there is no directory.
    ///
    /// # Errors
    /// It cannot be read.
    fn list(&self, path: &[u8]) -> io::Result<Option<Vec<Vec<u8>>>>;

    /// The body of the regular file that `path` leads to.
    ///
    /// # Errors
    /// There is none, it is larger than `limit` bytes, or it cannot be read.
    fn read(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>>;

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    fn target(&self, path: &[u8]) -> io::Result<Vec<u8>>;

    /// The extended attributes of a file, a link at the path's end not followed, with full names and in the form of
    /// the system calls.
    ///
    /// # Errors
    /// They cannot be read.
    fn xattrs(&self, path: &[u8]) -> io::Result<Attributes>;

    /// Hands the body of a regular file to `take`, piece by piece.
    ///
    /// # Errors
    /// It cannot be read.
    fn stream(&self, path: &[u8], take: &mut dyn FnMut(&[u8])) -> io::Result<()>;
}

/// The checksum of the content object that the file at `path` is in a repository of mode `bare` (spec 2.2), or would be.
///
/// # Errors
/// It cannot be read, or is neither a regular file nor a symbolic link (`Unsupported`).
pub fn checksum_of_file(files: &dyn RepoFiles, path: &[u8], facts: &FileFacts) -> io::Result<Checksum> {
    let (mode, target) = if facts.is_symlink() {
        (SYMLINK | 0o777, files.target(path)?)
    } else if facts.is_regular() {
        (facts.mode & (TYPE | 0o7777), Vec::new())
    } else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let mut attributes = builder_tree::Xattrs::new();
    // libostree leaves attributes without a value out when it reads a file (spec 2.6).
    for (name, value) in files.xattrs(path)?.into_iter().filter(|(_, value)| !value.is_empty()) {
        attributes.insert(name, value);
    }
    let header = Tuple::default()
        .fixed(4, &facts.uid.to_be_bytes())
        .fixed(4, &facts.gid.to_be_bytes())
        .fixed(4, &mode.to_be_bytes())
        .fixed(4, &[0; 4])
        .variable(1, &terminated(&target))
        .variable(1, &xattrs(&attributes))
        .finish();
    let length = u32::try_from(header.len()).map_err(io::Error::other)?;
    let mut hasher = Sha256::new_with_prefix(length.to_be_bytes());
    hasher.update([0; 4]);
    hasher.update(&header);
    if facts.is_regular() {
        files.stream(path, &mut |bytes| hasher.update(bytes))?;
    }
    Ok(<[u8; 32]>::from(hasher.finalize()).into())
}
