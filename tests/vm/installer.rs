//! Installer media: tried, installed from, and what must not happen to a drive.
//!
//! Beside the drive that is meant there is another in each machine, full of noise, which is bit for bit the same in the
//! end.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use builder_qemu::{Bus, DirectKernel, Disk, Firmware, MachineBuilder, OnReboot, Pattern, Running};
use diskwright_tests::command::{diskwright, target};
use diskwright_tests::image::real;
use diskwright_tests::judge::{judge, shell};
use serde_json::Value;
use tempfile::TempDir;

use crate::checks::booted_system;
use crate::machine::{BOOT, COMMAND, bare, logged_in, machine, medium_machine};

const IMGREF: &str = "registry.example/os:stable";
/// What the program prints, for whoever looks at the console of a machine that nobody sits at.
pub(crate) const INSTALLED: &str = "diskwright: INSTALLED ";
pub(crate) const FAILED: &str = "diskwright: FAILED: ";
/// Its questions: which drive, and whether that may be erased.
pub(crate) const LIST: &str = "q: leave > ";
pub(crate) const CONFIRM: &str = "goes back > ";

/// A medium of an image, with what was planned for its disk, and drives beside it.
pub(crate) struct Bench {
    pub(crate) directory: TempDir,
    pub(crate) medium: PathBuf,
    pub(crate) plan: Value,
    /// A drive that nothing may happen to; a copy of it lies beside it.
    pub(crate) innocent: PathBuf,
}

impl Bench {
    /// A medium of the real image `name`, with these answers or none.
    pub(crate) fn new(name: &str, answers: Option<&str>) -> Self {
        Self::with(name, answers, &[])
    }

    /// The same with further arguments for its build.
    pub(crate) fn with(name: &str, answers: Option<&str>, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir_in(target()).unwrap();
        let at = |name: &str| directory.path().join(name);
        let source = real(name);
        let mut all = vec!["build", &source, "--type", "iso", "-o", "install.iso", "--json", "-q", "--no-bundle"];
        all.extend(["--target-imgref", IMGREF, "--menu-timeout", "1"]);
        all.extend(["--karg", "systemd.default_device_timeout_sec=600"]);
        all.extend(arguments);
        if let Some(answers) = answers {
            fs::write(at("answers.toml"), answers).unwrap();
            all.extend(["--answers", "answers.toml"]);
        }
        let run = diskwright(directory.path(), &all).succeeded();
        let result: Value = serde_json::from_str(&run.stdout).unwrap();
        // Noise, and in front of it a table, as a drive in use has.
        let script = "dd if=/dev/urandom of=innocent.raw bs=1M count=64 status=none
            truncate -s 4G innocent.raw && sgdisk -n 1:0:0 innocent.raw > /dev/null
            cp --sparse=always innocent.raw innocent.copy";
        let _ = shell(directory.path(), script);
        let innocent = at("innocent.raw");
        Self { medium: at("install.iso"), plan: result["plan"].clone(), directory, innocent }
    }

    /// A new drive of so many GiB.
    pub(crate) fn drive(&self, gib: u64) -> PathBuf {
        let path = self.directory.path().join("drive.raw");
        File::create(&path).unwrap().set_len(gib << 30).unwrap();
        path
    }

    /// A machine with the medium on a bus, a drive, and the innocent one.
    pub(crate) fn machine(&self, medium: Bus, drive: Disk) -> MachineBuilder {
        medium_machine(Disk::raw(&self.medium).on(medium))
            .disk(drive.keep_writes())
            .disk(Disk::raw(&self.innocent).keep_writes().serial("INNOCENT"))
    }

    /// The other drive is what it was.
    pub(crate) fn is_innocent(&self) {
        // It passes over holes, of which such drives mostly consist.
        let copy = self.directory.path().join("innocent.copy");
        let all = ["compare", "-U", "-f", "raw", "-F", "raw"].map(OsStr::new);
        let all = all.into_iter().chain([self.innocent.as_os_str(), copy.as_os_str()]);
        let _ = judge("qemu-img", all).passed();
    }
}

