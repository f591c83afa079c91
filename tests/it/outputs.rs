//! An output exists complete or not at all.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use diskwright_tests::command::{Run, diskwright, program};
use diskwright_tests::fixture::{Image, Layer, system, tiny};
use diskwright_tests::judge::judge;

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

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
    let mode = fs::metadata(path.join("out/disk.raw")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0, "{mode:o}");
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    // A file system of 24 MiB: enough for the metadata of the disk, too little for its contents.
    let script = r#"
set -eu
mount -t tmpfs -o size=24m none "$1/small"
echo old > "$1/small/disk.raw"
code=0
TMPDIR="$3" "$2" build "$4" --platform linux/amd64 -o "$1/small/disk.raw" || code=$?
echo "code $code"
ls -A "$1/small"
cat "$1/small/disk.raw"
code=0
TMPDIR="$1/small" "$2" build "$4" --platform linux/amd64 -o "$1/other.raw" || code=$?
echo "code $code"
ls -A "$1/small"
test ! -e "$1/other.raw"
"#;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let noise: Vec<u8> = (0..40_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0]).collect();
    let image = Image::new(vec![system(), Layer::new().file("usr/lib/noise", 0o644, &noise)]);
    let source = image.write(&path.join("noisy"));
    fs::create_dir(path.join("small")).unwrap();
    let scratch = std::env::temp_dir();
    let arguments = [
        "--mount".as_ref(),
        "sh".as_ref(),
        "-c".as_ref(),
        script.as_ref(),
        "sh".as_ref(),
        path.as_os_str(),
        program().as_os_str(),
        scratch.as_os_str(),
        source.as_ref(),
    ];
    let said = judge("unshare", arguments).passed();
    // Once the output has no room, once the scratch file.
    assert_eq!(said.stdout, "code 6\ndisk.raw\nold\ncode 6\ndisk.raw\n", "{}", said.stderr);
    for words in ["free, but the output needs", "No space left on device", "set TMPDIR to a directory with room"] {
        assert!(said.stderr.contains(words), "no `{words}` in:\n{}", said.stderr);
    }
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
        let mut child = Command::new(program())
            .args(["build", &source, "--platform", "linux/amd64", "--progress", "json", "-o", "disk.raw"])
            .current_dir(path)
            // Stops the build where the pipe is full or the reader waits: the moment is chosen, not guessed.
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let (mut heard, mut byte) = (Vec::new(), [0]);
        let wanted = format!("\"event\":\"begin\",\"station\":\"{station}\"");
        while !String::from_utf8_lossy(&heard).contains(&wanted) && stderr.read(&mut byte).unwrap() == 1 {
            heard.push(byte[0]);
        }
        let _ = judge("kill", ["-s".to_owned(), signal.to_owned(), child.id().to_string()]);
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        let status = child.wait().unwrap();
        let content = fs::read(path.join("disk.raw")).unwrap();
        // The build may have been quicker than the signal; then it is complete. Anything between is a failure.
        let complete = content.len() > 1 << 20;
        if status.success() || (code.is_none() && complete) {
            assert!(complete);
            fs::write(path.join("disk.raw"), "old").unwrap();
        } else {
            assert_eq!(status.code(), code, "{rest}");
            assert!(content == b"old", "{station} {signal}: the output is {} bytes", content.len());
            assert!(code.is_none() || rest.contains("interrupted: no output was written"), "{rest}");
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
