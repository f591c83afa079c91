//! `/boot`: kernel files, boot entry, menu.

use std::sync::Arc;

use builder_tree::{Directory, FileTree};

use crate::entry::{self, BootFiles};
use crate::loader::{Grub, Loader};
use crate::made::Maker;
use crate::{BootError, Kernel, bootupd, esp, grub};

/// What is to boot, and how.
#[derive(Clone, Copy, Debug)]
pub struct BootSpec<'a> {
    /// Name of the stateroot.
    pub stateroot: &'a str,
    /// The kernel; its inodes become those in `/boot`.
    pub kernel: &'a Kernel,
    /// Its boot checksum: [`Kernel::boot_checksum`].
    pub boot_checksum: &'a str,
    /// All kernel arguments, `ostree=` last.
    pub kargs: &'a str,
    /// Title of the entry.
    pub title: &'a str,
    /// UUID of the file system that holds `/boot`.
    pub boot_fs_uuid: &'a str,
    /// The boot loader.
    pub loader: &'a Loader,
    /// Time of everything that is made, in seconds since 1970.
    pub created: i64,
}

/// The two trees that boot a deployment.
#[derive(Clone, Debug)]
pub struct BootTrees {
    /// `/boot`.
    pub boot: Directory,
    /// The EFI system partition.
    pub esp: FileTree,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Grub {
    /// The folder of the menu in `/boot`; bootupd's configuration wants its own.
    pub(crate) fn menu_folder(&self) -> &'static str {
        if self.bootupd.is_some() { "grub2" } else { "grub" }
    }
}

/// Makes `/boot` and the ESP.
///
/// # Errors
/// A file of the boot loader cannot be read from the store.
pub fn install(spec: &BootSpec<'_>) -> Result<BootTrees, BootError> {
    let maker = Maker::new(spec.created);
    let title = grub::plain_title(spec.title);
    let odd_title = title != spec.title;
    let spec = &BootSpec { title: &title, ..*spec };
    let files = BootFiles::new(spec.kernel, spec.stateroot, spec.boot_checksum);

    let mut boot = maker.directory(0o755);
    // So that /boot/ostree/… is right for a loader whether /boot is a file system or a folder of one.
    boot.insert("boot", maker.symlink("."));
    boot.insert("efi", maker.directory(0o755));
    boot.insert("loader", maker.symlink("loader.1"));
    let mut entries = maker.directory(0o755);
    entries.insert("ostree-1.conf", maker.file(0o644, entry::text(&files, spec.title, spec.kargs, "/boot")));
    let mut loader = maker.directory(0o755);
    loader.insert("entries", entries);
    boot.insert("loader.1", loader);
    let mut ostree = maker.directory(0o755);
    ostree.insert(files.folder.as_str(), kernel_folder(spec.kernel, &files, maker));
    boot.insert("ostree", ostree);

    let mut notes = Vec::new();
    match spec.loader {
        Loader::Grub(found) => {
            let menu = menu_folder(spec, found, &files, maker);
            boot.insert(found.menu_folder(), menu);
            if let Some(payload) = &found.bootupd {
                boot.insert("bootupd-state.json", maker.file(0o644, bootupd::state(found, payload)?));
            }
            if odd_title && !found.blscfg {
                notes.push(
                    "the system's PRETTY_NAME has characters that GRUB's menu acts on; updates made on the machine may be missing from it"
                        .to_owned(),
                );
            }
        }
        Loader::Systemd { .. } => notes.push(
            "systemd-boot reads only the ESP, where kernel and boot entry are copies: `ostree` and `bootc` do not renew them, so copy them again after every update, or use GRUB"
                .to_owned(),
        ),
        Loader::None => notes.push("no boot loader: the machine needs another way to its boot entry".to_owned()),
    }
    let esp = esp::fill(spec, &files, maker)?;
    Ok(BootTrees { boot, esp, notes })
}

fn kernel_folder(kernel: &Kernel, files: &BootFiles, maker: Maker) -> Directory {
    let mut folder = maker.directory(0o755);
    folder.insert(files.kernel.as_str(), Arc::clone(&kernel.vmlinuz));
    folder.insert(files.initramfs.as_str(), Arc::clone(&kernel.initramfs));
    if let (Some(name), Some(devicetree)) = (&files.devicetree, &kernel.devicetree) {
        folder.insert(name.as_str(), Arc::clone(devicetree));
    }
    if let Some(dtb) = kernel.dtb.as_ref().filter(|_| files.dtb) {
        folder.insert("dtb", dtb.clone());
    }
    if let Some(hmac) = &kernel.hmac {
        folder.insert(format!(".vmlinuz-{}.hmac", kernel.version), Arc::clone(hmac));
    }
    folder
}

fn menu_folder(spec: &BootSpec<'_>, found: &Grub, files: &BootFiles, maker: Maker) -> Directory {
    let configuration = found.bootupd.as_ref().and_then(|payload| payload.configuration.as_ref());
    if let Some((config, _)) = configuration {
        let mut folder = maker.directory(0o700);
        folder.insert("grub.cfg", maker.file(0o600, config.as_str()));
        let uuid = format!("set BOOT_UUID=\"{}\"\n", spec.boot_fs_uuid);
        folder.insert("bootuuid.cfg", maker.file(0o600, uuid));
        folder.insert("grubenv", maker.file(0o600, grub::environment_block()));
        return folder;
    }
    let mut folder = maker.directory(0o755);
    let text = if found.blscfg { grub::blscfg(spec.kargs) } else { grub::menu(files, spec.title, spec.kargs) };
    folder.insert("grub.cfg", maker.file(0o644, text));
    folder
}
