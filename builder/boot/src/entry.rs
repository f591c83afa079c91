//! Boot entries (Boot Loader Specification, type 1), as libostree writes them.

use crate::{BootEntry, Kernel, grub};

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

/// A deployment's boot entry with all that is derived for it.
pub(crate) struct Entry<'a> {
    /// The highest is the default: libostree sorts by `version`, GRUB's `blscfg` by the file's name, both descending.
    pub(crate) number: usize,
    pub(crate) is_default: bool,
    pub(crate) kernel: &'a Kernel,
    pub(crate) files: BootFiles,
    /// Plain, as [`crate::grub::plain_title`] makes it.
    pub(crate) title: String,
    pub(crate) kargs: &'a str,
    /// Name of the copy for systemd-boot, without tries and ending; it stays when the number changes.
    pub(crate) copy_name: String,
}

impl<'a> Entry<'a> {
    /// The entries of `wanted`, the default first.
    pub(crate) fn all(wanted: &'a [BootEntry<'a>], stateroot: &str) -> Vec<Self> {
        let numbers = (1..=wanted.len()).rev();
        numbers
            .zip(wanted)
            .map(|(number, entry)| Self {
                number,
                is_default: number == wanted.len(),
                kernel: entry.kernel,
                files: BootFiles::new(entry.kernel, stateroot, entry.boot_checksum),
                title: grub::plain_title(entry.title),
                kargs: entry.kargs,
                copy_name: format!("ostree-{stateroot}-{}", entry.deployment),
            })
            .collect()
    }

    /// The text of the copy for systemd-boot. With a sort key, copies are sorted by their version, as ostree sorts.
    pub(crate) fn text_of_copy(&self) -> String {
        format!("sort-key ostree\n{}", self.text(""))
    }

    /// The text; `prefix` is where the boot file system's `/ostree` is for the loader: `/boot`, or nothing.
    pub(crate) fn text(&self, prefix: &str) -> String {
        let files = &self.files;
        let folder = format!("{prefix}/ostree/{}", files.folder);
        let mut text = format!("title {}\nversion {}\noptions {}\n", self.title, self.number, self.kargs);
        if let Some(devicetree) = &files.devicetree {
            text.push_str(&format!("devicetree {folder}/{devicetree}\n"));
        }
        text.push_str(&format!("linux {folder}/{}\ninitrd {folder}/{}\n", files.kernel, files.initramfs));
        if files.dtb {
            text.push_str(&format!("fdtdir {folder}/dtb\n"));
        }
        text
    }
}
