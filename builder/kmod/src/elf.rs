//! As much of ELF files as modules need: the machine and a section by its name.
//!
//! Source: System V ABI, chapter 4 "Object Files".

use crate::machine::ElfMachine;

/// `e_ident` up to the class.
const MAGIC: &[u8] = b"\x7fELF";
/// `ET_REL`: modules are linked when they are loaded.
const RELOCATABLE: u16 = 1;
/// `SHT_NOBITS`: a section without bytes in the file.
const NO_BITS: u32 = 8;

/// A relocatable ELF file.
#[derive(Debug)]
pub(crate) struct Elf<'a> {
    bytes: &'a [u8],
    pub(crate) machine: ElfMachine,
    layout: Layout,
    /// Where the section headers begin, in bytes.
    headers_offset: u64,
    headers: u16,
    /// Number of the section with the sections' names.
    names: u16,
}

/// Where fields are, in bytes. The two classes differ in the size of addresses.
#[derive(Debug, Clone, Copy)]
struct Layout {
    word_bytes: usize,
    /// Of the file's header.
    e_shoff: usize,
    e_shentsize: usize,
    e_shnum: usize,
    e_shstrndx: usize,
    header_bytes: usize,
    /// Of a section's header.
    sh_offset: usize,
    sh_size: usize,
    section_header_bytes: u16,
}

const ELF32: Layout = Layout {
    word_bytes: 4,
    e_shoff: 32,
    e_shentsize: 46,
    e_shnum: 48,
    e_shstrndx: 50,
    header_bytes: 52,
    sh_offset: 16,
    sh_size: 20,
    section_header_bytes: 40,
};

const ELF64: Layout = Layout {
    word_bytes: 8,
    e_shoff: 40,
    e_shentsize: 58,
    e_shnum: 60,
    e_shstrndx: 62,
    header_bytes: 64,
    sh_offset: 24,
    sh_size: 32,
    section_header_bytes: 64,
};

/// What is wrong, and the byte of the file at which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ElfFault {
    pub(crate) offset: u64,
    /// As a verb and its object.
    pub(crate) problem: &'static str,
}

fn fault(offset: u64, problem: &'static str) -> ElfFault {
    ElfFault { offset, problem }
}

impl<'a> Elf<'a> {
    /// Whether the bytes begin as an ELF file.
    pub(crate) fn is_magic(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, ElfFault> {
        if !Self::is_magic(bytes) {
            return Err(fault(0, "is not the begin of an ELF file"));
        }
        let (layout, is_64_bit) = match bytes.get(4) {
            Some(1) => (ELF32, false),
            Some(2) => (ELF64, true),
            _ => return Err(fault(4, "has a class that is neither 32 nor 64 bits")),
        };
        let is_big_endian = match bytes.get(5) {
            Some(1) => false,
            Some(2) => true,
            _ => return Err(fault(5, "has a byte order that is neither little nor big")),
        };
        if bytes.len() < layout.header_bytes {
            return Err(fault(0, "has a header that is cut off"));
        }
        let machine = ElfMachine { number: 0, is_64_bit, is_big_endian };
        let mut elf = Self { bytes, machine, layout, headers_offset: 0, headers: 0, names: 0 };
        elf.machine.number = elf.half(18)?;
        if elf.half(16)? != RELOCATABLE {
            return Err(fault(16, "has another type than a relocatable file"));
        }
        if elf.half(layout.e_shentsize)? != layout.section_header_bytes {
            return Err(fault(layout.e_shentsize as u64, "has another size of section headers"));
        }
        elf.headers_offset = elf.word(layout.e_shoff)?;
        elf.headers = elf.half(layout.e_shnum)?;
        elf.names = elf.half(layout.e_shstrndx)?;
        let length = u64::from(elf.headers) * u64::from(layout.section_header_bytes);
        if elf.headers == 0 || elf.headers_offset.checked_add(length).is_none_or(|end| end > bytes.len() as u64) {
            return Err(fault(layout.e_shoff as u64, "has section headers outside of the file"));
        }
        Ok(elf)
    }

    /// The bytes of the first section of that name.
    pub(crate) fn section(&self, name: &str) -> Result<Option<&'a [u8]>, ElfFault> {
        if self.names >= self.headers {
            return Err(fault(self.layout.e_shstrndx as u64, "has no section with the sections' names"));
        }
        let names = self.bytes_of(self.names)?;
        for number in 0..self.headers {
            let at = self.header_at(number)?;
            let begin = usize::try_from(self.number(at)?).unwrap_or(usize::MAX);
            let is_it = names
                .get(begin..)
                .and_then(|rest| rest.strip_prefix(name.as_bytes()))
                .is_some_and(|rest| rest.first() == Some(&0));
            if is_it {
                return self.bytes_of(number).map(Some);
            }
        }
        Ok(None)
    }

