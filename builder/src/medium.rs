//! Media that try and install a system: an ISO image with the finished disk in it.
//!
//! ```text
//!  ISO 9660 ┬ EFI/…/grub.cfg, boot/grub/grub.cfg     the menu
//!           ├ diskwright/ ┬ medium.json, blocks      what is installed, and the hash of each block
//!           │             ├ menu.cfg, answers.toml   room for what can be changed later
//!           │             └ payload.sqfs ─ disk.raw  the disk itself, once
//!           ├ images/pxeboot/ vmlinuz, initrd.img    the image's own
//!           │                 diskwright.img         the program that installs, and the kernel's modules for it
//!           ├ boot/grub/i386-pc/eltorito.img         GRUB for a BIOS, where the image has its pieces
//!           └ EFI system partition                   the image's own boot loader
//! ```
//!
//! systemd-boot reads nothing but the EFI system partition. With it, the image's files are there, and so is the menu, made
//! from templates in `diskwright/loader` with what `menu.cfg` says.
//!
//! The program in `diskwright.img` finds the medium by its identity and the disk in it. It writes the disk to a drive, or
//! puts memory over it and hands over to the image's initramfs, which boots the disk as any other.

mod archive;
mod bios;
mod described;
mod error;
mod esp;
mod extract;
mod image;
mod modules;
pub(crate) mod named;
mod opened;
mod options;
mod own_arguments;
mod payload;
mod pxe;
mod shown;
mod source;

pub(crate) use described::MediumWriting;
pub use error::MediumError;
pub use extract::MediumPart;
pub use opened::{Medium, MediumChanges};
pub use options::{AnswersFile, MediumOptions};
pub(crate) use own_arguments::check_of_system as check_system_arguments;
pub(crate) use payload::Failed as MediumFailed;
pub use shown::{ShownMedium, ShownMenu};
pub(crate) use source::{BegunSource, Installed, MediumSource};
