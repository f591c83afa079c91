//! Boots that must fail, each with its own words.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use builder_qemu::{Pattern, QemuError};
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{extract, partitions};

use crate::machine::{BOOT, disk, machine};

#[test]
fn a_root_uuid_altered_after_the_build_is_not_found_by_the_boot_loader() {
    let disk = disk("mini", &[]);
    let root = partitions(&disk.path).pop().unwrap();
    // The superblock lies 1,024 bytes into the file system, its UUID 0x68 into the superblock.
    let file = OpenOptions::new().read(true).write(true).open(&disk.path).unwrap();
    let at = root.offset + 1024 + 0x68;
    let mut uuid = [0; 16];
    file.read_exact_at(&mut uuid, at).unwrap();
    uuid[0] ^= 0xff;
    file.write_all_at(&uuid, at).unwrap();
    drop(file);

    let mut running = machine(&disk.path).build().unwrap().start().unwrap();
    running.stage("a root that nobody finds");
    let planned = disk.plan["disk"]["partitions"][1]["uuid"].as_str().unwrap();
    let words = format!("no such device: {planned}");
    if let Err(error) = running.expect_or_fail(&Pattern::literal(&words), &["login: ", "Linux version"], BOOT) {
        panic!("{error}");
    }
}

#[test]
fn an_initramfs_that_is_damaged_ends_in_a_panic() {
    let disk = disk("mini", &["--karg", "panic=-1", "--karg", "console=ttyS0"]);
    let boot = &disk.plan["boot"];
    let text = |key: &str| boot[key].as_str().unwrap();
    let initramfs = format!("/boot/ostree/default-{}/initramfs-{}.img", text("checksum"), text("kernel"));
    let root = partitions(&disk.path).pop().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let image = extract(&disk.path, "root", directory.path());
    let request = format!("blocks {initramfs}");
    let blocks = judge("debugfs", ["-R".as_ref(), request.as_ref(), image.as_os_str()]).passed().stdout;
    let first: u64 = blocks.split_whitespace().next().unwrap().parse().unwrap();
    let file = OpenOptions::new().write(true).open(&disk.path).unwrap();
    // Its header and some of its data: the kernel finds nothing that it could unpack.
    file.write_all_at(&[0; 65536], root.offset + first * 4096).unwrap();
    drop(file);
    let mut running = machine(&disk.path).build().unwrap().start().unwrap();
    running.stage("a damaged initramfs");
    match running.expect_or_fail(&Pattern::literal("Kernel panic"), &["login: "], BOOT) {
        Ok(_) => {}
        Err(QemuError::GuestFailed { .. }) => panic!("it booted without its initramfs"),
        Err(error) => panic!("{error}"),
    }
}
