//! An ostree repository and a deployment of it, as a file tree, without libostree.
//!
//! ```text
//!  FileTree of an image                              FileTree of the physical root
//!       │ import::adapt_*  (etc → usr/etc, …)          ▲
//!       ▼                                              │ sysroot::build
//!  FileTree of ostree ── Repo::add_tree ──► StoredTree ┤  hard links: the same Arc<Inode> as the object
//!       │                     │                        │  etc and var: inodes of their own
//!       │                     ▼                        │
//!       └─ container::commit_layer, commit_merge ──► Repo: objects/XX/…, refs/heads/…, config
//! ```
//!
//! Images whose first layers are an ostree commit in pieces come in through [`encapsulated`].
//!
//! Nothing here reads a clock, a disk or an environment: the time is an argument, bodies come from the tree's
//! content store, and equal inputs give equal trees.
//!
//! An object's checksum covers owner, mode and attributes ahead of the content. [`body_prefix`] gives the bytes of
//! that header, so a body that was stored under them carries its object checksum already and is not read again.

mod aleph;
mod checksum;
mod commit;
mod config;
pub mod container;
mod copy;
mod deployment;
pub mod encapsulated;
mod error;
mod etc;
mod gvariant;
pub mod import;
pub mod json;
mod made;
mod object;
mod origin;
mod parse;
mod read_ahead;
mod rebuild;
mod refs;
mod repo;
pub mod sysroot;
mod target;
mod var;
pub mod verify;

pub use aleph::Aleph;
pub use checksum::{Checksum, ChecksumError};
pub use commit::Commit;
pub use config::{Bootloader, RepoConfig};
pub use error::OstreeError;
pub use gvariant::Variant;
pub use object::{body_prefix, file_checksum};
pub use repo::{Repo, RepoStats, StoredTree};
pub use target::{TargetImage, Transport, Verification};
