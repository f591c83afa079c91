//! Checks over images: what they find, what they say of it, and what decides how a run ends.

mod cases;
mod findings;
mod formats;
mod images;
mod programs;
mod reading;
mod reports;
mod secure_boot;
mod severity;

pub(crate) use cases::cases;
pub(crate) use images::{INITRAMFS, cpio, good, over};
