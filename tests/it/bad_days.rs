//! Disks that fill up, signals and kills, in every format: an output exists complete or not at all.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diskwright_tests::command::program;
use diskwright_tests::fixture::{Image, Layer, SMALL_LAYOUT, system};
use diskwright_tests::judge::judge;

const TYPES: [&str; 10] =
    ["raw", "raw.zst", "raw.xz", "raw.gz", "qcow2", "vmdk", "vhd", "gce", "ova", "container-disk"];

/// An image with so many bytes of noise, which no format makes smaller.
fn noisy(directory: &Path, bytes: u32) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let noise: Vec<u8> = (0..bytes / 8)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .collect();
    Image::new(vec![system(), Layer::new().file("usr/lib/noise", 0o644, &noise)]).write(&directory.join("noisy"))
}

#[test]
fn a_destination_that_fills_up_midway_keeps_what_was_there() {
    // Each format finds 24 MiB of room for 32 MiB of noise; the scratch file has its own place.
    let script = r#"
set -eu
mount -t tmpfs -o size=24m none "$1/small"
echo old > "$1/small/disk"
for type in $5; do
    code=0
    TMPDIR="$3" "$2" build "$4" --platform linux/amd64 -q --type $type -o "$1/small/disk" 2> "$1/said" || code=$?
    echo "$type $code $(ls -A "$1/small") $(cat "$1/small/disk")"
    grep -q -e 'No space left on device' -e 'but the output needs' "$1/said" || cat "$1/said"
    grep -q 'hint: free some space' "$1/said" || cat "$1/said"
done
code=0
TMPDIR="$3" "$2" build "$4" --platform linux/amd64 -q --type qcow2 --type raw.zst -o "$1/small/new" 2> "$1/said" || code=$?
echo "both $code $(ls -A "$1/small") $(cat "$1/small/disk")"
code=0
TMPDIR="$1/small" "$2" build "$4" --platform linux/amd64 -q -o "$1/other" 2> "$1/said" || code=$?
echo "scratch $code $(ls -A "$1/small") $(cat "$1/small/disk")"
test ! -e "$1/other"
grep -q 'hint: free some space, or set TMPDIR to a directory with room' "$1/said" || cat "$1/said"
"#;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = noisy(path, 32 << 20);
    fs::create_dir(path.join("small")).unwrap();
    let (scratch, types) = (std::env::temp_dir(), TYPES.join(" "));
    let said = judge(
        "unshare",
        [
            "--mount".as_ref(),
            "sh".as_ref(),
            "-c".as_ref(),
            script.as_ref(),
            "sh".as_ref(),
            path.as_os_str(),
            program().as_os_str(),
            scratch.as_os_str(),
            source.as_ref(),
            types.as_ref(),
        ],
    )
    .passed();
    let mut expected: String = TYPES.iter().map(|name| format!("{name} 6 disk old\n")).collect();
    expected.push_str("both 6 disk old\nscratch 6 disk old\n");
    assert_eq!(said.stdout, expected, "{}", said.stderr);
}

#[test]
fn a_hundred_signals_at_any_moment_leave_the_old_files_or_the_new_ones() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = noisy(path, 4 << 20);
    let out = path.join("out");
    let build = || {
        let mut command = Command::new(program());
        command.args(["build", &source, "--platform", "linux/amd64", "-q", "-o", "out", "--type", "qcow2"]);
        command
            .args(["--type", "raw.zst", "--type", "raw", "--layout", "layout.toml"])
            .current_dir(path)
            .env_remove("TMPDIR");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    fs::write(path.join("layout.toml"), SMALL_LAYOUT).unwrap();
    fs::create_dir(&out).unwrap();
    let begun = Instant::now();
    assert!(build().status().unwrap().success());
    let mut whole = begun.elapsed();
    let snapshot = || -> Vec<(String, u64)> {
        let mut files: Vec<_> = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().len()))
            .collect();
        files.sort();
        files
    };
    let complete = snapshot();
    let mut interrupted = 0;
    for round in 0..100_u32 {
        // What is there before is old: a file of each name that no build makes.
        for (name, _) in &complete {
            fs::write(out.join(name), "old").unwrap();
        }
        let mut child = build().spawn().unwrap();
        // Spread over the time that a build takes, and a little beyond.
        let moment = whole * (round * 37 % 110) / 100;
        let signal = ["INT", "TERM", "KILL", "HUP"][round as usize % 4];
        let begun = Instant::now();
        while begun.elapsed() < moment && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = judge("kill", ["-s".to_owned(), signal.to_owned(), child.id().to_string()]);
        let status = child.wait().unwrap();
        if status.success() {
            // Other tests run at the same time, and not always as many.
            whole = whole.min(begun.elapsed());
        }
        let files = snapshot();
        for (name, length) in &complete {
            let there = files.iter().find(|(other, _)| other == name).map(|(_, length)| *length);
            // A kill between two names leaves some of the new ones, each of them whole.
            assert!(there == Some(3) || there == Some(*length), "{signal} in round {round}: {name} has {there:?}");
            if status.success() {
                assert_eq!(there, Some(*length), "{signal} in round {round}");
            } else if signal != "KILL" {
                // Before the program listens to signals, they end it as any other.
                let told = status.code().is_none_or(|code| code == 130);
                assert!(told && there == Some(3), "{signal} in round {round}: {status}, {name} has {there:?}");
            }
        }
        interrupted += u32::from(!status.success());
        // A kill in the moment between link and rename leaves a temporary name, of a complete file.
        for (name, _) in files.iter().filter(|(name, _)| complete.iter().all(|(known, _)| known != name)) {
            assert!(signal == "KILL" && name.starts_with(".diskwright-"), "{signal} in round {round}: {name}");
            fs::remove_file(out.join(name)).unwrap();
        }
    }
    assert!(interrupted >= 30, "only {interrupted} of the signals came in time");
}
