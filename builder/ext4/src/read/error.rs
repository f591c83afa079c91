//! Why ext4 file systems are not read.

use std::io;

use builder_tree::DisplayPath;
use ext4_view::Ext4Error as ViewError;

use super::volume::Fault;

/// Why an ext4 file system cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The device cannot be read.
    #[error("cannot read the ext4 file system")]
    Io(#[from] io::Error),
    /// The superblock says what cannot be.
    #[error("the ext4 file system is damaged: its superblock claims {value} {what}, and {limit} {word}")]
    Superblock {
        /// What is counted.
        what: &'static str,
        /// What it says.
        value: u64,
        /// What there is, or is read.
        limit: u64,
        /// How the two compare.
        word: &'static str,
    },
    /// The file system is damaged, or of a kind that is not read.
    #[error("{}the ext4 file system cannot be read", at(.path))]
    View {
        /// Where, empty for the whole.
        path: Vec<u8>,
        /// What is wrong.
        #[source]
        source: ViewError,
    },
    /// Nothing is there.
    #[error("{} is not there", DisplayPath(.path))]
    Missing {
        /// The path asked for.
        path: Vec<u8>,
    },
    /// Two entries of a directory have one name.
    #[error("the ext4 file system is damaged: {} is there twice", DisplayPath(.path))]
    Twice {
        /// The path of both.
        path: Vec<u8>,
    },
    /// An inode is damaged, or of a kind that is not read.
    #[error("{}inode {inode} {problem}", at(.path))]
    Inode {
        /// The path asked for.
        path: Vec<u8>,
        /// Its number, or that of a directory on the way.
        inode: u32,
        /// What is wrong, the end of a sentence.
        problem: &'static str,
    },
    /// The value of an attribute lies in an inode of its own (`ea_inode`), which is not read.
    #[error("{}the attribute {} has its value in an inode of its own, which is not read", at(.path), .name.escape_ascii())]
    ValueInode {
        /// The path asked for.
        path: Vec<u8>,
        /// Full name of the attribute.
        name: Vec<u8>,
    },
    /// More than any real one has.
    #[error("{}: {what} {value}, more than {limit}", DisplayPath(.path))]
    Limit {
        /// Where.
        path: Vec<u8>,
        /// What there is too much of.
        what: &'static str,
        /// How much.
        value: u64,
        /// The limit.
        limit: u64,
    },
}

fn at(path: &[u8]) -> String {
    if path.is_empty() { String::new() } else { format!("{}: ", DisplayPath(path)) }
}

pub(super) fn failed(path: &[u8], source: ViewError) -> ReadError {
    ReadError::View { path: path.to_vec(), source }
}

pub(super) fn broken(path: &[u8], inode: u32, fault: Fault) -> ReadError {
    let path = path.to_vec();
    match fault {
        Fault::Io(source) => ReadError::Io(source),
        Fault::Problem(problem) => ReadError::Inode { path, inode, problem },
        Fault::ValueInode(name) => ReadError::ValueInode { path, name },
    }
}
