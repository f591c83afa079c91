//! The kernel modules of an image or of an initramfs, read without running anything.
//!
//! ```text
//!  usr/lib/modules/RELEASE/           Modules                      questions
//!  ├── modules.dep      (.bin) ─┐    ┌────────────────────┐   ┌─► state("ext4")      built in, a file, missing
//!  ├── modules.alias    (.bin)  ├───►│ names, aliases,    │───┼─► requires("ext4")   what to load, in order
//!  ├── modules.builtin  (.bin)  │    │ dependencies, files│   └─► coverage(…)        what boots, from where
//!  ├── modules.softdep …       ─┘    └────────────────────┘
//!  └── kernel/fs/ext4/ext4.ko.xz ──► ModuleInfo: .modinfo, machine, signature ──► ModuleInfo::disagreements
//!  vmlinuz ────────────────────────► kernel_release
//! ```
//!
//! Where files come from is up to a [`ModuleFiles`]: a [`builder_tree::FileTree`] is one, and whoever holds an
//! unpacked initramfs makes one of it with two functions.
//!
//! The judge of all answers is kmod (`depmod`, `modprobe`, `modinfo`). What people set in `/etc/modprobe.d` is not
//! read: it is no property of the kernel.
//!
//! ELF files are read by a reader of our own. Two fields of the header and one section are wanted, which takes less
//! code than the checks around a general reader's answers.

mod agreement;
mod budget;
mod coverage;
mod der;
mod driver;
mod elf;
mod error;
mod fields;
mod files;
mod index;
mod kernel_release;
mod lines;
mod listing;
mod lookup;
mod machine;
mod module_error;
mod module_info;
mod modules;
mod name;
mod pattern;
mod reading;
mod requires;
mod signature;
mod unpack;

pub use agreement::Disagreement;
pub use coverage::{Coverage, Where, coverage};
pub use driver::{DRIVERS, Driver, Role};
pub use error::ReadError;
pub use fields::Fields;
pub use files::ModuleFiles;
pub use kernel_release::{KERNEL_HEAD_BYTES, KernelImageError, kernel_release};
pub use lookup::{Provider, State};
pub use machine::Machine;
pub use module_error::{ModuleError, ModuleFault};
pub use module_info::{MAX_MODULE_BYTES, ModuleInfo};
pub use modules::{DeviceNode, Module, Modules, Softdep};
pub use name::{module_name, normalized};
pub use reading::MAX_LIST_BYTES;
pub use requires::{RequireError, Softdeps};
pub use signature::{Signature, SignatureKind};
pub use unpack::unpack;
