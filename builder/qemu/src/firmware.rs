//! UEFI firmware: which files, and where distributions keep them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::disk::DiskFormat;
use crate::error::QemuError;
use crate::machine::Architecture;

/// What starts the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// UEFI (OVMF on x86_64, AAVMF on aarch64) with empty variables; Secure Boot is off.
    Uefi,
    /// UEFI that enforces Secure Boot with Microsoft's keys enrolled; x86_64 only.
    UefiSecureBoot,
    /// What QEMU brings along: SeaBIOS on x86_64, nothing on aarch64. Useful with a direct kernel.
    BuiltIn,
}

impl fmt::Display for Firmware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uefi => "UEFI",
            Self::UefiSecureBoot => "UEFI Secure Boot",
            Self::BuiltIn => "built-in",
        })
    }
}

/// A flash image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareFile {
    /// The file.
    pub path: PathBuf,
    /// Fedora ships flash images as qcow2, everyone else raw.
    pub format: DiskFormat,
}

impl FirmwareFile {
    /// A flash image; the format follows from the file's name.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let qcow2 = path.extension().is_some_and(|extension| extension == "qcow2");
        Self { path, format: if qcow2 { DiskFormat::Qcow2 } else { DiskFormat::Raw } }
    }
}

/// The two flash images of a UEFI firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmwareFiles {
    /// The program; mapped read-only.
    pub code: FirmwareFile,
    /// The variables as the machine finds them at its first start. The file is never written to: the machine works on
    /// a temporary overlay that lasts as long as QEMU runs, resets included.
    pub variables: FirmwareFile,
}

impl FirmwareFiles {
    /// A pair of flash images; the formats follow from the names.
    #[must_use]
    pub fn new(code: impl Into<PathBuf>, variables: impl Into<PathBuf>) -> Self {
        Self { code: FirmwareFile::new(code), variables: FirmwareFile::new(variables) }
    }
}

/// Code and variables, in order of preference. Images of 4 MiB come before the older ones of 2 MiB.
const X86_64_UEFI: &[[&str; 2]] = &[
    // Debian, Ubuntu
    ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"],
    // Fedora, CentOS
    ["/usr/share/edk2/ovmf/OVMF_CODE_4M.qcow2", "/usr/share/edk2/ovmf/OVMF_VARS_4M.qcow2"],
    ["/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"],
    // Arch
    ["/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"],
    // openSUSE
    ["/usr/share/qemu/ovmf-x86_64-4m-code.bin", "/usr/share/qemu/ovmf-x86_64-4m-vars.bin"],
    // older Debian, older Arch
    ["/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"],
    ["/usr/share/edk2-ovmf/x64/OVMF_CODE.fd", "/usr/share/edk2-ovmf/x64/OVMF_VARS.fd"],
];

/// Only pairs whose variables have Microsoft's keys enrolled. Arch ships none, so its firmware would not enforce.
const X86_64_SECURE_BOOT: &[[&str; 2]] = &[
    // Debian, Ubuntu
    ["/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"],
    // Fedora, CentOS
    ["/usr/share/edk2/ovmf/OVMF_CODE_4M.secboot.qcow2", "/usr/share/edk2/ovmf/OVMF_VARS_4M.secboot.qcow2"],
    ["/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd"],
    // openSUSE
    ["/usr/share/qemu/ovmf-x86_64-smm-ms-code.bin", "/usr/share/qemu/ovmf-x86_64-smm-ms-vars.bin"],
    // older Debian
    ["/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.ms.fd"],
];

const AARCH64_UEFI: &[[&str; 2]] = &[
    // Debian, Ubuntu; the first is there where the second has Secure Boot built in
    ["/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"],
    ["/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"],
    // Fedora, CentOS
    ["/usr/share/edk2/aarch64/QEMU_EFI-pflash.qcow2", "/usr/share/edk2/aarch64/vars-template-pflash.qcow2"],
    ["/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw", "/usr/share/edk2/aarch64/vars-template-pflash.raw"],
    // Arch
    ["/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/edk2/aarch64/QEMU_VARS.fd"],
    // openSUSE
    ["/usr/share/qemu/aavmf-aarch64-code.bin", "/usr/share/qemu/aavmf-aarch64-vars.bin"],
];

/// Finds the flash images; `exists` tells whether a file is there.
///
/// # Errors
///
/// [`QemuError::FirmwareMissing`] with every path that was tried; [`QemuError::FirmwareUnsupported`].
pub(crate) fn find(
    firmware: Firmware,
    architecture: Architecture,
    exists: impl Fn(&Path) -> bool,
) -> Result<Option<FirmwareFiles>, QemuError> {
    let candidates = match (firmware, architecture) {
        (Firmware::BuiltIn, _) => return Ok(None),
        (Firmware::Uefi, Architecture::X86_64) => X86_64_UEFI,
        (Firmware::UefiSecureBoot, Architecture::X86_64) => X86_64_SECURE_BOOT,
        (Firmware::Uefi, Architecture::Aarch64) => AARCH64_UEFI,
        (Firmware::UefiSecureBoot, Architecture::Aarch64) => {
            return Err(QemuError::FirmwareUnsupported { firmware, architecture });
        }
    };
    match candidates.iter().find(|pair| pair.iter().all(|path| exists(Path::new(path)))) {
        Some([code, variables]) => Ok(Some(FirmwareFiles::new(code, variables))),
        None => {
            let looked_at = candidates.iter().flatten().map(PathBuf::from).collect();
            Err(QemuError::FirmwareMissing { firmware, architecture, looked_at })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_counts_only_when_both_files_are_there() {
        let lonely_code = |path: &Path| {
            path == Path::new("/usr/share/OVMF/OVMF_CODE_4M.fd") || path.starts_with("/usr/share/edk2/ovmf")
        };
        let found = find(Firmware::Uefi, Architecture::X86_64, lonely_code).unwrap().unwrap();
        assert_eq!(found.code.path, Path::new("/usr/share/edk2/ovmf/OVMF_CODE_4M.qcow2"));
        assert_eq!(found.code.format, DiskFormat::Qcow2);
    }

    #[test]
    fn missing_firmware_names_every_path_and_the_package() {
        for (firmware, architecture, path, package) in [
            (Firmware::Uefi, Architecture::X86_64, "/usr/share/edk2/x64/OVMF_CODE.4m.fd", "`ovmf`"),
            (Firmware::UefiSecureBoot, Architecture::X86_64, "/usr/share/OVMF/OVMF_VARS_4M.ms.fd", "`ovmf`"),
            (Firmware::Uefi, Architecture::Aarch64, "/usr/share/AAVMF/AAVMF_CODE.fd", "`qemu-efi-aarch64`"),
        ] {
            let error = find(firmware, architecture, |_| false).unwrap_err();
            assert!(error.to_string().contains(path), "{error}");
            assert!(error.hint().unwrap().contains(package));
        }
    }

    #[test]
    fn secure_boot_on_aarch64_is_refused_and_built_in_needs_no_files() {
        let error = find(Firmware::UefiSecureBoot, Architecture::Aarch64, |_| true).unwrap_err();
        assert!(matches!(error, QemuError::FirmwareUnsupported { .. }), "{error}");
        assert_eq!(find(Firmware::BuiltIn, Architecture::X86_64, |_| false).unwrap(), None);
    }
}
