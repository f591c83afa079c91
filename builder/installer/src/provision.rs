//! What answers say of the system that was written: users, host name and the like.
//!
//! It comes between reading back and the partition table, so that a drive whose system was not set up is not taken for
//! one that is whole. The partitions have no devices then; a [`LoopDevice`](crate::loop_device::LoopDevice) shows the part
//! of the drive that one takes, and `manifest.system` says where the deployment and its `var` are.

use builder_medium::Manifest;

use crate::answers::Answers;
use crate::failure::Failure;
use crate::target::Target;

/// Sets up the system on the drive. There are no such answers so far.
#[expect(clippy::unnecessary_wraps, reason = "whatever is added here can fail")]
pub(crate) fn apply(_: &Answers, _: &Manifest, _: &Target) -> Result<(), Failure> {
    Ok(())
}
