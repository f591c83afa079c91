//! Real machines: QEMU and OVMF (Debian packages `qemu-system-x86`, `ovmf`), no operating system.
//!
//! No test needs OVMF's built-in shell: on a host that stalls, OVMF's serial driver times out, repeats characters, and
//! the shell exits (seen once in 28 starts at a load of 6 on 2 processors, in the log that QEMU itself wrote).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use builder_qemu::{
    Architecture, BOOT_FAILURES, Bus, Disk, Evidence, Firmware, Machine, MachineBuilder, OnReboot, Pattern, QemuError,
    Running, ScreenFormat,
};

/// Measured: OVMF says its first word after about 3 s on a quiet host. The rest is for busy ones.
const FIRMWARE_LIMIT: Duration = Duration::from_secs(60);

/// The firmware's word for a disk without a boot loader.
const NOTHING_TO_BOOT: &str = "BdsDxe: failed to load Boot";

/// A machine with one empty disk of 64 MiB.
fn with_empty_disk(folder: &Path) -> MachineBuilder {
    let path = folder.join("empty, with a comma.raw");
    File::create(&path).unwrap().set_len(64 << 20).unwrap();
    Machine::builder(Architecture::X86_64).memory_mib(512).disk(Disk::raw(path))
}

/// Building and starting, with the hint as the test's word when a package is missing.
fn start(machine: MachineBuilder) -> Running {
    let machine = machine.build().unwrap_or_else(|error| panic!("{error}\n{}", error.hint().unwrap_or_default()));
    machine.start().unwrap_or_else(|error| panic!("{error}\n{machine}"))
}

fn process_folder(running: &Running) -> PathBuf {
    let id = running.process_id().expect("it has just been started");
    let folder = PathBuf::from(format!("/proc/{id}"));
    assert!(folder.exists(), "{} is there while QEMU runs", folder.display());
    folder
}

#[test]
fn firmware_reports_an_empty_disk_and_quit_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("console.log");
    for firmware in [Firmware::Uefi, Firmware::UefiSecureBoot] {
        let mut running = start(with_empty_disk(folder.path()).firmware(firmware).log(&log));
        running.stage("firmware");
        let process = process_folder(&running);
        assert_eq!(running.status().unwrap(), "running");
        let found = running.expect(&Pattern::literal(NOTHING_TO_BOOT), FIRMWARE_LIMIT).unwrap();
        assert_eq!(found.matched, NOTHING_TO_BOOT);
        assert!(!found.text_before.contains('\x1b'), "{:?}", found.text_before);
        assert!(running.quit().unwrap().success());
        assert!(!process.exists(), "{firmware}: {} is still there", process.display());
        let logged = std::fs::read(&log).unwrap();
        assert!(String::from_utf8_lossy(&logged).contains(NOTHING_TO_BOOT), "{firmware}");
    }
}

#[test]
fn drop_leaves_no_process_even_in_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(with_empty_disk(folder.path()));
    let process = process_folder(&running);
    drop(running);
    assert!(!process.exists(), "dropped, and {} is still there", process.display());

    let running = start(with_empty_disk(folder.path()));
    let process = process_folder(&running);
    let panicked = std::thread::spawn(move || {
        let _running = running;
        panic!("as the test wants it");
    });
    assert!(panicked.join().is_err());
    assert!(!process.exists(), "panicked, and {} is still there", process.display());
}

#[test]
fn every_bus_shows_its_disk_to_the_firmware() {
    let folder = tempfile::tempdir().unwrap();
    for (bus, words) in [
        (Bus::Virtio, "UEFI Misc Device"),
        (Bus::Nvme, "UEFI QEMU NVMe Ctrl stick-1"),
        (Bus::Ahci, "UEFI QEMU HARDDISK stick-1"),
        (Bus::Usb, "UEFI QEMU QEMU USB HARDDRIVE"),
    ] {
        let path = folder.path().join("disk.raw");
        File::create(&path).unwrap().set_len(64 << 20).unwrap();
        let disk = Disk::raw(path).on(bus).serial("stick-1");
        let mut running = start(Machine::builder(Architecture::X86_64).memory_mib(512).disk(disk));
        running.expect(&Pattern::literal(NOTHING_TO_BOOT), FIRMWARE_LIMIT).unwrap();
        let line = running.expect(&Pattern::literal("\n"), FIRMWARE_LIMIT).unwrap().text_before;
        assert!(line.contains(words), "{bus:?}: {line}");
    }
}

