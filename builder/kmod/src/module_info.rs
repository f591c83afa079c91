//! What a module says of itself.

use crate::elf::{Elf, ElfFault};
use crate::fields::FieldFault;
use crate::lines::soft_names;
use crate::machine::ElfMachine;
use crate::name::normalized;
use crate::{Fields, Machine, ModuleError, ModuleFault, ModuleFiles, Signature, Softdep, unpack};

/// Largest module that is read, in bytes, packed and unpacked: 256 MiB. The largest graphics drivers have some 100 MiB.
pub const MAX_MODULE_BYTES: u64 = 256 << 20;

/// What a module says of itself: its `.modinfo`, what processor it is for, and whether it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleInfo {
    /// The fields of `.modinfo`.
    pub fields: Fields,
    /// The signature at its end.
    pub signature: Option<Signature>,
    elf: ElfMachine,
}

impl ModuleInfo {
    /// Reads the file of a module, packed or not.
    ///
    /// # Errors
    /// There is no such file, or it is no module, see [`ModuleFault`]; or it has more than [`MAX_MODULE_BYTES`].
    pub fn read(files: &dyn ModuleFiles, path: &str) -> Result<Self, ModuleError> {
        let read = || {
            let body = files.read(path, MAX_MODULE_BYTES).map_err(|source| ModuleFault::Read { source })?;
            Self::parse(&unpack(&body.ok_or(ModuleFault::NoFile)?, MAX_MODULE_BYTES)?)
        };
        read().map_err(|fault| ModuleError { path: path.to_owned(), fault })
    }

    /// Reads a module that is not packed.
    ///
    /// # Errors
    /// It is no module, see [`ModuleFault`].
    pub fn parse(module: &[u8]) -> Result<Self, ModuleFault> {
        let from_elf = |ElfFault { offset, problem }| ModuleFault::Elf { offset, problem };
        let elf = Elf::parse(module).map_err(from_elf)?;
        let section = elf.section(".modinfo").map_err(from_elf)?.ok_or(ModuleFault::NoModinfo)?;
        let fields = Fields::parse(section).map_err(|FieldFault { offset, problem, text }| ModuleFault::Field {
            offset,
            problem,
            text,
        })?;
        let signature = Signature::parse(module)
            .map_err(|fault| ModuleFault::Signature { claimed: fault.claimed, present: fault.present })?;
        Ok(Self { fields, signature, elf: elf.machine })
    }

    /// Its name, normalized. Modules of kernels before 4.13 do not say it.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.fields.get("name").map(normalized)
    }

    /// Patterns of what it drives, and its other names, as it has them.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.fields.all("alias")
    }

    /// Normalized names of the modules it needs directly. What is built in may be among them.
    #[must_use]
    pub fn depends(&self) -> Vec<String> {
        let names = self.fields.all("depends").flat_map(|names| names.split(','));
        names.map(str::trim).filter(|name| !name.is_empty()).map(normalized).collect()
    }

    /// What should be loaded with it.
    ///
    /// # Errors
    /// A field `softdep` with a name of more than 4,096 bytes.
    pub fn softdeps(&self) -> Result<Vec<Softdep>, ModuleFault> {
        let parse =
            |value: &str| {
                let (before, after) = soft_names(value.split_ascii_whitespace())
                    .map_err(|problem| ModuleFault::Field { offset: 0, problem, text: value.to_owned() })?;
                Ok(Softdep { before, after })
            };
        self.fields.all("softdep").map(parse).collect()
    }

    /// What it must have in common with the kernel: the release, and words such as `SMP` and `mod_unload`.
    #[must_use]
    pub fn vermagic(&self) -> Option<&str> {
        self.fields.get("vermagic")
    }

    /// Release of the kernel that it was built for: the first word of [`vermagic`](Self::vermagic).
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.vermagic()?.split_ascii_whitespace().next()
    }

    /// Its licence, in the kernel's words: `GPL`, `Dual BSD/GPL`, `Proprietary`.
    #[must_use]
    pub fn license(&self) -> Option<&str> {
        self.fields.get("license")
    }

    /// Paths below `/lib/firmware` of files that it may ask for; some are patterns.
    pub fn firmware(&self) -> impl Iterator<Item = &str> {
        self.fields.all("firmware")
    }

    /// The processor it is for; `None` for one that has no name here.
    #[must_use]
    pub fn machine(&self) -> Option<Machine> {
        Machine::from_elf(self.elf)
    }

    /// The processor it is for, as the ELF header has it (`e_machine`).
    #[must_use]
    pub fn elf_machine(&self) -> u16 {
        self.elf.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::made;

    const X86_64: ElfMachine = ElfMachine { number: 62, is_64_bit: true, is_big_endian: false };

    #[test]
    fn a_module_describes_itself() {
        let info = ModuleInfo::parse(&made::elf(
            X86_64,
            ".modinfo",
            b"name=a-b\0depends=c-d,,e\0alias=x\0softdep=pre: f post: g\0firmware=q.bin\0\0vermagic=6.1.0-x SMP \0",
        ))
        .unwrap();
        assert_eq!(info.name().as_deref(), Some("a_b"));
        assert_eq!(info.depends(), ["c_d", "e"]);
        assert_eq!(info.softdeps().unwrap(), [Softdep { before: vec!["f".into()], after: vec!["g".into()] }]);
        assert_eq!((info.vermagic(), info.release()), (Some("6.1.0-x SMP "), Some("6.1.0-x")));
        assert_eq!(info.firmware().collect::<Vec<_>>(), ["q.bin"]);
        assert_eq!(info.machine(), Some(Machine::X86_64));
        assert_eq!((info.license(), &info.signature), (None, &None));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        for (bytes, words) in [
            (made::elf(X86_64, ".text", b""), "no section .modinfo"),
            (made::elf(X86_64, ".modinfo", b"license\0"), "byte 0 of the section .modinfo has a string"),
            (b"\x7fELF".to_vec(), "byte 4 of the ELF file has a class"),
        ] {
            let error = ModuleInfo::parse(&bytes).unwrap_err();
            assert!(error.to_string().contains(words), "{error}, not {words}");
        }
    }
}
