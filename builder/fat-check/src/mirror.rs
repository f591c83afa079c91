//! The first two entries of the table, and whether its copies are the same.

use crate::boot::BootSector;
use crate::device::Device;
use crate::geometry::{FatKind, Geometry};
use crate::table::Table;
use crate::{CheckError, Finding, Report};

/// Bytes compared at a time.
const CHUNK: u64 = 64 << 10;

/// Names the first cluster in which each further FAT differs from the first.
pub(crate) fn compare(device: Device<'_>, geometry: &Geometry, report: &mut Report) -> Result<(), CheckError> {
    // Only as far as there are clusters: what is behind has no meaning.
    let entries = u64::from(geometry.clusters) + 2;
    let length = (entries * geometry.kind.bits()).div_ceil(8).min(geometry.fat_bytes);
    for fat in 1..geometry.fats {
        let Some(byte) = first_difference(device, geometry, u64::from(fat) * geometry.fat_bytes, length)? else {
            continue;
        };
        let cluster = u32::try_from(byte * 8 / geometry.kind.bits()).unwrap_or(u32::MAX);
        let (mut first, mut other) = (Table::new(device, geometry, 0), Table::new(device, geometry, fat));
        // Two entries of FAT12 share a byte.
        let mut cluster = cluster.min(geometry.last_cluster());
        if geometry.kind == FatKind::Fat12 && first.get(cluster)? == other.get(cluster)? {
            cluster = (cluster + 1).min(geometry.last_cluster());
        }
        let (expected, found) = (first.get(cluster)?, other.get(cluster)?);
        if found == expected {
            // Four bits of an entry of FAT32 have no meaning.
            let field = format!("upper bits of the entry of cluster {cluster}");
            report.push(Finding::warning(format!("FAT {}", fat + 1), field, "not those of FAT 1", "the same"));
            continue;
        }
        report.push(
            Finding::error(
                format!("FAT {}", fat + 1),
                format!("entry of cluster {cluster}"),
                format!("{found:#x}"),
                format!("{expected:#x}, as FAT 1 has it"),
            )
            .hint("this is the first difference; which of the two is right has to be found out by the files"),
        );
    }
    Ok(())
}

fn first_difference(
    device: Device<'_>,
    geometry: &Geometry,
    distance: u64,
    length: u64,
) -> Result<Option<u64>, CheckError> {
    let mut done = 0;
    while done < length {
        let now = (length - done).min(CHUNK);
        // At most 64 KiB.
        let mut first = vec![0; usize::try_from(now).unwrap_or(0)];
        let mut other = first.clone();
        device.read("FAT", geometry.fat_start + done, &mut first)?;
        device.read("FAT", geometry.fat_start + distance + done, &mut other)?;
        if let Some(at) = first.iter().zip(&other).position(|(first, other)| first != other) {
            return Ok(Some(done + at as u64));
        }
        done += now;
    }
    Ok(None)
}

/// Checks entries 0 and 1, which belong to no cluster.
pub(crate) fn check_first_entries(
    boot: &BootSector,
    geometry: &Geometry,
    table: &mut Table<'_>,
    name: &str,
    report: &mut Report,
) -> Result<(), CheckError> {
    // All ones; then the bits that are cleared while the file system is in use, and after a read error.
    let (ones, in_use, failed) = match geometry.kind {
        FatKind::Fat12 => (0xFFF, 0, 0),
        FatKind::Fat16 => (0xFFFF, 1 << 15, 1 << 14),
        FatKind::Fat32 => (0x0FFF_FFFF, 1 << 27, 1 << 26),
    };
    let expected = ones & !0xFF | u32::from(boot.media);
    let found = table.get(0)?;
    if found != expected {
        report.push(Finding::error(
            name,
            "entry 0",
            format!("{found:#x}"),
            format!("{expected:#x}, whose last byte is the media byte of the boot sector"),
        ));
    }
    let found = table.get(1)?;
    if found | in_use | failed | 7 != ones {
        report.push(Finding::error(name, "entry 1", format!("{found:#x}"), format!("{ones:#x}, an end of a chain")));
        return Ok(());
    }
    if found & in_use != in_use {
        report.push(
            Finding::warning(name, "clean bit of entry 1", "clear", "set")
                .hint("it was not unmounted; files may be incomplete"),
        );
    }
    if found & failed != failed {
        report.push(Finding::warning(name, "error bit of entry 1", "clear", "set").hint("a driver met a read error"));
    }
    Ok(())
}
