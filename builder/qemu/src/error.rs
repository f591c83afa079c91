//! What can go wrong with a machine, with what the console said last.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::firmware::Firmware;
use crate::machine::Architecture;

/// What was seen of a machine when something failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// What the caller said it was doing, see [`crate::Running::stage`].
    pub stage: String,
    /// The last lines on the serial console, without escape sequences; at most 40.
    pub console: Vec<String>,
    /// What QEMU itself said on its standard error.
    pub qemu: Vec<String>,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.qemu.is_empty() {
            write!(f, "\nQEMU said:")?;
        }
        for line in &self.qemu {
            write!(f, "\n  | {line}")?;
        }
        match self.console.len() {
            0 => write!(f, "\nthe serial console said nothing")?,
            1 => write!(f, "\nthe only line on the serial console:")?,
            count => write!(f, "\nthe last {count} lines on the serial console:")?,
        }
        for line in &self.console {
            write!(f, "\n  | {line}")?;
        }
        Ok(())
    }
}

/// Why a machine could not be described, started, watched or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QemuError {
    /// The emulator is not installed.
    #[error("{program} was found in none of: {}", list(looked_at))]
    ProgramMissing {
        /// Name of the program.
        program: String,
        /// Every path that was tried, in order.
        looked_at: Vec<PathBuf>,
        /// The machine's architecture.
        architecture: Architecture,
    },

    /// The firmware is not installed.
    #[error("no {firmware} firmware for {architecture} at any of: {}", list(looked_at))]
    FirmwareMissing {
        /// What was wanted.
        firmware: Firmware,
        /// For which machine.
        architecture: Architecture,
        /// Every path that was tried, in order.
        looked_at: Vec<PathBuf>,
    },

    /// This machine has no such firmware.
    #[error("{firmware} firmware is not supported on {architecture}")]
    FirmwareUnsupported {
        /// What was wanted.
        firmware: Firmware,
        /// For which machine.
        architecture: Architecture,
    },

    /// A file the machine is made of cannot be opened.
    #[error("cannot read {role} {}", path.display())]
    File {
        /// What the file is for: "disk 0", "kernel".
        role: String,
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        #[source]
        source: io::Error,
    },

    /// More SATA disks than the controller has ports.
    #[error("{count} disks on the SATA controller, which has {limit} ports")]
    TooManySataDisks {
        /// How many were asked for.
        count: usize,
        /// How many there can be.
        limit: usize,
    },

    /// A sector size that the controller cannot have.
    #[error("disk {disk} is to have sectors of {bytes} bytes, which {bus} cannot have")]
    SectorSize {
        /// Index of the disk.
        disk: usize,
        /// Bytes in a sector.
        bytes: u32,
        /// The controller, in words.
        bus: &'static str,
    },

    /// The software TPM is not installed.
    #[error("swtpm was found in none of: {}", list(looked_at))]
    TpmMissing {
        /// Every path that was tried, in order.
        looked_at: Vec<PathBuf>,
    },

    /// A serial number no controller would take.
    #[error("serial number {serial:?} of disk {disk} is not 1 to 20 ASCII letters, digits, '-' or '_'")]
    DiskSerial {
        /// Index of the disk.
        disk: usize,
        /// The serial number.
        serial: String,
    },

    /// A name that cannot stand in an SMBIOS string.
    #[error("credential name {name:?} is not 1 to 255 ASCII letters, digits, '.', '_', '-' or '@'")]
    CredentialName {
        /// The name.
        name: String,
    },

    /// The operating system refused something.
    #[error("cannot {operation}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The operating system's word.
        #[source]
        source: io::Error,
    },

    /// QEMU ended while something was expected of it.
    #[error("QEMU ended ({status}) while waiting for {wanted} (stage: {}){evidence}", evidence.stage)]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// What was waited for.
        wanted: String,
        /// What was seen.
        evidence: Box<Evidence>,
    },

    /// The deadline passed.
    #[error("waited {} s in vain for {wanted} (stage: {}){evidence}", limit.as_secs_f64(), evidence.stage)]
    TimedOut {
        /// What was waited for.
        wanted: String,
        /// How long.
        limit: Duration,
        /// What was seen.
        evidence: Box<Evidence>,
    },

    /// The console said something that rules out what was waited for.
    #[error("the console said {found:?} while waiting for {wanted} (stage: {}){evidence}", evidence.stage)]
    GuestFailed {
        /// The words.
        found: String,
        /// What was waited for.
        wanted: String,
        /// What was seen.
        evidence: Box<Evidence>,
    },

    /// A command cannot be typed into a serial console.
    #[error("cannot type the command {command:?}: {reason}")]
    Command {
        /// The command.
        command: String,
        /// Why not.
        reason: &'static str,
    },

    /// A command in the guest failed where it must not.
    #[error("`{command}` ended with status {status} in the guest and said:\n{text}")]
    CommandFailed {
        /// The command.
        command: String,
        /// Its exit status.
        status: i32,
        /// Its output.
        text: String,
    },

    /// QEMU refused a QMP command.
    #[error("QEMU refused the QMP command {command}: {class}: {description}")]
    Refused {
        /// The command.
        command: String,
        /// QMP's error class.
        class: String,
        /// QEMU's explanation.
        description: String,
    },

    /// What came over the QMP socket is not QMP.
    #[error("QMP answer to {command} is not understood: {answer}")]
    Nonsense {
        /// The command, or "the greeting".
        command: String,
        /// What came.
        answer: String,
    },
}

/// What [`QemuError::TimedOut`] wanted when the process did not end.
pub(crate) const WANTED_EXIT: &str = "QEMU to exit";

impl QemuError {
    /// What to do now, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ProgramMissing { architecture, .. } => {
                Some(format!("install QEMU; on Debian the package is `{}`", architecture.qemu_package()))
            }
            Self::FirmwareMissing { architecture, .. } => Some(format!(
                "install the firmware (on Debian the package is `{}`), or name the code and variables files",
                architecture.firmware_package()
            )),
            Self::FirmwareUnsupported { .. } => Some("use the UEFI firmware without Secure Boot".to_owned()),
            Self::TooManySataDisks { .. } => Some("put some of the disks on virtio, NVMe or USB".to_owned()),
            Self::SectorSize { .. } => Some("put the disk on virtio, NVMe or USB".to_owned()),
            Self::TpmMissing { .. } => Some("install swtpm; on Debian the package is `swtpm`".to_owned()),
            Self::TimedOut { evidence, .. } if evidence.console.is_empty() => Some(
                "if the guest is Linux, its kernel command line needs console=ttyS0 (console=ttyAMA0 on aarch64); \
                 on a busy host, allow more time"
                    .to_owned(),
            ),
            Self::TimedOut { wanted, .. } if wanted == WANTED_EXIT => Some(
                "a guest hears the power button only with the ACPI button driver and logind; else have it shut down \
                 from its shell, or end QEMU with quit"
                    .to_owned(),
            ),
            Self::Command { .. } => Some("put long or binary input into a file of the image instead".to_owned()),
            _ => None,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
