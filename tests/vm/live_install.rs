//! `diskwright-install` in a live system, and live systems of disks with large sectors.

use builder_qemu::{Bus, Disk};
use diskwright_tests::judge::shell;

use crate::installer::{Bench, CONFIRM, INSTALLED, LIST, boots_alone, says, table_is_for_its_drive};
use crate::machine::{BOOT, COMMAND, logged_in};

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_live_system_installs_to_a_drive_that_nobody_uses_and_whose_name_is_typed() {
    let bench = Bench::new("mini", None);
    let path = bench.directory.path();
    let drive = bench.drive(4);
    let _ = shell(path, "mkfs.ext4 -q -F -L KEPT drive.raw && cp --sparse=always drive.raw before.raw");
    let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
    let mut running = machine.build().unwrap().start().unwrap();
    logged_in(&mut running, "the live system");
    let mut guest = running.shell(BOOT).unwrap();
    let _ = guest.check("mkdir /run/held && mount -o ro /dev/vda /run/held", COMMAND).unwrap();

    // In one line: what is typed before a program has left could be taken by it.
    running.send("diskwright-install; umount /run/held && diskwright-install\n").unwrap();
    let screen = says(&mut running, LIST, "a drive that is mounted");
    assert!(screen.contains("cannot be used: in use: vda is mounted at /run/held"), "{screen}");
    running.send("1\n").unwrap();
    let refused = says(&mut running, LIST, "a drive that is mounted was chosen");
    assert!(refused.contains("vda cannot be used: in use: vda is mounted at /run/held"), "{refused}");
    running.send("q\n").unwrap();

    let _ = says(&mut running, LIST, "a drive that nobody uses");
    running.send("1\n").unwrap();
    let screen = says(&mut running, CONFIRM, "what will be erased");
    assert!(["vda", "TARGET", "KEPT"].iter().all(|word| screen.contains(word)), "{screen}");
    running.send("vdb\n").unwrap();
    let said = says(&mut running, LIST, "the list after another name");
    assert!(said.contains("Nothing was erased"), "{said}");
    let _ = shell(path, "cmp drive.raw before.raw");

    running.send("1\n").unwrap();
    let _ = says(&mut running, CONFIRM, "what will be erased, again");
    running.send("vda\n").unwrap();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation");
    let _ = running.quit();
    bench.is_innocent();
    table_is_for_its_drive(&drive, &bench.plan);
    boots_alone(&drive, &bench.plan, 1024, 300);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_disk_of_large_sectors_is_tried_from_a_disc() {
    let bench = Bench::with("mini", None, &["--sector-size", "4096"]);
    let machine = bench.machine(Bus::Cdrom, Disk::raw(bench.drive(4)));
    let mut running = machine.build().unwrap().start().unwrap();
    logged_in(&mut running, "the system on trial");
    let mut guest = running.shell(BOOT).unwrap();
    let status = guest.check("ostree admin status", COMMAND).unwrap();
    assert!(status.contains(bench.plan["deployment"]["commit"].as_str().unwrap()), "{status}");
    let sectors = guest.check("cat /sys/block/loop77/queue/logical_block_size", COMMAND).unwrap();
    assert_eq!(sectors, "4096");
    let _ = guest.check("touch /etc/kept && sync", COMMAND).unwrap();
    let _ = running.quit();
    bench.is_innocent();
}
