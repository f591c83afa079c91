//! The harness: judges that nobody here wrote, fixtures, the built command, and the tests' own places.
//!
//! ```text
//!  tests/it   formats, disks, words people see      judged by e2fsck, ostree, sgdisk, fsck.fat, …
//!  tests/vm   boots, and boots that must fail       judged by OVMF, GRUB, Linux and systemd in QEMU
//! ```

pub mod browser;
pub mod chunked;
pub mod command;
pub mod cost;
pub mod file_server;
pub mod firmware_variables;
pub mod fixture;
pub mod image;
pub mod judge;
pub mod loop_device;
pub mod partition;
