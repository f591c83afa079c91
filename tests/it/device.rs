//! Block devices as outputs: overwritten only when asked for, and never while somebody uses them.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use diskwright_tests::command::{Run, diskwright, names, program, signalled};
use diskwright_tests::fixture::{SMALL_LAYOUT, tiny};
use diskwright_tests::judge::judge;
use diskwright_tests::loop_device::Loop;

/// What the devices hold before.
const OLD: u8 = 0xaa;

/// A device with something on it.
struct Used(Loop);

impl Used {
    fn new(file: &Path, bytes: u64) -> Self {
        Self::with_sectors(file, bytes, 512)
    }

    fn with_sectors(file: &Path, bytes: u64, sector_bytes: u32) -> Self {
        fs::write(file, vec![OLD; usize::try_from(bytes).unwrap()]).unwrap();
        Self(Loop::on(file, sector_bytes))
    }

    fn path(&self) -> &Path {
        &self.0.device
    }

    fn text(&self) -> &str {
        self.path().to_str().unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        File::open(self.path()).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }
}

#[test]
fn a_device_is_refused_unless_it_is_asked_for_and_free_and_large_enough() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    fs::write(path.join("file"), "old").unwrap();
    fs::write(path.join("layout"), SMALL_LAYOUT).unwrap();
    let small = Used::new(&path.join("small"), 8 << 20);
    let native = Used::with_sectors(&path.join("native"), 8 << 20, 4096);
    let device = small.text();
    for (arguments, code, words) in [
        (&["-o", device][..], 6, "is a block device"),
        (&["-o", device], 6, "hint: give the name of a file with -o, or --force-device"),
        (&["-o", "file", "--force-device"], 2, "overwrites a block device, but file is a regular file"),
        (&["-o", ".", "--force-device"], 2, "overwrites a block device, but . is a directory"),
        (&["-o", "absent", "--force-device"], 6, "cannot open the device absent"),
        (&["--force-device"], 2, "--force-device needs the device"),
        (&["-o", device, "--force-device", "--type", "qcow2"], 2, "--force-device writes a raw disk"),
        (&["-o", device, "--force-device", "--type", "raw", "--type", "vhd"], 2, "--force-device writes a raw disk"),
        (
            &["-o", native.text(), "--force-device", "--layout", "layout"],
            6,
            "has sectors of 4096 bytes, but the disk is",
        ),
        (&["-o", native.text(), "--force-device", "--layout", "layout"], 6, "hint: nothing would find its partitions"),
        (&["-o", device, "--force-device"], 6, "has 8 MiB (8388608 bytes), but the disk has"),
    ] {
        let run = diskwright(path, ["build", &source, "--platform", "linux/amd64", "-q"].iter().chain(arguments));
        assert_eq!(run.code, Some(code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{arguments:?}: {}", run.stderr);
        assert!(small.bytes().iter().all(|&byte| byte == OLD), "{arguments:?}");
        assert_eq!(fs::read(path.join("file")).unwrap(), b"old");
    }
}

#[test]
fn a_mounted_device_is_refused() {
    let script = r#"
set -eu
mkfs.ext4 -q "$1"
mount "$1" "$2"
echo kept > "$2/file"
code=0
"$3" build "$4" --platform linux/amd64 -q -o "$1" --force-device || code=$?
sync
echo "code $code, $(cat "$2/file")"
umount "$2"
e2fsck -fn "$1" >/dev/null 2>&1
echo sound
"#;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    fs::create_dir(path.join("mounted")).unwrap();
    let device = Used::new(&path.join("large"), 64 << 20);
    let mounted = path.join("mounted");
    let arguments = [device.path().as_os_str(), mounted.as_os_str(), program().as_os_str(), source.as_ref()];
    let words = ["--mount", "sh", "-c", script, "sh"].map(std::ffi::OsStr::new);
    let said = judge("unshare", words.into_iter().chain(arguments)).passed();
    assert_eq!(said.stdout, "code 6, kept\nsound\n", "{}", said.stderr);
    assert!(said.stderr.contains("is in use") && said.stderr.contains("hint: see who uses it"), "{}", said.stderr);
}

#[test]
fn a_device_holds_the_disk_and_nothing_of_what_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    fs::write(path.join("layout"), SMALL_LAYOUT).unwrap();
    let build = |arguments: &[&str]| {
        diskwright(
            path,
            ["build", &source, "--platform", "linux/amd64", "-q", "--layout", "layout"].iter().chain(arguments),
        )
        .succeeded()
    };
    let _ = build(&["-o", "disk.raw", "--no-bundle"]);
    let disk = fs::read(path.join("disk.raw")).unwrap();
    let size = disk.len() as u64;
    for (name, room) in [("exact", 0), ("larger", 5 << 20)] {
        let device = Used::new(&path.join(name), size + room);
        for writer in ["build", "convert"] {
            if writer == "build" {
                let _ = build(&["-o", device.text(), "--force-device"]);
            } else {
                let again = ["convert", "disk.raw", "-q", "-o", device.text(), "--force-device"];
                let _ = diskwright(path, again).succeeded();
            }
            let bytes = device.bytes();
            assert!(bytes[..disk.len()] == disk, "{name} {writer}: the disk is there");
            let end = &bytes[disk.len()..];
            assert!(
                end.iter().rev().take(1 << 20).all(|&byte| byte == 0),
                "{name} {writer}: an old table may lie there"
            );
            if room == 0 {
                let _ = judge("sgdisk", ["--verify".as_ref(), device.path().as_os_str()]).passed();
            }
        }
    }
    assert_eq!(names(path), ["disk.raw", "exact", "larger", "layout", "tiny"]);
}

#[test]
fn an_interrupted_device_has_no_partition_table_and_the_message_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    fs::write(path.join("layout"), SMALL_LAYOUT).unwrap();
    let device = Used::new(&path.join("backing"), 256 << 20);
    for station in ["layers", "objects", "plan", "write"] {
        File::options().write(true).open(device.path()).unwrap().write_all_at(&[OLD; 4096], 0).unwrap();
        let arguments = [
            "build",
            &source,
            "--platform",
            "linux/amd64",
            "--layout",
            "layout",
            "--force-device",
            "-o",
            device.text(),
        ];
        let Run { code, stderr: rest, .. } = signalled(path, arguments, station, "INT");
        let first = &device.bytes()[..4096];
        let (untouched, wiped) = (first == [OLD; 4096], first == [0; 4096]);
        match code {
            // The build may have been quicker than the signal; then it is complete.
            Some(0) => assert!(!untouched && !wiped, "{station}"),
            Some(130) if rest.contains("no output was written") => assert!(untouched, "{station}: {rest}"),
            Some(130) => {
                assert!(rest.contains("has no partition table now"), "{station}: {rest}");
                assert!(wiped, "{station}");
            }
            _ => panic!("{station}: {code:?}: {rest}"),
        }
    }
}
