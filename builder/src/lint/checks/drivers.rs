//! What a machine may have its disk on, and what the kernel drives of it before it has its root.

use builder_kmod::{Coverage, Machine, Where, coverage};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::checks::initramfs;
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

/// Drivers of the disks of virtual machines, clouds and computers, with the buses that they are on, and of the file
/// systems of a deployment.
const WANTED: [&str; 11] = [
    "virtio_pci",
    "virtio_blk",
    "virtio_scsi",
    "sd_mod",
    "nvme",
    "ahci",
    "xhci_pci",
    "usb_storage",
    "ext4",
    "erofs",
    "overlay",
];

pub(crate) static BOOT_DRIVERS: Check = Check {
    name: "boot-drivers",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A driver for disks or for the root's file systems is a module, and not in the initramfs",
    reason: "The other modules are on the root, which cannot be mounted without it: on machines with such a disk the \
             boot ends in the initramfs",
    fix: "RUN v=$(ls /usr/lib/modules) && dracut --force --no-hostonly --reproducible --add ostree \
          --add-drivers \"DRIVER\" --kver \"$v\" /usr/lib/modules/\"$v\"/initramfs.img",
    run: Run::Once(boot_drivers),
};

fn boot_drivers(subject: &Subject, findings: &mut Findings<'_>) {
    let (Some(covered), Some(path)) = (covered(subject), initramfs::path(subject)) else { return };
    let late: Vec<(Coverage, String)> =
        covered.into_iter().filter_map(|driver| late(&driver).map(|message| (driver, message))).collect();
    let names: Vec<&str> = late.iter().map(|(driver, _)| module(driver)).collect();
    // One call of dracut adds them all.
    let fix = BOOT_DRIVERS.fix.replace("DRIVER", &names.join(" "));
    for (_, message) in &late {
        findings.at_with_fix(&path, message.as_str(), fix.clone());
    }
}

/// Why the root cannot be on what the driver is for though there is one.
fn late(coverage: &Coverage) -> Option<String> {
    let name = module(coverage);
    let purpose = coverage.driver.purpose;
    match &coverage.place {
        Where::Builtin | Where::Initramfs | Where::Missing => None,
        Where::RootOnly => Some(format!("{name} is not in it, only in the image: the driver for {purpose}")),
        Where::InitramfsLacks { dependencies } => {
            let lacking = dependencies.join(", ");
            Some(format!("{name} is in it without {lacking}, which it needs: the driver for {purpose}"))
        }
        Where::Unloadable { reason } => Some(format!("{name} cannot be loaded: {reason}; the driver for {purpose}")),
    }
}

/// The name of the module. It stands in a line for a shell, so one with other characters than names have is not taken
/// from the image.
fn module(coverage: &Coverage) -> &str {
    let is_plain = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    coverage.module.as_deref().filter(is_plain).unwrap_or(coverage.driver.name)
}

pub(crate) static BOOT_DRIVERS_MISSING: Check = Check {
    name: "boot-drivers-missing",
    severity: Severity::Info,
    origin: Origin::Diskwright,
    summary: "The kernel has no driver for some disks or file systems, neither built in nor as a module",
    reason: "On machines with such a disk the image does not boot. A kernel for clouds leaves out on purpose what no \
             cloud has",
    fix: "# install the distribution's general kernel if such machines matter, such as\n\
          # on Debian, for amd64\nRUN apt-get install --yes linux-image-amd64\n\
          # on Fedora\nRUN dnf install -y kernel-modules",
    run: Run::Once(boot_drivers_missing),
};

fn boot_drivers_missing(subject: &Subject, findings: &mut Findings<'_>) {
    let (Some(covered), Some(Ok(modules))) = (covered(subject), subject.modules()) else { return };
    for Coverage { driver, .. } in covered.into_iter().filter(|driver| driver.place == Where::Missing) {
        let message = format!("there is no driver for {}: {}", driver.purpose, driver.name);
        findings.at(modules.directory().as_bytes(), message);
    }
}

/// Where the wanted drivers are; `None` where that cannot be known, of which other checks tell.
fn covered(subject: &Subject) -> Option<Vec<Coverage>> {
    let machine = Machine::from_oci(&subject.platform.architecture)?;
    let (Some(Ok(modules)), Some(Ok(early))) = (subject.modules(), subject.early()) else { return None };
    // Without one of them nobody knows what is built in.
    if !["modules.builtin", "modules.builtin.bin"].iter().any(|list| modules.lists().contains(list)) {
        return None;
    }
    let releases = early.modules.releases();
    if !releases.is_empty() && !releases.contains(modules.release()) {
        return None;
    }
    let early = early.modules.read(modules.release()).ok()?;
    let all = coverage(modules, early.as_ref(), machine);
    Some(all.into_iter().filter(|coverage| WANTED.contains(&coverage.driver.name)).collect())
}

#[cfg(test)]
mod tests {
    use builder_kmod::Driver;

    use super::{BOOT_DRIVERS, WANTED};

    #[test]
    fn every_wanted_driver_is_known() {
        for name in WANTED {
            assert!(Driver::by_name(name).is_some(), "{name}");
        }
        assert!(BOOT_DRIVERS.fix.contains("\"DRIVER\""));
    }
}
