//! The real image: booted, checked, rebooted, checked again.

use builder_qemu::Pattern;

use crate::checks::booted_system;
use crate::machine::{BOOT, COMMAND, disk, logged_in, machine};

#[test]
fn the_example_image_boots_and_reboots_as_an_ostree_system() {
    let disk = disk("example", &[]);
    let mut running = machine(&disk.path).memory_mib(2048).build().unwrap().start().unwrap();
    logged_in(&mut running, "first boot");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &disk.plan);
    let _ = shell.check("echo kept > /etc/kept && echo kept > /var/kept && sync", COMMAND).unwrap();
    let id = shell.check("cat /etc/machine-id", COMMAND).unwrap();
    assert_eq!(id.trim().len(), 32, "no machine id: {id}");

    running.send("systemctl reboot\n").unwrap();
    let _ = running.expect(&Pattern::literal("BdsDxe: starting"), BOOT).unwrap();
    logged_in(&mut running, "second boot");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &disk.plan);
    assert_eq!(shell.check("cat /etc/kept /var/kept", COMMAND).unwrap(), "kept\nkept");
    assert_eq!(shell.check("cat /etc/machine-id", COMMAND).unwrap(), id, "another machine id after a reboot");
    drop(running);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn the_root_grows_to_a_larger_drive_at_the_first_boot() {
    let disk = disk("example", &[]);
    let file = std::fs::OpenOptions::new().write(true).open(&disk.path).unwrap();
    file.set_len(6 << 30).unwrap();
    drop(file);
    let mut running = machine(&disk.path).memory_mib(2048).build().unwrap().start().unwrap();
    logged_in(&mut running, "first boot on a larger drive");
    let mut shell = running.shell(BOOT).unwrap();
    let _ = shell.run("systemctl is-system-running --wait", COMMAND).unwrap();
    let size = shell.check("df --output=size -B 1M /sysroot | tail -n 1", COMMAND).unwrap();
    let size: u64 = size.trim().parse().unwrap();
    assert!(size > 4500, "the root has {size} MiB on a drive of 6 GiB");
}
