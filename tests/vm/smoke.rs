//! Smoke tests: disks broken on purpose, one for each verdict, and disks that come up.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diskwright_tests::command::{Run, diskwright, names, program, target};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{extract, partitions};
use serde_json::Value;

use crate::machine::{TestDisk, disk};

/// What a smoke test said.
pub(crate) struct Smoked {
    pub(crate) run: Run,
    pub(crate) document: Value,
}

impl Smoked {
    /// The only machine, or the first.
    pub(crate) fn machine(&self) -> &Value {
        &self.document["machines"][0]
    }

    #[track_caller]
    pub(crate) fn has(&self, verdict: &str, code: i32, stage: &str, evidence: &str) {
        let machine = self.machine();
        let said = &self.run.stdout;
        assert_eq!(machine["verdict"], verdict, "{said}");
        assert_eq!(self.run.code, Some(code), "{said}");
        assert_eq!(machine["stage"], stage, "{said}");
        let line = machine["evidence"]["line"].as_str().unwrap_or_default();
        assert!(line.contains(evidence), "no {evidence:?} in {line:?}: {said}");
        assert!(said.contains(machine["summary"].as_str().unwrap()), "{said}");
    }
}

fn sha256(path: &Path) -> String {
    judge("sha256sum", [path]).passed().stdout.split_whitespace().next().unwrap().to_owned()
}

/// A smoke test of `path`, with one processor, as two tests run at a time. Whatever comes of it, the file is as it was,
/// and the documents are whole.
pub(crate) fn smoke(path: &Path, arguments: &[&str]) -> Smoked {
    let before = sha256(path);
    let output = path.with_extension("smoke");
    let mut all: Vec<&OsStr> = vec!["smoke".as_ref(), path.as_os_str(), "-o".as_ref(), output.as_os_str()];
    all.extend(["--cpus", "1", "--memory", "1G"].map(OsStr::new));
    all.extend(arguments.iter().map(OsStr::new));
    let run = diskwright(Path::new("/"), all);
    assert_eq!(sha256(path), before, "the artefact was changed");
    let name = path.file_name().unwrap().to_str().unwrap();
    let document = fs::read(output.join(format!("{name}.smoke.json")))
        .unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr));
    let junit = output.join(format!("{name}.smoke.junit.xml"));
    let _ = judge("xmllint", ["--noout".as_ref(), junit.as_os_str()]).passed();
    Smoked { document: serde_json::from_slice(&document).unwrap(), run }
}

pub(crate) fn empty_disk(directory: &Path) -> PathBuf {
    let path = directory.join("disk.raw");
    File::create(&path).unwrap().set_len(16 << 20).unwrap();
    path
}

/// Replaces a text wherever it is on the disk, by another of the same length.
fn alter(path: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let script = "import mmap, sys
file = open(sys.argv[1], 'r+b')
disk = mmap.mmap(file.fileno(), 0)
old, new = (text.encode() for text in sys.argv[2:])
at = disk.find(old)
assert at >= 0, 'the text is not on the disk'
while at >= 0:
    disk[at:at + len(new)] = new
    at = disk.find(old, at)
disk.flush()";
    let words = ["-c".as_ref(), script.as_ref(), path.as_os_str(), from.as_ref(), to.as_ref()];
    let _ = judge("python3", words).passed();
}

/// Puts zeros into a file of the root file system, from one of its blocks on.
fn blot(disk: &TestDisk, file: &str, first_block: usize, bytes: usize) {
    let root = partitions(&disk.path).pop().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let image = extract(&disk.path, "root", directory.path());
    let request = format!("blocks {file}");
    let blocks = judge("debugfs", ["-R".as_ref(), request.as_ref(), image.as_os_str()]).passed().stdout;
    let block: u64 = blocks.split_whitespace().nth(first_block).unwrap().parse().unwrap();
    let open = OpenOptions::new().write(true).open(&disk.path).unwrap();
    open.write_all_at(&vec![0; bytes], root.offset + block * 4096).unwrap();
}

