//! What the machine is made of. Building resolves every path; afterwards nothing is looked up any more.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::credential::Credential;
use crate::disk::{Bus, Disk, SectorSize};
use crate::error::QemuError;
use crate::firmware::{self, Firmware, FirmwareFiles};
use crate::notification;
use crate::program;

/// Ports of an ICH9 AHCI controller.
const SATA_PORTS: usize = 6;

/// The machine's processor, and with it the board: q35 or virt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86 on a q35 board.
    X86_64,
    /// 64-bit ARM on QEMU's virt board.
    Aarch64,
}

impl Architecture {
    /// Name of the emulator.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::X86_64 => "qemu-system-x86_64",
            Self::Aarch64 => "qemu-system-aarch64",
        }
    }

    pub(crate) fn qemu_package(self) -> &'static str {
        match self {
            Self::X86_64 => "qemu-system-x86",
            Self::Aarch64 => "qemu-system-arm",
        }
    }

    pub(crate) fn firmware_package(self) -> &'static str {
        match self {
            Self::X86_64 => "ovmf",
            Self::Aarch64 => "qemu-efi-aarch64",
        }
    }

    pub(crate) fn is_host(self) -> bool {
        std::env::consts::ARCH == self.to_string()
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        })
    }
}

/// How guest code runs. There is no "fastest available", see the crate documentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accelerator {
    /// Emulation, one host thread for each processor. Works everywhere.
    #[default]
    Tcg,
    /// The host's own processor. Only where [`crate::try_kvm`] has seen it work: QEMU ends or the guest hangs where
    /// it does not.
    Kvm,
}

/// The machine's way out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// No network card.
    #[default]
    None,
    /// A virtio card behind QEMU's own NAT, with ports of the host's loopback address that lead to the guest.
    User(Vec<Forward>),
}

/// A TCP port of 127.0.0.1 that leads to a port of the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Port on the host.
    pub host: u16,
    /// Port in the guest.
    pub guest: u16,
}

/// What a reboot in the guest does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReboot {
    /// The machine starts again.
    #[default]
    Restart,
    /// QEMU exits.
    Exit,
}

/// A kernel that QEMU loads itself, past any boot loader on the disks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectKernel {
    /// The kernel.
    pub kernel: PathBuf,
    /// The initramfs.
    pub initramfs: Option<PathBuf>,
    /// The kernel command line.
    pub command_line: String,
}

/// A machine whose every path is known. [`Machine::arguments`] is its command line, [`Machine::start`] runs it.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) program: PathBuf,
    pub(crate) flash: Option<FirmwareFiles>,
    pub(crate) wish: MachineBuilder,
}

impl Machine {
    /// A machine with 1 processor, 1024 MiB, UEFI without Secure Boot, no disk and no network.
    pub fn builder(architecture: Architecture) -> MachineBuilder {
        MachineBuilder {
            architecture,
            accelerator: Accelerator::Tcg,
            program: None,
            memory_mib: 1024,
            cpus: 1,
            firmware: Firmware::Uefi,
            firmware_files: None,
            disks: Vec::new(),
            credentials: Vec::new(),
            network: Network::None,
            on_reboot: OnReboot::Restart,
            screen: false,
            direct_kernel: None,
            log: None,
            tpm: None,
            notification: false,
        }
    }
}

/// What the machine shall be made of; see [`Machine::builder`] for what it is unless told otherwise.
#[derive(Clone, Debug)]
#[must_use]
pub struct MachineBuilder {
    pub(crate) architecture: Architecture,
    pub(crate) accelerator: Accelerator,
    program: Option<PathBuf>,
    pub(crate) memory_mib: u32,
    pub(crate) cpus: u16,
    pub(crate) firmware: Firmware,
    firmware_files: Option<FirmwareFiles>,
    pub(crate) disks: Vec<Disk>,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) network: Network,
    pub(crate) on_reboot: OnReboot,
    pub(crate) screen: bool,
    pub(crate) direct_kernel: Option<DirectKernel>,
    pub(crate) log: Option<PathBuf>,
    pub(crate) tpm: Option<PathBuf>,
    pub(crate) notification: bool,
}

impl MachineBuilder {
    /// Memory in MiB. 1024 is enough for a Debian with systemd.
    pub fn memory_mib(self, memory_mib: u32) -> Self {
        Self { memory_mib, ..self }
    }

    /// Number of processors.
    pub fn cpus(self, cpus: u16) -> Self {
        Self { cpus, ..self }
    }

    /// How guest code runs.
    pub fn accelerator(self, accelerator: Accelerator) -> Self {
        Self { accelerator, ..self }
    }

    /// What starts the machine.
    pub fn firmware(self, firmware: Firmware) -> Self {
        Self { firmware, ..self }
    }

    /// Flash images of one's own, instead of those the distribution ships for [`MachineBuilder::firmware`].
    pub fn firmware_files(self, files: FirmwareFiles) -> Self {
        Self { firmware_files: Some(files), ..self }
    }

