//! SELinux, enforcing from the first process on.

use crate::checks::{Exceptions, booted_system_but};
use crate::machine::{BOOT, COMMAND, disk, machine_without_credentials};

/// Denials that Debian's policy gives any installation, because it is older than its systemd: a part of the message,
/// and what it is about.
const OF_ANY_DEBIAN: &[(&str, &str)] = &[
    ("memory.pressure", "services that watch their memory use"),
    ("name=\"credentials\" dev=\"tmpfs\"", "services that look for credentials in /run"),
    ("comm=\"systemd-network\" name=\"/\" dev=\"cgroup2\"", "networkd's own control group"),
    ("comm=\"systemd-network\" name=\"mount\" dev=\"tmpfs\"", "networkd's look into /run/mount"),
    ("comm=\"systemd-debug-g\" name=\"/\" dev=\"tmpfs\"", "a generator that looks for credentials"),
];

/// For the same reason.
const FAILS_ON_ANY_DEBIAN: Exceptions =
    &[("systemd-network-generator.service", "it may not search /run/credentials, see above")];

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn an_enforcing_system_comes_up_with_every_file_labelled() {
    let disk = disk("example-selinux", &["--karg", "enforcing=1"]);
    let mut running = machine_without_credentials(&disk.path).memory_mib(2048).build().unwrap().start().unwrap();
    running.stage("first boot");
    // The policy does not let agetty read a credential.
    let mut shell = running.login("root", Some("diskwright"), BOOT).unwrap();
    booted_system_but(&mut shell, &disk.plan, FAILS_ON_ANY_DEBIAN);
    assert_eq!(shell.check("getenforce", COMMAND).unwrap(), "Enforcing");

    // All of the disk's root, of which everything else is a part that is mounted again.
    let unlabelled = shell.check("find /sysroot -xdev -context '*unlabeled_t*'", BOOT).unwrap();
    assert_eq!(unlabelled, "");
    let labels =
        "stat -c '%n %C' / /etc/shadow /usr/etc/shadow /boot/loader /var /root /sysroot/ostree /sysroot/lost+found";
    assert_eq!(
        shell.check(labels, COMMAND).unwrap(),
        "/ system_u:object_r:root_t:s0
/etc/shadow system_u:object_r:shadow_t:s0
/usr/etc/shadow system_u:object_r:shadow_t:s0
/boot/loader system_u:object_r:boot_t:s0
/var system_u:object_r:var_t:s0
/root system_u:object_r:lib_t:s0
/sysroot/ostree system_u:object_r:usr_t:s0
/sysroot/lost+found system_u:object_r:lost_found_t:s0"
    );

    let denials = shell.check("journalctl -b --no-pager -o cat | grep 'avc:  *denied' || true", COMMAND).unwrap();
    let without_numbers = |line: &str| -> String {
        let numbered = |word: &&str| !word.starts_with("pid=") && !word.starts_with("ino=");
        line.split_ascii_whitespace().filter(numbered).collect::<Vec<_>>().join(" ")
    };
    let unexpected: Vec<_> = denials
        .lines()
        .map(without_numbers)
        .filter(|line| !OF_ANY_DEBIAN.iter().any(|(part, _)| line.contains(part)))
        .collect();
    assert!(unexpected.is_empty(), "denials:\n{}", unexpected.join("\n"));
}