#[test]
fn a_boot_that_cannot_succeed_fails_before_its_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(with_empty_disk(folder.path()));
    running.stage("first boot");
    let hour = Duration::from_secs(3600);
    let error = running.expect_or_fail(&Pattern::literal("login: "), BOOT_FAILURES, hour).unwrap_err();
    let QemuError::GuestFailed { found, evidence, .. } = &error else { panic!("{error}") };
    assert!(["UEFI Interactive Shell", "No bootable option or device was found"].contains(&found.as_str()), "{error}");
    assert_eq!(evidence.stage, "first boot");
    assert!(evidence.console.iter().any(|line| line.starts_with(NOTHING_TO_BOOT)), "{error}");
}

#[test]
fn a_deadline_error_holds_the_last_lines_and_the_stage() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(with_empty_disk(folder.path()));
    running.stage("waiting for Godot");
    running.expect(&Pattern::literal(NOTHING_TO_BOOT), FIRMWARE_LIMIT).unwrap();
    let error = running.expect(&Pattern::any_of(&["Godot", "Lucky"]), Duration::from_millis(100)).unwrap_err();
    let message = error.to_string();
    for words in ["\"Godot\" or \"Lucky\"", "0.1 s", "stage: waiting for Godot", "\n  | BdsDxe: failed to load Boot"] {
        assert!(message.contains(words), "{words:?} is missing in: {message}");
    }
}

#[test]
fn a_qemu_that_dies_ends_the_wait_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(with_empty_disk(folder.path()));
    let id = running.process_id().unwrap().to_string();
    assert!(Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    let error = running.expect(&Pattern::literal("login: "), Duration::from_secs(3600)).unwrap_err();
    assert!(matches!(error, QemuError::Ended { .. }), "{error}");
    assert!(matches!(running.status().unwrap_err(), QemuError::Ended { .. }));
    assert_eq!(running.process_id(), None);
}

#[test]
fn a_refused_argument_is_reported_in_qemus_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not.qcow2");
    std::fs::write(&path, [0; 4096]).unwrap();
    let machine = Machine::builder(Architecture::X86_64).disk(Disk::qcow2(path)).build().unwrap();
    let error = machine.start().unwrap_err();
    let QemuError::Ended { evidence, .. } = &error else { panic!("{error}") };
    let Evidence { qemu, console, .. } = evidence.as_ref();
    assert!(qemu.iter().any(|line| line.contains("not in qcow2 format")), "{error}");
    assert!(console.is_empty(), "{error}");
}

#[test]
fn reset_starts_again_or_ends_the_machine_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = start(with_empty_disk(folder.path()));
    running.expect(&Pattern::literal(NOTHING_TO_BOOT), FIRMWARE_LIMIT).unwrap();
    running.reset().unwrap();
    running.expect(&Pattern::literal(NOTHING_TO_BOOT), FIRMWARE_LIMIT).unwrap();

    let mut running = start(with_empty_disk(folder.path()).on_reboot(OnReboot::Exit));
    running.qmp("system_reset", serde_json::Value::Null).unwrap();
    let event = running.wait_for_event(&["SHUTDOWN"], FIRMWARE_LIMIT).unwrap();
    assert_eq!(event.data["reason"], "host-qmp-system-reset");
    assert!(running.wait_for_exit(FIRMWARE_LIMIT).unwrap().success());
}

#[test]
fn a_screenshot_is_an_image_and_without_a_screen_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("screen");
    let mut running = start(with_empty_disk(folder.path()).screen(true));
    running.expect(&Pattern::literal(NOTHING_TO_BOOT), FIRMWARE_LIMIT).unwrap();
    let format = running.screenshot(&picture).unwrap();
    let magic: &[u8] = match format {
        ScreenFormat::Png => b"\x89PNG\r\n\x1a\n",
        ScreenFormat::Ppm => b"P6\n",
    };
    assert!(std::fs::read(&picture).unwrap().starts_with(magic), "{format:?}");

    let mut running = start(with_empty_disk(folder.path()));
    let error = running.screenshot(&picture).unwrap_err();
    assert!(matches!(error, QemuError::Refused { .. }), "{error}");
}

#[test]
fn the_tee_hears_what_the_console_says() {
    #[derive(Clone, Default)]
    struct Ear(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Ear {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let ear = Ear::default();
    let machine = with_empty_disk(folder.path()).build().unwrap();
    let mut running = machine.start_with_tee(ear.clone()).unwrap();
    running.expect(&Pattern::literal(NOTHING_TO_BOOT), FIRMWARE_LIMIT).unwrap();
    drop(running);
    let heard = ear.0.lock().unwrap();
    assert!(String::from_utf8_lossy(&heard).contains(NOTHING_TO_BOOT));
    assert!(heard.contains(&0x1b), "escape sequences are passed on");
}
