//! One partition.

use builder_block::{ByteSize, Lba, SectorSize};
use uuid::Uuid;

/// UTF-16 units that an entry holds of the name: UEFI 2.10, table 5-6, offset 56, 72 bytes.
pub(crate) const NAME_UNITS: usize = 36;

/// Bits of [`Partition::attributes`].
///
/// The lowest three are UEFI's (table 5-8), the upper sixteen belong to the partition's type; those here are from the
/// Discoverable Partitions Specification.
pub mod attributes {
    /// The platform needs the partition to work.
    pub const REQUIRED: u64 = 1;
    /// The firmware shall not look into it.
    pub const NO_BLOCK_IO: u64 = 1 << 1;
    /// A legacy BIOS may boot from it.
    pub const LEGACY_BOOT: u64 = 1 << 2;
    /// The file system is grown to the partition's size when it is mounted first.
    pub const GROW_FS: u64 = 1 << 59;
    /// It is mounted read-only.
    pub const READ_ONLY: u64 = 1 << 60;
    /// It is not discovered, so not mounted by itself.
    pub const NO_AUTO: u64 = 1 << 63;

    /// UEFI keeps these for itself; they must be zero.
    pub(crate) const RESERVED: u64 = 0x0000_FFFF_FFFF_FFF8;
}

/// One partition. Its number is its place in the table, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// What it is for; see [`crate::types`].
    pub type_guid: Uuid,
    /// Its own identity (`PARTUUID`), unique in the table.
    pub guid: Uuid,
    /// Its name (`PARTLABEL`): at most 36 UTF-16 units; may be empty.
    pub name: String,
    /// First sector, which begins at a multiple of [`crate::ALIGNMENT`].
    pub first: Lba,
    /// Length in sectors, at least 1.
    pub sectors: u64,
    /// A sum of [`attributes`].
    pub attributes: u64,
}

impl Partition {
    /// Last sector. Saturates at either end of the numbers.
    #[must_use]
    pub fn last(&self) -> Lba {
        Lba(self.first.0.saturating_add(self.sectors.saturating_sub(1)))
    }

    /// Length in bytes on a disk of such sectors. Saturates.
    #[must_use]
    pub fn size(&self, sector: SectorSize) -> ByteSize {
        ByteSize::new(self.sectors.saturating_mul(sector.bytes()))
    }
}
