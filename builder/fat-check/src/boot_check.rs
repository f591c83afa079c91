//! What the boot sector has to say besides the geometry, and its copy.

use crate::boot::{self, BootSector, Fat32Fields, STATE_FAT32, field_at};
use crate::device::Device;
use crate::geometry::Geometry;
use crate::{CheckError, Finding, Report};

const NAME: &str = "boot sector";

/// Says what is wrong with the fields that nothing else depends on.
pub(crate) fn check(boot: &BootSector, report: &mut Report) {
    if boot.signature != [0x55, 0xAA] {
        let [first, second] = boot.signature;
        report.push(
            Finding::error(NAME, "signature", format!("{first:02x} {second:02x}"), "55 aa at byte 510")
                .hint("without it some firmware does not take this for a file system"),
        );
    }
    if !matches!(boot.jump, [0xEB, _, 0x90] | [0xE9, _, _]) {
        let [a, b, c] = boot.jump;
        report.push(
            Finding::error(NAME, "jump", format!("{a:02x} {b:02x} {c:02x}"), "eb .. 90 or e9 .. ..")
                .hint("some firmware and Windows do not mount it then"),
        );
    }
    if boot.fats > 2 {
        report.push(Finding::warning(NAME, "number of FATs", boot.fats, "1 or 2"));
    }
    if !matches!(boot.media, 0xF0 | 0xF8..=0xFF) {
        let found = format!("{:#04x}", boot.media);
        report.push(Finding::error(NAME, "media", found, "0xf0, or 0xf8 to 0xff"));
    }
    if boot.total_sectors_16 != 0
        && boot.total_sectors_32 != 0
        && boot.total_sectors_32 != u32::from(boot.total_sectors_16)
    {
        report.push(Finding::error(
            NAME,
            "total sectors (32 bits)",
            boot.total_sectors_32,
            format!("0, as the field of 16 bits says {}", boot.total_sectors_16),
        ));
    }
    if boot.state & 1 == 1 {
        report.push(
            Finding::warning(NAME, "state", "in use", "clean").hint("it was not unmounted; files may be incomplete"),
        );
    }
    check_extended(boot, report);
    match &boot.fat32 {
        Some(fields) => check_fat32(boot, fields, report),
        None => {
            let per_sector = boot.bytes_per_sector / 32;
            if per_sector != 0 && !boot.root_entries.is_multiple_of(per_sector) {
                let expected = format!("a multiple of {per_sector}, which fill a sector");
                report.push(Finding::warning(NAME, "root entries", boot.root_entries, expected));
            }
        }
    }
}

fn check_extended(boot: &BootSector, report: &mut Report) {
    if boot.extended_signature != 0x29 {
        // 0x28 is an older form, of which only the serial number is there.
        if boot.extended_signature != 0x28 {
            let found = format!("{:#04x}", boot.extended_signature);
            report.push(Finding::warning(NAME, "extended boot signature", found, "0x29"));
        }
        return;
    }
    let text = boot.type_text.trim_ascii_end();
    let expected: &[&[u8]] = if boot.fat32.is_some() { &[b"FAT32"] } else { &[b"FAT12", b"FAT16", b"FAT"] };
    if !expected.contains(&text) {
        report.push(Finding::warning(
            NAME,
            "type text",
            format!("\"{}\"", text.escape_ascii()),
            if boot.fat32.is_some() { "\"FAT32\"" } else { "\"FAT12\", \"FAT16\" or \"FAT\"" },
        ));
    }
}

fn check_fat32(boot: &BootSector, fields: &Fat32Fields, report: &mut Report) {
    if boot.root_entries != 0 {
        report.push(Finding::error(NAME, "root entries", boot.root_entries, "0 with FAT32"));
    }
    if boot.total_sectors_16 != 0 {
        let found = boot.total_sectors_16;
        report.push(Finding::error(NAME, "total sectors (16 bits)", found, "0 with FAT32"));
    }
    if fields.version != 0 {
        let (major, minor) = (fields.version >> 8, fields.version & 0xFF);
        report.push(
            Finding::error(NAME, "version", format!("{major}.{minor}"), "0.0").hint("Linux and Windows refuse it"),
        );
    }
    if !fields.reserved_is_zero {
        report.push(Finding::warning(NAME, "reserved bytes", "not zero", "zeros from byte 52 to 63"));
    }
    let active = fields.flags & 0xF;
    if fields.flags & 0x80 != 0 && active >= u16::from(boot.fats) {
        let expected = format!("a FAT in use below {}", boot.fats);
        report.push(Finding::error(NAME, "flags", format!("{:#06x}", fields.flags), expected));
    }
}

/// Which FAT counts, from 0, and whether the others are copies of it.
pub(crate) fn active_fat(boot: &BootSector) -> (u8, bool) {
    let Some(fields) = &boot.fat32 else { return (0, true) };
    if fields.flags & 0x80 == 0 {
        return (0, true);
    }
    // At most 15; a number of no FAT is a finding of the fields.
    let active = u8::try_from(fields.flags & 0xF).unwrap_or(0);
    (if active < boot.fats { active } else { 0 }, false)
}

/// Compares the boot sector with its copy, which FAT32 has.
pub(crate) fn check_backup(
    device: &Device<'_>,
    geometry: &Geometry,
    fields: &Fat32Fields,
    original: &[u8; boot::SIZE],
    report: &mut Report,
) -> Result<(), CheckError> {
    const HINT: &str = "fsck.fat can copy the boot sector to its backup";
    let sector = fields.backup_sector;
    if sector == 0 || sector == u16::MAX {
        report.push(Finding::warning(NAME, "backup boot sector", "none", "a sector of the reserved ones, as a rule 6"));
        return Ok(());
    }
    if sector >= geometry.reserved_sectors {
        let expected = format!("a sector of the {} reserved ones, as a rule 6", geometry.reserved_sectors);
        report.push(Finding::error(NAME, "backup boot sector", format!("sector {sector}"), expected));
        return Ok(());
    }
    let mut copy = [0; boot::SIZE];
    device.read("backup boot sector", u64::from(sector) * geometry.sector, &mut copy)?;
    if copy[boot::SIZE - 2..] != [0x55, 0xAA] {
        let finding = Finding::warning("backup boot sector", "signature", "missing", "55 aa at byte 510");
        report.push(finding.hint(HINT));
        return Ok(());
    }
    // Who mounts it marks the first one only.
    let differs = (0..boot::SIZE).find(|&byte| byte != STATE_FAT32 && copy[byte] != original[byte]);
    if let Some(byte) = differs {
        report.push(
            Finding::warning(
                "backup boot sector",
                field_at(byte, true),
                format!("{:#04x} at byte {byte}", copy[byte]),
                format!("{:#04x}, as the boot sector has it", original[byte]),
            )
            .hint(HINT),
        );
    }
    Ok(())
}
