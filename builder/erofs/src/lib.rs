//! The composefs image of a tree (`.ostree.cfs`), byte for byte as libcomposefs 1.0 writes it, and fs-verity digests.
//!
//! ```text
//!  0          1024         1152                     inodes end              4096 × n
//!  │ header │0│ superblock │ inode inode … inode │0│ shared attributes │0│ directory blocks, long links │
//!                            ├ 32 or 64 bytes
//!                            ├ attributes: ids of shared ones, then its own
//!                            └ tail: end of a directory, link target or holes of a file
//! ```
//!
//! The image is an EROFS file system that holds names and metadata and no file body. overlayfs looks at it from above:
//! attributes say in which file of the object store below a body lies, and by which fs-verity digest to know it.
//!
//! Three steps, each in its modules: a tree becomes nodes in the order of the image ([`composefs_image`] walks
//! breadth-first, `node` and `overlay`), every node gets its place (`inode`, `directory`, `xattr`), then the bytes are
//! written in one go (`image`, `format`). Where two valid images are possible, the one of libcomposefs is made, because
//! signed digests are digests of the whole image.

mod directory;
mod error;
mod format;
mod image;
mod inode;
mod node;
mod overlay;
pub mod verity;
mod xattr;
mod xxh32;

pub use error::{ErofsError, PayloadError, Unrepresentable, XattrError};
pub use image::composefs_image;
pub use overlay::Payload;
