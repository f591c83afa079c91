//! A file tree in memory, and the store of file bodies behind it.
//!
//! ```text
//!  FileTree ── Directory ─┬─ name → Directory …
//!                         └─ name → Arc<Inode> ── Metadata, InodeKind ── Content ──► ContentStore (scratch file)
//! ```
//!
//! A hard link is one [`Inode`] under two names: the same `Arc`. So a tree can be put together from parts of
//! others without copying a byte, and link counts are right by construction. Inodes do not change once they are
//! shared; to change one, make a new one.
//!
//! Names, link targets and attribute values are bytes. Which of them a format can hold is that format's question.

mod content;
mod directory;
mod dump;
mod inode;
mod packed;
mod path;
mod store;
mod tree;

pub use content::{Content, ContentReader, DataRange, Fingerprint, Source, Wanted};
pub use directory::{Directory, Node, Visit};
pub use dump::{DumpOptions, dump};
pub use inode::{Inode, InodeKind, Metadata, Seal, Timestamp, XattrMap, Xattrs};
pub use path::{DisplayPath, join};
pub use store::{BodyWriter, ContentStore, SharedFile};
pub use tree::{FileTree, InsertError, ResolveError};

/// Granularity in bytes at which a body's zeros are left out and at which bodies are aligned in the store.
pub const BLOCK: u64 = 4096;
