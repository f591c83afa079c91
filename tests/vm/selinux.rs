//! SELinux, enforcing from the first instruction of the first process.

use builder_qemu::{BOOT_FAILURES, Pattern, Running};

use crate::checks::booted_system;
use crate::machine::{BOOT, COMMAND, disk, machine};

#[test]
fn an_enforcing_system_comes_up_with_every_file_labelled() {
    let disk = disk("example-selinux", &["--karg", "enforcing=1"]);
    let mut running = machine(&disk.path).memory_mib(2048).build().unwrap().start().unwrap();
    password_login(&mut running, "first boot");
    let mut shell = running.shell(BOOT).unwrap();
    println!("{}", shell.run("getenforce; id -Z; journalctl -b --no-pager | grep -i avc | sed 's/.*avc/avc/' | sort | uniq -c | head -80; systemctl --failed --no-legend", COMMAND).unwrap().text);
    println!("{}", shell.run("find / -xdev -context '*unlabeled_t*' | head; find /sysroot /boot /etc /var -xdev -context '*unlabeled_t*' | head; ls -Zd / /etc /var /sysroot /sysroot/ostree /etc/shadow /usr/etc/shadow /boot /sysroot/ostree/deploy/default/deploy/*.origin", COMMAND).unwrap().text);
    booted_system(&mut shell, &disk.plan);
}

/// Logs in with the image's password: the policy does not let agetty read a credential.
fn password_login(running: &mut Running, stage: &str) {
    running.stage(stage);
    let _ = running.expect_or_fail(&Pattern::literal("debian login:"), BOOT_FAILURES, BOOT).unwrap();
    running.send("root\n").unwrap();
    let _ = running.expect(&Pattern::literal("Password:"), COMMAND).unwrap();
    running.send("diskwright\n").unwrap();
    let _ = running.expect(&Pattern::any_of(&["# "]), COMMAND).unwrap();
}
