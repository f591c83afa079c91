//! Media on machines with a legacy BIOS, which has no idea of UEFI: SeaBIOS, as QEMU brings it along.

use std::fs::File;
use std::path::PathBuf;

use builder_qemu::{Bus, Disk, Firmware, MachineBuilder, Pattern, Running};
use diskwright_tests::command::{diskwright, target};
use diskwright_tests::image::{derived, grub_for_bios};
use diskwright_tests::judge::judge;
use tempfile::TempDir;

use crate::machine::{BOOT, logged_in, medium_machine};

/// A medium of the mini image with GRUB's pieces for a BIOS.
fn medium(arguments: &[&str]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let source = derived("mini", grub_for_bios(""), &directory.path().join("image"));
    let mut all = vec!["build", &source, "--type", "iso", "-o", "install.iso", "-q", "--no-bundle"];
    all.extend(["--target-imgref", "registry.example/os:stable", "--menu-timeout", "1"]);
    all.extend(["--karg", "systemd.default_device_timeout_sec=600"]);
    all.extend(arguments);
    let _ = diskwright(directory.path(), all).succeeded();
    let medium = directory.path().join("install.iso");
    (directory, medium)
}

fn machine(medium: Disk) -> MachineBuilder {
    medium_machine(medium).firmware(Firmware::BuiltIn)
}

/// It is one for UEFI as before, though a sector of its own is marked as bootable.
#[test]
#[ignore = "full boot matrix: tests/run full"]
fn uefi_boots_the_stick_that_a_bios_boots() {
    let (_directory, medium) = medium(&[]);
    let mut running = medium_machine(Disk::raw(&medium).on(Bus::Virtio)).build().unwrap().start().unwrap();
    logged_in(&mut running, "the system on trial");
    let mut shell = running.shell(BOOT).unwrap();
    let _ = shell.check("test -e /sys/firmware/efi", BOOT).unwrap();
}

fn says(running: &mut Running, words: &str) {
    running.stage(words);
    let found = running.expect_or_fail(&Pattern::literal(words), &["diskwright: FAILED", "Kernel panic"], BOOT);
    if let Err(error) = found {
        panic!("{words}: {error}");
    }
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_bios_boots_the_disc_and_the_system_is_tried() {
    let (_directory, medium) = medium(&[]);
    let mut running = machine(Disk::raw(&medium).on(Bus::Cdrom)).build().unwrap().start().unwrap();
    says(&mut running, "SeaBIOS (version ");
    says(&mut running, "Booting from DVD/CD");
    logged_in(&mut running, "the system on trial");
    let mut shell = running.shell(BOOT).unwrap();
    let _ = shell.check("test ! -e /sys/firmware/efi && findmnt -n /sysroot", BOOT).unwrap();
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_bios_boots_the_stick_which_installs_and_says_that_the_drive_will_boot_by_uefi() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let answers = directory.path().join("answers.toml");
    let text = "destructive = true\n[drive]\nserial = \"TARGET\"\n[finish]\naction = \"poweroff\"\n";
    std::fs::write(&answers, text).unwrap();
    let (_directory, medium) = medium(&["--answers", answers.to_str().unwrap()]);
    let drive = directory.path().join("drive.raw");
    File::create(&drive).unwrap().set_len(4 << 30).unwrap();
    let start = |bus: Bus| {
        let machine = machine(Disk::raw(&medium).on(bus)).disk(Disk::raw(&drive).keep_writes().serial("TARGET"));
        let mut running = machine.build().unwrap().start().unwrap();
        says(&mut running, "SeaBIOS (version ");
        says(&mut running, "Booting from Hard Disk");
        says(&mut running, "diskwright: looking for the medium");
        running
    };
    // The kernel of the mini image has no driver for it, unlike BIOS and GRUB.
    drop(start(Bus::Usb));
    let mut running = start(Bus::Virtio);
    says(&mut running, "This machine was not started by UEFI");
    says(&mut running, "Installing ");
    says(&mut running, "diskwright: INSTALLED /dev/vdb");
    assert!(running.wait_for_exit(BOOT).unwrap().success());
    let table = judge("sgdisk", ["-v".as_ref(), drive.as_os_str()]).passed();
    assert!(table.stdout.contains("No problems found"), "{}", table.stdout);
}
