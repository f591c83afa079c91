//! How a deployment boots: kernel, kernel arguments, boot entry, boot loader.
//!
//! ```text
//!  deployed tree ─┬─ Kernel::find ───────────► kernel, initramfs, boot checksum ─┐
//!                 ├─ InstallConfig, kargs.d ─► kernel arguments ─────────────────┼─► install ─► BootTrees
//!                 ├─ OsRelease ──────────────► title ────────────────────────────┤                /boot, ESP
//!                 └─ Loader::find ───────────► GRUB, systemd-boot or none ───────┘
//! ```
//!
//! Everything comes from the image and is found in it; nothing of it is run. The kernel files in `/boot` are the very
//! inodes of the tree, so in one file system they become hard links.
//!
//! # What keeps the menu right after an update
//!
//! `ostree` and `bootc` rewrite the boot entries in `/boot/loader/entries` at every update and rollback, and nothing
//! else. GRUB with the command `blscfg` reads them. For a GRUB without it (Debian's) there is a menu that is a small
//! program: at every start it reads the entries itself (`templates/grub-menu.cfg`). systemd-boot reads only the ESP, so
//! kernel and entry are copied there; nobody renews the copies, and [`BootTrees::notes`] says so.
//!
//! # An update that does not come up
//!
//! The entries are in order, the default first; behind it is what the machine goes back to. GRUB counts the starts of
//! an update in its environment block, with greenboot's variables (`templates/grub-counting.cfg`), and goes on with the
//! second entry by itself where the default cannot be loaded. bootupd's own configuration is left as it is; an image
//! with greenboot has its fragment there. systemd-boot counts in the names of entries ([`Counting`]). Giving out the
//! tries, and saying that a boot was good, is up to the system in the image; where nothing in it does, nothing is
//! counted.

mod architecture;
mod boot_tree;
mod bootupd;
mod counting;
mod entry;
mod error;
mod esp;
mod grub;
mod install_config;
mod kargs;
mod kernel;
mod loader;
mod made;
mod medium;
mod os_release;
mod renewal;
mod systemd_menu;
pub mod vendor;

pub use architecture::Architecture;
pub use boot_tree::{BootEntry, BootSpec, BootTrees, install};
pub use counting::Counting;
pub use error::BootError;
pub use install_config::InstallConfig;
pub use kargs::{KernelArguments, check_argument, image_arguments};
pub use kernel::Kernel;
pub use loader::{BootloaderChoice, Loader};
pub use medium::{MediumBoot, MediumTrees, MenuDefault, MenuSettings, NetworkBoot, medium, network_menus};
pub use os_release::OsRelease;
pub use renewal::{ESP_MOUNT_POINT, renewal, renewal_lacks};
pub use systemd_menu::MenuFile;
