//! What a kernel needs to find and read its root, by machine.

use crate::Machine::{self, Aarch64, Arm, Loongarch64, Ppc64le, Riscv64, X86, X86_64};

/// What a driver does on the way to the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Finds devices that others drive.
    Bus,
    /// Reads disks and optical media.
    Disk,
    /// Reads a file system.
    FileSystem,
    /// Makes something of disks or file systems: loop devices, mappings, overlays.
    Layer,
    /// Reaches other machines.
    Network,
    /// Is called by others: encodings, checksums.
    Helper,
}

/// Something that a kernel needs to boot from some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Driver {
    /// The name that people know it by; that of its module in most kernels.
    pub name: &'static str,
    /// What it does.
    pub role: Role,
    /// What it is for, to go behind "for".
    pub purpose: &'static str,
    /// Names and aliases of what provides it, any of them is enough.
    pub provided_by: &'static [&'static str],
    /// The machines that have it.
    pub machines: &'static [Machine],
}

impl Driver {
    /// Whether the machine has it.
    #[must_use]
    pub fn is_for(&self, machine: Machine) -> bool {
        self.machines.contains(&machine)
    }

    /// The driver of that name, `-` and `_` being the same.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        let name = crate::normalized(name);
        DRIVERS.iter().find(|driver| driver.name == name)
    }
}

const ALL: &[Machine] = Machine::ALL;
const X86_ONLY: &[Machine] = &[X86_64, X86];
/// Boards with disks and USB, which IBM Z has not.
const BOARDS: &[Machine] = &[X86_64, X86, Aarch64, Arm, Riscv64, Loongarch64, Ppc64le];
/// Machines that QEMU gives devices without PCI.
const MMIO: &[Machine] = &[X86_64, X86, Aarch64, Arm, Riscv64];
/// Machines that run under Hyper-V and on Azure.
const HYPER_V: &[Machine] = &[X86_64, X86, Aarch64];

const fn driver(
    name: &'static str,
    role: Role,
    machines: &'static [Machine],
    provided_by: &'static [&'static str],
    purpose: &'static str,
) -> Driver {
    Driver { name, role, purpose, provided_by, machines }
}

/// All drivers that are asked for here, by role.
///
/// `crc32c` matters only where other modules name it as a soft dependency: newer kernels have it in the library `crc32`,
/// which is a dependency like others. What a kernel never builds as a module is in none of its lists and looks missing.
pub const DRIVERS: &[Driver] = &[
    driver("virtio_pci", Role::Bus, ALL, &["virtio_pci"], "all virtio devices of QEMU, KVM and most clouds"),
    driver("virtio_mmio", Role::Bus, MMIO, &["virtio_mmio"], "virtio devices of virtual machines without PCI"),
    driver("virtio_ccw", Role::Bus, &[Machine::S390x], &["virtio_ccw"], "virtio devices of KVM on IBM Z"),
    driver("xhci_pci", Role::Bus, BOARDS, &["xhci_pci"], "USB 3 ports"),
    driver("ehci_pci", Role::Bus, BOARDS, &["ehci_pci"], "USB 2 ports"),
    driver("virtio_blk", Role::Disk, ALL, &["virtio_blk"], "virtio disks"),
    driver("virtio_scsi", Role::Disk, ALL, &["virtio_scsi"], "virtio SCSI disks, as in Google's and other clouds"),
    driver("sd_mod", Role::Disk, ALL, &["sd_mod"], "SATA, SCSI and USB disks"),
    driver("sr_mod", Role::Disk, ALL, &["sr_mod"], "optical media, such as ISO images in virtual machines"),
    driver("nvme", Role::Disk, BOARDS, &["nvme"], "NVMe disks, as in new computers and Amazon's cloud"),
    driver("ahci", Role::Disk, BOARDS, &["ahci"], "SATA disks"),
    driver("ata_piix", Role::Disk, X86_ONLY, &["ata_piix"], "IDE disks of older virtual machines"),
    driver("usb_storage", Role::Disk, BOARDS, &["usb_storage"], "USB sticks"),
    driver("uas", Role::Disk, BOARDS, &["uas"], "fast USB disks"),
    driver("hv_storvsc", Role::Disk, HYPER_V, &["hv_storvsc"], "disks of Hyper-V and Azure"),
    driver("vmw_pvscsi", Role::Disk, X86_ONLY, &["vmw_pvscsi"], "disks of VMware"),
    driver("xen_blkfront", Role::Disk, X86_ONLY, &["xen_blkfront"], "disks of Xen and of Amazon's older machines"),
    driver("ext4", Role::FileSystem, ALL, &["ext4", "fs-ext4"], "root file systems"),
    driver("erofs", Role::FileSystem, ALL, &["erofs", "fs-erofs"], "composefs images and read-only roots"),
    driver("isofs", Role::FileSystem, ALL, &["isofs", "fs-iso9660"], "the file system of ISO images"),
    driver("squashfs", Role::FileSystem, ALL, &["squashfs", "fs-squashfs"], "roots of live images"),
    driver("vfat", Role::FileSystem, ALL, &["vfat", "fs-vfat"], "EFI system partitions"),
    driver(
        "overlay",
        Role::Layer,
        ALL,
        &["overlay", "fs-overlay"],
        "composefs, and live images that can be written to",
    ),
    driver("loop", Role::Layer, ALL, &["loop", "devname:loop-control"], "file systems in files"),
    driver("dm_mod", Role::Layer, ALL, &["dm_mod", "devname:mapper/control"], "LVM, LUKS and dm-verity"),
    driver("dm_snapshot", Role::Layer, ALL, &["dm_snapshot"], "live images whose changes are kept in memory"),
    driver("virtio_net", Role::Network, ALL, &["virtio_net"], "virtio network cards"),
    driver("nls_cp437", Role::Helper, ALL, &["nls_cp437"], "short names in vfat"),
    driver(
        "nls_iocharset",
        Role::Helper,
        ALL,
        &["nls_utf8", "nls_iso8859_1", "nls_ascii"],
        "long names in vfat, in the character set that the kernel is configured for",
    ),
    driver(
        "crc32c",
        Role::Helper,
        ALL,
        &["crc32c", "crc32c_generic", "crc32c_intel"],
        "checksums of ext4 and btrfs, where the kernel takes them from its crypto interface",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::normalized;

    #[test]
    fn every_driver_has_a_name_of_its_own_and_somebody_to_provide_it() {
        let names: BTreeSet<_> = DRIVERS.iter().map(|driver| driver.name).collect();
        assert_eq!(names.len(), DRIVERS.len());
        for driver in DRIVERS {
            assert_eq!(normalized(driver.name), driver.name);
            assert!(!driver.provided_by.is_empty() && !driver.machines.is_empty(), "{}", driver.name);
            assert_eq!(Driver::by_name(&driver.name.replace('_', "-")), Some(driver));
        }
        assert_eq!(Driver::by_name("none"), None);
    }

    #[test]
    fn machines_have_their_own_buses() {
        let bus = |name: &str, machine| Driver::by_name(name).unwrap().is_for(machine);
        assert!(bus("virtio_mmio", Machine::Aarch64) && !bus("virtio_mmio", Machine::S390x));
        assert!(bus("virtio_ccw", Machine::S390x) && !bus("virtio_ccw", Machine::X86_64));
        assert!(!bus("ahci", Machine::S390x));
    }
}
