//! A partition as later checks need it.

use builder_block::ByteSize;

use crate::disk::Disk;
use crate::entry::Entry;
use crate::{Guid, type_name};

/// What a partition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartitionType {
    /// The type of an entry of a GUID partition table.
    Guid(Guid),
    /// The type of an entry of an MBR, such as 0x83 or 0xef.
    Mbr(u8),
}

/// A partition as it stands in the table, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 1.
    pub number: u32,
    /// What it is for.
    pub partition_type: PartitionType,
    /// Its GUID; `None` in an MBR.
    pub guid: Option<Guid>,
    /// Its name, empty in an MBR; a replacement character stands where it is not UTF-16.
    pub name: String,
    /// The attribute bits of its entry; in an MBR, bit 2 (legacy boot) of an active partition.
    pub attributes: u64,
    /// First sector, in units of the sector size of the report.
    pub first_lba: u64,
    /// Last sector; less than the first where the entry is wrong.
    pub last_lba: u64,
    /// Where it begins, from the start of the disk. Saturates.
    pub offset: ByteSize,
    /// How long it is; zero where the last sector is less than the first. Saturates.
    pub size: ByteSize,
    /// Whether it has at least a sector and lies on the disk: only then can it be read.
    pub on_disk: bool,
}

impl Partition {
    pub(crate) fn new(disk: &Disk<'_>, number: u32, entry: &Entry) -> Self {
        let sectors = if entry.last < entry.first { 0 } else { (entry.last - entry.first).saturating_add(1) };
        Self {
            guid: Some(entry.guid),
            name: entry.name_text(),
            attributes: entry.attributes,
            last_lba: entry.last,
            ..Self::placed(disk, number, PartitionType::Guid(entry.type_guid), entry.first, sectors)
        }
    }

    /// A partition without a name; `sectors` may be 0.
    pub(crate) fn placed(
        disk: &Disk<'_>,
        number: u32,
        partition_type: PartitionType,
        first: u64,
        sectors: u64,
    ) -> Self {
        let bytes = |sectors: u64| ByteSize::new(sectors.saturating_mul(disk.sector_size().bytes()));
        Self {
            number,
            partition_type,
            guid: None,
            name: String::new(),
            attributes: 0,
            first_lba: first,
            last_lba: first.saturating_add(sectors).saturating_sub(1),
            offset: bytes(first),
            size: bytes(sectors),
            on_disk: sectors > 0 && first.checked_add(sectors).is_some_and(|end| end <= disk.sectors()),
        }
    }

    /// The name of its type, where it is known: `esp`, `root-x86-64`, …; that of an MBR is not.
    #[must_use]
    pub fn type_name(&self) -> Option<&'static str> {
        match self.partition_type {
            PartitionType::Guid(guid) => type_name(guid),
            PartitionType::Mbr(_) => None,
        }
    }
}
