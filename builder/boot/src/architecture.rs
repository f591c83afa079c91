//! Processor architectures with UEFI.

use crate::BootError;

/// An architecture that boots by UEFI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// x86_64; `amd64` to images.
    X86_64,
    /// aarch64; `arm64` to images.
    Aarch64,
}

impl Architecture {
    /// By the name that images use.
    ///
    /// # Errors
    /// [`BootError::Architecture`] for any other.
    pub fn from_oci(name: &str) -> Result<Self, BootError> {
        match name {
            "amd64" => Ok(Self::X86_64),
            "arm64" => Ok(Self::Aarch64),
            _ => Err(BootError::Architecture { name: name.to_owned() }),
        }
    }

    /// The name that `match-architectures` uses (Rust's).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// The ending of EFI binaries' names: `grubx64.efi`.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::X86_64 => "x64",
            Self::Aarch64 => "aa64",
        }
    }

    /// GRUB's name of the platform: a folder of `/usr/lib/grub`.
    pub(crate) fn grub_platform(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-efi",
            Self::Aarch64 => "arm64-efi",
        }
    }

    /// The name that firmware looks for on removable media (UEFI, section 3.5.1.1).
    pub(crate) fn fallback(self) -> String {
        format!("BOOT{}.EFI", self.suffix().to_uppercase())
    }
}
