//! What distinguishes two systems, each an image or a disk.
//!
//! ```text
//!  image ──► layers ──► FileTree ──────────────────────────┐            ┌ partitions   (two disks)
//!                                                          ├─ Inventory ┤ boot, packages, os-release
//!  disk  ──► GPT ──┬► ESP  ──► boot entries, FileTree ─────┤  of A, of B│ files
//!                  └► ext4 ──► deployment ──► FileTree ────┘            └ cost         (two images)
//! ```
//!
//! Bodies are hashed as they are read, and lie in one unnamed scratch file; what is in memory grows with the number of
//! files and not with what is in them.
//!
//! # What the files of a disk are
//!
//! Those of its default deployment: the one that the boot entry with the highest version leads to. `.ostree.cfs`, which
//! is made from all other files, is not one of them, and the stateroot's `/var` belongs to the machine and is not
//! compared.
//!
//! # An image beside a disk
//!
//! A deployment has the image's `/etc` twice: at `usr/etc` as it came, and at `etc` as the machine uses and changes it.
//! So the image's `/etc` is compared with the disk's `usr/etc`, under that name, and a note tells how many files in
//! `etc` are other than those in `usr/etc`; the files that a build puts there are among them. What an image has in the
//! directories that are made at every boot (`/dev`, `/proc`, `/run`, `/sys`, `/tmp`) is left out, with a note.
//!
//! Images in the chunked form have their files at `usr/etc` too; a plain image beside one is treated in the same way.
//!
//! Of kernel arguments those are compared that the image can set: `root=`, `rw`, `boot=` and `ostree=` are the
//! installation's.
//!
//! # What is not compared
//!
//! Times; which names are links to the same file; free space and where things lie. On disks also extended attributes
//! and the numbers of devices, which the reader of ext4 does not give: a note says so.

use std::path::Path;

use builder_oci::Platform;
use builder_tree::ContentStore;
use serde::Serialize;

use crate::error::BuildError;
use crate::progress::Progress;

mod boot;
mod cost;
mod disk;
mod entry;
mod error;
mod fields;
mod files;
mod inventory;
mod packages;
mod side;
mod text;

pub use boot::{ArgumentChanges, BootChanges, EntryChange};
pub use cost::{Cost, DirectoryCost, FileCost, LayerCost, LayersCost, ObjectsCost};
pub use error::{DiffError, DiskProblem};
pub use fields::{FieldChange, PartitionChange, PartitionFacts};
pub use files::{Aspect, FileChange, FileChanges, FileEntry, Tally};
pub use inventory::SideFacts;
pub use packages::{PackageChange, PackageChanges, PackageName};
pub use side::{Side, SideError};
pub use text::Listing;

use inventory::Inventory;

/// What distinguishes B from A. What could not be compared is `None`, and a note says why.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The first one.
    pub a: SideFacts,
    /// The second one.
    pub b: SideFacts,
    /// Whether there is any difference in what is compared.
    pub different: bool,
    /// Size and GUID of the disks.
    pub disk: Option<Vec<FieldChange>>,
    /// The partitions, by their numbers.
    pub partitions: Option<Vec<PartitionChange>>,
    /// Boot entries, kernels and kernel arguments.
    pub boot: BootChanges,
    /// The packages.
    pub packages: Option<PackageChanges>,
    /// Fields of `os-release`.
    pub os_release: Vec<FieldChange>,
    /// The system's files.
    pub files: FileChanges,
    /// Whether the deployments have the same composefs image, where both have one. It holds extended attributes too.
    pub same_composefs: Option<bool>,
    /// Files of the EFI system partition.
    pub esp: Option<FileChanges>,
    /// What an update from A to B moves.
    pub cost: Option<Cost>,
    /// What the reader should know.
    pub notes: Vec<String>,
}

/// Reads both sides and compares them; `platform` is taken from images for several, `scratch` takes the unnamed scratch
/// file.
///
/// # Errors
/// [`DiffError`]: one of the two cannot be read.
pub fn diff(
    a: &Side,
    b: &Side,
    platform: &Platform,
    scratch: &Path,
    progress: &mut dyn Progress,
) -> Result<Difference, DiffError> {
    let failed = |side: &Side, source| DiffError::Side { side: side.to_string(), source: Box::new(source) };
    let mut store = ContentStore::new(scratch).map_err(|source| failed(a, BuildError::Scratch { source }))?;
    let mut a = Inventory::read(a, platform, &mut store, progress)?;
    let mut b = Inventory::read(b, platform, &mut store, progress)?;
    Ok(compare(&mut a, &mut b))
}

fn compare(a: &mut Inventory, b: &mut Inventory) -> Difference {
    let mut notes = Vec::new();
    // Before the trees are cut to what both can have.
    let cost = cost::cost(a, b);
    let packages = packages::compare(a, b, &mut notes);
    let os_release = fields::compare(&a.os_release, &b.os_release);
    let boot = boot::compare(a, b, &mut notes);
    let (disk, partitions) = match (&a.disk, &b.disk) {
        (Some(a), Some(b)) => {
            (Some(fields::compare(&a.fields(), &b.fields())), Some(fields::partitions(&a.partitions, &b.partitions)))
        }
        (None, None) => (None, None),
        _ => {
            notes.push("partitions and the ESP are not compared, as an image has none".to_owned());
            (None, None)
        }
    };
    let same_composefs = inventory::align(a, b, &mut notes);
    let scope = inventory::scope(a, b, &mut notes);
    let mut files = files::compare(&a.tree, &b.tree, scope);
    if a.disk.is_some() && b.disk.is_some() {
        let copies = files.without_copies(b"etc/", b"usr/");
        if copies > 0 {
            notes.push(format!("{copies} differences in /etc are the same in /usr/etc, and told of there alone"));
        }
    }
    let esp = match (&a.esp, &b.esp) {
        (Some(a), Some(b)) => Some(files::compare(a, b, scope)),
        _ => None,
    };
    for (name, side) in [("A", &*a), ("B", &*b)] {
        notes.extend(side.notes.iter().map(|note| format!("{name}: {note}")));
    }
    let different = disk.as_ref().is_some_and(|disk| !disk.is_empty())
        || partitions.as_ref().is_some_and(|partitions| !partitions.is_empty())
        || !boot.is_empty()
        || packages.as_ref().is_some_and(|packages| !packages.is_empty())
        || !os_release.is_empty()
        || !files.is_empty()
        || same_composefs == Some(false)
        || esp.as_ref().is_some_and(|esp| !esp.is_empty());
    Difference {
        a: a.facts.clone(),
        b: b.facts.clone(),
        different,
        disk,
        partitions,
        boot,
        packages,
        os_release,
        files,
        same_composefs,
        esp,
        cost,
        notes,
    }
}
