//! Assembly: an OCI image becomes a tree, the tree becomes an ostree system, the system becomes file systems, the file
//! systems become a disk, and the disk becomes a file.
//!
//! # The floors
//!
//! ```text
//! floor 3   cli                      people: arguments, progress, words, exit codes         tests
//!             │                                                                               │
//! floor 2   builder                  assembly: recipe → plan → pipeline → output  ◄───────────┘
//!           installer                a program of its own: runs from media, knows gpt, iso9660, medium, filesystem-ids
//!           provision                answers, into a system      import: medium
//!             │
//! floor 1   oci  ostree  boot        read and shape trees         import: tree
//!           erofs  selinux           composefs images, labels     import: tree
//!           initramfs                reads what boots first       import: nothing
//!           ext4  fat                trees → bytes                import: tree, block
//!           gpt                      tables                       import: block
//!           gpt-check  fat-check     disks of anyone's, looked    import: block
//!           ext4-check               through with other eyes
//!           iso9660-check
//!           kmod  systemd            modules, units, tmpfiles.d   import: tree
//!           pe  grub                 signatures, boot menus       import: nothing
//!           grub-core                a boot loader for a BIOS     import: nothing
//!           squashfs                 trees → bytes                import: tree, block
//!           filesystem-ids           other UUIDs, in place        import: block
//!           iso9660                  media                        import: block
//!           medium                   what a medium says of itself import: block
//!           installer-program        what runs from media, built  import: nothing
//!           qcow2  vmdk  vhd         containers                   import: block
//!           packages                 what is installed            import: tree
//!           spdx                     the document about it        import: nothing
//!           qemu                     runs a machine               import: nothing
//!             │
//! floor 0   tree                     block                        import: nothing, not each other
//! ```
//!
//! Only downwards, never sideways; a test compares the manifests with this table. `qemu` is used by the tests and not
//! by this crate: building a disk never needs a machine.
//!
//! # The line
//!
//! ```text
//!  blob ──► Layer ──► FileTree ──► Repo ──► StoredTree ──► FilesystemImage ──► DiskImage ──► Recorded ──► files
//!  oci       oci       tree        ostree    ostree, boot    ext4, fat          builder       block        formats
//! ```
//!
//! Follow one file, `usr/bin/bash`:
//!
//! 1. `builder_oci` reads the compressed layer, checking digest, size and diff-id as bytes pass.
//! 2. The body goes into the [`ContentStore`](builder_tree::ContentStore): an unnamed scratch file, in which zero
//!    blocks take no space and equal bodies are kept once. The bytes that ostree hashes ahead of a body are known from
//!    the tar header, so the digest that is computed here, once, already is the object's checksum.
//! 3. `builder_ostree` gives the *same inode* a name under `ostree/repo/objects` and another in the deployment: a hard
//!    link is one `Arc<Inode>` under two names. No byte is copied, and link counts are right by construction.
//! 4. [`Ext4Image::plan`](builder_ext4::Ext4Image::plan) claims its blocks, in the order of the store, and writes
//!    nothing.
//! 5. The plan places the file system at a sector; `builder_gpt` records it.
//! 6. [`DiskImage::write_to`] opens a window on that range of a [`Recorded`](builder_block::Recorded) device, which
//!    notes where the body is in the store and moves nothing: now the disk can be read from its first byte to its last.
//! 7. One pass over the disk reads each [`Piece`](builder_block::Piece) once, and several threads encode it for all
//!    formats that were asked for; each format appends what is made of it to its file, in the order of the disk. This
//!    is the second and last time that the bytes move.
//!
//! Two things keep the line straight. *Identity comes first*: all UUIDs are derived from the image's digest and the
//! request ([`Identity`]), so a boot entry can name the root's UUID before that file system exists. *Size comes from the
//! plan*: what is planned is what is written, so nothing is patched afterwards.
//!
//! # What is deliberately absent
//!
//! - No format crate reads a clock, draws a random number, looks at the environment or prints.
//! - No crate below `cli` knows a terminal or an exit code.
//! - `ext4` has never heard of ostree, `gpt` has never heard of ext4, `oci` has never heard of disks.
//! - The ostree repository never exists on the host. It is a part of the tree that goes straight into ext4, so no root,
//!   no `chown`, no scratch disk with extended attributes is needed.
//! - Nothing is written to the output before the plan is complete, and an output has no name until it is complete.
//! - Nothing a tree contains is dropped in silence: a format that cannot hold it returns an error with the path.

mod bundle;
pub mod check;
mod contents;
mod convert;
mod deployable;
pub mod diff;
mod disk;
mod early;
mod error;
mod escaped;
mod facts;
mod filesystems;
mod formats;
mod guess;
mod identity;
mod integrity;
pub mod junit;
mod labels;
mod layout;
pub mod lint;
mod medium;
mod open;
mod outcome;
mod output;
mod part;
mod pipeline;
mod placement;
mod plan;
mod progress;
mod recipe;
mod secure_boot;
mod settings;
mod source;
mod ssh_keys;
mod suitability;
mod system;
mod uniqueness;
mod verify;
mod writing;

pub use builder_boot::BootloaderChoice;
pub use builder_oci::{ImageSource, Platform};
pub use bundle::{BundleError, CONVERTED_DOCUMENTS, DOCUMENTS, Tool, block_map_file_name, document_file_name};
pub use convert::{Conversion, Converted};
pub use disk::{DiskImage, Part};
pub use error::{BuildError, Category};
pub use escaped::Escaped;
pub use facts::{Facts, inspect};
pub use formats::{ClusterCompression, FormatError, Formats, OutputFormat};
pub use identity::Identity;
pub use layout::{Filling, Format, Layout, LayoutError, PartitionLayout, Size};
pub use medium::{AnswersFile, Medium, MediumChanges, MediumError, MediumOptions, MediumPart, ShownMedium, ShownMenu};
pub use open::{DiskKind, OpenError, OpenedDisk, open_disk, open_file};
pub use outcome::{Artefact, Outcome};
pub use output::{Discarded, OutputError, PendingDirectory, PendingFile, discard_pending_outputs};
pub use pipeline::{Assembled, Prepared};
pub use placement::PlacementError;
pub use plan::{
    Forecast, Plan, PlannedBoot, PlannedDeployment, PlannedDisk, PlannedEntry, PlannedImage, PlannedPartition,
    PlannedRollback,
};
pub use progress::{Progress, Silent, Station};
pub use recipe::{Recipe, SelinuxChoice};
pub use settings::Selinux;
pub use ssh_keys::{AuthorizedKeys, KeysProblem};
pub use suitability::Unsuitable;
pub use verify::{Mismatched, Record, RecordError, RecordedArtefact, Verification, verify};
pub use writing::PendingFiles;
