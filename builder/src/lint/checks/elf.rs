//! Programs for other machines.

use builder_tree::Node;

use crate::lint::check::{Check, Entry, Origin, Run, Severity, is_below};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static FOREIGN_ELF: Check = Check {
    name: "foreign-elf",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "There is a program, a library or a kernel module for another architecture",
    reason: "It cannot run on the machines that the image is made for; most often a file was copied from a build \
             stage of another platform",
    fix: "# build or download it for the image's platform, such as\nFROM --platform=$TARGETPLATFORM BUILDER",
    run: Run::Walk(foreign_elf),
};

/// Bytes of an ELF file up to the machine. System V ABI, "ELF Header".
const HEADER: usize = 20;

/// Where files for other processors are at home: firmware, boot loaders, what emulators run, debug symbols.
const ELSEWHERE: [&str; 8] = [
    "boot",
    "lib/firmware",
    "usr/lib/debug",
    "usr/lib/firmware",
    "usr/lib/gcc-cross",
    "usr/lib/grub",
    "usr/share",
    "var",
];

fn foreign_elf(subject: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    let Node::Leaf(inode) = entry.node else { return };
    let Some(content) = inode.content() else { return };
    if wanted(entry.path, inode.metadata.mode, content.size()) == 0 {
        return;
    }
    let is_module = entry.name().ends_with(b".ko");
    let mut header = [0; HEADER];
    let Some(elf) = Elf::parse(subject.head(content, &mut header)) else { return };
    // Objects to be linked are no programs, but for modules.
    if !(elf.is_linked || is_module) {
        return;
    }
    let Some(machine) = machine(elf.machine) else { return };
    let Some(accepted) = accepted(&subject.platform.architecture) else { return };
    let wrong_order = subject.platform.architecture == "ppc64le" && elf.big_endian;
    if wrong_order || !accepted.contains(&elf.machine) {
        let order = if wrong_order { " (big-endian)" } else { "" };
        findings.at(entry.path, format!("for {machine}{order}, but the image is for {}", subject.platform));
    }
}

/// How many of its first bytes are looked at.
pub(crate) fn wanted(path: &[u8], mode: u16, size: u64) -> usize {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let is_library = name.ends_with(b".so") || name.windows(4).any(|window| window == b".so.");
    let may_be_code = mode & 0o111 != 0 || is_library || name.ends_with(b".ko");
    if size >= HEADER as u64 && may_be_code && !is_below(path, &ELSEWHERE) && !is_cross(path) { HEADER } else { 0 }
}

/// Whether it belongs to a tool chain for another platform: `usr/aarch64-linux-gnu/…`.
fn is_cross(path: &[u8]) -> bool {
    let mut names = path.split(|&byte| byte == b'/');
    names.next() == Some(&b"usr"[..])
        && names.next().is_some_and(|name| name.windows(7).any(|window| window == b"-linux-"))
}

/// What the beginning of an ELF file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Elf {
    machine: u16,
    big_endian: bool,
    /// A program or a library (`ET_EXEC`, `ET_DYN`).
    is_linked: bool,
}

impl Elf {
    /// System V ABI, "ELF Header": 0x05 byte order, 0x10 type, 0x12 machine.
    fn parse(header: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER] = header.try_into().ok()?;
        if !header.starts_with(b"\x7fELF") {
            return None;
        }
        let big_endian = match header[5] {
            1 => false,
            2 => true,
            _ => return None,
        };
        let number = |at: usize| {
            let bytes = [header[at], header[at + 1]];
            if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
        };
        Some(Self { machine: number(18), big_endian, is_linked: matches!(number(16), 2 | 3) })
    }
}

/// Processors that run Linux. Others are those of graphics cards, controllers and virtual machines, whose code lies
/// about everywhere and is not meant for the image's processor.
fn machine(machine: u16) -> Option<&'static str> {
    Some(match machine {
        2 | 18 | 43 => "SPARC",
        3 => "x86 (32 bits)",
        4 => "m68k",
        8 | 10 => "MIPS",
        15 => "PA-RISC",
        20 => "PowerPC (32 bits)",
        21 => "PowerPC (64 bits)",
        22 => "s390",
        40 => "Arm (32 bits)",
        42 => "SuperH",
        50 => "Itanium",
        62 => "x86-64",
        183 => "Arm (64 bits)",
        243 => "RISC-V",
        258 => "LoongArch",
        0x9026 => "Alpha",
        _ => return None,
    })
}

/// Machines whose programs an architecture runs; `None` for one that is not known.
fn accepted(architecture: &str) -> Option<&'static [u16]> {
    let machines: &[u16] = match architecture {
        "386" => &[3],
        "amd64" => &[62, 3],
        "arm" => &[40],
        "arm64" => &[183, 40],
        "loong64" => &[258],
        "ppc64le" => &[21],
        "riscv64" => &[243],
        "s390x" => &[22],
        _ => return None,
    };
    Some(machines)
}

#[cfg(test)]
mod tests {
    use super::{Elf, is_cross};

    #[test]
    fn headers_are_read_in_their_own_byte_order() {
        let header = |order: u8, rest: [u8; 4]| {
            let mut header = [0; 20];
            header[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, order]);
            header[16..].copy_from_slice(&rest);
            header
        };
        let elf = |machine, big_endian, is_linked| Some(Elf { machine, big_endian, is_linked });
        assert_eq!(Elf::parse(&header(1, [3, 0, 62, 0])), elf(62, false, true));
        assert_eq!(Elf::parse(&header(2, [0, 2, 0, 22])), elf(22, true, true));
        assert_eq!(Elf::parse(&header(1, [1, 0, 183, 0])), elf(183, false, false));
        assert_eq!(Elf::parse(&header(3, [3, 0, 62, 0])), None);
        assert_eq!(Elf::parse(&header(1, [3, 0, 62, 0])[..19]), None);
        assert_eq!(Elf::parse(b"#!/bin/sh\n# longer than a header"), None);
    }

    #[test]
    fn tool_chains_for_other_platforms_are_where_they_belong() {
        for (path, cross) in [
            ("usr/aarch64-linux-gnu/lib/libc.so.6", true),
            ("usr/lib/aarch64-linux-gnu/libc.so.6", false),
            ("usr/bin/aarch64-linux-gnu-gcc", false),
            ("opt/aarch64-linux-gnu/lib/libc.so.6", false),
        ] {
            assert_eq!(is_cross(path.as_bytes()), cross, "{path}");
        }
    }
}
