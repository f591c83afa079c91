//! Disks that others made: nothing is wrong with them, and what is in them is told as their makers tell it.

mod support;

use std::process::Command;

use builder_gpt_check::{DiskKind, Options, PartitionType, Report, SectorSize, Severity, TableCopy, known_types};
use support::{empty, feed, must, report, sfdisk, sgdisk};
use tempfile::{NamedTempFile, TempDir};

fn report_of(file: &NamedTempFile) -> Report {
    report(&std::fs::read(file.path()).unwrap())
}

fn assert_clean(report: &Report, what: &str) {
    assert!(report.is_clean(), "{what}: {:#?}", report.findings);
    assert_eq!(report.table, Some(TableCopy::Primary), "{what}");
}

#[test]
fn tables_of_sgdisk_are_clean() {
    let many: Vec<String> = (1..=128).map(|n| format!("-n{n}:{}:+8K", 2048 * n)).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (mebibytes, options) in [
        (5, &["-n1:0:0"][..]),
        (
            64,
            &[
                "-a1",
                "-n1:34:2047",
                "-t1:ef02",
                "-a2048",
                "-n2:0:+20M",
                "-t2:ef00",
                "-n3:0:0",
                "-t3:8304",
                "-A3:set:59",
                "-A3:set:2",
            ],
        ),
        (64, &["-n3:0:+1M", "-n1:0:+1M", "-c1:ümläut-☃", "-c3:thirty-six-units-are-the-longest-one"]),
        (65, &["-S", "256", "-n1:0:0", "-t1:0700", "-A1:set:60"]),
        (64, &["-n1:0:+1M", "-t1:7f00", "-A1:set:48", "-n2:0:+1M", "-t2:af00", "-n3:0:+1M", "-t3:8e00"]),
        (300, &many),
    ] {
        let file = empty(mebibytes << 20);
        sgdisk(file.path(), options);
        let report = report_of(&file);
        assert_clean(&report, &format!("{options:?}"));
        assert_eq!((report.kind, report.sector_size), (DiskKind::Gpt, SectorSize::Bytes512));
        let shown = sgdisk(file.path(), &["-p"]);
        let guid = report.disk_guid.unwrap().to_string().to_uppercase();
        assert!(shown.contains(&format!("(GUID): {guid}")), "{shown}");
        let some = report.partitions.iter().filter(|partition| partition.number <= 3);
        for partition in some {
            let shown = sgdisk(file.path(), &["-i", &partition.number.to_string()]);
            let PartitionType::Guid(kind) = partition.partition_type else { panic!("{partition:?}") };
            for expected in [
                format!("GUID code: {}", kind.to_string().to_uppercase()),
                format!("unique GUID: {}", partition.guid.unwrap().to_string().to_uppercase()),
                format!("First sector: {} ", partition.first_lba),
                format!("Last sector: {} ", partition.last_lba),
                format!("Attribute flags: {:016X}", partition.attributes),
                format!("Partition name: '{}'", partition.name),
            ] {
                assert!(shown.contains(&expected), "{shown} lacks {expected}");
            }
            assert!(partition.on_disk && partition.type_name().is_some(), "{partition:?}");
        }
    }
}

#[test]
fn tables_of_sfdisk_are_clean() {
    let script = "size=2M, type=uefi, name=esp\nsize=4M, type=linux, attrs=\"GUID:59\"\nsize=+, type=swap\n";
    for lengths in ["", "table-length: 64\n", "table-length: 256\n"] {
        let file = empty(64 << 20);
        sfdisk(file.path(), &[], &format!("label: gpt\n{lengths}{script}"));
        let report = report_of(&file);
        assert_clean(&report, lengths);
        let note = "the backup header leaves 8192 bytes for entries; UEFI asks for 16384";
        assert_eq!(report.notes.iter().any(|found| found == note), lengths.contains("64"), "{:?}", report.notes);
        let dump = must("fdisk", Command::new("sfdisk").arg("-d").arg(file.path()));
        assert_eq!(report.partitions.len(), 3);
        for partition in &report.partitions {
            let start = format!("start={:>12},", partition.first_lba);
            let size = format!("size={:>12},", partition.last_lba - partition.first_lba + 1);
            let guid = format!("uuid={}", partition.guid.unwrap().to_string().to_uppercase());
            let line = dump.lines().find(|line| line.contains(&guid)).unwrap();
            assert!(line.contains(&start) && line.contains(&size), "{line} lacks {start} {size}");
        }
    }
}

