//! Archives that GNU cpio and the compressors make are read as they are on disk, and cpio unpacks what is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;

use crate::tools::{Dice, PACKINGS, cpio, pack, plant, run};
use builder_initramfs::{ArchiveWriter, Compression, EntryKind, Initramfs, Limits, gap};

fn read(bytes: &[u8]) -> Initramfs {
    match Initramfs::read(bytes, &Limits::default(), |_| true) {
        Ok(initramfs) => initramfs,
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}

/// Stands for a body, so that a difference can be read. FNV-1a.
fn fingerprint(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// All that is below a folder in the order of [`Initramfs::entries`], as far as an archive has it.
fn on_disk(folder: &Path, below: &[u8], found: &mut Vec<String>) {
    let path = folder.join(<std::ffi::OsStr as OsStrExt>::from_bytes(below));
    let about = fs::symlink_metadata(&path).unwrap();
    let kind = about.file_type();
    let mut rest = String::new();
    if kind.is_file() {
        rest = format!("{} {} {:x}", about.nlink(), about.len(), fingerprint(&fs::read(&path).unwrap()));
    } else if kind.is_symlink() {
        rest = format!("{:x}", fingerprint(fs::read_link(&path).unwrap().as_os_str().as_bytes()));
    } else {
        assert!(kind.is_dir() || kind.is_fifo());
    }
    found.push(format!(
        "{} {:o} {} {} {} {rest}",
        below.escape_ascii(),
        about.mode(),
        about.uid(),
        about.gid(),
        // GNU cpio unpacks links and directories without their times.
        if kind.is_symlink() || kind.is_dir() { 0 } else { about.mtime() },
    ));
    if kind.is_dir() {
        let mut names: Vec<_> = fs::read_dir(path).unwrap().map(|child| child.unwrap().file_name()).collect();
        names.sort();
        for name in names {
            let child = if below.is_empty() { Vec::new() } else { [below, b"/"].concat() };
            on_disk(folder, &[&child, name.as_bytes()].concat(), found);
        }
    }
}

/// The same of what was read.
fn as_read(initramfs: &Initramfs) -> Vec<String> {
    let line = |(path, entry): (Vec<u8>, &builder_initramfs::Entry)| {
        let rest = match &entry.kind {
            EntryKind::File => {
                let body = initramfs.body(&path).unwrap().unwrap();
                format!("{} {} {:x}", entry.names, entry.size, fingerprint(body))
            }
            EntryKind::Symlink { target } => format!("{:x}", fingerprint(target)),
            _ => String::new(),
        };
        let has_time = !matches!(entry.kind, EntryKind::Symlink { .. } | EntryKind::Directory);
        let mtime = if has_time { entry.mtime } else { 0 };
        format!("{} {:o} {} {} {mtime} {rest}", path.escape_ascii(), entry.mode, entry.uid, entry.gid)
    };
    initramfs.entries().map(line).collect()
}

fn assert_same(initramfs: &Initramfs, folder: &Path) {
    assert_eq!(initramfs.ignored(), []);
    let mut expected = Vec::new();
    on_disk(folder, b"", &mut expected);
    let found = as_read(initramfs);
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn a_tree_packed_by_cpio_and_each_compressor_is_read_as_it_is_on_disk() {
    for seed in 1..4 {
        let folder = tempfile::tempdir().unwrap();
        plant(folder.path(), "usr", 300, &mut Dice(seed));
        for form in ["newc", "crc"] {
            let archive = cpio(folder.path(), form);
            for packing in PACKINGS {
                let initramfs = read(&pack(packing, &archive));
                assert_same(&initramfs, folder.path());
                assert_eq!(initramfs.archives().len(), 1);
                assert_eq!(initramfs.archives()[0].compression.to_string(), packing);
            }
        }
    }
}

#[test]
fn the_names_are_those_that_cpio_lists() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), "x", 400, &mut Dice(77));
    let archive = cpio(folder.path(), "newc");
    let listed = run("cpio", folder.path(), &["cpio", "--quiet", "-it"], &archive);
    let listed: BTreeSet<&[u8]> = listed.split(|&byte| byte == b'\n').filter(|name| !name.is_empty()).collect();
    let initramfs = read(&pack("zstd", &archive));
    let found: Vec<Vec<u8>> = initramfs.entries().map(|(path, _)| path).collect();
    let found: BTreeSet<&[u8]> =
        found.iter().map(|path| if path.is_empty() { &b"."[..] } else { path.as_slice() }).collect();
    assert_eq!(found, listed);
    assert_eq!(initramfs.archives()[0].entries, u64::try_from(listed.len()).unwrap());
}

