//! The header of a table: UEFI 2.10, table 5-5.

use crate::bytes::{u32_at, u64_at};
use crate::crc::Crc32;
use crate::disk::Disk;
use crate::{Finding, Guid, Report, TableCopy};

/// Offset 0: what a header begins with.
const SIGNATURE: &[u8; 8] = b"EFI PART";
/// Offset 8: the only revision there is, 1.0.
const REVISION: u32 = 0x0001_0000;
/// Bytes of a header that have a meaning.
const SIZE: usize = 92;
/// Offset of the checksum, which counts as zero while it is computed.
const CRC: usize = 16;
/// Bytes of the smallest entry; others are this times a power of two.
pub(crate) const ENTRY_SIZE: u32 = 128;
/// UEFI 2.10, section 5.3.1: bytes that must be reserved for the entries, however few there are.
const LEAST_ARRAY_BYTES: u64 = 16_384;

/// A header as it stands on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Offset 8.
    pub(crate) revision: u32,
    /// Offset 12: bytes of the header that the checksum covers, from 92 to those of a sector.
    pub(crate) size: u32,
    /// Offset 16: checksum of the header.
    pub(crate) crc: u32,
    /// Offset 20: zero.
    pub(crate) reserved: u32,
    /// Offset 24: where this header lies.
    pub(crate) my_lba: u64,
    /// Offset 32: where the other one lies.
    pub(crate) alternate_lba: u64,
    /// Offset 40: the first sector a partition may have.
    pub(crate) first_usable: u64,
    /// Offset 48: the last one.
    pub(crate) last_usable: u64,
    /// Offset 56.
    pub(crate) disk_guid: Guid,
    /// Offset 72: where the entries begin.
    pub(crate) entries_lba: u64,
    /// Offset 80: number of entries, used or not.
    pub(crate) entry_count: u32,
    /// Offset 84: bytes of an entry.
    pub(crate) entry_size: u32,
    /// Offset 88: checksum of all entries.
    pub(crate) entries_crc: u32,
    /// The checksum of the bytes that are there; `None` where the size is impossible.
    computed_crc: Option<u32>,
    /// Whether all bytes of the sector from 92 are zero.
    rest_is_zero: bool,
}

/// What the header at `lba` is called.
pub(crate) fn name_at(lba: u64) -> &'static str {
    if lba == 1 { "primary header" } else { "backup header" }
}

impl TableCopy {
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Primary => "primary header",
            Self::Backup => "backup header",
        }
    }

    pub(crate) fn entries(self) -> &'static str {
        match self {
            Self::Primary => "primary entries",
            Self::Backup => "backup entries",
        }
    }
}

impl Header {
    /// The header in a whole sector (512 bytes or more), or `None` where it does not begin with the signature.
    pub(crate) fn parse(sector: &[u8]) -> Option<Self> {
        if !sector.starts_with(SIGNATURE) {
            return None;
        }
        let size = u32_at(sector, 12);
        let covered = usize::try_from(size).ok().filter(|size| (SIZE..=sector.len()).contains(size));
        Some(Self {
            revision: u32_at(sector, 8),
            size,
            crc: u32_at(sector, CRC),
            reserved: u32_at(sector, 20),
            my_lba: u64_at(sector, 24),
            alternate_lba: u64_at(sector, 32),
            first_usable: u64_at(sector, 40),
            last_usable: u64_at(sector, 48),
            disk_guid: Guid::at(sector, 56),
            entries_lba: u64_at(sector, 72),
            entry_count: u32_at(sector, 80),
            entry_size: u32_at(sector, 84),
            entries_crc: u32_at(sector, 88),
            computed_crc: covered.map(|size| {
                let mut crc = Crc32::new();
                crc.add(&sector[..CRC]);
                crc.add(&[0; 4]);
                crc.add(&sector[CRC + 4..size]);
                crc.value()
            }),
            rest_is_zero: sector[SIZE..].iter().all(|&byte| byte == 0),
        })
    }

    /// Whether the checksum fits the bytes.
    pub(crate) fn crc_is_right(&self) -> bool {
        self.computed_crc == Some(self.crc)
    }

    /// Bytes of all entries.
    pub(crate) fn array_bytes(&self) -> u64 {
        u64::from(self.entry_count) * u64::from(self.entry_size)
    }

