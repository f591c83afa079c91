//! What answers say of the system that was written: users, host name and the like.
//!
//! It comes between reading back and the partition table, so that a drive whose system was not set up is not taken for
//! one that is whole. The partitions have no devices then; a [`LoopDevice`](crate::loop_device::LoopDevice) shows the part
//! of the drive that one takes, and `manifest.system` says where the deployment and its `var` are.

use builder_medium::{Answers, Manifest};

use crate::failure::Failure;
use crate::target::Target;

/// Whether all that is asked for can be done: known before anything is erased.
pub(crate) fn check(answers: &Answers) -> Result<(), Failure> {
    let default = Answers::default();
    let wanted = [
        ("[system]", answers.system != default.system),
        ("[[users]]", !answers.users.is_empty()),
        ("[[network]]", !answers.network.is_empty()),
        ("[drive] fresh-ids", answers.drive.fresh_ids),
    ];
    match wanted.iter().find(|(_, is_wanted)| *is_wanted) {
        Some((what, _)) => Err(Failure::new(format!("the answers have {what}, which this medium cannot do"))
            .hint("make a medium without it, or give other answers with diskwright.answers=")),
        None => Ok(()),
    }
}

/// Sets up the system on the drive, as [`check`] has found that it can be.
#[expect(clippy::unnecessary_wraps, reason = "whatever is added here can fail")]
pub(crate) fn apply(_: &Answers, _: &Manifest, _: &Target) -> Result<(), Failure> {
    Ok(())
}
