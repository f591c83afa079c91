//! Disks with sectors of 4096 bytes: seen as such by the kernel, and read by every command.

use std::fs;
use std::os::unix::fs::FileExt as _;

use diskwright_tests::command::{diskwright, names};
use diskwright_tests::fixture::{SMALL_LAYOUT, tiny};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;
use diskwright_tests::loop_device::Loop;
use diskwright_tests::partition::partitions;
use serde_json::Value;

use crate::judges::{build, judge_disk};

#[test]
fn a_disk_of_large_sectors_is_accepted_by_every_judge() {
    for source in [None, Some(real("mini"))] {
        let directory = tempfile::tempdir().unwrap();
        let source = source.unwrap_or_else(|| tiny(directory.path()));
        let (disk, result) = build(directory.path(), &source, &["--sector-size", "4096"]);
        assert_eq!(result["plan"]["disk"]["sector_size"], 4096);
        let device = Loop::on(&disk, 4096);
        drop(judge_disk(directory.path(), &device.device, &result["plan"]));
        let shown = judge("sgdisk", ["-p".as_ref(), device.device.as_os_str()]).passed().stdout;
        assert!(shown.contains("Sector size (logical/physical): 4096/4096 bytes"), "{shown}");
        assert!(shown.contains("First usable sector is 6, "), "{shown}");
        // The kernel refuses a FAT whose sectors are smaller than the drive's.
        let esp = fs::read(directory.path().join("EFI-SYSTEM.img")).unwrap();
        let word = |at: usize| u16::from_le_bytes([esp[at], esp[at + 1]]);
        let hidden = u32::from_le_bytes(esp[28..32].try_into().unwrap());
        assert_eq!((word(11), hidden), (4096, 256), "bytes in a sector, sectors before");
        let planned = result["plan"]["disk"]["partitions"].as_array().unwrap();
        for (planned, found) in planned.iter().zip(partitions(&device.device)) {
            assert_eq!((&planned["offset"], &planned["size"]), (&found.offset.into(), &found.size.into()));
        }
    }
}

#[test]
fn the_sector_size_comes_from_the_option_or_the_layout_and_is_a_part_of_the_identity() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let large = SMALL_LAYOUT.replace("40M", "300M");
    fs::write(path.join("plain.toml"), &large).unwrap();
    fs::write(path.join("large.toml"), format!("sector_size = 4096\n{large}")).unwrap();
    let mut guids = Vec::new();
    for (layout, option, sectors, recorded) in [
        ("plain.toml", None, 512, Value::Null),
        ("plain.toml", Some("4096"), 4096, 4096.into()),
        ("large.toml", None, 4096, Value::Null),
        ("large.toml", Some("512"), 512, 512.into()),
    ] {
        let mut arguments = vec!["--layout", layout, "-o", "disk.raw"];
        arguments.extend(option.iter().flat_map(|option| ["--sector-size", option]));
        let _ = build(path, &source, &arguments);
        let result: Value = serde_json::from_slice(&fs::read(path.join("disk.raw.result.json")).unwrap()).unwrap();
        assert_eq!(result["disk"]["sector_size"], sectors, "{layout} {option:?}");
        assert_eq!(result["recipe"]["sector_size"], recorded, "{layout} {option:?}");
        guids.push(result["disk"]["guid"].as_str().unwrap().to_owned());
        // The record gives the same disk again.
        let verified = diskwright(path, ["verify", "disk.raw", "--source", &source, "-q"]).succeeded();
        assert!(verified.stdout.contains("identical"), "{}", verified.stdout);
        // Asked for in words, the default is the default.
        if layout == "plain.toml" && option.is_none() {
            let (again, _) = build(path, &source, &["--layout", layout, "--sector-size", "512", "-o", "again.raw"]);
            assert!(fs::read(again.with_file_name("again.raw")).unwrap() == fs::read(&again).unwrap());
        }
    }
    guids.sort();
    guids.dedup();
    assert_eq!(guids.len(), 4);
}