    /// Sectors of all entries.
    pub(crate) fn array_sectors(&self, disk: &Disk<'_>) -> u64 {
        self.array_bytes().div_ceil(disk.sector_size().bytes())
    }

    /// Says what is wrong with the header found in sector `lba`. Where the other header lies is not looked at here.
    pub(crate) fn check(&self, disk: &Disk<'_>, copy: TableCopy, lba: u64, report: &mut Report) {
        let name = copy.header();
        if self.revision != REVISION {
            report.push(Finding::error(name, "revision", hex(self.revision), hex(REVISION)));
        }
        match self.computed_crc {
            None => report.push(Finding::error(
                name,
                "header size",
                format!("{} bytes", self.size),
                format!("{SIZE} to {} bytes", disk.sector_size()),
            )),
            Some(computed) if computed != self.crc => {
                report.push(
                    Finding::error(
                        name,
                        "header CRC",
                        hex(self.crc),
                        format!("{}, which its bytes have", hex(computed)),
                    )
                    .hint("do not trust the other fields of this header; sgdisk can rebuild it from the other one"),
                );
            }
            Some(_) => {}
        }
        if self.reserved != 0 {
            report.push(Finding::warning(name, "reserved field", hex(self.reserved), "0"));
        }
        if !self.rest_is_zero {
            report.push(Finding::warning(name, "rest of the sector", "not zero", "zeros from byte 92 on"));
        }
        if self.my_lba != lba {
            report.push(Finding::error(name, "my LBA", self.my_lba, format!("{lba}, where it lies")));
        }
        if self.disk_guid == Guid::NIL {
            report.push(Finding::error(name, "disk GUID", "nil", "a GUID that is unique"));
        }
        self.check_usable(disk, name, report);
        self.check_array_place(disk, copy, lba, report);
    }

    fn check_usable(&self, disk: &Disk<'_>, name: &str, report: &mut Report) {
        if self.first_usable > self.last_usable {
            report.push(Finding::error(
                name,
                "first usable LBA",
                self.first_usable,
                format!("at most {}, the last usable one", self.last_usable),
            ));
        }
        if self.last_usable > disk.last() {
            report.push(
                Finding::error(
                    name,
                    "last usable LBA",
                    self.last_usable,
                    format!("less than {}, the last sector of the disk", disk.last()),
                )
                .hint("the disk is shorter than the one the table was made for"),
            );
        }
    }

    /// Where the entries lie: behind the header of the primary copy, before that of the backup, apart from partitions.
    fn check_array_place(&self, disk: &Disk<'_>, copy: TableCopy, lba: u64, report: &mut Report) {
        let name = copy.header();
        if !self.entry_size.is_multiple_of(ENTRY_SIZE) || !(self.entry_size / ENTRY_SIZE).is_power_of_two() {
            report.push(Finding::error(
                name,
                "size of an entry",
                format!("{} bytes", self.entry_size),
                format!("{ENTRY_SIZE} bytes times a power of two"),
            ));
        }
        if self.entry_count == 0 {
            report.push(Finding::error(name, "number of entries", 0, "at least 1"));
        }
        let end = self.entries_lba.saturating_add(self.array_sectors(disk));
        let (from, to) = match copy {
            TableCopy::Primary => (2, self.first_usable),
            TableCopy::Backup => (self.last_usable.saturating_add(1), lba),
        };
        if self.entries_lba < from || end > to {
            report.push(Finding::error(
                name,
                "place of the entries",
                format!("sectors {} to {}", self.entries_lba, end.saturating_sub(1)),
                match copy {
                    TableCopy::Primary => {
                        format!("between sector 1 and the first usable sector {}", self.first_usable)
                    }
                    TableCopy::Backup => {
                        format!("between the last usable sector {} and sector {lba}", self.last_usable)
                    }
                },
            ));
            return;
        }
        let reserved = (to - self.entries_lba).saturating_mul(disk.sector_size().bytes());
        // Some tools do so when they are asked for few entries, and nobody minds.
        if reserved < LEAST_ARRAY_BYTES {
            report.note(format!("the {name} leaves {reserved} bytes for entries; UEFI asks for {LEAST_ARRAY_BYTES}"));
        }
    }
}

/// A number as the specification writes it.
pub(crate) fn hex(value: u32) -> String {
    format!("{value:#010x}")
}
