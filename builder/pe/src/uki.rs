//! Unified kernel images: a kernel, its initramfs and its command line in one program. UAPI.5.

use crate::machine::Subsystem;
use crate::pe::PeFile;

/// The kernel, itself a PE file. What has this section is a unified kernel image.
pub const LINUX: &str = ".linux";
/// What `/etc/os-release` says. systemd-boot lists no image without it.
pub const OSREL: &str = ".osrel";
/// The kernel's command line.
pub const CMDLINE: &str = ".cmdline";
/// The initramfs.
pub const INITRD: &str = ".initrd";
/// Microcode, as an initramfs that goes before the other.
pub const UCODE: &str = ".ucode";
/// A picture in the form BMP.
pub const SPLASH: &str = ".splash";
/// A device tree.
pub const DTB: &str = ".dtb";
/// A device tree for the machines that match it; there may be many.
pub const DTBAUTO: &str = ".dtbauto";
/// What machines match which device tree.
pub const HWIDS: &str = ".hwids";
/// What `uname -r` says of the kernel.
pub const UNAME: &str = ".uname";
/// The components, see [`PeFile::sbat`].
pub const SBAT: &str = ".sbat";
/// Signatures of what a TPM measures of it, in JSON.
pub const PCRSIG: &str = ".pcrsig";
/// The public key of these.
pub const PCRPKEY: &str = ".pcrpkey";
/// Begins a profile, whose sections follow and take the place of those before the first profile.
pub const PROFILE: &str = ".profile";

impl PeFile<'_> {
    /// Whether this is a unified kernel image: an application with a kernel in it.
    #[must_use]
    pub fn is_uki(&self) -> bool {
        self.subsystem() == Subsystem::EfiApplication && self.section(LINUX).is_some()
    }

    /// Whether this is an addon of unified kernel images: it has no kernel, and something that goes with one.
    #[must_use]
    pub fn is_uki_addon(&self) -> bool {
        self.subsystem() == Subsystem::EfiApplication
            && self.section(LINUX).is_none()
            && [CMDLINE, INITRD, UCODE, DTB].iter().any(|name| self.section(name).is_some())
    }
}
