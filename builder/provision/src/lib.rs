//! Puts answers into a system that was just written to a drive, so that its first boot has them and every update keeps
//! them.
//!
//! ```text
//!  Answers ──┐               ┌ Accounts ─┐
//!  Manifest ─┼─► Installed ──┼ settings ─┼─► Changes ──► etc of the deployment, boot entries
//!  Mounts ───┘   (read only) └ entries ──┘  (all or an error)
//! ```
//!
//! All is read and decided before the first byte is written. Changes are made to the deployment's `etc` alone, which is
//! what ostree merges into the next deployment (its `usr/etc` stays as it is, to tell them apart), and to the `options`
//! of boot entries, which bootc takes over at an update.
//!
//! The system is an image of anyone's. No symbolic link in it leads out: what is read is looked up with the deployment
//! as the root directory, and what is written with `etc` as a floor that nothing goes below (openat2(2)).
//!
//! # Labels
//!
//! Where the files have SELinux labels, a file that is replaced gives its label to the new one, and a file that was not
//! there gets its directory's, as the kernel itself would do it. That is right for nearly all; for the others, such as
//! `etc/hostname`, there is a line in `tmpfiles.d` with which systemd labels them anew by the image's policy.
//!
//! # Homes
//!
//! A home is a part of `/var`, and systemd-tmpfiles makes it at the first boot, as a copy of `etc/diskwright/homes/NAME`.
//! Debian's policy of SELinux does not let it make files there, so where files have labels and the policy says those of
//! homes, the home is made in the stateroot's `var` at once.
//!
//! # Identities
//!
//! Where disk and file systems get identities of their own, [`rename`] puts these into the files that name the old ones: the
//! medium's manifest lists them.
//!
//! # Not changed
//!
//! The entry of last resort in a menu of GRUB that diskwright wrote (shown only where no boot entry can be read) stays
//! what the disk was built with. Deployments to roll back to stay as they are, but for their kernel arguments.

mod accounts;
mod changes;
mod directory;
mod entries;
mod error;
mod homes;
mod identities;
mod ids;
mod installed;
mod labels;
mod network;
mod records;
mod settings;
mod writing;

use std::path::Path;

use builder_medium::{Answers, Manifest};

pub use error::ProvisionError;
pub use identities::rename;

use changes::Changes;
use installed::Installed;

/// Where the file systems of the disk are mounted, read-write.
#[derive(Clone, Copy, Debug)]
pub struct Mounts<'a> {
    /// The file system that has the deployment.
    pub sysroot: &'a Path,
    /// `/boot`, where that is a partition of its own.
    pub boot: Option<&'a Path>,
    /// The EFI system partition. Only systemd-boot has boot entries on it; `None` leaves it as it is.
    pub esp: Option<&'a Path>,
}

/// Finds out whether the changes that `answers` ask for can be made, and makes none: the file systems may be read-only.
///
/// # Errors
/// Something that is asked for cannot be, or something cannot be read.
pub fn check(answers: &Answers, manifest: &Manifest, mounts: &Mounts<'_>) -> Result<(), ProvisionError> {
    let installed = Installed::open(manifest, mounts)?;
    plan(answers, manifest, &installed)?.check(&installed)
}

/// Makes the changes that `answers` ask for; gives what the person at the machine should know, a sentence each.
///
/// `/proc` of this machine must be mounted, for labels. Whoever mounted the file systems brings them to the drive (`syncfs`, or unmounting them).
///
/// # Errors
/// Something that is asked for cannot be: nothing has been changed then. Or [`ProvisionError::Io`]: reading or writing
/// failed, and a part of the changes may have been made.
pub fn provision(answers: &Answers, manifest: &Manifest, mounts: &Mounts<'_>) -> Result<Vec<String>, ProvisionError> {
    let installed = Installed::open(manifest, mounts)?;
    plan(answers, manifest, &installed)?.write(&installed)
}

fn plan(answers: &Answers, manifest: &Manifest, installed: &Installed) -> Result<Changes, ProvisionError> {
    let mut changes = Changes::default();
    settings::set(&answers.system, installed, &mut changes)?;
    network::add(&answers.network, installed, &mut changes)?;
    accounts::make(&answers.users, installed, &mut changes)?;
    changes.relabel(installed)?;
    if changes.touch_etc() && installed.forgets_etc()? {
        return Err(ProvisionError::TransientEtc);
    }
    if changes.touch_etc() && installed.has_others {
        changes.note("the system to roll back to has an /etc of its own, and gets none of these settings".to_owned());
    }
    entries::append(&answers.system.kargs, manifest, installed, &mut changes)?;
    Ok(changes)
}
