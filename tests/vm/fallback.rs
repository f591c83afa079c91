//! Two deployments on one disk: each boots, and an update that does not come up is left for the one before.

use builder_qemu::{BOOT_FAILURES, Machine, Pattern, Running};
use diskwright_tests::image::real;
use serde_json::Value;

use crate::checks::booted_system;
use crate::machine::{BOOT, COMMAND, TestDisk, comes_back, disk, logged_in, machine};

const DEFAULT: &str = "(ostree:0)'";
const SECOND: &str = "(ostree:1)'";

/// A disk of the image `name` that can be rolled back to the image mini.
fn two_deployments(name: &str, arguments: &[&str]) -> TestDisk {
    let older = real("mini");
    disk(name, &[&["--rollback", &older], arguments].concat())
}

/// The plan of the deployment to roll back to, in the form of one for the whole disk.
fn plan_of_rollback(disk: &TestDisk) -> Value {
    let rollback = &disk.plan["rollback"];
    serde_json::json!({ "deployment": rollback["deployment"], "boot": { "options": rollback["options"] } })
}

/// Takes the second entry of GRUB's menu.
fn choose_second(running: &mut Running) {
    let _ = running.expect_or_fail(&Pattern::literal("GNU GRUB"), BOOT_FAILURES, BOOT).unwrap();
    // Ctrl-N is the arrow down.
    running.send("\u{e}\r").unwrap();
}

fn reboot(machine: &Machine, running: &mut Running) {
    running.send("systemctl reboot\n").unwrap();
    comes_back(machine, running);
}

#[test]
fn both_deployments_boot_and_ostree_knows_them() {
    let disk = two_deployments("mini-2", &[]);
    let machine = machine(&disk.path).build().unwrap();
    let mut running = machine.start().unwrap();
    logged_in(&mut running, "the default");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &disk.plan);
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    let older = disk.plan["rollback"]["deployment"]["commit"].as_str().unwrap();
    let line = status.lines().find(|line| line.contains(older)).unwrap_or_default();
    assert!(line.contains("(rollback)"), "{status}");
    assert_eq!(shell.check("cat /usr/lib/image-version", COMMAND).unwrap(), "2");

    reboot(&machine, &mut running);
    choose_second(&mut running);
    logged_in(&mut running, "the one to roll back to");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &plan_of_rollback(&disk));
    assert_eq!(shell.check("cat /usr/lib/image-version", COMMAND).unwrap(), "1");

    // ostree itself turns them round, and its entries are understood.
    let _ = shell.check("mount -o remount,rw /sysroot && ostree admin set-default 1 && sync", COMMAND).unwrap();
    reboot(&machine, &mut running);
    let _ = running.expect_or_fail(&Pattern::literal(DEFAULT), BOOT_FAILURES, BOOT).unwrap();
    logged_in(&mut running, "rolled back for good");
    let mut shell = running.shell(BOOT).unwrap();
    assert_eq!(shell.check("cat /usr/lib/image-version", COMMAND).unwrap(), "1");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn grub_leaves_an_update_that_does_not_come_up() {
    let disk = two_deployments("mini-fails", &[]);
    let machine = machine(&disk.path).build().unwrap();
    let mut running = machine.start().unwrap();
    choose_second(&mut running);
    logged_in(&mut running, "before the update counts");
    let mut shell = running.shell(BOOT).unwrap();
    // What greenboot does when an update is there; grub-editenv writes just this.
    let environment = "{ printf '# GRUB Environment Block\\nboot_counter=2\\nboot_success=0\\n'; yes '#' | tr -d '\\n'; } \
        | head -c 1024 > /run/grubenv && cat /run/grubenv > /boot/grub/grubenv && sync && wc -c < /boot/grub/grubenv";
    assert_eq!(shell.check(environment, COMMAND).unwrap(), "1024");

    reboot(&machine, &mut running);
    // Two tries, each of which ends in a reboot of its own; then the older one, and no hand touched the machine.
    for stage in ["first try", "second try"] {
        running.stage(stage);
        let _ = running.expect(&Pattern::literal(DEFAULT), BOOT).unwrap();
        comes_back(&machine, &mut running);
    }
    let _ = running.expect(&Pattern::literal(SECOND), BOOT).unwrap();
    logged_in(&mut running, "fallen back");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &plan_of_rollback(&disk));
    let environment = shell.check("head -n 3 /boot/grub/grubenv", COMMAND).unwrap();
    assert!(environment.contains("boot_counter=-1"), "{environment}");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn systemd_boot_leaves_an_update_that_does_not_come_up() {
    let disk = two_deployments("mini-fails", &["--bootloader", "systemd"]);
    let machine = machine(&disk.path).build().unwrap();
    let mut running = machine.start().unwrap();
    for stage in ["first try", "second try", "third try"] {
        running.stage(stage);
        let _ = running.expect(&Pattern::literal("Linux version"), BOOT).unwrap();
        comes_back(&machine, &mut running);
    }
    logged_in(&mut running, "fallen back");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &plan_of_rollback(&disk));
    let entries = shell.check("ls -1 /efi/loader/entries", COMMAND).unwrap();
    let mut names = [("", &plan_of_rollback(&disk)), ("+0-3", &disk.plan)].map(|(tries, plan)| {
        format!("ostree-default-{}.0{tries}.conf", plan["deployment"]["commit"].as_str().unwrap())
    });
    names.sort();
    assert_eq!(entries, names.join("\n"));
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn systemd_marks_a_boot_good_that_systemd_boot_counts() {
    let disk = disk("mini", &["--bootloader", "systemd"]);
    let mut running = machine(&disk.path).build().unwrap().start().unwrap();
    logged_in(&mut running, "first boot");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &disk.plan);
    let name = format!("ostree-default-{}.0.conf", disk.plan["deployment"]["commit"].as_str().unwrap());
    assert_eq!(shell.check("ls -1 /efi/loader/entries", COMMAND).unwrap(), name);
}
