//! ext4 file systems from a tree, planned before they are written.
//!
//! ```text
//!  FileTree ──► Walk        numbers inodes, checks names, attributes, limits
//!  Options  ──► Geometry    groups and their metadata            ┐ repeated for the smallest
//!               Layout      every block claimed, every extent    ┘ size, if that is asked for
//!  Ext4Image    ── write_to ──►  Sweep ──► WriteAt              many small writes become few large ones
//! ```
//!
//! The result has the features of a file system made by `mke2fs -t ext4`, plus `verity`, without `resize_inode`
//! (the kernel grows it with `meta_bg`): `has_journal ext_attr dir_index filetype extent 64bit flex_bg sparse_super
//! large_file huge_file dir_nlink extra_isize metadata_csum verity`. Blocks have 4096 bytes, inodes 256.
//!
//! Bodies are never in memory, zero runs are never written, and the same tree with the same options gives the same
//! bytes.

use std::io;

use builder_block::{ByteSize, FilesystemImage, WriteAt};
use builder_tree::FileTree;

mod acl;
mod alloc;
mod check;
mod checksum;
mod describe;
mod dirblock;
mod error;
mod extent;
mod format;
mod geometry;
mod group;
mod hash;
mod htree;
mod inode;
mod journal;
mod options;
mod place;
mod plan;
pub mod read;
mod runs;
mod seal;
mod sharing;
mod superblock;
mod sweep;
mod walk;
mod write;
mod xattr;

pub use acl::AclError;
pub use error::{Ext4Error, Unrepresentable};
pub use htree::DirectoryError;
pub use options::{InodeRule, JournalRule, Options, SizeRule};
pub use xattr::XattrError;

use format::size_of_blocks;
use place::Layout;
use plan::Sizing;
use walk::Walk;
use write::Writer;

/// A file system with every block decided.
#[derive(Debug)]
pub struct Ext4Image<'a> {
    walk: Walk<'a>,
    layout: Layout,
    options: Options,
}

/// The numbers of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The whole.
    pub size: ByteSize,
    /// Metadata, journal, directories and files.
    pub used: ByteSize,
    /// All that is not used.
    pub free: ByteSize,
    /// What `statfs` will report as available to users who are not root: free less reserved.
    pub available: ByteSize,
    /// The journal; a part of `used`.
    pub journal: ByteSize,
    /// All inodes.
    pub inodes: u64,
    /// Inodes in use, the reserved ones included.
    pub used_inodes: u64,
}

impl<'a> Ext4Image<'a> {
    /// Decides everything about the file system of `tree`.
    ///
    /// # Errors
    /// [`Ext4Error`]: the tree does not fit, holds something ext4 has no form for, or an option is out of its range.
    pub fn plan(tree: &'a FileTree, options: &Options) -> Result<Self, Ext4Error> {
        plan::check(options)?;
        let (words, _) = options.hash_seed.as_chunks::<4>();
        let mut hash_seed = [0; 4];
        for (word, bytes) in hash_seed.iter_mut().zip(words) {
            *word = u32::from_le_bytes(*bytes);
        }
        let walk = Walk::new(&tree.root, hash_seed)?;
        let layout = Sizing::new(&walk, options).layout()?;
        Ok(Self { walk, layout, options: options.clone() })
    }

    /// The numbers of the file system.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let geometry = &self.layout.geometry;
        let kept_back = plan::kept_back(geometry.blocks, self.options.reserved_percent);
        Summary {
            size: self.size(),
            used: size_of_blocks(self.layout.used),
            free: size_of_blocks(self.layout.free()),
            available: size_of_blocks(self.layout.free().saturating_sub(kept_back)),
            journal: size_of_blocks(self.layout.journal_blocks.into()),
            inodes: geometry.inodes(),
            used_inodes: self.writer().last_inode(),
        }
    }

    fn writer(&self) -> Writer<'_, 'a> {
        Writer::new(&self.walk, &self.layout, &self.options)
    }
}

impl FilesystemImage for Ext4Image<'_> {
    fn size(&self) -> ByteSize {
        match self.options.size {
            // The file system may end before: see `SizeRule::Fixed`.
            SizeRule::Fixed(size) => size.align_down(builder_block::SECTOR_SIZE),
            SizeRule::Minimize { .. } => size_of_blocks(self.layout.geometry.blocks),
        }
    }

    fn describe(&self, offset: u64) -> String {
        describe::describe(&self.walk, &self.layout, offset)
    }

    fn write_to(&self, device: &mut dyn WriteAt) -> io::Result<()> {
        self.writer().write(device)
    }
}
