//! Entries that the kernel does not unpack.

use std::fmt;

/// An entry that the kernel drops without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Number of the archive that has it.
    pub archive: u32,
    /// Its name as the archive has it.
    pub name: Vec<u8>,
    /// Why it is dropped.
    pub reason: IgnoredReason,
}

/// Why the kernel drops an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoredReason {
    /// The directory that it should be in does not exist.
    NoParent,
    /// Something else than a directory is where its directory should be.
    ParentIsNotADirectory,
    /// Its path leads through more symbolic links than are followed.
    TooManyLinks,
    /// Its name, or that of one of its directories, has more than 255 bytes.
    NameTooLong,
    /// A directory that is not empty is in its place.
    DirectoryInPlace,
    /// It is a hard link to a file that is not there.
    NothingToLinkTo,
    /// Its mode names no type of file.
    UnknownType,
    /// It has a body, but is neither a file nor a symbolic link.
    UnexpectedBody,
}

impl fmt::Display for IgnoredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoParent => "its directory does not exist",
            Self::ParentIsNotADirectory => "its path leads through something that is not a directory",
            Self::TooManyLinks => "its path leads through too many symbolic links",
            Self::NameTooLong => "a name has more than 255 bytes",
            Self::DirectoryInPlace => "a directory that is not empty is in its place",
            Self::NothingToLinkTo => "it is a hard link to a file that is not there",
            Self::UnknownType => "its mode names no type of file",
            Self::UnexpectedBody => "it has a body, but is neither a file nor a symbolic link",
        })
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = String::from_utf8_lossy(&self.name);
        write!(f, "the kernel drops {name:?} of archive {}: {}", self.archive, self.reason)
    }
}
