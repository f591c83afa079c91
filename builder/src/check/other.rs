//! Partitions without a file system that can be read here.

use std::io;

use builder_block::ReadAt as _;
use builder_gpt_check::{Partition, PartitionType};

use crate::part::DiskPart;

/// Types in an MBR of a partition that holds further ones. Linux, include/linux/msdos_partition.h.
const EXTENDED: [u8; 3] = [0x05, 0x0F, 0x85];
/// Types of partitions that hold a program or nothing, and no file system.
const NAMELESS: [&str; 3] = ["bios-boot", "prep-boot", "microsoft-reserved"];

/// A partition, and by which names it may be asked for.
pub(crate) struct OtherPartition {
    /// How people call the place: `partition 3`.
    pub(crate) place: String,
    /// Name of the partition.
    pub(crate) name: String,
    /// As `PARTUUID=` has it.
    pub(crate) partition_uuid: Option<String>,
    /// UUID and label of what is in it, where they are known.
    pub(crate) uuid: Option<String>,
    pub(crate) label: Option<String>,
    pub(crate) contents: Contents,
    /// What it is known to hold, where GRUB or the kernel can read it and nobody here can.
    pub(crate) format: Option<&'static str>,
}

/// What is in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    /// A swap area.
    Swap,
    /// A file system that is too damaged to be read.
    Damaged,
    /// Nothing that has a name.
    Nameless,
    /// Further partitions, which are not looked at.
    Partitions,
    /// What nobody here knows, such as XFS, Btrfs or something encrypted.
    Unknown,
}

/// What such partitions begin with: Linux, fs/xfs/libxfs/xfs_format.h, fs/btrfs/fs.h, include/linux/f2fs_fs.h;
/// cryptsetup, docs/on-disk-format-luks2.pdf; LVM2, lib/format_text/layout.h.
const FORMATS: [(u64, &[u8], &str); 5] = [
    (0, b"XFSB", "XFS"),
    (0x1_0040, b"_BHRfS_M", "Btrfs"),
    (1024, &[0x10, 0x20, 0xF5, 0xF2], "F2FS"),
    (0, b"LUKS\xBA\xBE", "LUKS"),
    (512, b"LABELONE", "LVM2"),
];

/// What the partition holds that can be read by others.
pub(crate) fn format(part: &DiskPart) -> io::Result<Option<&'static str>> {
    for (offset, magic, name) in FORMATS {
        let mut bytes = vec![0; magic.len()];
        if offset + bytes.len() as u64 <= part.size().bytes() {
            part.read_at(offset, &mut bytes)?;
            if bytes == magic {
                return Ok(Some(name));
            }
        }
    }
    Ok(None)
}

impl Contents {
    /// Of a partition of a disk or medium, in which `filesystem` was found.
    pub(crate) fn of(partition: &Partition, filesystem: Option<&str>, is_medium: bool) -> Self {
        match (filesystem, partition.partition_type) {
            (Some("swap"), _) => Self::Swap,
            (Some(_), _) => Self::Damaged,
            (None, PartitionType::Mbr(kind)) if EXTENDED.contains(&kind) => Self::Partitions,
            // Media have partitions for the gaps between the others.
            (None, _) if is_medium => Self::Nameless,
            (None, _) if partition.type_name().is_some_and(|name| NAMELESS.contains(&name)) => Self::Nameless,
            (None, _) => Self::Unknown,
        }
    }
}

/// What `PARTUUID=` calls a partition of a disk whose MBR has this number.
pub(crate) fn partition_uuid(partition: &Partition, signature: u32) -> Option<String> {
    match partition.partition_type {
        PartitionType::Guid(_) => partition.guid.map(|guid| guid.to_string().to_lowercase()),
        // Linux, block/partitions/msdos.c: `set_info`.
        PartitionType::Mbr(_) => Some(format!("{signature:08x}-{:02x}", partition.number)),
    }
}
