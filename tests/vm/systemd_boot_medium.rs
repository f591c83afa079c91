//! Media with systemd-boot, whose menu is changed when they are made already.

use std::fs;

use builder_qemu::{Bus, Disk};
use diskwright_tests::command::diskwright;

use crate::installer::{Bench, INSTALLED, UNATTENDED, boots_alone, ends, says, table_is_for_its_drive};

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_menu_that_was_changed_installs_from_disc_and_stick_with_its_own_argument() {
    // The cloud kernel has no USB.
    for (name, bus, memory) in [("mini", Bus::Cdrom, 1024), ("example", Bus::Usb, 2048)] {
        let bench = Bench::with(name, None, &["--bootloader", "systemd"]);
        let path = bench.directory.path();
        fs::write(path.join("answers.toml"), UNATTENDED).unwrap();
        let edit = ["iso", "edit", "install.iso", "--answers", "answers.toml", "--title", "Changed"];
        let _ = diskwright(path, edit.iter().chain(&["--medium-karg", "own.argument=here"])).succeeded();
        let drive = bench.drive(4);
        let machine = bench.machine(bus, Disk::raw(&drive).serial("TARGET"));
        let mut running = machine.memory_mib(memory).build().unwrap().start().unwrap();
        let _ = says(&mut running, "Install Changed", "the menu");
        let _ = says(&mut running, " own.argument=here", "the kernel's arguments");
        let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation");
        ends(&mut running);
        bench.is_innocent();
        table_is_for_its_drive(&drive, &bench.plan);
        // What is on a drive does not depend on the way of the medium, and the other image takes long.
        if name == "mini" {
            boots_alone(&drive, &bench.plan, memory, 300);
        }
    }
}
