//! How the tests start machines.

use std::path::{Path, PathBuf};
use std::time::Duration;

use builder_qemu::{
    Architecture, BOOT_FAILURES, Credential, Disk, Firmware, Machine, MachineBuilder, OnReboot, Pattern, Running,
};
use diskwright_tests::command::{diskwright, target};
use diskwright_tests::image::real;
use serde_json::Value;

/// A boot takes 20 to 120 seconds here; the limit is for a machine several times slower.
pub(crate) const BOOT: Duration = Duration::from_secs(600);

/// For one command in the guest.
pub(crate) const COMMAND: Duration = Duration::from_secs(180);

/// A disk of a real image, and what was planned for it.
pub(crate) struct TestDisk {
    pub(crate) path: PathBuf,
    pub(crate) plan: Value,
    _directory: tempfile::TempDir,
}

/// Builds a disk of the real image `name`.
pub(crate) fn disk(name: &str, arguments: &[&str]) -> TestDisk {
    let source = real(name);
    // Not in /tmp, which may be memory.
    let directory = tempfile::tempdir_in(target()).unwrap();
    let mut all = vec!["build", &source, "--json", "--quiet", "--target-imgref", "registry.example/os:stable"];
    // systemd waits 90 s for a device, which an emulated machine on a busy host may not keep.
    all.extend(["--karg", "systemd.default_device_timeout_sec=600"]);
    all.extend(arguments);
    let run = diskwright(directory.path(), &all).succeeded();
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    TestDisk { path: directory.path().join("disk.raw"), plan: result["plan"].clone(), _directory: directory }
}

/// A machine with that disk, on whose serial console root is logged in without a password: the credentials are those
/// that agetty and login of util-linux read. Writes are kept until the disk is dropped.
pub(crate) fn machine(disk: &Path) -> MachineBuilder {
    logs_in(machine_without_credentials(disk))
}

/// A machine that boots a medium, with its credentials for the system on trial.
pub(crate) fn medium_machine(medium: Disk) -> MachineBuilder {
    logs_in(bare().disk(medium))
}

/// The same machine, with the credentials by which root is logged in.
pub(crate) fn logs_in(machine: MachineBuilder) -> MachineBuilder {
    let credential = |name: &str, value: &str| Credential::new(name, value).unwrap();
    machine.credential(credential("agetty.autologin", "root")).credential(credential("login.noauth", "yes"))
}

/// The same machine as anybody has it. It has one processor, as two tests run at a time; and it ends where its guest
/// reboots, see [`comes_back`].
pub(crate) fn machine_without_credentials(disk: &Path) -> MachineBuilder {
    bare().disk(Disk::raw(disk).keep_writes())
}

/// A machine without a disk.
pub(crate) fn bare() -> MachineBuilder {
    Machine::builder(Architecture::X86_64)
        .memory_mib(1024)
        .cpus(1)
        .firmware(Firmware::Uefi)
        .on_reboot(OnReboot::Exit)
        .log(fresh_log())
}

/// The serial console of each test is kept, for those who look for the reason of a failure. Those of its earlier runs
/// go.
pub(crate) fn fresh_log() -> PathBuf {
    let log = log();
    std::fs::create_dir_all(log.parent().unwrap()).unwrap();
    (1..).map(numbered_log).take_while(|kept| std::fs::remove_file(kept).is_ok()).for_each(drop);
    log
}

/// The console of the boot that is going on.
fn log() -> PathBuf {
    let name = std::thread::current().name().unwrap_or("boot").replace("::", "-");
    target().join("boots").join(format!("{name}.log"))
}

/// The console of an earlier boot of the same test.
fn numbered_log(number: u32) -> PathBuf {
    log().with_extension(format!("{number}.log"))
}

/// Waits until root's shell is there.
pub(crate) fn logged_in(running: &mut Running, stage: &str) {
    running.stage(stage);
    let prompt = Pattern::any_of(&["(automatic login)"]);
    if let Err(error) = running.expect_or_fail(&prompt, BOOT_FAILURES, BOOT) {
        panic!("{stage}: {error}");
    }
}

/// Waits until the guest has reset the machine, and starts it again, as a reboot does.
///
/// In a QEMU of its own: now and then, under load, an emulated machine that was reset in place stopped in its firmware
/// or in the boot loader's first steps, with one processor as with several. It also keeps the console of each boot.
pub(crate) fn comes_back(machine: &Machine, running: &mut Running) {
    let _ = running.expect(&Pattern::literal("reboot: Restarting system"), BOOT).unwrap();
    let status = running.wait_for_exit(COMMAND).unwrap();
    assert!(status.success(), "QEMU: {status}");
    let kept = (1..).map(numbered_log).find(|kept| !kept.exists()).unwrap();
    std::fs::rename(log(), kept).unwrap();
    *running = machine.start().unwrap();
    let _ = running.expect(&Pattern::literal("BdsDxe: starting"), BOOT).unwrap();
}
