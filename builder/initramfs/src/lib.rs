//! What a Linux initramfs holds, read as a stream and without running anything in it.
//!
//! ```text
//!  initramfs   ┌──────────────┬───┬──────────────────────────┬───┬──────────────┐
//!              │ cpio (plain) │ 0 │ zstd, xz, gzip … of cpio │ 0 │ cpio (added) │
//!              └──────┬───────┴───┴────────────┬─────────────┴───┴──────┬───────┘
//!                     └── microcode            └── the distribution's   └── entries here replace earlier ones
//!                     │                        │                        │
//!                     └────────────────────────┴────► tree of names ◄───┘
//! ```
//!
//! The kernel unpacks the archives one behind the other into one root file system (`init/initramfs.c`), so the
//! answer to "which file is at this path" depends on all of them. [`Initramfs::read`] does what the kernel does:
//! names lead through symbolic links that are already there, a later file replaces an earlier one, and an entry
//! whose directory does not exist is dropped. What the kernel refuses is an error here.
//!
//! Memory stays bounded whatever the bytes claim, see [`Limits`]. Bodies are skipped unless they are asked for.
//!
//! [`ArchiveWriter`] makes a further archive to put behind an initramfs.

mod archive;
mod compression;
mod decode;
mod entry;
mod error;
mod header;
mod ignored;
mod initramfs;
mod limits;
mod lz4;
mod position;
mod read;
mod tree;
mod walk;
mod window;
mod write;

pub use compression::Compression;
pub use entry::{Archive, Entry, EntryKind};
pub use error::InitramfsError;
pub use ignored::{Ignored, IgnoredReason};
pub use initramfs::{Initramfs, Resolved};
pub use limits::Limits;
pub use position::Position;
pub use write::{ArchiveWriter, WriteError, gap};
