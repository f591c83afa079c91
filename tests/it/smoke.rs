//! Smoke tests that come to no boot: what is refused, and what is left behind.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use diskwright_tests::command::{Run, diskwright, names, program};
use diskwright_tests::judge::judge;
use serde_json::Value;

fn empty_disk(directory: &Path) {
    File::create(directory.join("disk.raw")).unwrap().set_len(1 << 20).unwrap();
}

/// Runs the command where no program is found.
fn without_programs(directory: &Path, arguments: &[&str]) -> Run {
    let output = Command::new(program())
        .args(arguments)
        .current_dir(directory)
        .env("PATH", directory.join("nowhere"))
        .output()
        .expect("diskwright starts");
    output.into()
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    empty_disk(path);
    fs::write(path.join("odd"), [1; 100]).unwrap();
    fs::write(path.join("disk.gz"), b"\x1f\x8b\x08rest").unwrap();
    let script = "cd \"$1\" && qemu-img create -q -f qcow2 -b disk.raw -F raw backed.qcow2";
    let _ = judge("sh", ["-c".as_ref(), script.as_ref(), "sh".as_ref(), path.as_os_str()]).passed();
    let before = names(path);
    for (arguments, code, words) in [
        (&["nowhere.raw"][..], 7, "cannot read nowhere.raw"),
        (&["odd"], 3, "odd is no disk"),
        (&["disk.gz"], 3, "gzip"),
        (&["disk.raw", "--firmware", "uefi", "--firmware", "uefi"], 2, "uefi-virtio is asked for twice"),
        (&["disk.raw", "--disk-bus", "ahci", "--sector-size", "4096"], 2, "--disk-bus ahci"),
        (&["disk.raw", "--disk-bus", "floppy"], 2, "floppy"),
        (&["disk.raw", "--memory", "1M"], 2, "--memory is 1 MiB, not 64 MiB to"),
        (&["disk.raw", "--cpus", "0"], 2, "--cpus"),
        (&["disk.raw", "--timeout", "0"], 2, "--timeout"),
        (&["disk.raw", "--allow-failed-unit", "a b"], 2, "expected the name of a unit"),
        (&["disk.raw", "--expect", "("], 2, "unclosed group"),
        (&["disk.raw", "--run", "true", "--no-login"], 2, "--no-login"),
        (&["disk.raw", "--output", "nowhere/deeper"], 6, "nowhere/deeper"),
    ] {
        let run = diskwright(path, [&["smoke"], arguments].concat());
        assert_eq!(run.code, Some(code), "{arguments:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(words), "{arguments:?}: {}", run.stderr);
    }
    // A file that leads QEMU to another file of this machine never gets there.
    let run = diskwright(path, ["smoke", "backed.qcow2"]);
    assert!(matches!(run.code, Some(3 | 5)), "{:?} {}", run.code, run.stderr);
    assert_eq!(names(path), before, "nothing is left behind");
}

#[test]
fn what_this_machine_lacks_is_an_error_of_the_host_that_names_the_package() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    empty_disk(path);
    let foreign = if cfg!(target_arch = "x86_64") { "aarch64" } else { "x86_64" };
    for (arguments, words) in [
        (&["--accel", "tcg", "--arch", "x86_64"][..], "the package is `qemu-system-x86`"),
        (&["--accel", "tcg", "--tpm"], "the package is `swtpm`"),
        (&["--accel", "kvm", "--arch", foreign], "KVM is not usable: this machine is no"),
    ] {
        let run = without_programs(path, &[&["smoke", "disk.raw", "-o", "out"], arguments].concat());
        assert_eq!(run.code, Some(20), "{arguments:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(words), "{arguments:?}: {}", run.stdout);
        let files = ["disk.raw.smoke.json", "disk.raw.smoke.junit.xml", "disk.raw.smoke.log"];
        assert_eq!(names(&path.join("out")), files);
        let document: Value = serde_json::from_slice(&fs::read(path.join("out/disk.raw.smoke.json")).unwrap()).unwrap();
        assert_eq!(document["verdict"], "host-error");
        assert_eq!(document["machines"][0]["stage"], Value::Null);
        let junit = path.join("out/disk.raw.smoke.junit.xml");
        let _ = judge("xmllint", ["--noout".as_ref(), junit.as_os_str()]).passed();
        assert!(fs::read_to_string(junit).unwrap().contains("errors=\"1\""));
        fs::remove_dir_all(path.join("out")).unwrap();
    }
}
