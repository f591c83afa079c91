//! File systems that e2fsck finds clean have no finding.

mod images;

use std::time::Instant;

use builder_ext4_check::{Level, Severity};
use images::{checked, content, lines, made, must, run};

#[test]
fn what_e2fsck_finds_clean_has_no_finding() {
    let content = content();
    for (mebibytes, options) in [
        (64, &[][..]),
        (64, &["-b", "1024"]),
        (64, &["-b", "2048"]),
        (64, &["-b", "4096"]),
        (300, &["-b", "1024", "-g", "2048", "-J", "size=4"]),
        (64, &["-b", "4096", "-O", "^metadata_csum"]),
        (64, &["-O", "^metadata_csum,^uninit_bg"]),
        (64, &["-O", "^metadata_csum,uninit_bg", "-b", "1024"]),
        (64, &["-O", "^64bit"]),
        (64, &["-O", "^64bit,^metadata_csum,uninit_bg"]),
        (64, &["-O", "^extents,^64bit,^metadata_csum"]),
        (64, &["-O", "^extents,^64bit", "-b", "1024"]),
        (64, &["-O", "^flex_bg", "-b", "1024"]),
        (64, &["-O", "^resize_inode", "-b", "1024"]),
        (64, &["-O", "^resize_inode,sparse_super2", "-b", "1024"]),
        (64, &["-O", "sparse_super2", "-b", "1024"]),
        (64, &["-O", "^resize_inode,^sparse_super", "-b", "1024"]),
        (64, &["-O", "^resize_inode,meta_bg", "-b", "1024"]),
        (200, &["-O", "^resize_inode,meta_bg", "-b", "1024", "-g", "1024"]),
        (64, &["-O", "metadata_csum_seed"]),
        (64, &["-O", "inline_data"]),
        (64, &["-O", "inline_data", "-b", "1024", "-I", "512"]),
        (64, &["-O", "ea_inode", "-b", "1024"]),
        (64, &["-O", "encrypt,verity,casefold"]),
        (64, &["-O", "quota,project"]),
        (64, &["-O", "orphan_file"]),
        (64, &["-O", "mmp,large_dir"]),
        (64, &["-O", "fast_commit"]),
        (64, &["-O", "^has_journal"]),
        (64, &["-O", "^dir_index"]),
        (64, &["-O", "^filetype"]),
        (64, &["-O", "^huge_file,^dir_nlink,^extra_isize,^large_file"]),
        (64, &["-I", "128"]),
        (64, &["-I", "1024"]),
        (64, &["-N", "3000"]),
        (64, &["-i", "4096", "-b", "1024"]),
        (64, &["-E", "lazy_itable_init=0,packed_meta_blocks=1"]),
        (256, &["-b", "65536"]),
    ] {
        let image = made(mebibytes, options, Some(content.path()));
        let path = image.path().to_str().unwrap();
        must("e2fsck", &["-fn", path]);
        for level in [Level::Quick, Level::Full] {
            let report = checked(image.path(), level);
            assert!(report.is_clean(), "{options:?}, {level:?}:\n{}", lines(&report));
            if level == Level::Full {
                assert!(report.inodes > 700, "{options:?}: {} inodes", report.inodes);
            }
        }
    }
}

#[test]
fn older_types_and_empty_file_systems_have_no_finding() {
    let content = content();
    for (mebibytes, options, full) in [
        (64, &["-t", "ext2"][..], true),
        (64, &["-t", "ext3", "-b", "1024"], true),
        (1, &["-b", "1024"], false),
        (8, &[], false),
        (8, &["-O", "^has_journal,^resize_inode"], false),
        (2000, &["-E", "lazy_itable_init=1"], false),
    ] {
        let image = made(mebibytes, options, full.then_some(content.path()));
        must("e2fsck", &["-fn", image.path().to_str().unwrap()]);
        let report = checked(image.path(), Level::Full);
        assert!(report.is_clean(), "{options:?}:\n{}", lines(&report));
    }
}

#[test]
fn grown_and_shrunk_file_systems_have_no_finding() {
    let content = content();
    for (options, sizes) in [
        (&["-b", "1024"][..], &["300M", "40M"][..]),
        (&["-b", "4096"], &["700M", "64M"]),
        (&["-b", "1024", "-O", "^resize_inode"], &["300M"]),
        (&["-b", "1024", "-O", "^flex_bg,^metadata_csum"], &["300M", "40M"]),
        (&["-b", "1024", "-O", "^resize_inode,meta_bg"], &["300M"]),
        (&["-b", "1024", "-O", "sparse_super2"], &["300M", "40M"]),
    ] {
        let image = made(48, options, Some(content.path()));
        let path = image.path().to_str().unwrap();
        for size in sizes {
            image.as_file().set_len(700 << 20).unwrap();
            must("e2fsck", &["-fp", path]);
            must("resize2fs", &[path, size]);
            must("e2fsck", &["-fn", path]);
            let report = checked(image.path(), Level::Full);
            assert!(report.is_clean(), "{options:?} to {size}:\n{}", lines(&report));
        }
    }
}

#[test]
fn a_large_directory_with_two_levels_has_no_finding() {
    let directory = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("large")).unwrap();
    for number in 0..4000 {
        let name = format!("large/{number:05} with a name that is rather long so that blocks fill soon ä");
        std::fs::write(directory.path().join(name), b"").unwrap();
    }
    for hash in ["half_md4", "tea", "legacy"] {
        let file = made(32, &["-b", "1024", "-N", "6000", "-d", directory.path().to_str().unwrap()], None);
        let path = file.path().to_str().unwrap();
        must("tune2fs", &["-E", &format!("hash_alg={hash}"), path]);
        let (code, text) = run("e2fsck", &["-fyD", path]);
        assert!(code <= 1, "{text}");
        let shown = must("debugfs", &["-R", "htree_dump /large", path]);
        assert!(shown.contains("Indirect levels: 1"), "{hash}: {}", shown.lines().take(12).collect::<String>());
        must("e2fsck", &["-fn", path]);
        let report = checked(file.path(), Level::Full);
        assert!(report.is_clean(), "{hash}:\n{}", lines(&report));
    }
}

#[test]
fn clusters_are_refused_in_words() {
    let image = made(64, &["-O", "bigalloc"], None);
    let report = checked(image.path(), Level::Full);
    assert_eq!(report.findings, []);
    assert!(report.unchecked.iter().any(|sentence| sentence.contains("bigalloc")), "{}", lines(&report));
}

#[test]
fn a_dirty_journal_is_a_warning() {
    let content = content();
    let image = made(64, &["-b", "1024"], Some(content.path()));
    let path = image.path().to_str().unwrap();
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), "journal_open\njournal_write -b 333 /dev/zero\njournal_close\n").unwrap();
    must("debugfs", &["-w", "-f", script.path().to_str().unwrap(), path]);
    let report = checked(image.path(), Level::Full);
    assert!(!report.findings.is_empty() && !report.is_damaged(), "{}", lines(&report));
    assert!(report.findings.iter().all(|finding| finding.severity == Severity::Warning));
    assert!(lines(&report).contains("journal superblock: start of the log"), "{}", lines(&report));
}

#[test]
fn a_quick_check_of_ten_gibibytes_is_quick() {
    let image = made(10 * 1024, &[], None);
    let start = Instant::now();
    let report = checked(image.path(), Level::Quick);
    assert!(report.is_clean(), "{}", lines(&report));
    assert!(start.elapsed().as_millis() < 1000, "{:?}", start.elapsed());
}