#[test]
fn parts_of_every_packing_are_read_in_every_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut packed = BTreeMap::new();
    let mut dice = Dice(4711);
    for packing in PACKINGS {
        let part = folder.path().join("parts").join(packing);
        fs::create_dir_all(&part).unwrap();
        plant(&part, packing, 12, &mut dice);
        fs::write(part.join("last"), packing).unwrap();
        let archive = cpio(&part, "newc");
        packed.insert(packing, pack(packing, &archive));
        // What cpio makes of all of them is the same in each order, but for the file that all have.
        run("cpio", folder.path(), &["cpio", "--quiet", "-idmu", "-D", "."], &archive);
    }
    fs::remove_dir_all(folder.path().join("parts")).unwrap();
    fs::remove_file(folder.path().join("last")).unwrap();
    let mut expected = Vec::new();
    on_disk(folder.path(), b"", &mut expected);
    let mut orders = vec![Vec::new()];
    for packing in PACKINGS {
        orders = orders
            .iter()
            .flat_map(|order: &Vec<&str>| {
                (0..=order.len()).map(|at| {
                    let mut order = order.clone();
                    order.insert(at, packing);
                    order
                })
            })
            .collect();
    }
    assert_eq!(orders.len(), 720);
    for order in orders {
        let mut bytes = vec![0; 4 * dice.roll(3)];
        let mut starts = Vec::new();
        for (index, packing) in order.iter().enumerate() {
            if index > 0 && order[index - 1] == "lz4" {
                bytes.extend([0; 4]);
            }
            bytes.extend(vec![0; dice.roll(600)]);
            // The kernel wants this before a plain archive and behind one.
            if *packing == "plain" || index > 0 && order[index - 1] == "plain" {
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
            starts.push(u64::try_from(bytes.len()).unwrap());
            bytes.extend(&packed[packing]);
        }
        bytes.extend(vec![0; dice.roll(600)]);
        let initramfs = read(&bytes);
        let found: Vec<_> = initramfs.archives().iter().map(|archive| archive.start).collect();
        assert_eq!(found, starts, "{order:?}");
        assert_eq!(initramfs.text("last").unwrap(), order.last().copied());
        let skip = |lines: Vec<String>| -> Vec<String> {
            lines.into_iter().filter(|line| !line.starts_with("last ") && !line.starts_with(' ')).collect()
        };
        let (found, expected) = (skip(as_read(&initramfs)), skip(expected.clone()));
        assert_eq!(found.iter().find(|line| !expected.contains(line)), None, "{order:?}");
        assert_eq!(found.len(), expected.len(), "{order:?}");
    }
}

#[test]
fn members_and_frames_with_whole_archives_are_read_one_behind_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let archive = |name: &str| {
        let part = folder.path().join(name);
        fs::create_dir_all(&part).unwrap();
        fs::write(part.join(name), name).unwrap();
        cpio(&part, "newc")
    };
    let (one, two) = (archive("one"), archive("two"));
    for packing in ["gzip", "zstd", "xz", "lzma", "lz4"] {
        let bytes = [pack(packing, &one), pack(packing, &two)].concat();
        let together = pack(packing, &[&one[..], &[0; 8], &two].concat());
        for (bytes, is_one_part) in [(bytes, packing == "lz4"), (together, true)] {
            let initramfs = read(&bytes);
            assert_eq!(initramfs.text("one").unwrap(), Some("one"));
            assert_eq!(initramfs.text("two").unwrap(), Some("two"));
            let [first, second] = initramfs.archives() else { panic!("{packing}") };
            assert_eq!(first.start == second.start, is_one_part, "{packing}");
            assert_eq!(second.unpacked_start > 0, is_one_part, "{packing}");
            assert!(second.has_trailer && second.number == 2);
        }
    }
}