/// A file beside the kernel of the default entry.
fn boot_file(disk: &TestDisk, name: &str) -> String {
    let boot = &disk.plan["boot"];
    let text = |key: &str| boot[key].as_str().unwrap();
    format!("/boot/ostree/default-{}/{name}-{}", text("checksum"), text("kernel"))
}

/// The value of a kernel argument.
fn karg<'a>(disk: &'a TestDisk, name: &str) -> &'a str {
    let options = disk.plan["boot"]["options"].as_str().unwrap();
    options.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

#[test]
fn an_empty_disk_has_nothing_to_boot_whatever_starts_the_machine() {
    let directory = tempfile::tempdir().unwrap();
    let path = empty_disk(directory.path());
    let arguments = ["--firmware", "uefi", "--firmware", "bios", "--disk-bus", "virtio", "--disk-bus", "ahci"];
    let page = directory.path().join("page.html");
    let smoked = smoke(&path, &[&arguments[..], &["--screenshot", "--report", page.to_str().unwrap()]].concat());
    smoked.has("nothing-to-boot", 21, "firmware", "");
    let page = fs::read_to_string(page).unwrap();
    assert_eq!(page.matches("<img src=\"data:image/png;base64,").count(), 4);
    assert!(page.contains("4 of 4 machines failed") && page.contains("bios-ahci: firmware found nothing to boot"));
    let machines = smoked.document["machines"].as_array().unwrap();
    let seen: Vec<_> = machines
        .iter()
        .map(|machine| (machine["name"].as_str().unwrap(), machine["verdict"].as_str().unwrap()))
        .collect();
    let machines = ["uefi-virtio", "uefi-ahci", "bios-virtio", "bios-ahci"];
    assert_eq!(seen, machines.map(|name| (name, "nothing-to-boot")), "{}", smoked.run.stdout);
    let mut files: Vec<String> = machines
        .iter()
        .flat_map(|name| [format!("disk.raw.smoke.{name}.log"), format!("disk.raw.smoke.{name}.png")])
        .collect();
    files.extend(["disk.raw.smoke.json", "disk.raw.smoke.junit.xml"].map(str::to_owned));
    files.sort();
    let output = path.with_extension("smoke");
    assert_eq!(names(&output), files);
    let picture = fs::read(output.join("disk.raw.smoke.uefi-virtio.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n") && picture.ends_with(b"IEND\xaeB`\x82"));
    let log = fs::read_to_string(output.join("disk.raw.smoke.bios-virtio.log")).unwrap();
    assert!(log.contains("No bootable device."), "{log}");
    // KVM was tried, and either it is used or it is said why not.
    let accelerator = smoked.document["accelerator"].as_str().unwrap();
    assert_eq!(accelerator == "kvm", smoked.document["why_not_kvm"].is_null(), "{}", smoked.document);
    assert_eq!(smoked.run.stderr.contains("KVM is not usable"), accelerator == "tcg", "{}", smoked.run.stderr);
}

#[test]
fn no_qemu_is_left_behind_whatever_ends_the_command() {
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(130)), ("KILL", None)] {
        let directory = tempfile::tempdir().unwrap();
        let path = empty_disk(directory.path());
        let mut child = Command::new(program())
            .args(["smoke", "disk.raw", "--accel", "tcg", "--progress", "json"])
            .current_dir(directory.path())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("diskwright starts");
        // The machine runs when its first stage is told.
        let mut pipe = child.stderr.take().unwrap();
        let (mut heard, mut byte) = (Vec::new(), [0]);
        while !String::from_utf8_lossy(&heard).contains("\"event\":\"stage\"") && matches!(pipe.read(&mut byte), Ok(1))
        {
            heard.push(byte[0]);
        }
        let machines = descendants(child.id());
        assert!(!machines.is_empty(), "no child of {}", child.id());
        let _ = judge("kill", ["-s", signal, &child.id().to_string()]).passed();
        assert_eq!(child.wait().unwrap().code(), code, "{signal}");
        let begun = Instant::now();
        for machine in machines {
            let process = PathBuf::from(format!("/proc/{machine}/exe"));
            while fs::read_link(&process).is_ok() {
                assert!(begun.elapsed() < Duration::from_secs(20), "{signal}: {} is still there", process.display());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        assert_eq!(names(directory.path()), ["disk.raw"], "{signal}");
        drop(path);
    }
}

/// All processes below this one.
fn descendants(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let tasks = fs::read_dir(format!("/proc/{process}/task")).map(Iterator::flatten);
    for task in tasks.into_iter().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().map(|child| child.parse().unwrap()) {
            found.push(child);
            found.extend(descendants(child));
        }
    }
    found
}

