//! An installed drive with identifiers of its own: whatever names its file systems names the new ones.

use std::fs::{self, File};
use std::path::Path;

use builder_qemu::{Bus, Disk, Pattern};
use diskwright_tests::command::{checkout, diskwright, target};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;
use diskwright_tests::partition::extract;
use serde_json::Value;

use crate::checks::no_unit_failed;
use crate::machine::{BOOT, COMMAND, logged_in, machine, medium_machine};

const ANSWERS: &str = "destructive = true\n[drive]\nonly = true\nfresh-ids = true\n[system]\nhostname = \"fresh\"\n[finish]\naction = \"poweroff\"\n";

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

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_drive_with_identifiers_of_its_own_boots_by_them() {
    let directory = tempfile::tempdir_in(target()).unwrap();
    let path = directory.path();
    fs::write(path.join("answers.toml"), ANSWERS).unwrap();
    let (source, layout) = (real("mini"), checkout().join("templates/layout-x86_64-boot.toml"));
    let mut all = vec!["build", &source, "--type", "iso", "-o", "install.iso", "--json", "-q", "--no-bundle"];
    all.extend(["--menu-timeout", "1", "--answers", "answers.toml", "--layout", layout.to_str().unwrap()]);
    all.extend(["--karg", "systemd.default_device_timeout_sec=600"]);
    let run = diskwright(path, &all).succeeded();
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    let partitions = result["plan"]["disk"]["partitions"].as_array().unwrap();

    let drive = path.join("drive.raw");
    File::create(&drive).unwrap().set_len(6 << 30).unwrap();
    let medium = medium_machine(Disk::raw(path.join("install.iso")).on(Bus::Cdrom));
    let mut running = medium.disk(Disk::raw(&drive).keep_writes()).build().unwrap().start().unwrap();
    running.stage("installation");
    let installed = Pattern::literal("diskwright: INSTALLED /dev/vda");
    let _ = running.expect_or_fail(&installed, &["diskwright: FAILED: ", "Kernel panic"], BOOT).unwrap();
    assert!(running.wait_for_exit(BOOT).unwrap().success());

    let mut options = result["plan"]["boot"]["options"].as_str().unwrap().to_owned();
    let mut ids = std::collections::BTreeMap::new();
    let table = judge("sfdisk", ["--dump".as_ref(), drive.as_os_str()]).passed().stdout.to_lowercase();
    for partition in partitions {
        let (old, new) = (partition["uuid"].as_str().unwrap(), judged(&drive, partition, path));
        assert!(new != old && new.len() == old.len(), "{partition}: {new}");
        assert!(!table.contains(&partition["guid"].as_str().unwrap().to_lowercase()), "{partition}: {table}");
        options = options.replace(old, &new);
        let _ = ids.insert(partition["from"].as_str().unwrap().to_owned(), new);
    }
    assert_eq!(ids.len(), 3, "an ESP, /boot and a root: {ids:?}");

    let mut running = machine(&drive).build().unwrap().start().unwrap();
    logged_in(&mut running, "the drive alone");
    let mut shell = running.shell(BOOT).unwrap();
    let command_line = shell.check("cat /proc/cmdline", COMMAND).unwrap();
    assert!(command_line.ends_with(&options), "wanted `{options}`, booted `{command_line}`");
    assert_eq!(shell.check("cat /proc/sys/kernel/hostname", COMMAND).unwrap().trim(), "fresh");
    // By /etc/fstab, and by the kernel arguments.
    for (mount, from) in [("/boot", "boot"), ("/sysroot", "sysroot")] {
        let source = shell.check(&format!("findmnt -n -o SOURCE {mount} | cut -d [ -f 1"), COMMAND).unwrap();
        let link = format!("readlink -f /dev/disk/by-uuid/{}", ids[from]);
        assert_eq!(shell.check(&link, COMMAND).unwrap(), source, "{mount}");
    }
    no_unit_failed(&mut shell);
    drop(running);
    for partition in partitions.iter().filter(|partition| partition["from"] == "esp") {
        assert_eq!(judged(&drive, partition, path), ids["esp"]);
    }
}
