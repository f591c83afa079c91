//! What was typed.

use std::fmt;
use std::path::PathBuf;

use builder_block::{ByteSize, SectorSize};
use builder_qemu::{Architecture, Bus, Firmware};
use clap::{Args, ValueEnum};
use regex::Regex;

use super::unit_pattern::UnitPattern;
use crate::args::Talk;
use crate::report::Failure;

/// The least memory that firmware starts with.
const LEAST_MEMORY: ByteSize = ByteSize::mib(64);

/// More than any host gives to a test.
const MOST_MEMORY: ByteSize = ByteSize::gib(1024);

#[derive(Debug, Args)]
#[command(after_help = crate::exit::HELP)]
pub(crate) struct Smoke {
    /// The disk: a raw, qcow2, VMDK (one file) or fixed VHD file of anyone's; it is not changed
    #[arg(value_name = "ARTEFACT")]
    pub(crate) artefact: PathBuf,

    /// What starts the machine (repeatable: every firmware boots from every bus, one after the other)
    #[arg(long, value_enum, value_name = "FIRMWARE", default_value = "uefi")]
    pub(crate) firmware: Vec<FirmwareChoice>,

    /// The controller that the disk is on (repeatable)
    #[arg(long, value_enum, value_name = "BUS", default_value = "virtio")]
    pub(crate) disk_bus: Vec<BusChoice>,

    /// Bytes in a sector of the disk, 512 or 4096; ahci and cdrom have 512 [default: what its partition table is made
    /// for]
    #[arg(long, value_name = "BYTES")]
    pub(crate) sector_size: Option<SectorSize>,

    /// The machine's architecture [default: this machine's]
    #[arg(long, value_enum, value_name = "ARCH", default_value_t = ArchChoice::host(), hide_default_value = true)]
    pub(crate) arch: ArchChoice,

    /// The machine's memory
    #[arg(long, value_name = "SIZE", default_value = "2G")]
    pub(crate) memory: ByteSize,

    /// The machine's processors
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=255))]
    pub(crate) cpus: u16,

    /// How its code runs; auto tries KVM with a guest of a few instructions, and emulates where that fails
    #[arg(long, value_enum, value_name = "HOW", default_value = "auto")]
    pub(crate) accel: AccelChoice,

    /// Seconds for a boot and all that is asked of it, with KVM; emulated, 8 times as many
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..86401))]
    pub(crate) timeout: u64,

    /// A line that the serial console must say, as a regular expression (repeatable)
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    pub(crate) expect: Vec<Regex>,

    /// A unit that must be active when the system is up (repeatable)
    #[arg(long, value_name = "UNIT", conflicts_with = "no_login")]
    pub(crate) expect_unit: Vec<String>,

    /// A command that root runs on the serial console, and that must end with 0 (repeatable)
    #[arg(long, value_name = "COMMAND", allow_hyphen_values = true, conflicts_with = "no_login")]
    pub(crate) run: Vec<String>,

    /// Units that may fail, as a name with * and ? (repeatable): they are named, and are no reason for a verdict
    #[arg(long, value_name = "UNIT")]
    pub(crate) allow_failed_unit: Vec<UnitPattern>,

    #[arg(
        long,
        help = "Log nobody in: the console alone says whether units failed; \
                else root is logged in by systemd credentials, which nothing but this boot sees"
    )]
    pub(crate) no_login: bool,

    #[arg(
        long,
        help = "Hand in no unit that tells when the system is up and which units failed: the console alone is heard; \
                else systemd 256 and later tells over a virtio port, in this boot alone"
    )]
    pub(crate) no_notification: bool,

    /// Give the machine a TPM 2.0, which takes swtpm
    #[arg(long)]
    pub(crate) tpm: bool,

    /// Give the machine a screen, and keep what it shows at the end
    #[arg(long)]
    pub(crate) screenshot: bool,

    #[arg(
        short,
        long,
        value_name = "DIR",
        help = "Where ARTEFACT.smoke.log, .json, .junit.xml and .png go; made where it is missing \
                [default: beside the artefact]"
    )]
    pub(crate) output: Option<PathBuf>,

    /// Also write the result as a page of HTML that needs no other file and no network
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) talk: Talk,
}

