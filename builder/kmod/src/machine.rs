//! What processors modules are for.

use std::fmt;

/// A kind of processor that Linux distributions are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Machine {
    /// 64-bit x86; `amd64` to images.
    X86_64,
    /// 32-bit x86; `386` to images.
    X86,
    /// 64-bit ARM; `arm64` to images.
    Aarch64,
    /// 32-bit ARM; `arm` to images.
    Arm,
    /// 64-bit RISC-V; `riscv64` to images.
    Riscv64,
    /// 64-bit LoongArch; `loong64` to images.
    Loongarch64,
    /// Little-endian 64-bit POWER; `ppc64le` to images.
    Ppc64le,
    /// 64-bit IBM Z; `s390x` to images.
    S390x,
}

/// What an ELF header says of the machine. Source: System V ABI, chapter 4, and its processor supplements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ElfMachine {
    /// `e_machine`.
    pub(crate) number: u16,
    /// `EI_CLASS` is `ELFCLASS64`.
    pub(crate) is_64_bit: bool,
    /// `EI_DATA` is `ELFDATA2MSB`.
    pub(crate) is_big_endian: bool,
}

impl Machine {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::X86_64,
        Self::X86,
        Self::Aarch64,
        Self::Arm,
        Self::Riscv64,
        Self::Loongarch64,
        Self::Ppc64le,
        Self::S390x,
    ];

    /// By the name that images use for their architecture.
    #[must_use]
    pub fn from_oci(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|machine| machine.oci_name() == name)
    }

    /// The name that images use.
    #[must_use]
    pub fn oci_name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::X86 => "386",
            Self::Aarch64 => "arm64",
            Self::Arm => "arm",
            Self::Riscv64 => "riscv64",
            Self::Loongarch64 => "loong64",
            Self::Ppc64le => "ppc64le",
            Self::S390x => "s390x",
        }
    }

    /// The machine that an ELF header means.
    pub(crate) fn from_elf(elf: ElfMachine) -> Option<Self> {
        Self::ALL.iter().copied().find(|machine| machine.elf() == elf)
    }

    fn elf(self) -> ElfMachine {
        let (number, is_64_bit, is_big_endian) = match self {
            Self::X86_64 => (62, true, false),
            Self::X86 => (3, false, false),
            Self::Aarch64 => (183, true, false),
            Self::Arm => (40, false, false),
            Self::Riscv64 => (243, true, false),
            Self::Loongarch64 => (258, true, false),
            Self::Ppc64le => (21, true, false),
            Self::S390x => (22, true, true),
        };
        ElfMachine { number, is_64_bit, is_big_endian }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.oci_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_has_names_of_its_own() {
        for &machine in Machine::ALL {
            assert_eq!(Machine::from_oci(machine.oci_name()), Some(machine));
            assert_eq!(Machine::from_elf(machine.elf()), Some(machine));
        }
        assert_eq!(Machine::from_oci("x86_64"), None);
        assert_eq!(Machine::from_elf(ElfMachine { is_big_endian: true, ..Machine::Ppc64le.elf() }), None);
    }
}