    /// An emulator of one's own, instead of the one on `PATH`.
    pub fn program(self, path: impl Into<PathBuf>) -> Self {
        Self { program: Some(path.into()), ..self }
    }

    /// Adds a disk. The first one boots.
    pub fn disk(mut self, disk: Disk) -> Self {
        self.disks.push(disk);
        self
    }

    /// Hands a credential to the guest's systemd.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credentials.push(credential);
        self
    }

    /// The way out.
    pub fn network(self, network: Network) -> Self {
        Self { network, ..self }
    }

    /// What a reboot in the guest does.
    pub fn on_reboot(self, on_reboot: OnReboot) -> Self {
        Self { on_reboot, ..self }
    }

    /// Whether there is a graphics card, for [`crate::Running::screenshot`]. Nothing is shown on the host.
    pub fn screen(self, screen: bool) -> Self {
        Self { screen, ..self }
    }

    /// Starts a kernel without a boot loader.
    pub fn direct_kernel(self, kernel: DirectKernel) -> Self {
        Self { direct_kernel: Some(kernel), ..self }
    }

    /// A file that gets every byte of the serial console, as it came. It is overwritten.
    pub fn log(self, path: impl Into<PathBuf>) -> Self {
        Self { log: Some(path.into()), ..self }
    }

    /// A TPM 2.0 behind the control socket of a swtpm, see [`crate::SoftwareTpm`].
    pub fn tpm(self, control: impl Into<PathBuf>) -> Self {
        Self { tpm: Some(control.into()), ..self }
    }

    /// Whether the guest's systemd tells [`crate::Smoke`] when it is up: over a virtio port, by a unit that is handed in
    /// as a credential. systemd before version 256 does not know it, and does not tell.
    pub fn notification(self, notification: bool) -> Self {
        Self { notification, ..self }
    }

    /// Finds the emulator and the firmware and checks that every file can be opened.
    ///
    /// # Errors
    ///
    /// [`QemuError::ProgramMissing`], [`QemuError::FirmwareMissing`], [`QemuError::FirmwareUnsupported`],
    /// [`QemuError::File`], [`QemuError::TooManySataDisks`], [`QemuError::SectorSize`], [`QemuError::DiskSerial`].
    pub fn build(mut self) -> Result<Machine, QemuError> {
        self.check_disks()?;
        if self.notification {
            self.credentials.extend(notification::credentials()?);
        }
        for (index, disk) in self.disks.iter_mut().enumerate() {
            disk.path = readable(&format!("disk {index}"), &disk.path)?;
        }
        if let Some(kernel) = &mut self.direct_kernel {
            kernel.kernel = readable("kernel", &kernel.kernel)?;
            if let Some(initramfs) = &mut kernel.initramfs {
                *initramfs = readable("initramfs", initramfs)?;
            }
        }
        if let Some(log) = &mut self.log {
            *log = absolute("log file", log)?;
        }
        let program = match self.program.take() {
            Some(program) => program,
            None => program::find_emulator(self.architecture, std::env::var_os("PATH").as_deref())?,
        };
        let flash = match self.firmware_files.take() {
            Some(mut files) => {
                files.code.path = readable("firmware code", &files.code.path)?;
                files.variables.path = readable("firmware variables", &files.variables.path)?;
                Some(files)
            }
            None => firmware::find(self.firmware, self.architecture, Path::is_file)?,
        };
        Ok(Machine { program, flash, wish: self })
    }

    fn check_disks(&self) -> Result<(), QemuError> {
        let count = self.disks.iter().filter(|disk| disk.bus.is_sata()).count();
        if count > SATA_PORTS {
            return Err(QemuError::TooManySataDisks { count, limit: SATA_PORTS });
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        for (index, disk) in self.disks.iter().enumerate() {
            // QEMU's hw/ide/qdev.c refuses anything but 512 bytes.
            if disk.sector_size != SectorSize::Bytes512 && disk.bus.is_sata() {
                let bus = if disk.bus == Bus::Cdrom { "a CD-ROM" } else { "a SATA drive of QEMU" };
                return Err(QemuError::SectorSize { disk: index, bytes: disk.sector_size.bytes(), bus });
            }
            let Some(serial) = &disk.serial else { continue };
            if serial.is_empty() || serial.len() > 20 || !serial.bytes().all(allowed) {
                return Err(QemuError::DiskSerial { disk: index, serial: serial.clone() });
            }
        }
        Ok(())
    }
}

/// The absolute path of a file that can be opened. Absolute, because QEMU takes `name:rest` for a protocol.
fn readable(role: &str, path: &Path) -> Result<PathBuf, QemuError> {
    match std::fs::File::open(path) {
        Ok(_) => absolute(role, path),
        Err(source) => Err(QemuError::File { role: role.to_owned(), path: path.to_owned(), source }),
    }
}

fn absolute(role: &str, path: &Path) -> Result<PathBuf, QemuError> {
    std::path::absolute(path).map_err(|source| QemuError::File { role: role.to_owned(), path: path.to_owned(), source })
}
