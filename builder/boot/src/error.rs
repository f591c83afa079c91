//! Why an image cannot be booted.

use std::io;

use builder_tree::{DisplayPath, ResolveError};

/// What keeps a tree from booting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootError {
    /// An architecture without a boot path here.
    #[error("the architecture {name} has no boot loader that diskwright can install")]
    Architecture {
        /// As the image names it.
        name: String,
    },
    /// Nothing to boot.
    #[error("there is no deployment to boot")]
    NoEntries,
    /// No kernel.
    #[error("the image has no kernel: no usr/lib/modules/VERSION/vmlinuz")]
    NoKernel,
    /// More than one kernel.
    #[error("the image has {} kernels ({}), and a deployment has one", versions.len(), versions.join(", "))]
    ManyKernels {
        /// Their releases.
        versions: Vec<String>,
    },
    /// A kernel release that cannot stand in a boot entry.
    #[error("the kernel directory {} {problem}", DisplayPath(path))]
    KernelName {
        /// The directory.
        path: Vec<u8>,
        /// What is wrong.
        problem: &'static str,
    },
    /// A kernel without an initramfs.
    #[error("the kernel {version} has no initramfs: no usr/lib/modules/{version}/initramfs.img")]
    NoInitramfs {
        /// The kernel's release.
        version: String,
    },
    /// Nothing that boots was found.
    #[error("the image has no {wanted} for {architecture}; looked for {}", looked.join(", "))]
    NoLoader {
        /// What was asked for: `boot loader`, `GRUB`, `systemd-boot`.
        wanted: &'static str,
        /// For which architecture.
        architecture: &'static str,
        /// Where it was looked for.
        looked: Vec<String>,
    },
    /// A GRUB that does not say where it reads its configuration.
    #[error("{path} names no folder /EFI/… where it looks for its configuration")]
    NoPrefix {
        /// The binary.
        path: String,
    },
    /// A configuration file that is wrong.
    #[error("{path}: {message}")]
    Config {
        /// The file in the image.
        path: String,
        /// What the parser says, with the line.
        message: String,
    },
    /// `os-release` is missing, or names nothing.
    #[error("the image has no usr/lib/os-release with PRETTY_NAME, NAME or ID")]
    NoName,
    /// A kernel argument that cannot be written down.
    #[error("the kernel argument `{argument}` {problem}")]
    Argument {
        /// The argument.
        argument: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// A kernel argument to be deleted that is not there.
    #[error("there is no kernel argument `{argument}` to delete; the image sets {}", if present.is_empty() { "none".to_owned() } else { present.join(" ") })]
    NothingToDelete {
        /// The one named.
        argument: String,
        /// Those there are.
        present: Vec<String>,
    },
    /// A file of the image cannot be read.
    #[error("cannot read {path} of the image")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A path of the image leads in circles.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
}

impl BootError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoKernel => {
                "install a kernel in the image; where the distribution puts it into /boot, move it: mv /boot/vmlinuz-VERSION /usr/lib/modules/VERSION/vmlinuz".to_owned()
            }
            Self::ManyKernels { versions } => {
                let old = versions.first().map_or("VERSION", String::as_str);
                format!("remove all but one in the image's build, such as: rm -r /usr/lib/modules/{old}")
            }
            Self::NoInitramfs { version } => {
                format!("make one in the image's build: dracut --no-hostonly --add ostree --kver {version} /usr/lib/modules/{version}/initramfs.img")
            }
            Self::NoLoader { .. } => {
                "install one in the image, such as Debian's grub-efi-amd64-signed and shim-signed, or use --bootloader none".to_owned()
            }
            Self::NoPrefix { .. } => "use a GRUB that a distribution built for UEFI".to_owned(),
            Self::NoName => "add to the image: usr/lib/os-release with a line such as PRETTY_NAME=\"My system\"".to_owned(),
            Self::Argument { .. } => "give each argument by itself, without blanks, quotes and the characters ;{}&|<>$#\\".to_owned(),
            Self::NothingToDelete { .. } => "leave that --karg-delete out".to_owned(),
            Self::Architecture { .. } => "use --bootloader none with a layout of your own".to_owned(),
            _ => return None,
        })
    }
}
