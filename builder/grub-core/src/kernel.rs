//! GRUB's kernel: an ELF program for 32 bits, as it lies in memory.

use crate::CoreError;
use crate::error::wrong;

/// The file.
pub(crate) const KERNEL: &str = "kernel.img";
/// Where it runs: GRUB, `include/grub/offsets.h`, `GRUB_KERNEL_I386_PC_LINK_ADDR`.
pub(crate) const LINK_ADDRESS: u32 = 0x9000;
/// The end of the memory for it, zeros included: `util/mkimage.c`.
const MEMORY_END: u32 = 0x68000;

/// ELF, "Object Files": a program for 386, of 32 bits, little end first.
const IDENTITY: &[u8] = b"\x7FELF\x01\x01";
const MACHINE_386: u16 = 3;
pub(crate) const RELOCATABLE: u16 = 1;
const EXECUTABLE: u16 = 2;
/// Bytes of a program header, and its type for what is loaded.
const PROGRAM_HEADER: usize = 32;
const LOAD: u32 = 1;
/// GRUB's kernel has two of them.
const MOST_PROGRAM_HEADERS: u16 = 16;

/// The first `N` bytes at `at`.
fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A little-endian number at byte `at`.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    field(bytes, at).map(u16::from_le_bytes)
}

/// A little-endian number at byte `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    field(bytes, at).map(u32::from_le_bytes)
}

/// Checks that a piece is ELF of the kind that it has to be: [`RELOCATABLE`] for modules.
pub(crate) fn check(piece: &str, bytes: &[u8], kind: u16) -> Result<(), CoreError> {
    if !bytes.starts_with(IDENTITY) {
        let begin = bytes.get(..IDENTITY.len().min(bytes.len())).unwrap_or_default();
        let expected = "ELF for 32 bits, little end first";
        return Err(wrong(piece, "its begin", format!("{:?}", begin.escape_ascii().to_string()), expected));
    }
    for (what, at, expected) in [("its type of ELF", 16, kind), ("its machine", 18, MACHINE_386)] {
        let found = u16_at(bytes, at);
        if found != Some(expected) {
            let found = found.map_or("missing".to_owned(), |found| found.to_string());
            return Err(wrong(piece, what, found, expected));
        }
    }
    Ok(())
}

/// What of the kernel is loaded to [`LINK_ADDRESS`]: everything but zeros at the end.
pub(crate) fn loaded(bytes: &[u8]) -> Result<Vec<u8>, CoreError> {
    check(KERNEL, bytes, EXECUTABLE)?;
    let cut = || wrong(KERNEL, "its length", bytes.len(), "more, for what its headers say");
    let at = |number: u32| usize::try_from(number).map_err(|_| cut());
    let table = at(u32_at(bytes, 28).ok_or_else(cut)?)?;
    let count = u16_at(bytes, 44).ok_or_else(cut)?;
    if count > MOST_PROGRAM_HEADERS {
        return Err(wrong(KERNEL, "its number of program headers", count, format!("at most {MOST_PROGRAM_HEADERS}")));
    }
    let mut memory = Vec::new();
    for number in 0..usize::from(count) {
        let start = table.saturating_add(number * PROGRAM_HEADER);
        let header = bytes.get(start..start.saturating_add(PROGRAM_HEADER)).ok_or_else(cut)?;
        let number = |at: usize| u32_at(header, at).unwrap_or_default();
        let [kind, offset, address, length, room] = [0, 4, 8, 16, 20].map(number);
        if kind != LOAD {
            continue;
        }
        let end = address.checked_add(room.max(length)).filter(|&end| end <= MEMORY_END);
        let (Some(place), Some(_)) = (address.checked_sub(LINK_ADDRESS), end) else {
            let found = format!("{} bytes from {address:#x} on", room.max(length));
            return Err(wrong(KERNEL, "a part of it", found, format!("{LINK_ADDRESS:#x} to {MEMORY_END:#x}")));
        };
        let (offset, length, place) = (at(offset)?, at(length)?, at(place)?);
        let part = bytes.get(offset..offset.saturating_add(length)).ok_or_else(cut)?;
        // Below the end of its memory.
        let end = place + length;
        if memory.len() < end {
            memory.resize(end, 0);
        }
        memory[place..end].copy_from_slice(part);
    }
    if memory.is_empty() {
        return Err(wrong(KERNEL, "what it loads", "nothing", "a program"));
    }
    Ok(memory)
}
