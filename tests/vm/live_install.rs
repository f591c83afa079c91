//! Live systems of disks with large sectors.

use builder_qemu::{Bus, Disk};

use crate::installer::Bench;
use crate::machine::{BOOT, COMMAND, logged_in};

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
