//! Media of disks that are larger than what is in them. Payloads of more than 4 GiB are written by tests of `builder`.

use diskwright_tests::command::{diskwright, names};
use diskwright_tests::image::real;
use diskwright_tests::judge::shell;
use serde_json::Value;

const IMGREF: &str = "registry.example/os:1";

#[test]
fn a_disk_of_terabytes_costs_what_is_in_it_and_a_dry_run_says_how_much() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = real("mini");
    let build = |arguments: &[&str]| -> Value {
        let mut all = vec!["build", &source, "--target-imgref", IMGREF, "--disk-size", "7TiB", "--type", "iso", "-q"];
        all.extend(["--json", "--no-bundle"].iter().chain(arguments));
        serde_json::from_str(&diskwright(path, all).succeeded().stdout).unwrap()
    };
    let plan = build(&["--dry-run"]);
    assert_eq!(names(path), [""; 0]);
    let made = build(&["-o", "install.iso"]);
    let written = &made["artefacts"][0]["written"];
    let foretold = plan["forecast"]["output"].as_u64().unwrap();
    // The checksum of the medium may not be counted.
    assert!(written.as_u64().unwrap().abs_diff(foretold) <= 512, "{foretold} and {written}");
    // The words of 7 TiB have 112 MiB.
    assert!(written.as_u64().unwrap() < 130 << 20, "{written}");
    assert!(shell(path, "checkisomd5 install.iso </dev/null 2>&1 || true").contains("PASS"));
    let _ = shell(path, "bsdtar -x -f install.iso diskwright/payload.sqfs");
    let listed = shell(path, "unsquashfs -lln diskwright/payload.sqfs");
    assert!(listed.contains(&format!(" {} ", 7_u64 << 40)), "{listed}");
}

#[test]
fn a_disk_that_no_squashfs_holds_is_refused_before_there_is_anything() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = real("mini");
    for format in ["iso", "pxe"] {
        for dry in [&[][..], &["--dry-run"]] {
            let all = ["build", &source, "--target-imgref", IMGREF, "--disk-size", "9TiB", "--type", format, "-q"];
            let run = diskwright(path, all.iter().chain(dry));
            assert_eq!(run.code, Some(2), "{format}: {}", run.stderr);
            let words =
                "/disk.raw has 9 TiB and would have 37748736 blocks, more than the 33554432 that a file may have";
            assert!(run.stderr.contains(words), "{format}: {}", run.stderr);
            assert!(run.stderr.contains("hint: give a smaller --disk-size"), "{format}: {}", run.stderr);
            assert_eq!(names(path), [""; 0]);
        }
    }
}
