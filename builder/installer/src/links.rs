//! The names below `/dev/disk` that udev would give a drive: here is no udev, and answers may name a drive by them.
//!
//! Only those of the usual drives are known: of systemd's `path_id` (udev-builtin-path_id.c) for PCI devices, and of
//! `60-persistent-storage.rules`.

use std::path::Path;

use builder_medium::Bus;

/// What the names are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// The drive's directory in sysfs, without links in it.
    pub(crate) path: &'a Path,
    pub(crate) bus: Option<Bus>,
    pub(crate) model: &'a str,
    pub(crate) serial: &'a str,
    /// `wwid` of sysfs: `naa.5002538e40a1b2c3`.
    pub(crate) wwid: &'a str,
}

/// All names that are known.
pub(crate) fn links(known: &Known<'_>) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    if let Some(name) = by_path(known) {
        // Older names, which are made all the same.
        match known.bus {
            Some(Bus::Ata) => links.push(format!("/dev/disk/by-path/{name}.0")),
            Some(Bus::Virtio) => links.push(format!("/dev/disk/by-path/virtio-{name}")),
            _ => {}
        }
        links.push(format!("/dev/disk/by-path/{name}"));
    }
    links.extend(by_id(known).into_iter().map(|name| format!("/dev/disk/by-id/{name}")));
    links
}

fn by_path(known: &Known<'_>) -> Option<String> {
    let parts: Vec<&str> = known.path.iter().filter_map(|part| part.to_str()).collect();
    // The last bridge leads to the controller.
    let at = parts.iter().rposition(|part| is_pci_address(part))?;
    let pci = format!("pci-{}", parts[at]);
    let behind = |prefix: &str| parts.iter().find_map(|part| part.strip_prefix(prefix).filter(|rest| is_number(rest)));
    // `host0/target0:0:0/0:0:0:0`: systemd numbers hosts anew below each controller, where there mostly is one.
    let scsi = || {
        let address = parts.iter().find(|part| part.matches(':').count() == 3 && part.split(':').all(is_number))?;
        let (_, rest) = address.split_once(':')?;
        Some(format!("scsi-0:{rest}"))
    };
    Some(match known.bus? {
        Bus::Nvme => format!("{pci}-nvme-{}", parts.last()?.rsplit_once('n')?.1),
        Bus::Ata => format!("{pci}-ata-{}", behind("ata")?),
        // A disc of its own, or behind a SCSI controller.
        Bus::Virtio if behind("host").is_none() => pci,
        Bus::Virtio | Bus::Scsi => format!("{pci}-{}", scsi()?),
        Bus::Usb => {
            // `1-1:1.0`: the port without the bus, and the interface.
            let interface = parts.iter().rev().find(|part| part.contains('-') && part.contains(':'))?;
            format!("{pci}-usb-0:{}-{}", interface.split_once('-')?.1, scsi()?)
        }
        Bus::Mmc => return None,
    })
}

fn by_id(known: &Known<'_>) -> Vec<String> {
    let mut names = Vec::new();
    let named = |text: &str| text.split_ascii_whitespace().collect::<Vec<_>>().join("_");
    let (model, serial) = (named(known.model), named(known.serial));
    match known.bus {
        Some(Bus::Virtio) if !serial.is_empty() && model.is_empty() => names.push(format!("virtio-{serial}")),
        Some(Bus::Nvme) if !serial.is_empty() => names.push(format!("nvme-{model}_{serial}")),
        Some(Bus::Ata) if !serial.is_empty() => names.push(format!("ata-{model}_{serial}")),
        _ => {}
    }
    match (known.bus, known.wwid.trim()) {
        (Some(Bus::Nvme), wwid) if !wwid.is_empty() => names.push(format!("nvme-{wwid}")),
        (_, wwid) => names.extend(wwid.strip_prefix("naa.").map(|number| format!("wwn-0x{number}"))),
    }
    names
}

/// `0000:00:1f.2`
fn is_pci_address(part: &str) -> bool {
    let bytes = part.as_bytes();
    bytes.len() == 12
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b':',
            10 => *byte == b'.',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use builder_medium::Bus;

    use super::{Known, links};

    /// Paths of sysfs, and the links that udev made for them.
    #[test]
    fn drives_have_the_names_that_udev_gives_them() {
        for (path, bus, model, serial, wwid, expected) in [
            (
                "/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda",
                Bus::Ata,
                "Samsung SSD 870 EVO 1TB",
                "S626NF0R",
                "naa.5002538f41a2b3c4",
                &[
                    "/dev/disk/by-path/pci-0000:00:1f.2-ata-1.0",
                    "/dev/disk/by-path/pci-0000:00:1f.2-ata-1",
                    "/dev/disk/by-id/ata-Samsung_SSD_870_EVO_1TB_S626NF0R",
                    "/dev/disk/by-id/wwn-0x5002538f41a2b3c4",
                ][..],
            ),
            (
                "/sys/devices/pci0000:00/0000:00:01.2/0000:02:00.0/nvme/nvme0/nvme0n1",
                Bus::Nvme,
                "Samsung SSD 980 PRO 1TB",
                "S5GXNF0R",
                "eui.002538b311b2c3d4",
                &[
                    "/dev/disk/by-path/pci-0000:02:00.0-nvme-1",
                    "/dev/disk/by-id/nvme-Samsung_SSD_980_PRO_1TB_S5GXNF0R",
                    "/dev/disk/by-id/nvme-eui.002538b311b2c3d4",
                ],
            ),
            (
                "/sys/devices/pci0000:00/0000:00:03.0/virtio1/block/vda",
                Bus::Virtio,
                "",
                "TARGET1",
                "",
                &[
                    "/dev/disk/by-path/virtio-pci-0000:00:03.0",
                    "/dev/disk/by-path/pci-0000:00:03.0",
                    "/dev/disk/by-id/virtio-TARGET1",
                ],
            ),
            (
                "/sys/devices/pci0000:00/0000:00:05.0/virtio2/host6/target6:0:2/6:0:2:0/block/sdb",
                Bus::Virtio,
                "QEMU QEMU HARDDISK",
                "",
                "",
                &[
                    "/dev/disk/by-path/virtio-pci-0000:00:05.0-scsi-0:0:2:0",
                    "/dev/disk/by-path/pci-0000:00:05.0-scsi-0:0:2:0",
                ],
            ),
            (
                "/sys/devices/pci0000:00/0000:00:14.0/usb2/2-3/2-3.1/2-3.1:1.0/host7/target7:0:0/7:0:0:0/block/sdc",
                Bus::Usb,
                "SanDisk Ultra",
                "4C53",
                "",
                &["/dev/disk/by-path/pci-0000:00:14.0-usb-0:3.1:1.0-scsi-0:0:0:0"],
            ),
            ("/sys/devices/platform/mmc_host/mmc0/mmc0:0001/block/mmcblk0", Bus::Mmc, "", "1", "", &[]),
        ] {
            let known = Known { path: Path::new(path), bus: Some(bus), model, serial, wwid };
            assert_eq!(links(&known), expected, "{path}");
        }
    }
}
