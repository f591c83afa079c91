//! FSInfo, where FAT32 notes how much is free: Microsoft's FAT specification, section 5.

use crate::boot::Fat32Fields;
use crate::bytes::u32_at;
use crate::device::Device;
use crate::geometry::Geometry;
use crate::{CheckError, Finding, Report};

const NAME: &str = "FSInfo";
const SIZE: usize = 512;
/// Offsets of the three signatures, and what they are.
const SIGNATURES: [(usize, &str, u32); 3] = [
    (0, "lead signature", 0x4161_5252),
    (484, "structure signature", 0x6141_7272),
    (508, "trail signature", 0xAA55_0000),
];
/// In both fields: not known.
const UNKNOWN: u32 = u32::MAX;

/// What it notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FsInfo {
    /// Offset 488: number of free clusters.
    free: u32,
    /// Offset 492: where to look for a free one first.
    next: u32,
}

/// Reads it and checks its signatures; `None` where it is not there.
pub(crate) fn read(
    device: &Device<'_>,
    geometry: &Geometry,
    fields: &Fat32Fields,
    report: &mut Report,
) -> Result<Option<FsInfo>, CheckError> {
    let sector = fields.fsinfo_sector;
    if sector == 0 || sector == u16::MAX {
        report.push(Finding::warning("boot sector", "FSInfo sector", "none", "a reserved sector, as a rule 1"));
        return Ok(None);
    }
    if sector >= geometry.reserved_sectors {
        let expected = format!("a sector of the {} reserved ones, as a rule 1", geometry.reserved_sectors);
        report.push(Finding::error("boot sector", "FSInfo sector", format!("sector {sector}"), expected));
        return Ok(None);
    }
    let mut bytes = [0; SIZE];
    device.read(NAME, u64::from(sector) * geometry.sector, &mut bytes)?;
    let mut is_signed = true;
    for (offset, field, signature) in SIGNATURES {
        let found = u32_at(&bytes, offset);
        if found != signature {
            is_signed = false;
            report.push(
                Finding::error(NAME, field, format!("{found:#010x}"), format!("{signature:#010x}"))
                    .hint("fsck.fat can write it anew"),
            );
        }
    }
    Ok(is_signed.then(|| FsInfo { free: u32_at(&bytes, 488), next: u32_at(&bytes, 492) }))
}

impl FsInfo {
    /// Compares the notes with what the table says.
    pub(crate) fn check(&self, geometry: &Geometry, free: u32, report: &mut Report) {
        if self.free != UNKNOWN && self.free != free {
            report.push(
                Finding::warning(NAME, "free clusters", self.free, format!("{free}, which the FAT has"))
                    .hint("programs show a wrong free space; fsck.fat can correct it"),
            );
        }
        if self.next != UNKNOWN && !geometry.has_cluster(self.next) {
            let expected = format!("a cluster from 2 to {}", geometry.last_cluster());
            report.push(Finding::warning(NAME, "next free cluster", self.next, expected));
        }
    }
}
