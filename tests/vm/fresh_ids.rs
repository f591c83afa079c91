//! An installed drive with identifiers of its own: whatever names its file systems names the new ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use builder_qemu::{Bus, Disk};
use diskwright_tests::command::checkout;
use diskwright_tests::judge::judge;
use diskwright_tests::partition::extract;
use serde_json::Value;

use crate::checks::no_unit_failed;
use crate::installer::{Bench, CONFIRM, INSTALLED, LIST, ends, says};
use crate::machine::{BOOT, COMMAND, logged_in, machine};

const ANSWERS: &str = "destructive = true\n[drive]\nserial = \"TARGET\"\nfresh-ids = true\n[system]\nhostname = \"fresh\"\n[finish]\naction = \"poweroff\"\n";

/// The UUID of a partition's file system, and that nothing is wrong with it.
fn judged(drive: &Path, partition: &Value, directory: &Path) -> String {
    let image = extract(drive, partition["name"].as_str().unwrap(), directory);
    match partition["format"].as_str().unwrap() {
        "ext4" => drop(judge("e2fsck", ["-fn".as_ref(), image.as_os_str()]).passed()),
        _ => drop(judge("fsck.fat", ["-n".as_ref(), image.as_os_str()]).passed()),
    }
    let found = judge("blkid", ["-p", "-o", "value", "-s", "UUID", image.to_str().unwrap()]).passed().stdout;
    fs::remove_file(image).unwrap();
    found.trim().to_owned()
}

/// The drive has none of the plan's identifiers, and boots alone by its own. `mounts` are those of its partitions, by what
/// they hold.
fn boots_by_its_own(bench: &Bench, drive: &Path, mounts: &[(&str, &str)], hostname: Option<&str>) {
    let path = bench.directory.path();
    let mut options = bench.plan["boot"]["options"].as_str().unwrap().to_owned();
    let mut ids = BTreeMap::new();
    let table = judge("sfdisk", ["--dump".as_ref(), drive.as_os_str()]).passed().stdout.to_lowercase();
    let partitions = bench.plan["disk"]["partitions"].as_array().unwrap();
    for partition in partitions {
        let (old, new) = (partition["uuid"].as_str().unwrap(), judged(drive, partition, path));
        assert!(new != old && new.len() == old.len(), "{partition}: {new}");
        assert!(!table.contains(&partition["guid"].as_str().unwrap().to_lowercase()), "{partition}: {table}");
        options = options.replace(old, &new);
        let _ = ids.insert(partition["from"].as_str().unwrap().to_owned(), new);
    }
    assert!(mounts.iter().all(|(_, from)| ids.contains_key(*from)), "{mounts:?} and {ids:?}");

    let mut running = machine(drive).build().unwrap().start().unwrap();
    logged_in(&mut running, "the drive alone");
    let mut shell = running.shell(BOOT).unwrap();
    let command_line = shell.check("cat /proc/cmdline", COMMAND).unwrap();
    assert!(command_line.ends_with(&options), "wanted `{options}`, booted `{command_line}`");
    if let Some(hostname) = hostname {
        assert_eq!(shell.check("cat /proc/sys/kernel/hostname", COMMAND).unwrap().trim(), hostname);
    }
    no_unit_failed(&mut shell);
    // By /etc/fstab, and by the kernel arguments.
    for (mount, from) in mounts {
        let source = shell.check(&format!("findmnt -n -o SOURCE {mount} | cut -d [ -f 1"), COMMAND).unwrap();
        let link = format!("readlink -f /dev/disk/by-uuid/{}", ids[*from]);
        assert_eq!(shell.check(&link, COMMAND).unwrap(), source, "{mount}");
    }
    // What is mounted is not clean before it is unmounted.
    running.send("systemctl poweroff\n").unwrap();
    ends(&mut running);
    for partition in partitions.iter().filter(|partition| partition["from"] == "esp") {
        assert_eq!(judged(drive, partition, path), ids["esp"]);
    }
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_drive_with_identifiers_of_its_own_boots_by_them() {
    let layout = checkout().join("templates/layout-x86_64-boot.toml");
    let bench = Bench::with("mini", Some(ANSWERS), &["--layout", layout.to_str().unwrap()]);
    let drive = bench.drive(6);
    let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
    let mut running = machine.build().unwrap().start().unwrap();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation");
    ends(&mut running);
    bench.is_innocent();
    boots_by_its_own(&bench, &drive, &[("/boot", "boot"), ("/sysroot", "sysroot")], Some("fresh"));
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_live_system_of_systemd_boot_gives_a_drive_identifiers_of_its_own() {
    let bench = Bench::with("mini", None, &["--bootloader", "systemd"]);
    let drive = bench.drive(4);
    let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
    let mut running = machine.build().unwrap().start().unwrap();
    logged_in(&mut running, "the live system");
    let _ = running.shell(BOOT).unwrap();
    running.send("diskwright-install --fresh-ids\n").unwrap();
    let _ = says(&mut running, LIST, "the list of drives");
    running.send("1\n").unwrap();
    let _ = says(&mut running, CONFIRM, "what will be erased");
    running.send("vda\n").unwrap();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation");
    let _ = running.quit();
    bench.is_innocent();
    // The ESP is at /efi, where the machine renews what is copied there.
    boots_by_its_own(&bench, &drive, &[("/efi", "esp"), ("/sysroot", "sysroot")], None);
}