/// Waits for words of the program; any other end of the installation fails the test.
pub(crate) fn says(running: &mut Running, words: &str, stage: &str) -> String {
    running.stage(stage);
    let other = if words == FAILED { INSTALLED } else { FAILED };
    match running.expect_or_fail(&Pattern::literal(words), &[other, "Kernel panic"], BOOT) {
        Ok(found) => found.text_before,
        Err(error) => panic!("{stage}: {error}"),
    }
}

pub(crate) fn ends(running: &mut Running) {
    let status = running.wait_for_exit(BOOT).unwrap();
    assert!(status.success(), "QEMU: {status}");
}

/// The drive boots by itself, as the disk of `plan` does, and its root has so many MiB at least: the mini image cannot grow
/// it.
pub(crate) fn boots_alone(drive: &Path, plan: &Value, memory_mib: u32, least_mib: u64) {
    let mut running = machine(drive).memory_mib(memory_mib).build().unwrap().start().unwrap();
    logged_in(&mut running, "the drive alone");
    let mut shell = running.shell(BOOT).unwrap();
    booted_system(&mut shell, plan);
    let size = shell.check("df --output=size -B 1M /sysroot | tail -n 1", COMMAND).unwrap();
    let size: u64 = size.trim().parse().unwrap();
    assert!(size > least_mib, "the root has {size} MiB");
    let origin = shell.check("cat /ostree/deploy/*/deploy/*.0.origin", COMMAND).unwrap();
    assert!(origin.contains(IMGREF), "{origin}");
}

/// The table that the drive has is one for its size, and its partitions are those of the plan.
pub(crate) fn table_is_for_its_drive(drive: &Path, plan: &Value) {
    let table = judge("sgdisk", ["-v".as_ref(), drive.as_os_str()]).passed();
    assert!(table.stdout.contains("No problems found"), "{}", table.stdout);
    let printed = judge("sgdisk", ["-p".as_ref(), drive.as_os_str()]).passed().stdout;
    let guid = plan["disk"]["guid"].as_str().unwrap().to_uppercase();
    assert!(printed.contains(&guid), "no {guid} in {printed}");
}

pub(crate) const UNATTENDED: &str =
    "destructive = true\n[drive]\nserial = \"TARGET\"\n[finish]\naction = \"poweroff\"\n";