/// `sfdisk` knows sectors of 4096 bytes from version 2.39 on, `fdisk` has long known them.
#[test]
fn tables_with_sectors_of_4096_bytes_are_clean() {
    for bytes in [64 << 20, 5 << 30] {
        let file = empty(bytes);
        let commands = "g\nn\n\n\n+2M\nt\n1\nn\n\n\n+4M\nn\n\n\n\nw\n";
        feed("fdisk", Command::new("fdisk").args(["-b", "4096"]).arg(file.path()), commands);
        let device = builder_block::PlainFile::new(file.reopen().unwrap()).unwrap();
        let report = builder_gpt_check::check(&device, &Options::default()).unwrap();
        assert_clean(&report, &bytes.to_string());
        assert_eq!((report.kind, report.sector_size), (DiskKind::Gpt, SectorSize::Bytes4096));
        let columns = ["-b", "4096", "-l", "-o", "Start,End,UUID"];
        let list = must("fdisk", Command::new("fdisk").args(columns).arg(file.path()));
        assert_eq!(report.partitions.len(), 3);
        for partition in &report.partitions {
            let guid = partition.guid.unwrap().to_string().to_uppercase();
            let line = list.lines().find(|line| line.contains(&guid)).unwrap();
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(words, [partition.first_lba.to_string(), partition.last_lba.to_string(), guid]);
            assert_eq!(partition.offset.bytes(), partition.first_lba * 4096);
        }
        assert_eq!(report.partitions[0].type_name(), Some("esp"));
        let options = Options { sector_size: Some(SectorSize::Bytes512) };
        assert!(builder_gpt_check::check(&device, &options).unwrap().has_errors());
    }
}

#[test]
fn a_hybrid_mbr_is_told_by_its_partitions() {
    let file = empty(64 << 20);
    sgdisk(file.path(), &["-n1:0:+20M", "-t1:ef00", "-c1:esp", "-n2:0:+20M", "-h1:2"]);
    let report = report_of(&file);
    assert_clean(&report, "hybrid");
    assert_eq!(report.kind, DiskKind::HybridGpt);
    let notes = report.notes.join("\n");
    assert!(notes.contains("which is partition 1 (\"esp\")") && notes.contains("which is partition 2"), "{notes}");
}

#[test]
fn a_disk_that_grew_is_a_warning_with_a_way_out() {
    let file = empty(64 << 20);
    sgdisk(file.path(), &["-n1:0:0"]);
    file.as_file().set_len(80 << 20).unwrap();
    let report = report_of(&file);
    let texts: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "protective MBR: size in LBA is 131071, expected 163839, all sectors of the disk but the first",
            "backup header: place is sector 131071, expected sector 163839, the last of the disk",
        ]
    );
    assert!(report.findings.iter().all(|finding| finding.severity == Severity::Warning && finding.hint.is_some()));
    assert_eq!(report.partitions.len(), 1);
    sgdisk(file.path(), &["--move-second-header"]);
    assert_clean(&report_of(&file), "moved");
}

#[test]
fn the_backup_alone_gives_the_partitions() {
    let mut image = support::base();
    let before = report(&image);
    image[512..34 * 512].fill(0);
    let after = report(&image);
    assert_eq!((after.table, &after.partitions), (Some(TableCopy::Backup), &before.partitions));
    assert_eq!(after.findings.len(), 1, "{:#?}", after.findings);
}

