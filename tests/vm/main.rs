//! Boots, and boots that must fail, in QEMU under software emulation.
//!
//! The quick set is what every change must pass. The tests that are ignored by default are the rest of the matrix:
//! `tests/run full` runs them too.
#![allow(missing_docs)]

mod bios;
mod checks;
mod fallback;
mod fresh_ids;
mod http_boot;
mod installer;
mod integrity;
mod live_install;
mod loaders;
mod machine;
mod media;
mod must_fail;
mod notification;
mod page;
mod real_image;
mod secure_medium;
mod selinux;
mod smoke;
mod systemd_boot_medium;
mod update;
