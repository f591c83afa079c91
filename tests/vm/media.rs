//! Media: read-only file systems of their own kind, on the drives that firmware reads them from.

use std::path::{Path, PathBuf};

use diskwright_tests::command::target;
use diskwright_tests::judge::{judge, shell};
use diskwright_tests::partition::extract;

use crate::machine::{TestDisk, disk};
use crate::smoke::smoke;

/// A menu with one entry, whose initramfs finds no root: there is none on a medium.
const MENU: &str = "serial --unit=0
terminal_output serial console
set timeout=1
menuentry Medium {
  linux /boot/vmlinuz console=ttyS0 root=UUID=00000000-0000-0000-0000-000000000000
  initrd /boot/initrd
}
";

/// An ISO as xorriso makes it: shim and GRUB as Debian signs them for media, kernel and initramfs of the disk.
fn iso(disk: &TestDisk, directory: &Path) -> PathBuf {
    let boot = &disk.plan["boot"];
    let text = |key: &str| boot[key].as_str().unwrap();
    let root = extract(&disk.path, "root", directory);
    let files = directory.join("files");
    for folder in ["boot/grub", ".disk"] {
        std::fs::create_dir_all(files.join(folder)).unwrap();
    }
    for (name, to) in [("vmlinuz-", "vmlinuz"), ("initramfs-", "initrd")] {
        let ending = if to == "initrd" { ".img" } else { "" };
        let from = format!("/boot/ostree/default-{}/{name}{}{ending}", text("checksum"), text("kernel"));
        let request = format!("dump {from} {}", files.join("boot").join(to).display());
        let _ = judge("debugfs", ["-R".as_ref(), request.as_ref(), root.as_os_str()]).passed();
    }
    std::fs::write(files.join("boot/grub/grub.cfg"), MENU).unwrap();
    // By this file GRUB for media knows its own.
    std::fs::write(files.join(".disk/info"), "test").unwrap();
    let _ = shell(
        directory,
        "truncate -s 8M esp.img; mkfs.fat -n ESP esp.img; mmd -i esp.img ::EFI ::EFI/BOOT
         mcopy -i esp.img /usr/lib/shim/shimx64.efi.signed ::EFI/BOOT/BOOTX64.EFI
         mcopy -i esp.img /usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed ::EFI/BOOT/grubx64.efi
         xorriso -as mkisofs -quiet -V MEDIUM -r -J -append_partition 2 0xef esp.img \
            -e --interval:appended_partition_2:all:: -no-emul-boot -partition_offset 16 -o medium.iso files",
    );
    directory.join("medium.iso")
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn an_iso_boots_as_a_cd_and_as_a_stick_and_its_end_is_told() {
    let disk = disk("mini", &[]);
    let directory = tempfile::tempdir_in(target()).unwrap();
    let iso = iso(&disk, directory.path());
    for (bus, firmware) in [("cdrom", "uefi-secure"), ("usb", "uefi")] {
        let smoked = smoke(&iso, &["--disk-bus", bus, "--firmware", firmware]);
        smoked.has("root-not-found", 27, "initramfs", "");
        assert!(smoked.run.stdout.contains("kernel "), "{}", smoked.run.stdout);
    }
}