#[test]
fn a_good_disk_reaches_its_target_and_answers() {
    let disk = disk("mini", &[]);
    let smoked = smoke(
        &disk.path,
        &[
            "--expect",
            "BOOT-MARKER version=[0-9]+",
            "--expect-unit",
            "dbus.service",
            "--run",
            "cat /proc/sys/kernel/ostype",
        ],
    );
    smoked.has("target-reached", 0, "target", "");
    let machine = smoked.machine();
    let stages: Vec<_> =
        machine["timeline"].as_array().unwrap().iter().map(|step| step["stage"].as_str().unwrap()).collect();
    let all = ["started", "firmware", "boot-loader", "kernel", "initramfs", "root", "systemd", "target"];
    assert_eq!(stages, all, "{}", smoked.run.stdout);
    let times: Vec<_> =
        machine["timeline"].as_array().unwrap().iter().map(|step| step["seconds"].as_f64().unwrap()).collect();
    assert!(times.is_sorted() && times[7] > 1.0, "{times:?}");
    assert_eq!((&machine["units_asked"], &machine["failed_units"]), (&Value::Bool(true), &Value::Array(Vec::new())));
    assert_eq!(machine["notification"]["state"], "running", "{}", smoked.run.stdout);
    let checks: Vec<_> = machine["checks"].as_array().unwrap().iter().map(|check| check["outcome"].as_str()).collect();
    assert_eq!(checks, [Some("passed"); 3], "{}", smoked.run.stdout);
    assert_eq!(machine["checks"][2]["text"], "Linux");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_good_disk_reaches_its_target_from_other_controllers_and_with_secure_boot() {
    let disk = disk("mini", &[]);
    let buses = ["--disk-bus", "nvme", "--disk-bus", "ahci"];
    let smoked = smoke(&disk.path, &[&buses[..], &["--firmware", "uefi-secure", "--no-login"]].concat());
    assert_eq!(smoked.run.code, Some(0), "{}", smoked.run.stdout);
    // The cloud kernel has no USB.
    let disk = crate::machine::disk("example", &["--type", "qcow2"]);
    let smoked = smoke(&disk.path.with_extension("qcow2"), &["--disk-bus", "usb"]);
    assert_eq!(smoked.run.code, Some(0), "{}", smoked.run.stdout);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn every_format_boots() {
    let disk = disk("mini", &["--type", "raw", "--type", "qcow2", "--type", "vmdk", "--type", "vhd"]);
    for format in ["qcow2", "vmdk", "vhd"] {
        let smoked = smoke(&disk.path.with_extension(format), &[]);
        smoked.has("target-reached", 0, "target", "");
        assert_eq!(smoked.document["format"], format);
    }
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_disk_boots_with_a_tpm() {
    let _ = judge("swtpm", ["--version"]).passed();
    let disk = disk("mini", &[]);
    let smoked = smoke(&disk.path, &["--tpm", "--run", "test -e /sys/class/tpm/tpm0 || dmesg | grep -i TPM2"]);
    smoked.has("target-reached", 0, "target", "");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_disk_of_large_sectors_boots_from_controllers_that_have_them() {
    let disk = disk("mini", &["--sector-size", "4096", "--type", "raw", "--type", "qcow2", "--no-bundle"]);
    // The size is that of its table, unless another is asked for.
    for (path, arguments) in [
        (disk.path.clone(), &["--disk-bus", "virtio", "--sector-size", "4096"][..]),
        (disk.path.with_extension("qcow2"), &["--disk-bus", "nvme"]),
    ] {
        let sectors = "cat /sys/class/block/$(basename $(findmnt -no SOURCE /sysroot))/../queue/logical_block_size";
        let smoked = smoke(&path, &[arguments, &["--run", sectors]].concat());
        smoked.has("target-reached", 0, "target", "");
        assert_eq!(smoked.machine()["sector_size"], 4096);
        assert_eq!(smoked.machine()["checks"][0]["text"], "4096", "{}", smoked.run.stdout);
    }
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_disk_whose_table_was_made_for_other_sectors_has_nothing_to_boot() {
    let disk = disk("mini", &[]);
    let smoked = smoke(&disk.path, &["--sector-size", "4096", "--disk-bus", "nvme"]);
    smoked.has("nothing-to-boot", 21, "firmware", "");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_loader_without_a_signature_is_refused_by_secure_boot() {
    let disk = disk("mini", &["--bootloader", "systemd"]);
    let smoked = smoke(&disk.path, &["--firmware", "uefi-secure"]);
    smoked.has("secure-boot-refused", 22, "firmware", "BdsDxe: failed to load");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_root_that_the_boot_loader_does_not_find_is_its_error() {
    let disk = disk("mini", &[]);
    let root = partitions(&disk.path).pop().unwrap();
    // The superblock lies 1,024 bytes into the file system, its UUID 0x68 into the superblock.
    let file = OpenOptions::new().write(true).open(&disk.path).unwrap();
    file.write_all_at(&[0x5a; 4], root.offset + 1024 + 0x68).unwrap();
    let smoked = smoke(&disk.path, &[]);
    smoked.has("boot-loader-error", 23, "boot-loader", "no such device");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_configuration_that_is_no_configuration_is_the_boot_loaders_error() {
    let disk = disk("mini", &[]);
    alter(&disk.path, "configfile $", "configfilf $");
    let smoked = smoke(&disk.path, &[]);
    smoked.has("boot-loader-error", 23, "boot-loader", "can't find command `configfilf'");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_kernel_that_is_damaged_is_not_reached() {
    let disk = disk("mini", &[]);
    // Behind its header and its own loader: what it would unpack.
    blot(&disk, &boot_file(&disk, "vmlinuz"), 512, 65536);
    let smoked = smoke(&disk.path, &[]);
    smoked.has("kernel-not-reached", 24, "boot-loader", "EFI stub: ERROR: Failed to decompress kernel");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn an_initramfs_that_is_damaged_is_a_panic() {
    let disk = disk("mini", &[]);
    blot(&disk, &format!("{}.img", boot_file(&disk, "initramfs")), 0, 65536);
    let smoked = smoke(&disk.path, &[]);
    smoked.has("kernel-panic", 25, "kernel", "Kernel panic - not syncing");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn an_initramfs_that_is_told_to_stop_is_an_emergency() {
    let disk = disk("example", &["--karg", "rd.break=pre-mount"]);
    let smoked = smoke(&disk.path, &[]);
    smoked.has("initramfs-emergency", 26, "initramfs", "");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_root_that_is_not_there_is_not_found() {
    let disk = disk("mini", &[]);
    let root = karg(&disk, "root").to_owned();
    let other = root.replace(|character: char| character.is_ascii_digit(), "7");
    alter(&disk.path, &format!("root={root}"), &format!("root={other}"));
    let smoked = smoke(&disk.path, &[]);
    smoked.has("root-not-found", 27, "initramfs", "");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_deployment_that_is_not_there_is_ostrees_failure() {
    let disk = disk("mini", &[]);
    let ostree = karg(&disk, "ostree").to_owned();
    let other = format!("{}7", &ostree[..ostree.len() - 1]);
    alter(&disk.path, &format!("ostree={ostree}"), &format!("ostree={other}"));
    let smoked = smoke(&disk.path, &[]);
    smoked.has("ostree-failed", 28, "initramfs", "Couldn't find specified OSTree root");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_unit_that_fails_is_named() {
    let disk = disk("mini", &["--karg", "systemd.mount-extra=none:/var/nothing:nosuchfs:nofail"]);
    let smoked = smoke(&disk.path, &[]);
    smoked.has("units-failed", 29, "target", "");
    assert_eq!(smoked.machine()["failed_units"], serde_json::json!(["var-nothing.mount"]), "{}", smoked.run.stdout);
    for words in ["units failed: var-nothing.mount", "mount: /var/nothing: "] {
        assert!(smoked.run.stdout.contains(words), "{}", smoked.run.stdout);
    }
    // Unless it may.
    let smoked = smoke(&disk.path, &["--allow-failed-unit", "other.service", "--allow-failed-unit", "var-*.mount"]);
    smoked.has("target-reached", 0, "target", "");
    let machine = smoked.machine();
    assert_eq!(machine["allowed_failed_units"], serde_json::json!(["var-nothing.mount"]), "{}", smoked.run.stdout);
    assert_eq!(machine["failed_units"], serde_json::json!([]));
    for words in ["failed and allowed to: var-nothing.mount", "no other unit failed"] {
        assert!(smoked.run.stdout.contains(words), "{}", smoked.run.stdout);
    }
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_unit_that_fails_and_reboots_is_named() {
    let disk = disk("mini-fails", &[]);
    let smoked = smoke(&disk.path, &[]);
    smoked.has("units-failed", 29, "systemd", "reboot: Restarting system");
    assert!(smoked.run.stdout.contains("units failed: health-check.service"), "{}", smoked.run.stdout);
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn checks_that_fail_are_named_with_what_came() {
    let disk = disk("mini", &[]);
    let smoked = smoke(&disk.path, &["--run", "echo no; exit 3", "--run", "true", "--expect-unit", "nowhere.service"]);
    smoked.has("check-failed", 30, "target", "");
    let checks = &smoked.machine()["checks"];
    assert_eq!((&checks[0]["outcome"], &checks[0]["text"]), (&"failed".into(), &"inactive".into()));
    assert_eq!((&checks[1]["outcome"], &checks[1]["status"]), (&"failed".into(), &3.into()), "{}", smoked.run.stdout);
    assert_eq!((&checks[1]["text"], &checks[2]["outcome"]), (&"no".into(), &"passed".into()));
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_system_that_switches_off_has_ended() {
    let disk = disk("mini", &["--karg", "systemd.unit=poweroff.target"]);
    let smoked = smoke(&disk.path, &[]);
    smoked.has("ended", 31, "systemd", "reboot: Power down");
}

#[test]
#[ignore = "full boot matrix: tests/run full"]
fn a_boot_that_takes_too_long_is_told_with_its_stage() {
    // However fast the machine is, its boot loader waits longer.
    let directory = tempfile::tempdir_in(target()).unwrap();
    let source = real("mini");
    let arguments = ["--type", "iso", "--menu-timeout", "600", "--no-bundle", "-q", "-o", "slow.iso"];
    let _ = diskwright(directory.path(), ["build", &source].iter().chain(&arguments)).succeeded();
    let smoked = smoke(&directory.path().join("slow.iso"), &["--timeout", "3"]);
    assert_eq!(smoked.run.code, Some(32), "{}", smoked.run.stdout);
    let stage = smoked.machine()["stage"].as_str().unwrap();
    assert!(["started", "firmware", "boot-loader"].contains(&stage), "{stage}");
    assert!(smoked.run.stdout.contains("timeout after"), "{}", smoked.run.stdout);
}