#[test]
fn disks_with_an_mbr_are_told_with_their_partitions() {
    let file = empty(64 << 20);
    sfdisk(file.path(), &[], "label: dos\nsize=10M, type=c, bootable\nsize=20M, type=83\nsize=+, type=5\n");
    let report = report_of(&file);
    assert_eq!(report.kind, DiskKind::Mbr);
    assert!(report.is_clean(), "{:#?}", report.findings);
    let dump = must("fdisk", Command::new("sfdisk").arg("-d").arg(file.path()));
    for partition in &report.partitions {
        let PartitionType::Mbr(kind) = partition.partition_type else { panic!("{partition:?}") };
        let sectors = partition.last_lba - partition.first_lba + 1;
        let line = format!("start={:>12}, size={sectors:>12}, type={kind:x}", partition.first_lba);
        assert!(dump.contains(&line), "{dump} lacks {line}");
    }
    assert_eq!(report.partitions.len(), 3);
    assert!(report.notes[0].contains("MBR partition 3 holds further partitions"), "{:?}", report.notes);
}

#[test]
fn wrong_mbr_partitions_are_named() {
    let file = empty(64 << 20);
    sfdisk(file.path(), &[], "label: dos\nsize=10M, type=c, bootable\nsize=20M, type=83\n");
    let image = std::fs::read(file.path()).unwrap();
    for (at, bytes, expected) in [
        (446 + 12, &[0, 0, 0, 0][..], "MBR partition 1: number of sectors is 0"),
        (462 + 12, &[0, 0, 0, 1], "MBR partition 2: last sector is "),
        (462 + 8, &[0, 0, 0, 0], "MBR partition 2: first sector is 0"),
        (462 + 8, &[255, 8, 0, 0], "MBR partition 2: sectors is 2303 to "),
        (462, &[0x80], "MBR: active partitions is 2"),
    ] {
        let mut image = image.clone();
        support::put(&mut image, at, bytes);
        let report = report(&image);
        assert_eq!(report.kind, DiskKind::Mbr);
        assert!(
            report.findings.iter().any(|finding| finding.to_string().starts_with(expected)),
            "{expected}: {report:#?}"
        );
    }
}

#[test]
fn images_of_xorriso_are_clean_and_told_by_kind() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::create_dir(path("tree")).unwrap();
    std::fs::write(path("tree/file"), [7; 5000]).unwrap();
    std::fs::write(path("esp"), vec![0; 4 << 20]).unwrap();
    for (options, kind) in [
        (&[][..], DiskKind::Iso),
        (&["-append_partition", "2", "0xef", "ESP", "-appended_part_as_gpt"], DiskKind::IsoWithGpt),
        (&["-append_partition", "2", "0xef", "ESP", "-partition_offset", "16"], DiskKind::IsoWithMbr),
    ] {
        let mut command = Command::new("xorriso");
        command.args(["-as", "mkisofs", "-o"]).arg(path("iso"));
        for option in options {
            command.arg(if *option == "ESP" { path("esp").into_os_string() } else { option.into() });
        }
        must("xorriso", command.arg(path("tree")));
        let report = report(&std::fs::read(path("iso")).unwrap());
        assert_eq!(report.kind, kind, "{options:?}");
        assert!(report.is_clean(), "{options:?}: {:#?}", report.findings);
        std::fs::remove_file(path("iso")).unwrap();
    }
}

#[test]
fn disks_without_a_table_are_told() {
    let file = empty(5 << 20);
    assert_eq!(report_of(&file).kind, DiskKind::Unpartitioned);
    must("dosfstools", Command::new("mkfs.fat").arg(file.path()));
    assert_eq!(report_of(&file).kind, DiskKind::Unpartitioned);
    let error = builder_gpt_check::check(&vec![0; 511], &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "the disk has 511 bytes, and a partition table begins with a sector of 512");
}

#[test]
fn the_rest_of_an_older_table_is_a_note() {
    let file = empty(64 << 20);
    sfdisk(file.path(), &[], "label: dos\nsize=10M, type=c\n");
    let mut image = std::fs::read(file.path()).unwrap();
    let end = image.len() - 512;
    image[end..].copy_from_slice(&support::base()[support::BACKUP..]);
    let report = report(&image);
    assert_eq!(report.kind, DiskKind::Mbr);
    assert!(report.is_clean() && report.notes[0].contains("an earlier GUID partition table"), "{report:?}");
}

#[test]
fn known_types_are_those_sfdisk_knows() {
    let list = must("fdisk", Command::new("sfdisk").args(["--list-types", "--label", "gpt"])).to_lowercase();
    for (name, guid) in known_types() {
        assert!(list.contains(&guid.to_string()), "{name} {guid}");
    }
}
