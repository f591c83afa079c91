//! A file is proved to be what its record says, and where it is not, the place is named.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use diskwright_tests::command::{Run, diskwright};
use diskwright_tests::fixture::{Image, Layer, system, tiny};
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{extract, partitions};
use serde_json::Value;

fn build(directory: &Path, source: &str, types: &[&str]) {
    let mut arguments = vec!["build", source, "--platform", "linux/amd64", "-o", "out", "-q"];
    types.iter().for_each(|name| arguments.extend(["--type", name]));
    arguments.extend(["--karg", "quiet", "--root-size", "64M", "--target-imgref", "registry.example/os:1"]);
    fs::create_dir(directory.join("out")).unwrap();
    let _ = diskwright(directory, arguments).succeeded();
}

fn verify(directory: &Path, source: &str, file: &str) -> Run {
    diskwright(directory, ["verify", file, "--source", source, "-q"])
}

#[test]
fn every_format_is_identical_when_it_is_built_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let types = ["raw", "raw.gz", "raw.xz", "raw.zst", "qcow2", "vmdk", "vhd", "ova", "container-disk", "gce"];
    build(path, &source, &types);
    let record: Value = serde_json::from_slice(&fs::read(path.join("out/result.json")).unwrap()).unwrap();
    let before = fs::read_dir(path.join("out")).unwrap().count();
    for artefact in record["artefacts"].as_array().unwrap() {
        let name = format!("out/{}", artefact["name"].as_str().unwrap());
        let run = verify(path, &source, &name).succeeded();
        assert!(run.stdout.starts_with(&format!("{name}: identical")), "{}", run.stdout);
        // Without the image there is only the checksum.
        let run = diskwright(path, ["verify", &name]).succeeded();
        assert!(run.stdout.contains("has its recorded checksum"), "{}", run.stdout);
    }
    assert_eq!(fs::read_dir(path.join("out")).unwrap().count(), before, "no second copy");
}

#[test]
fn a_changed_byte_is_found_and_what_it_belongs_to_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    build(path, &source, &["raw"]);
    let disk = path.join("out/disk.raw");
    let parts = partitions(&disk);
    let (esp, root) = (&parts[0], &parts[1]);
    let image = extract(&disk, "root", path);
    let debugfs =
        |request: &str| judge("debugfs", ["-R".as_ref(), request.as_ref(), image.as_os_str()]).passed().stdout;
    // Where debugfs says that they are.
    let file = "/ostree/repo/config";
    let block: u64 = debugfs(&format!("blocks {file}")).split_whitespace().next().unwrap().parse().unwrap();
    let place = debugfs(&format!("imap {file}"));
    let place = place.split("located at block ").nth(1).unwrap().trim().replace("0x", "");
    let (inode_block, inode_offset) = place.split_once(", offset ").unwrap();
    let inode = inode_block.parse::<u64>().unwrap() * 4096 + u64::from_str_radix(inode_offset, 16).unwrap();
    let boot_block: u64 = debugfs("blocks /boot").split_whitespace().next().unwrap().parse().unwrap();
    let size = fs::metadata(&disk).unwrap().len();
    for (offset, words) in [
        (10, "protective MBR, byte 10"),
        (512 + 56, "header of the partition table, byte 56"),
        (1024 + 128 + 5, "entry 2 of the partition table"),
        (size - 512 + 16, "second copy of the partition table"),
        (esp.offset + 3, "partition 1 (EFI-SYSTEM): boot sectors, byte 3"),
        (root.offset + 1024 + 56, "partition 2 (root): superblock, byte 56"),
        (root.offset + block * 4096 + 7, &format!("partition 2 (root): {file}, byte 7")),
        (root.offset + inode + 4, &format!("({file}), byte 4")),
        (root.offset + boot_block * 4096 + 6, "partition 2 (root): directory /boot, byte 6"),
        (root.offset + root.size - 1, "partition 2 (root): free space"),
    ] {
        let open = fs::OpenOptions::new().read(true).write(true).open(&disk).unwrap();
        let mut good = [0];
        open.read_exact_at(&mut good, offset).unwrap();
        open.write_all_at(&[good[0] ^ 0x10], offset).unwrap();
        let run = verify(path, &source, "out/disk.raw");
        assert_eq!(run.code, Some(8), "{offset}: {}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(&format!("byte {offset} of the raw file")), "{offset}: {}", run.stdout);
        assert!(run.stdout.contains(words), "{offset}: no `{words}` in {}", run.stdout);
        assert!(run.stdout.contains(&format!("expected   {:02x}", good[0])), "{}", run.stdout);
        open.write_all_at(&good, offset).unwrap();
    }
    let _ = verify(path, &source, "out/disk.raw").succeeded();
}

#[test]
fn the_same_disk_in_another_form_is_told_apart_from_another_disk() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    build(path, &source, &["qcow2"]);
    let script = "cd \"$1\"/out && qemu-img convert -O qcow2 disk.qcow2 other && mv other disk.qcow2";
    let _ = judge("sh", ["-c".as_ref(), script.as_ref(), "sh".as_ref(), path.as_os_str()]).passed();
    let run = verify(path, &source, "out/disk.qcow2");
    assert_eq!(run.code, Some(8), "{}", run.stderr);
    assert!(run.stdout.contains("nothing differs: only the form of the file is another"), "{}", run.stdout);
}

#[test]
fn another_image_or_no_record_is_an_error_that_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    build(path, &source, &["raw", "vhd"]);
    let other = tempfile::tempdir_in(path).unwrap();
    let other =
        Image::new(vec![system(), Layer::new().file("usr/lib/more", 0o644, b"more")]).write(&other.path().join("x"));
    fs::copy(path.join("out/disk.raw"), path.join("alone.raw")).unwrap();
    fs::copy(path.join("out/disk.raw"), path.join("out/renamed.raw")).unwrap();
    fs::write(path.join("bad.json"), "{\"schema\": 1,\n \"tool\": 7}").unwrap();
    for (arguments, code, words) in [
        (vec!["verify", "alone.raw"], 2, "there is no record of alone.raw"),
        (vec!["verify", "alone.raw", "--result", "missing"], 7, "cannot read missing"),
        (vec!["verify", "alone.raw", "--result", "bad.json"], 3, "line 2"),
        (vec!["verify", "out/renamed.raw"], 2, "does not tell of renamed.raw, but of disk.raw, disk.vhd"),
        (vec!["verify", "out/disk.raw", "--source", &other], 2, "was made of the image sha256:"),
        (vec!["verify", "out/disk.raw", "--source", &source, "--rollback", &other], 2, "image to roll back to none"),
        (vec!["verify", "out/disk.raw", "--rollback", &other], 2, "--source"),
    ] {
        let run = diskwright(path, &arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(words), "{arguments:?}: {}", run.stderr);
    }
}