#[test]
fn hard_links_are_one_file_with_one_body() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        match name {
            "a" => fs::write(folder.path().join("a"), "busybox").unwrap(),
            _ => fs::hard_link(folder.path().join("a"), folder.path().join(name)).unwrap(),
        }
    }
    let archive = cpio(folder.path(), "newc");
    // Wanted under one name, whether it is the one with the body or not, the body is there under all.
    for wanted in ["a", "b", "c"] {
        let initramfs = Initramfs::read(&archive[..], &Limits::default(), |path| path == wanted.as_bytes()).unwrap();
        for name in ["a", "b", "c"] {
            assert_eq!(initramfs.text(name).unwrap(), Some("busybox"));
            let entry = initramfs.entry(name).unwrap();
            assert_eq!((entry.names, entry.size), (3, 7));
            assert!(std::ptr::eq(entry, initramfs.entry("a").unwrap()));
        }
    }
    // The numbers of another archive mean other files.
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("b"), "other").unwrap();
    let initramfs = read(&[archive, cpio(other.path(), "newc")].concat());
    // The kernel writes into the file that is there, under all its names.
    assert_eq!(initramfs.text("a").unwrap(), Some("other"));
}

#[test]
fn what_is_written_is_unpacked_by_cpio() {
    let mut archive = ArchiveWriter::new(Vec::new());
    let body: Vec<u8> = (0..100_001_u32).map(|at| u8::try_from(at % 253).unwrap()).collect();
    archive.directory("usr", 0o755).unwrap();
    archive.directory("usr/lib", 0o1777).unwrap();
    archive.symlink("lib", "usr/lib").unwrap();
    for size in [0, 1, 2, 3, 4, 5, 100_001] {
        archive.file(format!("usr/lib/{size:0>width$}", width = size % 7 + 1), 0o640, &body[..size]).unwrap();
    }
    archive.file("usr/lib/tool", 0o4755, b"#!/bin/sh\n").unwrap();
    archive.symlink("usr/lib/link", "x".repeat(4095)).unwrap();
    let bytes = archive.finish().unwrap();
    assert!(bytes.len().is_multiple_of(4));

    let folder = tempfile::tempdir().unwrap();
    run("cpio", folder.path(), &["cpio", "--quiet", "-idm", "--no-preserve-owner"], &bytes);
    let mut expected = Vec::new();
    on_disk(folder.path(), b"", &mut expected);
    let found = as_read(&read(&bytes));
    assert_eq!(found.len(), expected.len());
    // The root is the folder's own.
    for (found, expected) in found.iter().zip(&expected).skip(1) {
        assert_eq!(found, expected);
    }

    // It is read behind an initramfs of any packing.
    for packing in PACKINGS {
        let mut initramfs = pack(packing, &bytes);
        let mut further = ArchiveWriter::new(Vec::new());
        further.file("lib/tool", 0o755, b"new").unwrap();
        let zeros = gap(u64::try_from(initramfs.len()).unwrap());
        initramfs.resize(initramfs.len() + usize::try_from(zeros).unwrap(), 0);
        initramfs.extend(further.finish().unwrap());
        let initramfs = read(&initramfs);
        assert_eq!(initramfs.text("usr/lib/tool").unwrap(), Some("new"), "{packing}");
        assert_eq!(initramfs.archives()[1].compression, Compression::None);
    }
}

#[test]
fn links_lead_where_they_lead_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("usr/lib/systemd")).unwrap();
    fs::write(folder.path().join("usr/lib/systemd/unit"), "[Unit]").unwrap();
    for (name, target) in [
        ("lib", "usr/lib"),
        ("usr/lib64", "/lib/../lib"),
        ("circle", "circle"),
        ("nowhere", "usr/none"),
        ("usr/up", ".."),
        ("unit", "lib/systemd/unit"),
    ] {
        symlink(target, folder.path().join(name)).unwrap();
    }
    let initramfs = read(&pack("xz", &cpio(folder.path(), "newc")));
    for path in
        ["/lib/systemd/unit", "./usr/lib64/systemd//unit", "usr/up/usr/up/unit", "unit", "../lib/./systemd/unit"]
    {
        let resolved = initramfs.resolve(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(resolved.path, b"usr/lib/systemd/unit", "{path}");
        assert_eq!(initramfs.text(path).unwrap(), Some("[Unit]"));
    }
    for path in ["circle", "nowhere", "unit/x", "usr/lib/none", "circle/x"] {
        assert!(!initramfs.has(path), "{path}");
    }
    assert!(initramfs.has("/") && initramfs.has("usr/up"));
    assert_eq!(initramfs.entry("nowhere").unwrap().kind, EntryKind::Symlink { target: b"usr/none".to_vec() });
    assert_eq!(initramfs.body("usr").unwrap_err().to_string(), "\"usr\" of the initramfs is not a regular file");
}
