//! What a program runs on, and as what.

use std::fmt;

/// The processor that a program is for. Microsoft, "PE Format", "Machine Types".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Machine {
    /// 0x8664
    X86_64,
    /// 0xaa64
    Aarch64,
    /// 0x014c
    Ia32,
    /// 0x01c2 (Thumb) and 0x01c0
    Arm,
    /// 0x5064
    Riscv64,
    /// 0x6264
    LoongArch64,
    /// None of these.
    Other(u16),
}

impl From<u16> for Machine {
    fn from(number: u16) -> Self {
        match number {
            0x8664 => Self::X86_64,
            0xaa64 => Self::Aarch64,
            0x014c => Self::Ia32,
            0x01c0 | 0x01c2 => Self::Arm,
            0x5064 => Self::Riscv64,
            0x6264 => Self::LoongArch64,
            other => Self::Other(other),
        }
    }
}

impl Machine {
    /// What firmware of this machine calls its removable boot loader: `BOOTX64.EFI`. UEFI 2.10, section 3.5.1.1.
    #[must_use]
    pub fn removable_name(self) -> Option<&'static str> {
        Some(match self {
            Self::X86_64 => "BOOTX64.EFI",
            Self::Aarch64 => "BOOTAA64.EFI",
            Self::Ia32 => "BOOTIA32.EFI",
            Self::Arm => "BOOTARM.EFI",
            Self::Riscv64 => "BOOTRISCV64.EFI",
            Self::LoongArch64 => "BOOTLOONGARCH64.EFI",
            Self::Other(_) => return None,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
            Self::Ia32 => "ia32",
            Self::Arm => "arm",
            Self::Riscv64 => "riscv64",
            Self::LoongArch64 => "loongarch64",
            Self::Other(number) => return write!(f, "machine {number:#06x}"),
        })
    }
}

/// What firmware takes a program for. Microsoft, "PE Format", "Windows Subsystem".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subsystem {
    /// 10: something to start, such as a boot loader or a kernel.
    EfiApplication,
    /// 11: a driver that goes when the system starts.
    EfiBootServiceDriver,
    /// 12: a driver that stays.
    EfiRuntimeDriver,
    /// 13: an image in a ROM.
    EfiRom,
    /// Nothing that firmware starts.
    Other(u16),
}

impl From<u16> for Subsystem {
    fn from(number: u16) -> Self {
        match number {
            10 => Self::EfiApplication,
            11 => Self::EfiBootServiceDriver,
            12 => Self::EfiRuntimeDriver,
            13 => Self::EfiRom,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Subsystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EfiApplication => "EFI application",
            Self::EfiBootServiceDriver => "EFI boot service driver",
            Self::EfiRuntimeDriver => "EFI runtime driver",
            Self::EfiRom => "EFI ROM",
            Self::Other(number) => return write!(f, "subsystem {number}"),
        })
    }
}
