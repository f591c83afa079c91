//! An output exists complete or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use diskwright_tests::command::{Run, diskwright, names, program, signalled};
use diskwright_tests::fixture::tiny;
use diskwright_tests::judge::{judge, shell};

#[test]
fn an_output_that_cannot_be_is_refused_before_any_work() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let _ = judge("mkfifo", [path.join("fifo")]).passed();
    for (output, code, words) in [
        ("missing/disk.raw", 6, "cannot make a file in missing"),
        ("missing/", 6, "cannot make a file in missing/"),
        ("/proc/disk.raw", 6, "cannot make a file in /proc"),
        ("fifo", 6, "the output fifo is a FIFO"),
        ("/dev/null", 6, "is a character device"),
        ("tiny/index.json", 6, "is a part of the image"),
    ] {
        let before = fs::read(path.join("tiny/index.json")).unwrap();
        let run = diskwright(path, ["build", &source, "--platform", "linux/amd64", "-o", output]);
        assert_eq!(run.code, Some(code), "{output}: {}", run.stderr);
        assert!(run.stderr.contains(words) && run.stderr.contains("hint: "), "{output}: {}", run.stderr);
        assert_eq!(names(path), ["fifo", "tiny"]);
        assert_eq!(fs::read(path.join("tiny/index.json")).unwrap(), before);
    }
}

#[test]
fn a_directory_takes_the_usual_name_and_a_link_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    fs::create_dir(path.join("out")).unwrap();
    let _ = diskwright(path, ["build", &source, "--platform", "linux/amd64", "-o", "out"]).succeeded();
    let bundle = ["SHA256SUMS", "disk.raw", "disk.raw.bmap", "provenance.intoto.json", "result.json", "sbom.spdx.json"];
    assert_eq!(names(&path.join("out")), bundle);
    fs::write(path.join("real"), "old").unwrap();
    symlink("real", path.join("link")).unwrap();
    let _ = diskwright(path, ["build", &source, "--platform", "linux/amd64", "-o", "link"]).succeeded();
    assert!(path.join("link").is_symlink() && fs::metadata(path.join("real")).unwrap().len() > 1 << 20);
    // The documents lie beside the link and name it, wherever it leads.
    fs::create_dir_all(path.join("links")).unwrap();
    symlink("../out/elsewhere", path.join("links/disk")).unwrap();
    fs::write(path.join("out/elsewhere"), "old").unwrap();
    let run = diskwright(path, ["build", &source, "--platform", "linux/amd64", "-o", "links/disk"]).succeeded();
    assert!(run.stdout.starts_with("links/disk: raw disk"), "{}", run.stdout);
    assert!(shell(&path.join("links"), "sha256sum -c *SHA256SUMS").starts_with("disk: OK\n"));
    let mode = fs::metadata(path.join("out/disk.raw")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0, "{mode:o}");
}

#[test]
fn an_interrupt_at_any_time_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    fs::write(path.join("disk.raw"), "old").unwrap();
    for (station, signal, code) in [
        ("layers", "INT", Some(130)),
        ("write", "INT", Some(130)),
        ("layers", "TERM", Some(130)),
        ("write", "KILL", None),
    ] {
        let arguments = ["build", &source, "--platform", "linux/amd64", "-o", "disk.raw"];
        let ended = signalled(path, arguments, station, signal);
        let content = fs::read(path.join("disk.raw")).unwrap();
        // The build may have been quicker than the signal; then it is complete. Anything between is a failure.
        let complete = content.len() > 1 << 20;
        if ended.code == Some(0) || (code.is_none() && complete) {
            assert!(complete);
            fs::write(path.join("disk.raw"), "old").unwrap();
        } else {
            assert_eq!(ended.code, code, "{}", ended.stderr);
            assert!(content == b"old", "{station} {signal}: the output is {} bytes", content.len());
            let said = ended.stderr.contains("interrupted: no output was written");
            assert!(code.is_none() || said, "{}", ended.stderr);
        }
        // A kill in the moment between link and rename leaves a temporary name, of a complete disk.
        let killed = |name: &String| signal == "KILL" && name.starts_with(".diskwright-");
        let left: Vec<_> = names(path).into_iter().filter(|name| !killed(name)).collect();
        assert_eq!(left, ["disk.raw", "tiny"], "{station} {signal}");
    }
}

#[test]
fn a_disk_that_no_file_can_hold_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    // A limit of the process says the same as a file system that cannot hold so large a file; the signal that would come
    // first is ignored. The smaller one is met by the scratch file.
    for (blocks, words) in [(131_072, "holds no file of the disk's size"), (2048, "holds no file of that size")] {
        let run: Run = Command::new("sh")
            .args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\""), "sh"])
            .arg(program())
            .args(["build", &source, "--platform", "linux/amd64", "-q"])
            .current_dir(directory.path())
            .output()
            .unwrap()
            .into();
        assert_eq!(run.code, Some(6), "{}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        assert_eq!(names(directory.path()), ["tiny"]);
    }
}

#[test]
fn usage_errors_leave_with_2() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [
        vec![],
        vec!["build"],
        vec!["build", "docker://x"],
        vec!["build", "oci:x", "--type", "floppy"],
        vec!["build", "oci:x", "--root-size", "ten"],
        vec!["build", "oci:x", "--bootloader", "lilo"],
        vec!["build", "oci:x", "--platform", "amd64"],
    ] {
        let run: Run = diskwright(directory.path(), &arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.stderr);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty());
    }
    let run: Run = Command::new(program())
        .args(["build", "oci:x"])
        .env("SOURCE_DATE_EPOCH", "yesterday")
        .current_dir(directory.path())
        .output()
        .unwrap()
        .into();
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("SOURCE_DATE_EPOCH is yesterday"), "{}", run.stderr);
}