/// One machine of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MachineChoice {
    pub(crate) firmware: FirmwareChoice,
    pub(crate) disk_bus: BusChoice,
    pub(crate) sector_size: SectorSize,
}

impl fmt::Display for MachineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.firmware.name(), self.disk_bus.name())
    }
}

impl Smoke {
    /// Every firmware with every bus, for a disk whose table is made for sectors of `found`.
    pub(crate) fn machines(&self, found: Option<SectorSize>) -> Result<Vec<MachineChoice>, Failure> {
        let sector_size = self.sector_size.or(found).unwrap_or_default();
        let mut machines = Vec::new();
        for &firmware in &self.firmware {
            for &disk_bus in &self.disk_bus {
                let machine = MachineChoice { firmware, disk_bus, sector_size };
                if machines.contains(&machine) {
                    return Err(Failure::Usage {
                        message: format!("the machine {machine} is asked for twice"),
                        hint: Some("give each --firmware and each --disk-bus once".to_owned()),
                    });
                }
                let is_sata = matches!(disk_bus, BusChoice::Ahci | BusChoice::Cdrom);
                if is_sata && sector_size != SectorSize::Bytes512 {
                    let bus = disk_bus.name();
                    return Err(Failure::Usage {
                        message: match self.sector_size {
                            Some(_) => format!("--sector-size {sector_size} is not to be had on --disk-bus {bus}"),
                            None => format!(
                                "the partition table of {} is made for sectors of {sector_size} bytes, which are not to \
                                 be had on --disk-bus {bus}",
                                self.artefact.display()
                            ),
                        },
                        hint: Some("take virtio, nvme or usb".to_owned()),
                    });
                }
                machines.push(machine);
            }
        }
        Ok(machines)
    }

    /// The memory in MiB.
    pub(crate) fn memory_mib(&self) -> Result<u32, Failure> {
        let mib = u32::try_from(self.memory.bytes() >> 20).ok();
        mib.filter(|_| (LEAST_MEMORY..=MOST_MEMORY).contains(&self.memory)).ok_or_else(|| Failure::Usage {
            message: format!("--memory is {}, not {LEAST_MEMORY} to {MOST_MEMORY}", self.memory),
            hint: Some("2G is enough for most systems".to_owned()),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FirmwareChoice {
    /// UEFI without Secure Boot
    Uefi,
    /// UEFI that enforces Secure Boot with Microsoft's keys
    UefiSecure,
    /// SeaBIOS
    Bios,
}

impl FirmwareChoice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Uefi => "uefi",
            Self::UefiSecure => "uefi-secure",
            Self::Bios => "bios",
        }
    }

    pub(crate) fn firmware(self) -> Firmware {
        match self {
            Self::Uefi => Firmware::Uefi,
            Self::UefiSecure => Firmware::UefiSecureBoot,
            Self::Bios => Firmware::BuiltIn,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BusChoice {
    Virtio,
    Nvme,
    /// SATA
    Ahci,
    /// A USB stick
    Usb,
    /// A CD-ROM, for images that are made for one
    Cdrom,
}

impl BusChoice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Virtio => "virtio",
            Self::Nvme => "nvme",
            Self::Ahci => "ahci",
            Self::Usb => "usb",
            Self::Cdrom => "cdrom",
        }
    }

    pub(crate) fn bus(self) -> Bus {
        match self {
            Self::Virtio => Bus::Virtio,
            Self::Nvme => Bus::Nvme,
            Self::Ahci => Bus::Ahci,
            Self::Usb => Bus::Usb,
            Self::Cdrom => Bus::Cdrom,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ArchChoice {
    #[value(name = "x86_64", alias = "amd64")]
    X86_64,
    #[value(name = "aarch64", alias = "arm64")]
    Aarch64,
}

impl ArchChoice {
    /// This machine's; x86_64 where there is no emulator for it.
    fn host() -> Self {
        if std::env::consts::ARCH == "aarch64" { Self::Aarch64 } else { Self::X86_64 }
    }

    pub(crate) fn architecture(self) -> Architecture {
        match self {
            Self::X86_64 => Architecture::X86_64,
            Self::Aarch64 => Architecture::Aarch64,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccelChoice {
    Auto,
    Kvm,
    Tcg,
}
