//! Boot entries (Boot Loader Specification, type 1), as libostree writes them.

use crate::Kernel;

/// Names of the kernel's files in their folder, and of the folder.
pub(crate) struct BootFiles {
    /// `STATEROOT-CHECKSUM`, below `/ostree` of the boot file system.
    pub(crate) folder: String,
    pub(crate) kernel: String,
    pub(crate) initramfs: String,
    pub(crate) devicetree: Option<String>,
    pub(crate) dtb: bool,
}

impl BootFiles {
    pub(crate) fn new(kernel: &Kernel, stateroot: &str, checksum: &str) -> Self {
        let version = &kernel.version;
        Self {
            folder: format!("{stateroot}-{checksum}"),
            kernel: format!("vmlinuz-{version}"),
            initramfs: format!("initramfs-{version}.img"),
            devicetree: kernel.devicetree.is_some().then(|| format!("devicetree-{version}")),
            dtb: kernel.devicetree.is_none() && kernel.dtb.is_some(),
        }
    }
}

/// The text of the entry; `prefix` is where the boot file system's `/ostree` is for the loader: `/boot`, or nothing.
pub(crate) fn text(files: &BootFiles, title: &str, options: &str, prefix: &str) -> String {
    let folder = format!("{prefix}/ostree/{}", files.folder);
    let mut text = format!("title {title}\nversion 1\noptions {options}\n");
    if let Some(devicetree) = &files.devicetree {
        text.push_str(&format!("devicetree {folder}/{devicetree}\n"));
    }
    text.push_str(&format!("linux {folder}/{}\ninitrd {folder}/{}\n", files.kernel, files.initramfs));
    if files.dtb {
        text.push_str(&format!("fdtdir {folder}/dtb\n"));
    }
    text
}
