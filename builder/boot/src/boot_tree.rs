//! `/boot`: kernel files, boot entries, menu.

use std::sync::Arc;

use builder_tree::{Directory, FileTree, Node};

use crate::entry::Entry;
use crate::loader::{Grub, Loader};
use crate::made::Maker;
use crate::{BootError, Kernel, bootupd, esp, grub};

/// One deployment that can be booted.
#[derive(Clone, Copy, Debug)]
pub struct BootEntry<'a> {
    /// The kernel; its inodes become those in `/boot`.
    pub kernel: &'a Kernel,
    /// Its boot checksum: [`Kernel::boot_checksum`].
    pub boot_checksum: &'a str,
    /// Name of its directory: the commit's checksum, a full stop, the serial.
    pub deployment: &'a str,
    /// All kernel arguments, `ostree=` last.
    pub kargs: &'a str,
    /// Title of the entry.
    pub title: &'a str,
}

/// What is to boot, and how.
#[derive(Clone, Copy, Debug)]
pub struct BootSpec<'a> {
    /// Name of the stateroot.
    pub stateroot: &'a str,
    /// The deployments, at least one: the default first, then what it falls back to.
    pub entries: &'a [BootEntry<'a>],
    /// UUID of the file system that holds `/boot`.
    pub boot_fs_uuid: &'a str,
    /// The boot loader.
    pub loader: &'a Loader,
    /// What the image lacks to renew copies on the ESP by itself, see [`crate::renewal_lacks`].
    pub renewal_lacks: Option<&'a str>,
    /// Time of everything that is made, in seconds since 1970.
    pub created: i64,
}

/// The two trees that boot the deployments.
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
/// There is no entry, or a file of the boot loader cannot be read from the store.
pub fn install(spec: &BootSpec<'_>) -> Result<BootTrees, BootError> {
    let maker = Maker::new(spec.created);
    let entries = Entry::all(spec.entries, spec.stateroot);
    let default = entries.first().ok_or(BootError::NoEntries)?;
    let odd_title = entries.iter().zip(spec.entries).any(|(made, wanted)| made.title != wanted.title);

    let mut boot = maker.directory(0o755);
    // So that /boot/ostree/… is right for a loader whether /boot is a file system or a folder of one.
    boot.insert("boot", maker.symlink("."));
    boot.insert("efi", maker.directory(0o755));
    boot.insert("loader", maker.symlink("loader.1"));
    let mut texts = maker.directory(0o755);
    let mut ostree = maker.directory(0o755);
    for entry in &entries {
        texts.insert(format!("ostree-{}.conf", entry.number), maker.file(0o644, entry.text("/boot")));
        // Deployments with the same kernel and initramfs have the same folder.
        let folder = ostree.entries.entry(entry.files.folder.clone().into_bytes());
        let folder = folder.or_insert_with(|| maker.directory(0o755).into());
        if let Node::Directory(folder) = folder {
            fill_kernel_folder(folder, entry);
        }
    }
    let mut loader = maker.directory(0o755);
    loader.insert("entries", texts);
    boot.insert("loader.1", loader);
    boot.insert("ostree", ostree);

    let mut notes = Vec::new();
    match spec.loader {
        Loader::Grub(found) => {
            let menu = menu_folder(spec, found, default, maker);
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
        Loader::Systemd { .. } => notes.extend(spec.renewal_lacks.map(|path| {
            format!(
                "systemd-boot reads only the ESP, where kernel and boot entry are copies, and without /{path} in the image the machine cannot renew them: copy them again after every update, add /{path}, or use GRUB"
            )
        })),
        Loader::None => notes.push("no boot loader: the machine needs another way to its boot entry".to_owned()),
    }
    let esp = esp::fill(spec, &entries, maker);
    Ok(BootTrees { boot, esp, notes })
}

fn fill_kernel_folder(folder: &mut Directory, entry: &Entry<'_>) {
    let Entry { kernel, files, .. } = entry;
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
}

fn menu_folder(spec: &BootSpec<'_>, found: &Grub, default: &Entry<'_>, maker: Maker) -> Directory {
    // Boot counting writes to it from GRUB, which can change a file, but not make one.
    let environment = |mode| maker.file(mode, grub::environment_block());
    let configuration = found.bootupd.as_ref().and_then(|payload| payload.configuration.as_ref());
    if let Some((config, _)) = configuration {
        let mut folder = maker.directory(0o700);
        folder.insert("grub.cfg", maker.file(0o600, config.as_str()));
        let uuid = format!("set BOOT_UUID=\"{}\"\n", spec.boot_fs_uuid);
        folder.insert("bootuuid.cfg", maker.file(0o600, uuid));
        folder.insert("grubenv", environment(0o600));
        return folder;
    }
    let mut folder = maker.directory(0o755);
    let text = if found.blscfg { grub::blscfg(default) } else { grub::menu(default) };
    folder.insert("grub.cfg", maker.file(0o644, text));
    folder.insert("grubenv", environment(0o644));
    folder
}
