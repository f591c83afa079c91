//! Same input, same bytes.

use std::fs;
use std::path::Path;
use std::process::Command;

use diskwright_tests::command::{Run, diskwright, program};
use diskwright_tests::fixture::{digest, tiny};

/// SHA-256 of the disk of the tiny image. A change here is a change of every user's bytes: say it in CHANGELOG.md.
const GOLDEN: &str = "sha256:5c5e62e49fb1de87ef3dd816ce44768b1b93e2295196a9e05a5a557abd7d78be";

fn build(directory: &Path, source: &str, environment: &[(&str, &str)], arguments: &[&str]) -> Vec<u8> {
    fs::create_dir_all(directory).unwrap();
    let run: Run = Command::new(program())
        .args(["build", source, "--platform", "linux/amd64", "-o", "disk.raw", "--quiet"])
        .args(arguments)
        .current_dir(directory)
        .env_remove("SOURCE_DATE_EPOCH")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
        .into();
    let _ = run.succeeded();
    fs::read(directory.join("disk.raw")).unwrap()
}

#[test]
fn the_same_image_gives_the_same_bytes_anywhere() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let first = build(&directory.path().join("a"), &source, &[], &[]);
    // Another path for image and output, another locale, time zone, scratch place and day.
    let elsewhere = directory.path().join("else where/ö");
    fs::create_dir_all(elsewhere.join("scratch")).unwrap();
    let moved = tiny(&elsewhere);
    let scratch = elsewhere.join("scratch").display().to_string();
    let environment = [("LC_ALL", "tr_TR.UTF-8"), ("TZ", "Pacific/Kiritimati"), ("TMPDIR", scratch.as_str())];
    assert!(first == build(&elsewhere.join("out"), &moved, &environment, &[]), "path, locale or time zone leaks");
    // One processor instead of all.
    let pinned: Run = Command::new("taskset")
        .args(["-c", "0"])
        .arg(program())
        .args(["build", &source, "--platform", "linux/amd64", "-o", "pinned.raw", "--quiet"])
        .current_dir(directory.path())
        .output()
        .expect("taskset is a part of util-linux")
        .into();
    let _ = pinned.succeeded();
    assert!(first == fs::read(directory.path().join("pinned.raw")).unwrap(), "the number of threads leaks");
    assert_eq!(digest(&first), GOLDEN, "the bytes of disks have changed");
}

#[test]
fn another_date_or_request_is_another_disk_with_other_uuids() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let plan = |arguments: &[&str]| -> serde_json::Value {
        let mut all = vec!["build", &source, "--platform", "linux/amd64", "--dry-run", "--json", "--quiet"];
        all.extend(arguments);
        serde_json::from_str(&diskwright(directory.path(), all).succeeded().stdout).unwrap()
    };
    let (plain, other) = (plan(&[]), plan(&["--karg", "quiet"]));
    for pointer in ["/disk/guid", "/disk/partitions/0/guid", "/disk/partitions/1/uuid"] {
        assert_ne!(plain.pointer(pointer).unwrap(), other.pointer(pointer).unwrap(), "{pointer}");
    }
    let dated = build(&directory.path().join("d"), &source, &[("SOURCE_DATE_EPOCH", "1000000000")], &[]);
    assert!(dated != build(&directory.path().join("e"), &source, &[], &[]), "SOURCE_DATE_EPOCH has no effect");
    assert!(dated == build(&directory.path().join("f"), &source, &[("SOURCE_DATE_EPOCH", "1000000000")], &[]));
}
