//! How this machine was started.

use std::path::Path;

/// Whether UEFI did it: Linux, `drivers/firmware/efi/efi.c`.
pub(crate) fn is_uefi() -> bool {
    Path::new("/sys/firmware/efi").exists()
}

/// What has to be said before a drive is erased, where what is installed would not start by itself.
pub(crate) fn remark() -> Option<&'static str> {
    (!is_uefi()).then_some(
        "This machine was not started by UEFI, and the system to install starts by UEFI alone: switch the firmware to \
         UEFI before it starts from the drive",
    )
}
