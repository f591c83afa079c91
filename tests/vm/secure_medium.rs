//! Media while Secure Boot is on: shim, GRUB, kernel and modules are those of the image, with their signatures.

use std::fs;

use builder_qemu::{Bus, Disk, Firmware};
use diskwright_tests::command::diskwright;

use crate::installer::{Bench, INSTALLED, UNATTENDED, boots_alone, ends, says, table_is_for_its_drive};
use crate::machine::{BOOT, COMMAND, logged_in};

/// What the kernel says of it.
const ON: &str = "ecure boot enabled";

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn the_system_is_tried_and_installed_with_secure_boot_on() {
    let bench = Bench::new("mini", None);
    let path = bench.directory.path();
    let drive = bench.drive(4);
    let machine = || {
        let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
        machine.firmware(Firmware::UefiSecureBoot).build().unwrap().start().unwrap()
    };
    let mut running = machine();
    logged_in(&mut running, "the system on trial");
    let mut shell = running.shell(BOOT).unwrap();
    // What was loaded beside the initramfs had to have signatures.
    let said = shell.check(&format!("dmesg | grep '{ON}'; cat /proc/modules"), COMMAND).unwrap();
    assert!(said.contains(ON) && said.contains("dm_snapshot "), "{said}");
    let locked = shell.check("cat /sys/kernel/security/lockdown", COMMAND).unwrap();
    assert!(!locked.contains("[none]"), "{locked}");
    let _ = running.quit();
    bench.is_innocent();

    fs::write(path.join("answers.toml"), UNATTENDED).unwrap();
    let _ = diskwright(path, ["iso", "edit", "install.iso", "--answers", "answers.toml"]).succeeded();
    let mut running = machine();
    let _ = says(&mut running, ON, "the kernel");
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation");
    ends(&mut running);
    bench.is_innocent();
    table_is_for_its_drive(&drive, &bench.plan);
    boots_alone(&drive, &bench.plan, 1024, 300);
}
