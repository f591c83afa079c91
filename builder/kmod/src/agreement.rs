//! Whether a kernel, its directory of modules and the modules belong together.

use crate::{Machine, ModuleInfo, Modules};

/// Two things that should agree and do not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// The kernel looks for its modules in another directory.
    #[error("the kernel is {kernel} and loads no modules from {directory}")]
    KernelRelease {
        /// The release that the kernel says.
        kernel: String,
        /// The directory of the modules.
        directory: String,
    },
    /// A module was built for another kernel.
    #[error("the module {path} is for the kernel {found}, its directory for {expected}")]
    ModuleRelease {
        /// Path of its file.
        path: String,
        /// The release of the directory.
        expected: String,
        /// The release of the module.
        found: String,
        /// Whether the kernel loads it all the same if the symbols that it uses are unchanged.
        is_tolerated: bool,
    },
    /// A module does not say which kernel it was built for.
    #[error("the module {path} has no vermagic, so the kernel does not load it")]
    NoVermagic {
        /// Path of its file.
        path: String,
    },
    /// A module is for another processor.
    #[error("the module {path} is for {}, the image for {expected}", machine(*found, *number))]
    Machine {
        /// Path of its file.
        path: String,
        /// The machine of the image.
        expected: Machine,
        /// The machine of the module, where it has a name here.
        found: Option<Machine>,
        /// `e_machine` of the module's ELF header.
        number: u16,
    },
}

fn machine(known: Option<Machine>, number: u16) -> String {
    known.map_or_else(|| format!("the ELF machine {number}"), |machine| machine.to_string())
}

impl Modules {
    /// Whether a kernel of the release (see [`kernel_release`](crate::kernel_release)) finds these modules.
    #[must_use]
    pub fn disagreement(&self, kernel_release: &str) -> Option<Disagreement> {
        (kernel_release != self.release()).then(|| Disagreement::KernelRelease {
            kernel: kernel_release.to_owned(),
            directory: self.directory().to_owned(),
        })
    }
}

impl ModuleInfo {
    /// What keeps a kernel of the release on the machine from loading the module; `path` is that of its file.
    #[must_use]
    pub fn disagreements(&self, path: &str, release: &str, machine: Machine) -> Vec<Disagreement> {
        let path = path.to_owned();
        let mut found = Vec::new();
        if self.machine() != Some(machine) {
            found.push(Disagreement::Machine {
                path: path.clone(),
                expected: machine,
                found: self.machine(),
                number: self.elf_machine(),
            });
        }
        match self.release() {
            None => found.push(Disagreement::NoVermagic { path }),
            Some(own) if own != release => found.push(Disagreement::ModuleRelease {
                path,
                expected: release.to_owned(),
                found: own.to_owned(),
                // Linux, kernel/module/version.c: `same_magic`. Enterprise distributions rely on it.
                is_tolerated: self.vermagic().is_some_and(|magic| magic.split(' ').any(|word| word == "modversions")),
            }),
            Some(_) => {}
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::made;
    use crate::machine::ElfMachine;

    #[test]
    fn what_does_not_belong_together_is_named() {
        for (number, modinfo, words) in [
            (62, &b"vermagic=6.1 SMP\0"[..], &[][..]),
            (62, b"vermagic=6.2 SMP\0", &["the module m/a.ko is for the kernel 6.2, its directory for 6.1"]),
            (62, b"license=GPL\0", &["has no vermagic"]),
            (183, b"vermagic=6.1 \0", &["is for arm64, the image for amd64"]),
            (1, b"vermagic=6 \0", &["is for the ELF machine 1, the image for amd64", "kernel 6, its"]),
        ] {
            let elf = made::elf(ElfMachine { number, is_64_bit: true, is_big_endian: false }, ".modinfo", modinfo);
            let found = ModuleInfo::parse(&elf).unwrap().disagreements("m/a.ko", "6.1", Machine::X86_64);
            assert_eq!(found.len(), words.len(), "{found:?}");
            for (found, words) in found.iter().zip(words) {
                assert!(found.to_string().contains(words), "{found}, not {words}");
            }
        }
    }

    #[test]
    fn versions_of_symbols_stand_in_for_the_release() {
        let machine = ElfMachine { number: 62, is_64_bit: true, is_big_endian: false };
        for (vermagic, expected) in [("6.2 SMP modversions ", true), ("6.2 SMP ", false), ("6.2 nomodversions", false)]
        {
            let elf = made::elf(machine, ".modinfo", format!("vermagic={vermagic}\0").as_bytes());
            let found = ModuleInfo::parse(&elf).unwrap().disagreements("a.ko", "6.1", Machine::X86_64);
            assert!(
                matches!(found[..], [Disagreement::ModuleRelease { is_tolerated, .. }] if is_tolerated == expected),
                "{found:?}"
            );
        }
    }
}
