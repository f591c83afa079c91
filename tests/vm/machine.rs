//! How the tests start machines.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use builder_qemu::{
    Architecture, BOOT_FAILURES, Credential, Disk, Firmware, Machine, MachineBuilder, Pattern, QemuError, Running,
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
    all.extend(arguments);
    let run = diskwright(directory.path(), &all).succeeded();
    let result: Value = serde_json::from_str(&run.stdout).unwrap();
    TestDisk { path: directory.path().join("disk.raw"), plan: result["plan"].clone(), _directory: directory }
}

/// A machine with that disk, on whose serial console root is logged in without a password: the credentials are those
/// that agetty and login of util-linux read. Writes are kept until the disk is dropped.
pub(crate) fn machine(disk: &Path) -> MachineBuilder {
    let credential = |name: &str, value: &str| Credential::new(name, value).unwrap();
    machine_without_credentials(disk)
        .credential(credential("agetty.autologin", "root"))
        .credential(credential("login.noauth", "yes"))
}

/// The same machine as anybody has it. One processor: under software emulation a guest with several did now and then
/// not come back from its own reset, before the firmware's first line.
pub(crate) fn machine_without_credentials(disk: &Path) -> MachineBuilder {
    Machine::builder(Architecture::X86_64)
        .memory_mib(1024)
        .cpus(1)
        .firmware(Firmware::Uefi)
        .disk(Disk::raw(disk).keep_writes())
        .log(log())
}

/// The serial console of each test is kept, for those who look for the reason of a failure.
pub(crate) fn log() -> PathBuf {
    let directory = target().join("boots");
    std::fs::create_dir_all(&directory).unwrap();
    let name = std::thread::current().name().unwrap_or("boot").replace("::", "-");
    directory.join(format!("{name}.log"))
}

/// Waits until root's shell is there.
pub(crate) fn logged_in(running: &mut Running, stage: &str) {
    running.stage(stage);
    let prompt = Pattern::any_of(&["(automatic login)"]);
    if let Err(error) = running.expect_or_fail(&prompt, BOOT_FAILURES, BOOT) {
        panic!("{stage}: {error}");
    }
}

/// Waits until the machine has been reset by its guest and the firmware starts what is on the disk.
///
/// Now and then an emulated machine does not come back from its reset, before the firmware's first word and so before
/// anything of the disk is read. Then the reset button is pressed, as anybody would, and that is told.
pub(crate) fn comes_back(running: &mut Running) {
    const FIRMWARE: &str = "BdsDxe: starting";
    const LIMIT: Duration = Duration::from_secs(120);
    let _ = running.expect(&Pattern::literal("reboot: Restarting system"), BOOT).unwrap();
    if let Err(error) = running.expect(&Pattern::literal(FIRMWARE), LIMIT) {
        assert!(matches!(error, QemuError::TimedOut { .. }), "{error}");
        assert!(running.last_lines(1).join("").contains("reboot: "), "{error}");
        // Not through the macro, whose words a test that passes keeps for itself.
        let _ = writeln!(std::io::stderr(), "the machine did not come back from its reset; pressing the button");
        running.reset().unwrap();
        let _ = running.expect(&Pattern::literal(FIRMWARE), LIMIT).unwrap();
    }
}