#[test]
fn a_disc_installs_without_a_question_and_the_drive_boots_alone() {
    let bench = Bench::new("example", Some(UNATTENDED));
    let drive = bench.drive(6);
    let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
    let mut running = machine.memory_mib(2048).build().unwrap().start().unwrap();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation");
    ends(&mut running);
    bench.is_innocent();
    table_is_for_its_drive(&drive, &bench.plan);
    boots_alone(&drive, &bench.plan, 2048, 4500);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_stick_installs_onto_drives_on_every_controller() {
    for (bus, name) in [(Bus::Nvme, "/dev/nvme0n1"), (Bus::Ahci, "/dev/sda")] {
        let bench = Bench::new("mini", Some(UNATTENDED));
        let drive = bench.drive(4);
        let machine = bench.machine(Bus::Virtio, Disk::raw(&drive).on(bus).serial("TARGET"));
        let mut running = machine.build().unwrap().start().unwrap();
        let _ = says(&mut running, &format!("{INSTALLED}{name}"), name);
        ends(&mut running);
        bench.is_innocent();
        table_is_for_its_drive(&drive, &bench.plan);
        boots_alone(&drive, &bench.plan, 1024, 300);
    }
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn what_a_boot_server_gives_out_installs_from_memory() {
    let bench = Bench::new("mini", Some(UNATTENDED));
    let path = bench.directory.path();
    let source = real("mini");
    let mut all = vec!["build", &source, "--type", "pxe", "-o", "pxe.tar", "-q", "--no-bundle"];
    all.extend(["--target-imgref", IMGREF, "--answers", "answers.toml"]);
    all.extend(["--karg", "systemd.default_device_timeout_sec=600"]);
    let _ = diskwright(path, &all).succeeded();
    // As boot loaders do it: archives one behind the other, each from a multiple of four bytes on.
    let script = "tar -x -f pxe.tar && cp diskwright.img initrd && truncate -s %4 initrd && cat medium.img >> initrd
        sed -n \"/Install/,/}/s/.*vmlinuz //p\" grub.cfg | tr -d \"'\"";
    let arguments = shell(path, script);
    let drive = bench.drive(4);
    let machine = bare()
        .firmware(Firmware::BuiltIn)
        .direct_kernel(DirectKernel {
            kernel: path.join("vmlinuz"),
            initramfs: Some(path.join("initrd")),
            command_line: arguments.trim().to_owned(),
        })
        .disk(Disk::raw(&drive).keep_writes().serial("TARGET"))
        .disk(Disk::raw(&bench.innocent).keep_writes().serial("INNOCENT"));
    let mut running = machine.build().unwrap().start().unwrap();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation from memory");
    ends(&mut running);
    bench.is_innocent();
    table_is_for_its_drive(&drive, &bench.plan);
    boots_alone(&drive, &bench.plan, 1024, 300);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_usb_stick_is_a_medium_too_and_is_not_installed_to() {
    let answers = "destructive = true\n[drive]\nonly = true\nremovable = true\n[finish]\naction = \"poweroff\"\n";
    let bench = Bench::new("example", Some(answers));
    let drive = bench.drive(4);
    // The stick itself is no drive that counts, so there is one.
    let machine = medium_machine(Disk::raw(&bench.medium).on(Bus::Usb)).disk(Disk::raw(&drive).keep_writes());
    let mut running = machine.memory_mib(2048).build().unwrap().start().unwrap();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation from a stick");
    ends(&mut running);
    table_is_for_its_drive(&drive, &bench.plan);
}

#[test]
fn the_system_is_tried_from_the_disc_and_leaves_every_drive_as_it_was() {
    let bench = Bench::new("mini", None);
    let machine = bench.machine(Bus::Cdrom, Disk::raw(bench.drive(4)));
    let mut running = machine.build().unwrap().start().unwrap();
    logged_in(&mut running, "the system on trial");
    let mut shell = running.shell(BOOT).unwrap();
    let status = shell.check("ostree admin status", COMMAND).unwrap();
    let commit = bench.plan["deployment"]["commit"].as_str().unwrap();
    let booted = status.lines().find(|line| line.trim_start().starts_with('*')).unwrap_or_default();
    assert!(booted.contains(commit), "{status}");
    assert_eq!(shell.check("findmnt -n -o SOURCE /sysroot | cut -d [ -f 1", COMMAND).unwrap(), "/dev/loop77p2");
    let _ = shell.check("touch /etc/kept /var/kept && sync", COMMAND).unwrap();
    // A login shell finds the installer.
    let found = shell.check("sh -l -c 'command -v diskwright-install'", COMMAND).unwrap();
    assert!(found.ends_with("/diskwright-install"), "{found}");
    let _ = running.quit();
    bench.is_innocent();
    let drive = bench.directory.path().join("drive.raw");
    assert_eq!(shell_words(&format!("du -k {}", drive.display())), "0", "the other drive was written to");
}

/// The first word of what a command prints.
pub(crate) fn shell_words(script: &str) -> String {
    shell(Path::new("/"), script).split_whitespace().next().unwrap().to_owned()
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn somebody_at_the_serial_console_installs_and_a_wrong_name_erases_nothing() {
    let bench = Bench::new("mini", None);
    let drive = bench.drive(4);
    let (path, serial) = (bench.directory.path(), "TARGET");
    let _ = diskwright(path, ["iso", "edit", "install.iso", "--medium-karg", "diskwright.mode=install"]).succeeded();
    let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial(serial));
    let mut running = machine.build().unwrap().start().unwrap();
    let _ = says(&mut running, LIST, "the list of drives");
    running.send("1\n").unwrap();
    let screen = says(&mut running, CONFIRM, "what will be erased");
    assert!(screen.contains("vda") && screen.contains(serial), "{screen}");
    running.send("vdb\n").unwrap();
    let _ = says(&mut running, LIST, "the list again");
    assert_eq!(shell_words(&format!("du -k {}", drive.display())), "0", "a wrong name erases nothing");
    running.send("1\n").unwrap();
    let _ = says(&mut running, CONFIRM, "what will be erased, again");
    running.send("vda\n").unwrap();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "installation");
    drop(running);
    bench.is_innocent();
    table_is_for_its_drive(&drive, &bench.plan);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn what_the_answers_do_not_mean_for_certain_or_what_cannot_be_is_refused() {
    for (answers, gib, words) in [
        ("[drive]\nmin-size = \"1 GiB\"\n", 4, "hold for 2 drives"),
        ("[drive]\nserial = \"OTHER\"\n", 4, "hold for no drive"),
        ("[drive]\nonly = true\n", 4, "says that there is only one"),
        // Smaller than the disk, so that it could not be installed to.
        ("[drive]\nserial = \"TARGET\"\n", 0, "too small"),
        ("[drive]\nserial = \"TARGET\"\n[system]\ntimezone = \"Mars/Olympus\"\n", 4, "no time zone Mars/Olympus"),
    ] {
        let bench = Bench::new("mini", Some(&format!("destructive = true\n{answers}")));
        let drive = bench.directory.path().join("drive.raw");
        File::create(&drive).unwrap().set_len(if gib == 0 { 512 << 20 } else { gib << 30 }).unwrap();
        let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
        let mut running = machine.build().unwrap().start().unwrap();
        let _ = says(&mut running, FAILED, answers);
        let said = says(&mut running, "Number > ", answers);
        assert!(said.contains(words), "{answers}: no {words} in {said}");
        drop(running);
        bench.is_innocent();
        assert_eq!(shell_words(&format!("du -k {}", drive.display())), "0", "{answers}: written to");
    }
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_flipped_bit_of_the_payload_is_found_before_anything_is_erased_or_named_when_nobody_looked() {
    let bench = Bench::new("mini", Some(UNATTENDED));
    let file = OpenOptions::new().read(true).write(true).open(&bench.medium).unwrap();
    let at = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    let drive = bench.drive(4);
    let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
    let mut running = machine.build().unwrap().start().unwrap();
    let said = says(&mut running, FAILED, "a medium that is looked at");
    let why = says(&mut running, "Number > ", "the menu");
    assert!(why.contains("damaged"), "{said}{why}");
    drop(running);
    assert_eq!(shell_words(&format!("du -k {}", drive.display())), "0", "erased all the same");
    bench.is_innocent();

    // The checksum as it would be of such a medium, so that only the hashes of the blocks can tell.
    let _ = diskwright(bench.directory.path(), ["iso", "edit", "install.iso", "--menu-timeout", "2"]).succeeded();
    let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
    let mut running = machine.build().unwrap().start().unwrap();
    let _ = says(&mut running, FAILED, "a medium whose checksum is right");
    let why = says(&mut running, "Number > ", "the menu");
    assert!(why.contains("damaged"), "{why}");
    drop(running);
    bench.is_innocent();
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_power_cut_leaves_a_drive_that_the_next_run_installs_to() {
    let bench = Bench::new("mini", Some(UNATTENDED));
    let drive = bench.drive(4);
    let start = || {
        let machine = bench.machine(Bus::Cdrom, Disk::raw(&drive).serial("TARGET"));
        machine.on_reboot(OnReboot::Exit).build().unwrap().start().unwrap()
    };
    let mut running = start();
    let _ = says(&mut running, "Writing", "the disk is being written");
    // Killed, as a machine whose plug is pulled.
    drop(running);
    let printed = judge("sgdisk", ["-p".as_ref(), drive.as_os_str()]);
    assert!(!printed.stdout.contains("EFI-SYSTEM"), "half a disk has a table: {}", printed.stdout);
    let mut running = start();
    let _ = says(&mut running, &format!("{INSTALLED}/dev/vda"), "the next run");
    ends(&mut running);
    bench.is_innocent();
    table_is_for_its_drive(&drive, &bench.plan);
    boots_alone(&drive, &bench.plan, 1024, 300);
}