    /// Where a section's header begins. All headers are inside of the file, which `parse` has seen to.
    fn header_at(&self, number: u16) -> Result<usize, ElfFault> {
        let below = u64::from(number) * u64::from(self.layout.section_header_bytes);
        let at = self.headers_offset.saturating_add(below);
        usize::try_from(at).map_err(|_| fault(at, "is behind the end of the file"))
    }

    fn bytes_of(&self, number: u16) -> Result<&'a [u8], ElfFault> {
        let at = self.header_at(number)?;
        if self.number(at + 4)? == NO_BITS {
            return Ok(&[]);
        }
        let offset = usize::try_from(self.word(at + self.layout.sh_offset)?).ok();
        let size = usize::try_from(self.word(at + self.layout.sh_size)?).ok();
        let section = offset.zip(size).and_then(|(offset, size)| self.bytes.get(offset..)?.get(..size));
        section.ok_or(fault(at as u64, "has the header of a section that is outside of the file"))
    }

    fn half(&self, at: usize) -> Result<u16, ElfFault> {
        let bytes = self.array(at)?;
        Ok(if self.machine.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn number(&self, at: usize) -> Result<u32, ElfFault> {
        let bytes = self.array(at)?;
        Ok(if self.machine.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// A number as large as an address.
    fn word(&self, at: usize) -> Result<u64, ElfFault> {
        if self.layout.word_bytes == 4 {
            return self.number(at).map(u64::from);
        }
        let bytes = self.array(at)?;
        Ok(if self.machine.is_big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], ElfFault> {
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        bytes.copied().ok_or(fault(at as u64, "is behind the end of the file"))
    }
}

/// Writes ELF files to read in tests.
#[cfg(test)]
pub(crate) mod made {
    use crate::machine::ElfMachine;

    /// A relocatable file with one section, and the one with the names.
    pub(crate) fn elf(machine: ElfMachine, name: &str, section: &[u8]) -> Vec<u8> {
        let number = |bytes: &mut Vec<u8>, value: u64, size: usize| {
            if machine.is_big_endian {
                bytes.extend(&value.to_be_bytes()[8 - size..]);
            } else {
                bytes.extend(&value.to_le_bytes()[..size]);
            }
        };
        let (word, header, section_header) = if machine.is_64_bit { (8, 64, 64) } else { (4, 52, 40) };
        let names = format!("\0{name}\0.shstrtab\0");
        let names_at = header + section.len();
        let headers_at = names_at + names.len();
        let mut bytes = b"\x7fELF".to_vec();
        bytes.push(if machine.is_64_bit { 2 } else { 1 });
        bytes.push(if machine.is_big_endian { 2 } else { 1 });
        bytes.resize(16, 0);
        number(&mut bytes, 1, 2);
        number(&mut bytes, u64::from(machine.number), 2);
        number(&mut bytes, 1, 4);
        number(&mut bytes, 0, word); // e_entry
        number(&mut bytes, 0, word); // e_phoff
        number(&mut bytes, headers_at as u64, word);
        number(&mut bytes, 0, 4); // e_flags
        for value in [header, 0, 0, section_header, 3, 2] {
            number(&mut bytes, value as u64, 2);
        }
        assert_eq!(bytes.len(), header);
        bytes.extend(section);
        bytes.extend(names.as_bytes());
        bytes.resize(bytes.len() + section_header, 0);
        for (name_at, kind, at, size) in [(1, 1, header, section.len()), (name.len() + 2, 3, names_at, names.len())] {
            number(&mut bytes, name_at as u64, 4);
            number(&mut bytes, kind, 4);
            number(&mut bytes, 0, word); // sh_flags
            number(&mut bytes, 0, word); // sh_addr
            number(&mut bytes, at as u64, word);
            number(&mut bytes, size as u64, word);
            number(&mut bytes, 0, 4); // sh_link
            number(&mut bytes, 0, 4); // sh_info
            number(&mut bytes, 1, word); // sh_addralign
            number(&mut bytes, 0, word); // sh_entsize
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn machines() -> impl Iterator<Item = ElfMachine> {
        [(true, false), (true, true), (false, false), (false, true)]
            .into_iter()
            .map(|(is_64_bit, is_big_endian)| ElfMachine { number: 0x1234, is_64_bit, is_big_endian })
    }

    #[test]
    fn sections_are_found_in_both_classes_and_orders() {
        for machine in machines() {
            let bytes = made::elf(machine, ".modinfo", b"license=GPL\0");
            let elf = Elf::parse(&bytes).unwrap();
            assert_eq!(elf.machine, machine);
            assert_eq!(elf.section(".modinfo").unwrap(), Some(&b"license=GPL\0"[..]));
            assert_eq!(elf.section(".mod").unwrap(), None);
            assert_eq!(elf.section("strtab").unwrap(), None);
        }
    }

    #[test]
    fn damage_is_named_where_it_is() {
        let machine = ElfMachine { number: 62, is_64_bit: true, is_big_endian: false };
        let whole = made::elf(machine, ".modinfo", b"a=b\0");
        let headers_at = whole.len() - 3 * 64;
        for (at, bytes, words) in [
            (0, &b"\x7fELG"[..], "not the begin"),
            (4, &[3], "a class"),
            (5, &[0], "a byte order"),
            (16, &[2, 0], "another type"),
            (58, &[40, 0], "another size"),
            (40, &[0xff; 8], "section headers outside"),
            (60, &[0, 0], "section headers outside"),
            (60, &[4, 0], "section headers outside"),
            (62, &[3, 0], "no section with the sections' names"),
            (headers_at + 64 + 24, &[0xff; 8], "a section that is outside"),
            (headers_at + 64 + 32, &[0xff; 8], "a section that is outside"),
            (headers_at + 128 + 32, &[0xff; 8], "a section that is outside"),
        ] {
            let mut damaged = whole.clone();
            damaged[at..at + bytes.len()].copy_from_slice(bytes);
            let found = Elf::parse(&damaged).and_then(|elf| elf.section(".modinfo").map(drop)).unwrap_err();
            assert!(found.problem.contains(words), "{found:?}, not {words}");
        }
        assert!(Elf::parse(&whole[..63]).unwrap_err().problem.contains("cut off"));
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(which in 0..4_usize, at in 0..300_usize, bytes: [u8; 4], cut in 0..400_usize) {
            let machine = machines().nth(which).unwrap();
            let mut elf = made::elf(machine, ".modinfo", b"a=b\0c=d\0");
            let at = at.min(elf.len() - 4);
            elf[at..at + 4].copy_from_slice(&bytes);
            elf.truncate(cut);
            if let Ok(elf) = Elf::parse(&elf) {
                let _ = elf.section(".modinfo");
            }
        }
    }
}
