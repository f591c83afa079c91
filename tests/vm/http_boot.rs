//! Media that firmware fetches over HTTP: a drive in memory, where the kernel finds it too.

use std::path::Path;

use builder_qemu::{Disk, FirmwareFiles, MachineBuilder, Network};
use diskwright_tests::command::diskwright;
use diskwright_tests::file_server::FileServer;
use diskwright_tests::firmware_variables::boot_next;

use crate::installer::{
    Bench, FAILED, INSTALLED, LIST, UNATTENDED, boots_alone, ends, says, shell_words, table_is_for_its_drive,
};
use crate::machine::{BOOT, COMMAND, bare, logged_in, logs_in};

/// Debian's firmware, with the variables that it has at first.
const CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/// The host, as a machine behind QEMU's NAT sees it.
const HOST: &str = "10.0.2.2";

/// A machine with a drive and the innocent one, which fetches the medium from a server.
fn machine(bench: &Bench, server: &FileServer, drive: &Path) -> MachineBuilder {
    let variables = bench.directory.path().join("variables.fd");
    boot_next(Path::new(VARIABLES), &variables, &format!("http://{HOST}:{}/install.iso", server.port()));
    bare()
        .firmware_files(FirmwareFiles::new(CODE, variables))
        .network(Network::User(Vec::new()))
        .disk(Disk::raw(drive).keep_writes().serial("TARGET"))
        .disk(Disk::raw(&bench.innocent).keep_writes().serial("INNOCENT"))
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn what_firmware_fetches_over_http_installs_and_the_drive_boots_alone() {
    let bench = Bench::new("example", Some(UNATTENDED));
    let server = FileServer::start(&bench.medium);
    let drive = bench.drive(6);
    let mut running = machine(&bench, &server, &drive).memory_mib(2048).build().unwrap().start().unwrap();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation over HTTP");
    ends(&mut running);
    assert!(server.served().iter().any(|request| request == "GET /install.iso"), "{:?}", server.served());
    bench.is_innocent();
    table_is_for_its_drive(&drive, &bench.plan);
    boots_alone(&drive, &bench.plan, 2048, 4500);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn what_firmware_fetches_over_http_is_tried_and_is_no_drive_to_install_to() {
    let bench = Bench::new("example", None);
    let server = FileServer::start(&bench.medium);
    let drive = bench.drive(4);
    let machine = logs_in(machine(&bench, &server, &drive)).memory_mib(2048);
    let mut running = machine.build().unwrap().start().unwrap();
    logged_in(&mut running, "the system on trial");
    let mut shell = running.shell(BOOT).unwrap();
    assert_eq!(shell.check("findmnt -n -o SOURCE /sysroot | cut -d [ -f 1", COMMAND).unwrap(), "/dev/loop77p2");
    running.send("sh -l -c diskwright-install\n").unwrap();
    let listed = says(&mut running, LIST, "the list of drives");
    let medium = listed.split("pmem0 ").nth(1).unwrap_or_default();
    assert!(medium.contains("cannot be used: it is the medium"), "{listed}");
    let _ = running.quit();
    bench.is_innocent();
    assert_eq!(shell_words(&format!("du -k {}", drive.display())), "0", "the other drive was written to");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_kernel_without_a_driver_for_it_says_what_it_lacks() {
    let bench = Bench::new("mini", Some(UNATTENDED));
    let path = bench.directory.path();
    let _ = diskwright(path, ["iso", "edit", "install.iso", "--medium-karg", "diskwright.wait=5"]).succeeded();
    let server = FileServer::start(&bench.medium);
    let drive = bench.drive(4);
    let mut running = machine(&bench, &server, &drive).build().unwrap().start().unwrap();
    let _ = says(&mut running, FAILED, "no medium");
    let why = says(&mut running, "Number > ", "the menu");
    assert!(why.contains("was not found within 5 s") && why.contains("nfit"), "{why}");
    drop(running);
    bench.is_innocent();
    assert_eq!(shell_words(&format!("du -k {}", drive.display())), "0", "erased all the same");
}
