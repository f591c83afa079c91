//! The real image: booted, checked, rebooted, checked again.

use diskwright_tests::judge::judge;
use diskwright_tests::partition::extract;

use crate::checks::booted_system;
use crate::machine::{BOOT, COMMAND, comes_back, disk, logged_in, machine};

#[test]
fn the_example_image_boots_and_reboots_as_an_ostree_system() {
    let disk = disk("example", &[]);
    let machine = machine(&disk.path).memory_mib(2048).build().unwrap();
    let mut running = machine.start().unwrap();
    logged_in(&mut running, "first boot");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, &disk.plan);
    let _ = shell.check("echo kept > /etc/kept && echo kept > /var/kept && sync", COMMAND).unwrap();
    let id = shell.check("cat /etc/machine-id", COMMAND).unwrap();
    assert_eq!(id.trim().len(), 32, "no machine id: {id}");

    running.send("systemctl reboot\n").unwrap();
    comes_back(&machine, &mut running);
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

/// What each machine must have for itself; each line is empty on the disk.
const OWN: [(&str, &str); 4] = [
    ("machine id", "cat /etc/machine-id"),
    ("SSH host keys", "cat /etc/ssh/ssh_host_*_key.pub | cut -d ' ' -f 2 | sort"),
    ("random seed", "sha256sum /var/lib/systemd/random-seed"),
    ("logs", "find /var/log/journal /run/log/journal -mindepth 1 -maxdepth 1 2> /dev/null | sort"),
];

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn two_machines_from_one_disk_share_their_keys_for_root_and_nothing_that_must_be_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys");
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDqSGuCfVKBpkvtfUlC1zvFwEJMIgNMLe1zQSBfnNuXj me@here\n";
    std::fs::write(&keys, key).unwrap();
    let disk = disk("example", &["--root-ssh-authorized-keys", keys.to_str().unwrap()]);

    // Nothing of it is on the disk before a machine runs.
    let root = extract(&disk.path, "root", directory.path());
    let root = root.to_str().unwrap();
    let deployment = format!("/ostree/deploy/default/deploy/{}.0", disk.plan["deployment"]["commit"].as_str().unwrap());
    let there = |request: &str| judge("debugfs", ["-R", request, root]).passed().stdout;
    assert_eq!(there(&format!("cat {deployment}/etc/machine-id")), "");
    let ssh = there(&format!("ls -p {deployment}/etc/ssh"));
    assert!(ssh.contains("/sshd_config/") && !ssh.contains("ssh_host_"), "{ssh}");
    let var = there("ls -p /ostree/deploy/default/var");
    assert!(!var.contains("/log/") && !var.contains("/lib/"), "{var}");

    let mut machines = Vec::new();
    let copy = disk.path.with_extension("copy");
    let _ = judge("cp", ["--sparse=always", disk.path.to_str().unwrap(), copy.to_str().unwrap()]).passed();
    for (stage, disk_path) in [("the first machine", &disk.path), ("the second machine", &copy)] {
        let mut running = machine(disk_path).memory_mib(2048).build().unwrap().start().unwrap();
        logged_in(&mut running, stage);
        let mut shell = running.shell(BOOT).unwrap();
        booted_system(&mut shell, &disk.plan);
        let authorized = shell.check("cat /root/.ssh/authorized_keys", COMMAND).unwrap();
        assert_eq!(authorized, key.trim_end());
        machines.push(OWN.map(|(_, command)| shell.check(command, COMMAND).unwrap()));
    }
    for (index, (what, _)) in OWN.iter().enumerate() {
        let [first, second] = [&machines[0][index], &machines[1][index]];
        assert!(!first.is_empty() && first != second, "{what}: {first}, {second}");
    }
}
