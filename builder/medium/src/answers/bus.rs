//! How a drive is connected.

use std::fmt;

/// How a drive is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bus {
    /// NVM Express.
    Nvme,
    /// A virtual machine's own kind of drive (virtio-blk, virtio-scsi).
    Virtio,
    /// SATA and older.
    Ata,
    /// USB.
    Usb,
    /// SCSI, SAS, and controllers that look like that.
    Scsi,
    /// eMMC and SD cards.
    Mmc,
}

impl Bus {
    /// All that there are.
    pub const ALL: [Self; 6] = [Self::Nvme, Self::Virtio, Self::Ata, Self::Usb, Self::Scsi, Self::Mmc];

    /// The word for it in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nvme => "nvme",
            Self::Virtio => "virtio",
            Self::Ata => "ata",
            Self::Usb => "usb",
            Self::Scsi => "scsi",
            Self::Mmc => "mmc",
        }
    }
}

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
