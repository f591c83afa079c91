//! Every way in: firmware settings, boot loaders, layouts.

use builder_qemu::{Bus, Disk, Firmware};
use diskwright_tests::command::checkout;

use crate::checks::booted_system;
use crate::machine::{BOOT, COMMAND, disk, logged_in, machine};

#[test]
fn shim_and_grub_boot_with_secure_boot_on() {
    let disk = disk("mini", &[]);
    let mut running = machine(&disk.path).firmware(Firmware::UefiSecureBoot).build().unwrap().start().unwrap();
    logged_in(&mut running, "Secure Boot");
    let mut shell = running.shell(BOOT).unwrap();
    let said = shell.run("dmesg | grep -i 'secure boot enabled'", COMMAND).unwrap();
    assert_eq!(said.status, 0, "Secure Boot is off in the guest: {}", said.text);
    booted_system(&mut shell, &disk.plan);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn boot_on_its_own_partition_is_mounted_and_used() {
    let layout = checkout().join("templates/layout-x86_64-boot.toml");
    let disk = disk("mini", &["--layout", layout.to_str().unwrap()]);
    let mut running = machine(&disk.path).build().unwrap().start().unwrap();
    logged_in(&mut running, "separate /boot");
    let mut shell = running.shell(BOOT).unwrap();
    let source = shell.check("findmnt -n -o SOURCE /boot", COMMAND).unwrap();
    assert_eq!(source.trim(), "/dev/vda2");
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    assert!(status.contains(disk.plan["deployment"]["commit"].as_str().unwrap()), "{status}");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn the_disk_boots_from_other_controllers_raw_and_as_qcow2() {
    let made = disk("example", &["--type", "raw", "--type", "qcow2"]);
    let qcow2 = made.path.with_file_name("disk.qcow2");
    for (bus, disk) in [(Bus::Nvme, Disk::qcow2(qcow2)), (Bus::Ahci, Disk::raw(&made.path))] {
        let mut running = machine_with(disk.on(bus)).build().unwrap().start().unwrap();
        logged_in(&mut running, &format!("{bus:?}"));
        let mut shell = running.shell(BOOT).unwrap();
        booted_system(&mut shell, &made.plan);
    }
}

fn machine_with(disk: Disk) -> builder_qemu::MachineBuilder {
    use builder_qemu::{Architecture, Credential, Machine};
    Machine::builder(Architecture::X86_64)
        .memory_mib(2048)
        .cpus(2)
        .disk(disk)
        .log(crate::machine::fresh_log())
        .credential(Credential::new("agetty.autologin", "root").unwrap())
        .credential(Credential::new("login.noauth", "yes").unwrap())
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn composefs_is_mounted_and_is_what_libostree_itself_writes() {
    let disk = disk("mini-composefs", &[]);
    let commit = disk.plan["deployment"]["commit"].as_str().unwrap().to_owned();
    let mut running = machine(&disk.path).build().unwrap().start().unwrap();
    logged_in(&mut running, "composefs");
    let mut shell = running.shell(BOOT).unwrap();
    let root = shell.check("findmnt -n -o SOURCE,FSTYPE /", COMMAND).unwrap();
    assert!(root.contains("composefs") && root.contains("overlay"), "{root}");
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    let booted = status.lines().find(|line| line.trim_start().starts_with('*')).unwrap_or_default();
    assert!(booted.contains(&commit), "{status}");
    // The guest's own libostree makes the image of the same commit anew.
    let compare = format!(
        "ostree --repo=/sysroot/ostree/repo checkout --composefs-noverity {commit} /var/tmp/its.cfs && \
         cmp /var/tmp/its.cfs /sysroot/ostree/deploy/default/deploy/{commit}.0/.ostree.cfs"
    );
    let _ = shell.check(&compare, COMMAND).unwrap();
    let touched = shell.run("touch /probe", COMMAND).unwrap();
    assert!(touched.text.contains("Read-only file system"), "{}", touched.text);
}
