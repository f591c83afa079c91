//! What a partition table cannot be.

use builder_block::{ByteSize, Lba, SectorSize};
use uuid::Uuid;

use crate::partition::NAME_UNITS;
use crate::{ALIGNMENT, MAX_PARTITIONS};

/// Why there is no such partition table. Partition numbers count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GptError {
    /// The disk ends inside a sector.
    #[error("the disk size of {} bytes is not a multiple of the sector size of {sector}", .size.bytes())]
    DiskSize {
        /// The size asked for.
        size: ByteSize,
        /// Bytes in a sector.
        sector: SectorSize,
    },
    /// The disk has no room for both tables and a sector between.
    #[error("the disk has {} bytes but a partition table alone needs {}", .size.bytes(), .minimum.bytes())]
    DiskTooSmall {
        /// The size asked for.
        size: ByteSize,
        /// The smallest possible one.
        minimum: ByteSize,
    },
    /// The disk's GUID is nil.
    #[error("the disk has the nil GUID, which identifies nothing")]
    NilDiskGuid,
    /// More partitions than entries.
    #[error("{count} partitions were asked for but the table has {MAX_PARTITIONS} entries")]
    TooManyPartitions {
        /// How many were asked for.
        count: usize,
    },
    /// A partition without sectors.
    #[error("partition {number} ({name:?}) has no sectors")]
    Empty {
        /// Number of the partition.
        number: usize,
        /// Its name.
        name: String,
    },
    /// A partition that begins at an odd place.
    #[error("partition {number} ({name:?}) begins at sector {first}, which is not a multiple of {alignment}")]
    Misaligned {
        /// Number of the partition.
        number: usize,
        /// Its name.
        name: String,
        /// Where it was to begin.
        first: Lba,
        /// Sectors in [`crate::ALIGNMENT`].
        alignment: u64,
    },
    /// A partition that leaves the usable sectors.
    #[error(
        "partition {number} ({name:?}) has the {sectors} sectors from {first} but usable are {first_usable} to \
         {last_usable} of the disk of {disk_size}"
    )]
    Outside {
        /// Number of the partition.
        number: usize,
        /// Its name.
        name: String,
        /// First sector asked for.
        first: Lba,
        /// Sectors asked for.
        sectors: u64,
        /// First usable sector of the disk.
        first_usable: Lba,
        /// Last usable sector of the disk.
        last_usable: Lba,
        /// Size of the disk.
        disk_size: ByteSize,
    },
    /// Two partitions want the same sectors.
    #[error(
        "partition {number} ({name:?}, sectors {first} to {last}) overlaps partition {other} ({other_name:?}, sectors \
         {other_first} to {other_last})"
    )]
    Overlap {
        /// Number of the later partition.
        number: usize,
        /// Its name.
        name: String,
        /// Its first sector.
        first: Lba,
        /// Its last sector.
        last: Lba,
        /// Number of the earlier partition.
        other: usize,
        /// Its name.
        other_name: String,
        /// Its first sector.
        other_first: Lba,
        /// Its last sector.
        other_last: Lba,
    },
    /// A name that does not fit into an entry.
    #[error("the name {name:?} of partition {number} has {units} UTF-16 units but an entry holds {NAME_UNITS}")]
    NameTooLong {
        /// Number of the partition.
        number: usize,
        /// Its name.
        name: String,
        /// Length of the name.
        units: usize,
    },
    /// A name that would end early or garble a terminal.
    #[error("the name {name:?} of partition {number} contains a control character")]
    NameControl {
        /// Number of the partition.
        number: usize,
        /// Its name.
        name: String,
    },
    /// The nil type marks an unused entry.
    #[error("partition {number} ({name:?}) has the nil type GUID, which marks an unused entry")]
    NilType {
        /// Number of the partition.
        number: usize,
        /// Its name.
        name: String,
    },
    /// The nil GUID identifies nothing.
    #[error("partition {number} ({name:?}) has the nil GUID, which identifies nothing")]
    NilGuid {
        /// Number of the partition.
        number: usize,
        /// Its name.
        name: String,
    },
    /// Two partitions, or a partition and the disk, share their GUID.
    #[error("partition {number} ({name:?}) has the GUID {guid}, which {} has already", owner(*.other))]
    DuplicateGuid {
        /// Number of the later partition.
        number: usize,
        /// Its name.
        name: String,
        /// The GUID.
        guid: Uuid,
        /// Number of the earlier partition, 0 for the disk.
        other: usize,
    },
    /// Attribute bits that UEFI keeps for itself.
    #[error("partition {number} ({name:?}) has the attributes {attributes:#018x}, of which {reserved:#x} are reserved")]
    Attributes {
        /// Number of the partition.
        number: usize,
        /// Its name.
        name: String,
        /// The attributes asked for.
        attributes: u64,
        /// Those that are not allowed.
        reserved: u64,
    },
}

fn owner(number: usize) -> String {
    if number == 0 { "the disk".into() } else { format!("partition {number}") }
}

impl GptError {
    /// What to do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::DiskSize { size, sector } => {
                Some(format!("use {} bytes", size.align_up(sector.bytes()).unwrap_or(*size).bytes()))
            }
            Self::DiskTooSmall { .. } => Some("make the disk larger; a bootable one needs gigabytes".into()),
            Self::TooManyPartitions { .. } => Some("use fewer partitions".into()),
            Self::Misaligned { first, alignment, .. } => first
                .0
                .checked_next_multiple_of(*alignment)
                .map(|next| format!("begin at sector {next}; partitions begin at multiples of {ALIGNMENT}")),
            Self::Outside { .. } => Some("make the disk larger or the partitions smaller".into()),
            Self::NameTooLong { .. } => Some(format!("shorten the name to {NAME_UNITS} units")),
            Self::DuplicateGuid { .. } => Some("give every partition a GUID of its own".into()),
            _ => None,
        }
    }
}
