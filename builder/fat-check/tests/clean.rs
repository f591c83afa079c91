//! File systems that others made: nothing is wrong with them, and they are counted as their makers count.

mod support;

use std::path::Path;
use std::process::Command;

use builder_fat_check::{FatKind, Level, Report, check};
use support::{fat12, fat16, fat32, fsck_file, mcopy, mkfs, must, report, tree};
use tempfile::{NamedTempFile, TempDir};

fn report_of(path: &Path) -> Report {
    report(&std::fs::read(path).unwrap())
}

/// Nobody has anything to say, and `fsck.fat` counts the same.
fn assert_clean(path: &Path, what: &str) -> Report {
    let report = report_of(path);
    assert!(report.is_clean(), "{what}: {:#?}", report.findings);
    let (complains, text) = fsck_file(path);
    assert!(!complains, "{what}: {text}");
    let volume = report.volume.as_ref().unwrap();
    // The root directory of FAT32 counts as a file there, and so does a label.
    let used = volume.clusters - volume.free_clusters - volume.bad_clusters;
    let counts = format!(" files, {used}/{} clusters", volume.clusters);
    assert!(text.contains(&counts), "{what}: {text} lacks {counts}");
    report
}

#[test]
fn file_systems_of_mkfs_are_clean() {
    for (mebibytes, options, kind) in [
        (1, &[][..], FatKind::Fat12),
        (2, &["-F", "12", "-s", "1"], FatKind::Fat12),
        (2, &["-F", "12", "-s", "4", "-r", "112", "-f", "1"], FatKind::Fat12),
        (8, &["-F", "12", "-s", "8", "-S", "512", "-M", "0xf0"], FatKind::Fat12),
        (16, &["-F", "16"], FatKind::Fat16),
        (64, &["-F", "16", "-s", "4", "-n", "EFI-SYSTEM"], FatKind::Fat16),
        (200, &["-F", "16", "-S", "4096", "-s", "1"], FatKind::Fat16),
        (64, &["-F", "16", "-S", "1024", "-s", "8", "-h", "2048"], FatKind::Fat16),
        (34, &["-F", "32", "-s", "1"], FatKind::Fat32),
        (64, &["-F", "32"], FatKind::Fat32),
        (300, &["-F", "32", "-s", "8", "-R", "64", "-f", "1"], FatKind::Fat32),
        (300, &["-F", "32", "-S", "4096", "-s", "1"], FatKind::Fat32),
        (140, &["-F", "32", "-S", "2048", "-s", "1", "-b", "12"], FatKind::Fat32),
    ] {
        let what = format!("{mebibytes} MiB {options:?}");
        let file = mkfs(mebibytes << 20, options);
        let before = assert_clean(file.path(), &what);
        assert_eq!(before.volume.unwrap().kind, kind, "{what}");
        mcopy(file.path(), tree().path());
        let after = assert_clean(file.path(), &what).volume.unwrap();
        assert_eq!((after.files, after.directories), (7, 5), "{what}");
    }
}

#[test]
fn file_systems_of_mformat_are_clean() {
    for (size, options) in [
        ("1440K", &["-f", "1440"][..]),
        ("64M", &["-T", "131072", "-h", "16", "-s", "63", "-v", "MTOOLS"]),
        ("64M", &["-T", "131072", "-h", "16", "-s", "63", "-F"]),
        ("300M", &["-T", "614400", "-h", "64", "-s", "32", "-F", "-c", "4"]),
    ] {
        let file = NamedTempFile::new().unwrap();
        must("coreutils", Command::new("truncate").args(["-s", size]).arg(file.path()));
        must("mtools", Command::new("mformat").arg("-i").arg(file.path()).args(options).arg("::"));
        mcopy(file.path(), tree().path());
        let report = report_of(file.path());
        assert!(report.is_clean(), "{options:?}: {:#?}", report.findings);
        assert_eq!(report.volume.unwrap().files, 7, "{options:?}");
    }
}

