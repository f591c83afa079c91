//! A disk of the machine: a file, how to read it, and which controller shows it to the guest.

use std::path::PathBuf;

/// How the disk file is to be read. Never guessed: a raw disk's content is under the guest's control, and QEMU's
/// probing would let it pass itself off as another format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFormat {
    /// Sector for sector.
    Raw,
    /// QEMU's own format, version 2 or 3.
    Qcow2,
    /// VMware's format, in one file.
    Vmdk,
    /// A VHD; its footer says how large the disk is.
    Vhd,
}

/// The controller through which the guest sees a disk, and so the name and driver it gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// `/dev/vdX`; every cloud kernel has the driver.
    Virtio,
    /// `/dev/nvmeXn1`.
    Nvme,
    /// `/dev/sdX` on a SATA controller of its own; six of them fit. The UEFI firmware for aarch64 has no driver for it
    /// and cannot boot from it.
    Ahci,
    /// `/dev/sdX` as a USB stick on xHCI. Debian's cloud kernel has no driver for it.
    Usb,
    /// `/dev/sr0`, a CD-ROM on the same controller as [`Bus::Ahci`]: read-only, with sectors of 2,048 bytes.
    Cdrom,
}

impl Bus {
    /// Whether it takes a port of the SATA controller.
    pub(crate) fn is_sata(self) -> bool {
        matches!(self, Self::Ahci | Self::Cdrom)
    }
}

/// The size of a sector as the controller tells the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SectorSize {
    /// What nearly every drive says, and what a CD-ROM translates to.
    #[default]
    Bytes512,
    /// "4Kn": the partition table must have been made for it.
    Bytes4096,
}

impl SectorSize {
    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> u32 {
        match self {
            Self::Bytes512 => 512,
            Self::Bytes4096 => 4096,
        }
    }
}

/// One disk. Disks boot in the order in which they are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The file (or block device).
    pub path: PathBuf,
    /// How to read it.
    pub format: DiskFormat,
    /// Whether writes go to a temporary file and vanish with the machine. Such a disk can be shared by many machines.
    pub snapshot: bool,
    /// The controller.
    pub bus: Bus,
    /// The serial number the guest sees (`/dev/disk/by-id`); at most 20 bytes of ASCII letters, digits, `-`, `_`.
    pub serial: Option<String>,
    /// The size of its sectors; only virtio, NVMe and USB have a choice.
    pub sector_size: SectorSize,
}

impl Disk {
    /// A raw disk on virtio whose writes are discarded.
    #[must_use]
    pub fn raw(path: impl Into<PathBuf>) -> Self {
        Self::new(path, DiskFormat::Raw)
    }

    /// A disk of any format on virtio whose writes are discarded.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, format: DiskFormat) -> Self {
        Self {
            path: path.into(),
            format,
            snapshot: true,
            bus: Bus::Virtio,
            serial: None,
            sector_size: SectorSize::Bytes512,
        }
    }

    /// A qcow2 disk on virtio whose writes are discarded.
    #[must_use]
    pub fn qcow2(path: impl Into<PathBuf>) -> Self {
        Self::new(path, DiskFormat::Qcow2)
    }

    /// Lets writes reach the file.
    #[must_use]
    pub fn keep_writes(self) -> Self {
        Self { snapshot: false, ..self }
    }

    /// Puts the disk on another controller.
    #[must_use]
    pub fn on(self, bus: Bus) -> Self {
        Self { bus, ..self }
    }

    /// Gives the disk sectors of another size.
    #[must_use]
    pub fn sector_size(self, sector_size: SectorSize) -> Self {
        Self { sector_size, ..self }
    }

    /// Gives the disk a serial number.
    #[must_use]
    pub fn serial(self, serial: impl Into<String>) -> Self {
        Self { serial: Some(serial.into()), ..self }
    }
}
