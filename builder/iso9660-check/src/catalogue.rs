//! The boot catalogue: El Torito 1.0, section 2, and UEFI 2.10, section 13.3.2.

use std::fmt;

use crate::bytes::{u16_at, u32_at};
use crate::device::Device;
use crate::{BLOCK, CheckError, Finding, Report, boot_info};

/// Bytes of an entry.
const ENTRY: usize = 32;
/// Bytes that are looked at: more entries than any image has.
const SIZE: usize = 2048;
const BOOTABLE: u8 = 0x88;
/// A section, and the last one.
const SECTION: u8 = 0x90;
const LAST_SECTION: u8 = 0x91;
/// Another 32 bytes that belong to the entry before them.
const EXTENSION: u8 = 0x44;

/// Who starts a boot image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Platform {
    /// A BIOS.
    Bios,
    /// UEFI: the image is a FAT file system.
    Efi,
    /// Another, by its number.
    Other(u8),
}

impl From<u8> for Platform {
    fn from(number: u8) -> Self {
        match number {
            0 => Self::Bios,
            0xEF => Self::Efi,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bios => f.write_str("BIOS"),
            Self::Efi => f.write_str("UEFI"),
            Self::Other(number) => write!(f, "platform {number:#04x}"),
        }
    }
}

/// What firmware may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootImage {
    /// Its place among the boot images, from 1.
    pub number: usize,
    /// Who starts it.
    pub platform: Platform,
    /// Whether it is marked as bootable.
    pub is_bootable: bool,
    /// Its first byte in the image.
    pub offset: u64,
    /// Bytes that are loaded, or reach to the end of the image where that is not said; all of them are in it.
    pub size: u64,
}

/// Reads the catalogue in block `block`.
pub(crate) fn read(device: &Device<'_>, block: u32, report: &mut Report) -> Result<(), CheckError> {
    const NAME: &str = "boot catalogue";
    if !device.has(block, SIZE as u64) {
        let expected = format!("a block of the image, which has {}", device.bytes() / BLOCK);
        report.push(Finding::error("boot record", "boot catalogue's block", block, expected));
        return Ok(());
    }
    let bytes = device.bytes_of(NAME, block, SIZE)?;
    if bytes[0] != 1 {
        report.push(Finding::error(NAME, "header of the validation entry", bytes[0], 1));
        return Ok(());
    }
    if bytes[30..32] != [0x55, 0xAA] {
        let found = format!("{:02x} {:02x}", bytes[30], bytes[31]);
        report.push(Finding::error(NAME, "key of the validation entry", found, "55 aa"));
    }
    let sum = (0..ENTRY).step_by(2).fold(0_u16, |sum, at| sum.wrapping_add(u16_at(&bytes, at)));
    if sum != 0 {
        let expected = "0, to which all words of the validation entry add up";
        report.push(Finding::error(NAME, "checksum", format!("{sum:#06x}"), expected));
    }
    let mut entries: Vec<(Platform, &[u8])> = vec![(bytes[1].into(), &bytes[ENTRY..2 * ENTRY])];
    let mut at = 2 * ENTRY;
    while at < SIZE && matches!(bytes[at], SECTION | LAST_SECTION) {
        let (is_last, platform) = (bytes[at] == LAST_SECTION, bytes[at + 1].into());
        let count = u16_at(&bytes, at + 2);
        at += ENTRY;
        for _ in 0..count {
            while at < SIZE && bytes[at] == EXTENSION {
                at += ENTRY;
            }
            let Some(entry) = bytes.get(at..at + ENTRY) else {
                report.push(Finding::error(NAME, "entries of a section", count, "no more than the catalogue has"));
                break;
            };
            entries.push((platform, entry));
            at += ENTRY;
        }
        if is_last {
            break;
        }
    }
    for (number, (platform, entry)) in (1..).zip(entries) {
        image(device, number, platform, entry, report)?;
    }
    Ok(())
}

fn image(
    device: &Device<'_>,
    number: usize,
    platform: Platform,
    entry: &[u8],
    report: &mut Report,
) -> Result<(), CheckError> {
    let name = format!("boot catalogue, entry {number} ({platform})");
    if !matches!(entry[0], 0 | BOOTABLE) {
        report.push(Finding::error(&name, "boot indicator", format!("{:#04x}", entry[0]), "0x88, or 0x00"));
    }
    let media = entry[1] & 0xF;
    if media > 4 {
        report.push(Finding::error(&name, "media type", media, "0 to 4"));
    }
    let (sectors, block) = (u16_at(entry, 6), u32_at(entry, 8));
    let offset = u64::from(block) * BLOCK;
    let rest = device.bytes().saturating_sub(offset);
    let size = match (platform, media) {
        // UEFI 2.10, section 13.3.2.1: 0 and 1 mean up to the end; and no more than 65,535 can be counted.
        (Platform::Efi, _) if matches!(sectors, 0 | 1 | u16::MAX) => rest.max(1),
        (_, 1) => 1_228_800,
        (_, 2) => 1_474_560,
        (_, 3) => 2_949_120,
        _ => u64::from(sectors) * 512,
    };
    if offset <= u64::from(crate::descriptor::FIRST) * BLOCK || size > rest {
        let found = format!("{size} bytes from block {block} on");
        let expected = format!("behind block 16 of the image, which ends with block {}", device.bytes() / BLOCK);
        report.push(Finding::error(name, "load range", found, expected));
        return Ok(());
    }
    if (platform, media) == (Platform::Bios, 0) {
        boot_info::check(device, block, &name, report)?;
    }
    report.boot_images.push(BootImage { number, platform, is_bootable: entry[0] == BOOTABLE, offset, size });
    Ok(())
}
