//! Partition tables beside the file system: UEFI 2.10, chapter 5.
//!
//! They are not those of a disk: partitions follow the blocks of the disc, not multiples of 1 MiB, and one of them is the
//! file system in whose first 32 KiB, which ISO 9660 leaves to others, the tables lie.

use uuid::{Uuid, uuid};

use crate::number::put;
use crate::{BootCode, Hybrid, IsoError};

/// Bytes of a sector.
pub(crate) const SECTOR: usize = 512;
/// Bytes of the first sector that are boot code.
const BOOT_CODE: usize = 440;
/// Where GRUB's boot code has the sector to load, and how many sectors behind the begin of the boot image that is.
const GRUB_SECTOR: usize = 432;
const GRUB_SECTORS: u64 = 4;
/// Entries of the table, and the bytes of one.
const ENTRIES: u32 = 128;
const ENTRY: usize = 128;
/// Sectors of all entries.
const ENTRY_SECTORS: u64 = 32;
/// Sectors that the backup takes at the end.
const BACKUP_SECTORS: u64 = ENTRY_SECTORS + 1;
/// First sector behind the table.
const FIRST_USABLE: u64 = 2 + ENTRY_SECTORS;

/// Data that Windows shows as a drive. There is no type for ISO 9660; this is the one that is in use for it.
const BASIC_DATA: Uuid = uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
const ESP: Uuid = uuid!("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
/// UEFI 2.10, table 5-8, and the type's own bit 60: the medium needs it, and nobody writes to it.
const REQUIRED_READ_ONLY: u64 = 1 << 60 | 1;

/// Some sectors: the first, and the last.
pub(crate) type Sectors = (u64, u64);

/// Checks what was given.
pub(crate) fn check(hybrid: &Hybrid, has_esp: bool, has_bios: bool) -> Result<(), IsoError> {
    let mut known: Vec<Uuid> = Vec::new();
    for (what, guid, used) in
        [("disk", hybrid.disk, true), ("data partition", hybrid.data, true), ("ESP", hybrid.esp, has_esp)]
    {
        let reason = match guid {
            _ if !used => None,
            guid if guid.is_nil() => Some("identifies nothing"),
            guid if known.contains(&guid) => Some("something else has already"),
            _ => None,
        };
        if let Some(reason) = reason {
            return Err(IsoError::Guid { what, guid, reason });
        }
        known.push(guid);
    }
    let limit = BOOT_CODE;
    match &hybrid.boot_code {
        Some(BootCode::Plain(code)) if code.len() > limit => {
            Err(IsoError::BootCodeLength { length: code.len(), limit, word: "at most" })
        }
        Some(BootCode::Grub(code)) if code.len() < limit => {
            Err(IsoError::BootCodeLength { length: code.len(), limit, word: "at least" })
        }
        Some(BootCode::Grub(_)) if !has_bios => Err(IsoError::BootCodeAlone),
        _ => Ok(()),
    }
}

/// The first 34 sectors and the last 33 of a medium of `sectors`. `bios` is the first sector of the boot image.
pub(crate) fn tables(
    hybrid: &Hybrid,
    sectors: u64,
    data: Sectors,
    esp: Option<Sectors>,
    bios: Option<u64>,
) -> [Vec<u8>; 2] {
    let mut entries = vec![0; ENTRY * ENTRIES as usize];
    put(&mut entries, 0, &entry(BASIC_DATA, hybrid.data, data, REQUIRED_READ_ONLY, "ISO9660"));
    if let Some(esp) = esp {
        put(&mut entries, ENTRY, &entry(ESP, hybrid.esp, esp, 0, "EFI-SYSTEM"));
    }
    let last = sectors - 1;
    let backup = sectors - BACKUP_SECTORS;
    let first = header(hybrid.disk, &entries, sectors, [1, last, 2]);
    let second = header(hybrid.disk, &entries, sectors, [last, 1, backup]);
    [[&mbr(hybrid, sectors, bios), &first, entries.as_slice()].concat(), [entries.as_slice(), &second].concat()]
}

/// The protective MBR of UEFI 2.10, section 5.2.3, with boot code where there is some.
fn mbr(hybrid: &Hybrid, sectors: u64, bios: Option<u64>) -> [u8; SECTOR] {
    let mut mbr = [0; SECTOR];
    match &hybrid.boot_code {
        None => {}
        Some(BootCode::Plain(code)) => put(&mut mbr, 0, code),
        Some(BootCode::Grub(code)) => {
            put(&mut mbr, 0, &code[..BOOT_CODE]);
            let sector = bios.map_or(0, |sector| sector + GRUB_SECTORS);
            put(&mut mbr, GRUB_SECTOR, &sector.to_le_bytes());
        }
    }
    let protective = [0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0];
    put(&mut mbr, 446, &protective);
    put(&mut mbr, 458, &u32::try_from(sectors - 1).unwrap_or(u32::MAX).to_le_bytes());
    if hybrid.boot_code.is_some() {
        // Active, of type 0: the sector 0 alone. The protective entry itself may not be active.
        put(&mut mbr, 462, &[0x80, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    }
    put(&mut mbr, 510, &[0x55, 0xAA]);
    mbr
}

/// UEFI 2.10, table 5-5. `places` are those of this header, of the other one and of its entries.
fn header(disk: Uuid, entries: &[u8], sectors: u64, places: [u64; 3]) -> [u8; SECTOR] {
    const USED: usize = 92;
    let [own, other, table] = places;
    let mut header = [0; SECTOR];
    put(&mut header, 0, b"EFI PART");
    put(&mut header, 8, &0x1_0000_u32.to_le_bytes());
    put(&mut header, 12, &92_u32.to_le_bytes());
    put(&mut header, 24, &own.to_le_bytes());
    put(&mut header, 32, &other.to_le_bytes());
    put(&mut header, 40, &FIRST_USABLE.to_le_bytes());
    put(&mut header, 48, &(sectors - BACKUP_SECTORS - 1).to_le_bytes());
    put(&mut header, 56, &disk.to_bytes_le());
    put(&mut header, 72, &table.to_le_bytes());
    put(&mut header, 80, &ENTRIES.to_le_bytes());
    put(&mut header, 84, &128_u32.to_le_bytes());
    put(&mut header, 88, &crc32(entries).to_le_bytes());
    let sum = crc32(&header[..USED]);
    put(&mut header, 16, &sum.to_le_bytes());
    header
}

/// UEFI 2.10, table 5-6. `name` has at most 36 characters of ASCII.
fn entry(kind: Uuid, guid: Uuid, (first, last): Sectors, attributes: u64, name: &str) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    put(&mut entry, 0, &kind.to_bytes_le());
    put(&mut entry, 16, &guid.to_bytes_le());
    put(&mut entry, 32, &first.to_le_bytes());
    put(&mut entry, 40, &last.to_le_bytes());
    put(&mut entry, 48, &attributes.to_le_bytes());
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(&mut entry, 56, &name);
    entry
}

/// The CRC of ISO 3309 that UEFI uses. Bit by bit: 16 KiB, four times an image.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xEDB8_8320;
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_crc_is_that_of_its_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