#[test]
fn a_large_file_system_is_clean_and_takes_no_time() {
    let file = mkfs(64 << 30, &["-F", "32"]);
    mcopy(file.path(), tree().path());
    let device = builder_block::PlainFile::new(file.reopen().unwrap()).unwrap();
    let begun = std::time::Instant::now();
    let report = check(&device, Level::Tree).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
    assert_eq!(report.volume.unwrap().files, 7);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn names_of_every_sort_are_clean() {
    let directory = TempDir::new().unwrap();
    let long = "n".repeat(200);
    let names = [
        "UPPER.TXT",
        "lower.txt",
        "Mixed.Txt",
        "thirteen-long",
        "exactly-thirteen-and-26-ch",
        "a",
        ".hidden",
        "two.dots.conf",
        "+,;=[].txt",
        "with space.txt",
        "ÀÉÎ-umlaute.txt",
        "日本語",
        "LONGFI~1.TXT",
        "longfilename.txt",
        "longfilename2.txt",
        "straße",
        "strasse",
        &long,
    ];
    for name in names {
        std::fs::write(directory.path().join(name), name).unwrap();
    }
    for number in 0..300 {
        let path = directory.path().join(format!("directory-with-many/entry-number-{number}.conf"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, vec![0; number]).unwrap();
    }
    for options in [&["-F", "12", "-s", "8"][..], &["-F", "16", "-s", "2"], &["-F", "32", "-s", "1"]] {
        let size = if options[1] == "12" { 8 } else { 40 };
        let file = mkfs(size << 20, options);
        mcopy(file.path(), directory.path());
        let volume = assert_clean(file.path(), &format!("{options:?}")).volume.unwrap();
        assert_eq!((volume.files, volume.directories), (318, 1));
    }
}

#[test]
fn what_was_deleted_leaves_nothing_wrong() {
    let file = mkfs(34 << 20, &["-F", "32", "-s", "1"]);
    mcopy(file.path(), tree().path());
    must("mtools", Command::new("mdel").arg("-i").arg(file.path()).args(["::EFI/BOOT/BOOTX64.EFI", "::README.TXT"]));
    must("mtools", Command::new("mdeltree").arg("-i").arg(file.path()).arg("::loader"));
    let volume = assert_clean(file.path(), "deleted").volume.unwrap();
    assert_eq!((volume.files, volume.directories), (3, 3));
}

#[test]
fn label_and_serial_number_are_told() {
    let volume = report(&fat16().0).volume.unwrap();
    assert_eq!((volume.label.as_deref(), volume.serial), (Some("TESTVOL"), Some(0x1234_ABCD)));
    let file = mkfs(2 << 20, &[]);
    assert_eq!(report_of(file.path()).volume.unwrap().label, None);
    must("mtools", Command::new("mlabel").arg("-i").arg(file.path()).arg("::NEWNAME"));
    assert_eq!(assert_clean(file.path(), "mlabel").volume.unwrap().label.as_deref(), Some("NEWNAME"));
    let shown = must("mtools", Command::new("minfo").arg("-i").arg(file.path()).arg("::"));
    let serial = report_of(file.path()).volume.unwrap().serial.unwrap();
    assert!(shown.to_lowercase().contains(&format!("serial number: {serial:08x}")), "{shown}");
}

#[test]
fn the_tables_alone_give_the_same_counts() {
    for image in [fat12(), fat16(), fat32()] {
        let tree = report(&image.0).volume.unwrap();
        let tables = check(&image.0, Level::Tables).unwrap();
        assert!(tables.is_clean());
        let tables = tables.volume.unwrap();
        assert_eq!((tables.clusters, tables.free_clusters), (tree.clusters, tree.free_clusters));
        assert_eq!((tables.files, tables.label), (0, None));
    }
}

#[test]
fn a_partition_longer_than_the_file_system_is_clean() {
    let mut image = fat16().0;
    image.resize(5 << 20, 0xAB);
    assert!(report(&image).is_clean());
    let error = check(&&image[..511], Level::Tree).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the device has 511 bytes, and a FAT file system begins with a sector of 512 or more"
    );
}
