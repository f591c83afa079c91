//! The checks: a file for each, or for a small family.
//!
//! A new one is a `Check` in a file here and a line in [`CHECKS`]; the documentation and the tests go through that
//! list.

mod accounts;
pub(crate) mod allow_file;
mod boot_loader;
mod devices;
mod directories;
mod drivers;
pub(crate) mod elf;
mod etc;
mod fat_names;
mod fragments;
mod identity;
pub(crate) mod initramfs;
mod kernel;
mod labels;
mod links;
mod logs;
mod modes;
mod modules;
mod names;
mod os_release;
mod packages;
mod prepare_root;
mod root;
pub(crate) mod secrets;
mod secure_boot;
mod sizes;
mod systemd;
mod tmpfiles;
mod units;

use crate::lint::check::Check;

/// All checks. Their order means nothing.
pub(crate) static CHECKS: [&Check; 53] = [
    &accounts::SYSUSERS,
    &accounts::SYSUSERS_SYNTAX,
    &allow_file::LINT_ALLOW,
    &boot_loader::BOOT_LOADER,
    &devices::DEVICE_NODES,
    &directories::API_BASE_DIRECTORIES,
    &directories::NONEMPTY_BOOT,
    &directories::NONEMPTY_RUN_TMP,
    &directories::VAR_RUN,
    &drivers::BOOT_DRIVERS,
    &drivers::BOOT_DRIVERS_MISSING,
    &elf::FOREIGN_ELF,
    &etc::BUILDAH_INJECTED,
    &etc::ETC_USRETC,
    &fat_names::FAT_NAMES,
    &fragments::BOOTC_KARGS,
    &fragments::INSTALL_CONFIG,
    &fragments::INSTALL_CONFIG_IGNORED,
    &identity::MACHINE_ID,
    &identity::MACHINE_SECRETS,
    &identity::SSH_HOST_KEYS,
    &initramfs::INITRAMFS,
    &initramfs::INITRAMFS_PREPARE_ROOT,
    &initramfs::INITRAMFS_SETTINGS,
    &initramfs::INITRAMFS_UNREADABLE,
    &kernel::KERNEL,
    &kernel::KERNEL_MISSING,
    &labels::BOOTABLE_LABEL,
    &links::DANGLING_LINKS,
    &links::DANGLING_UNIT_LINKS,
    &logs::VAR_LOG,
    &modes::SETUID,
    &modes::WORLD_WRITABLE,
    &modules::KERNEL_MODULES,
    &modules::MODULES_INDEX,
    &names::DISK_LIMITS,
    &names::UTF8,
    &os_release::OS_RELEASE,
    &os_release::OS_RELEASE_FIELDS,
    &packages::SIZE_BY_PACKAGE,
    &prepare_root::BASEIMAGE_COMPOSEFS,
    &prepare_root::COMPOSEFS_VALUE,
    &root::BASEIMAGE_ROOT,
    &secrets::CREDENTIALS,
    &secrets::PRIVATE_KEYS,
    &secrets::SHELL_HISTORY,
    &secure_boot::SECURE_BOOT,
    &secure_boot::SECURE_BOOT_BROKEN,
    &sizes::SIZE_BY_DIRECTORY,
    &sizes::SIZE_BY_LAYER,
    &tmpfiles::TMPFILES_SYNTAX,
    &tmpfiles::VAR_TMPFILES,
    &units::UNITS_MISSING,
];