#[test]
fn formats_that_have_other_sectors_are_refused_before_anything_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = tiny(path);
    let before = names(path);
    for format in ["vmdk", "vhd", "gce", "ova"] {
        let arguments = ["build", &source, "--platform", "linux/amd64", "--sector-size", "4096", "--type", format];
        let run = diskwright(path, arguments);
        assert_eq!(run.code, Some(2), "{format}: {}", run.stderr);
        for words in [
            &*format!("a {format} disk has sectors of 512 bytes, but this one is laid out for sectors of 4096"),
            "hint: choose among raw, raw.zst, raw.xz, raw.gz, qcow2, container-disk, iso, pxe, or build",
        ] {
            assert!(run.stderr.contains(words), "{format}: {}", run.stderr);
        }
    }
    for (arguments, code, words) in [
        (&["--sector-size", "2048"][..], 2, "expected 512 or 4096"),
        // FAT32 has 65,525 clusters at least, and these a sector each.
        (&["--sector-size", "4096", "--layout", "layout"], 4, "hint: set the size of the partition to 257MiB or more"),
    ] {
        fs::write(path.join("layout"), SMALL_LAYOUT).unwrap();
        let run = diskwright(path, ["build", &source, "--platform", "linux/amd64"].iter().chain(arguments));
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stderr.contains(words), "{}", run.stderr);
        fs::remove_file(path.join("layout")).unwrap();
    }
    assert_eq!(names(path), before);
}

#[test]
fn every_command_reads_a_disk_of_large_sectors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let source = real("mini");
    let types = ["--type", "raw", "--type", "qcow2"];
    let build = |sectors: &str, to: &str| {
        let arguments = ["build", &source, "-q", "--sector-size", sectors, "-o", to];
        diskwright(path, arguments.iter().chain(&types)).succeeded()
    };
    let _ = build("4096", "native");
    let _ = build("512", "usual");

    for disk in ["native/disk.raw", "native/disk.qcow2"] {
        let run = diskwright(path, ["check", disk, "--json", "-q"]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        let usual = diskwright(path, ["check", &disk.replace("native", "usual"), "--json", "-q"]);
        let usual: Value = serde_json::from_str(&usual.stdout).unwrap();
        assert_eq!((run.code, &report["table_findings"]), (Some(0), &usual["table_findings"]), "{}", run.stdout);
        let places = |report: &Value| -> Vec<_> {
            let partitions = report["partitions"].as_array().unwrap();
            partitions.iter().map(|partition| (partition["offset"].clone(), partition["filesystem"].clone())).collect()
        };
        assert_eq!(places(&report), places(&usual));
    }

    let run = diskwright(path, ["diff", "usual/disk.raw", "native/disk.qcow2", "-q"]).succeeded();
    assert!(run.stdout.contains("~ sector size 512 -> 4096"), "{}", run.stdout);

    let run = diskwright(path, ["convert", "native/disk.qcow2", "-q", "-o", "copy.raw"]).succeeded();
    assert!(run.stdout.contains("qcow2 disk"), "{}", run.stdout);
    assert!(fs::read(path.join("copy.raw")).unwrap() == fs::read(path.join("native/disk.raw")).unwrap());
    let run = diskwright(path, ["convert", "native/disk.qcow2", "-q", "--type", "vhd"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("a vhd disk has sectors of 512 bytes, but this one is laid out"), "{}", run.stderr);

    // A difference is named by structure and partition.
    for (offset, words) in [
        (4096 + 56, "header of the partition table, byte 56"),
        (2 * 4096 + 128, "entry 2 of the partition table"),
        ((1 << 20) + 67, "partition 1 (EFI-SYSTEM): boot sectors, byte 67"),
    ] {
        let file = fs::File::options().read(true).write(true).open(path.join("native/disk.raw")).unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset).unwrap();
        file.write_all_at(&[!byte[0]], offset).unwrap();
        let run = diskwright(path, ["verify", "native/disk.raw", "--source", &source, "-q"]);
        assert_eq!(run.code, Some(8), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains(words), "{}", run.stdout);
        file.write_all_at(&byte, offset).unwrap();
    }

    let run = diskwright(path, ["smoke", "native/disk.raw", "--disk-bus", "ahci"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("is made for sectors of 4096 bytes, which are not to be had on"), "{}", run.stderr);
}
