//! Files, names, links and owners.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use builder_block::FilesystemImage as _;
use builder_iso9660::{Content, Image, IsoError, Metadata, Options, Tree};
use sha2::{Digest as _, Sha256};

use crate::judge::{Is, Spec, Specs, comparable, everything, far, image, options, run, tree, without_joliet, xorriso};

fn bsdtar(image: &Path, arguments: &[&str]) -> String {
    run("libarchive-tools", Command::new("bsdtar").args(arguments).arg("-f").arg(image))
}

fn isoinfo(image: &Path, arguments: &[&str]) -> String {
    run("genisoimage", Command::new("isoinfo").args(arguments).arg("-i").arg(image))
}

/// `drwxr-xr-x` and the like.
fn mode(spec: &Spec) -> String {
    let bits = spec.metadata.mode;
    let kind = match spec.is {
        Is::Directory => 'd',
        Is::File(..) => '-',
        Is::Symlink(_) => 'l',
    };
    let mut text: Vec<char> =
        (0..9).map(|bit| if bits & 0o400 >> bit == 0 { '-' } else { ['r', 'w', 'x'][bit % 3] }).collect();
    if bits & 0o4000 != 0 {
        text[2] = 's';
    }
    if bits & 0o1000 != 0 {
        text[8] = 't';
    }
    std::iter::once(kind).chain(text).collect()
}

/// A line for each path: mode, owner, group, date, path and target.
fn expected(specs: &Specs) -> BTreeSet<String> {
    let line = |(path, spec): (&String, &Spec)| {
        let target = match &spec.is {
            Is::Symlink(target) => format!(" -> {target}"),
            _ => String::new(),
        };
        let Metadata { uid, gid, .. } = spec.metadata;
        format!("{} {uid} {gid} Nov 14 2023 {path}{target}", mode(spec))
    };
    specs.iter().map(line).collect()
}

/// What `bsdtar` lists, in the same form.
fn listed(image: &Path) -> BTreeSet<String> {
    let listing = bsdtar(image, &["--numeric-owner", "-tv"]);
    let line = |line: &str| {
        let mut rest = line;
        let mut column = || {
            let (column, behind) = rest.trim_start().split_once(' ').unwrap();
            rest = behind;
            column.to_owned()
        };
        let [mode, _links, uid, gid, _size, month, day, year] = std::array::from_fn(|_| column());
        format!("{mode} {uid} {gid} {month} {day} {year} {rest}")
    };
    listing.lines().map(line).filter(|line| !line.ends_with(" .")).collect()
}

/// Takes everything out and compares the bytes.
fn same_bytes(extracted: &Path, specs: &Specs) {
    for (path, spec) in specs {
        if let Is::File(_, bytes) = &spec.is {
            let found = fs::read(extracted.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(comparable(path, &found) == comparable(path, bytes), "{path} differs");
        }
    }
}

#[test]
fn libarchive_reads_what_went_in() {
    let plain = Options { boot: Default::default(), joliet: false, ..options() };
    for (specs, options) in [(everything(), options()), (far(), plain)] {
        let image = image(&specs, &options);
        let (listed, expected) = (listed(image.path()), expected(&specs));
        for (found, expected) in listed.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
        assert_eq!(listed.len(), expected.len());
        let directory = tempfile::tempdir().unwrap();
        let into = directory.path().to_str().unwrap();
        bsdtar(image.path(), &["-x", "--no-same-owner", "-C", into]);
        same_bytes(directory.path(), &specs);
    }
}

#[test]
fn xorriso_reads_what_went_in() {
    for (specs, options) in [
        (everything(), options()),
        (without_joliet(), Options { joliet: false, boot: Default::default(), ..options() }),
    ] {
        let image = image(&specs, &options);
        let directory = tempfile::tempdir().unwrap();
        let into = directory.path().join("into");
        xorriso(image.path(), &["-osirrox", "on:auto_chmod_on", "-extract", "/", into.to_str().unwrap()]);
        same_bytes(&into, &specs);
        for (path, spec) in &specs {
            if let Is::Symlink(target) = &spec.is {
                assert_eq!(fs::read_link(into.join(path)).unwrap(), Path::new(target), "{path}");
            }
        }
    }
}

#[test]
fn partition_1_is_the_same_file_system() {
    let specs = everything();
    let image = image(&specs, &options());
    let whole = fs::read(image.path()).unwrap();
    let partition = tempfile::NamedTempFile::new().unwrap();
    fs::write(partition.path(), &whole[16 * 2048..]).unwrap();
    assert!(listed(partition.path()) == expected(&specs));
    let directory = tempfile::tempdir().unwrap();
    bsdtar(partition.path(), &["-x", "--no-same-owner", "-C", directory.path().to_str().unwrap()]);
    same_bytes(directory.path(), &specs);
    for kind in ["-R", "-J"] {
        assert_eq!(isoinfo(partition.path(), &[kind, "-f"]), isoinfo(image.path(), &[kind, "-f"]));
    }
}

#[test]
fn every_kind_of_names_is_complete() {
    let specs = everything();
    let image = image(&specs, &options());
    let lines = |text: String| text.lines().map(str::to_owned).collect::<BTreeSet<String>>();
    let rock_ridge = lines(isoinfo(image.path(), &["-R", "-f"]));
    assert_eq!(rock_ridge, specs.keys().map(|path| format!("/{path}")).collect());
    // `isoinfo` prints no snowmen.
    let joliet = lines(bsdtar(image.path(), &["--options", "iso9660:!rockridge", "-t"]));
    let no_links = specs.iter().filter(|(_, spec)| !matches!(spec.is, Is::Symlink(_)));
    assert_eq!(joliet, no_links.map(|(path, _)| path.clone()).chain([".".into()]).collect());
    assert_eq!(isoinfo(image.path(), &["-J", "-f"]).lines().count(), joliet.len() - 1);
    // Names of ISO 9660 itself are others, and as many.
    let iso = lines(isoinfo(image.path(), &["-f"]));
    assert_eq!(iso.len(), specs.len());
    for expected in [
        "/EFI/BOOT/BOOTX64.EFI;1",
        "/BOOT/GRUB/GRUB.CFG;1",
        "/NAMES/UPPER.TXT;1",
        "/NAMES/UPPER_1.TXT;1",
        "/NAMES/_HIDDEN.;1",
        "/MANY/WITH_A_LONG_NAME_THAT_DIFFE.TXT;1",
        "/MANY/WITH_A_LONG_NAME_THAT_D_299.TXT;1",
    ] {
        assert!(iso.contains(expected), "{expected} is not in {iso:#?}");
    }
    for path in &iso {
        let name = path.rsplit('/').next().unwrap().trim_end_matches(";1");
        assert!(
            name.len() <= 31 && name.bytes().all(|byte| byte.is_ascii_uppercase() || b"0123456789_.".contains(&byte))
        );
    }
}

#[test]
fn isovfy_finds_no_error() {
    // Without the links of `far`: at those it crashes, also in images of genisoimage.
    let image = image(&everything(), &options());
    let verdict = run("genisoimage", Command::new("isovfy").arg(image.path()));
    assert!(verdict.contains("No errors found"), "{verdict}");
}

#[test]
fn the_volume_has_the_names_that_it_was_given() {
    let image = image(&everything(), &options());
    let shown = isoinfo(image.path(), &["-d"]);
    for expected in [
        "System id: LINUX",
        "Volume id: INSTALLER_1",
        "Volume set id: SET_1",
        "Publisher id: THE PUBLISHER, INC.",
        "Data preparer id: THE PREPARER",
        "Application id: INSTALLER (1.0)",
        "Joliet with UCS level 3 found",
        "Rock Ridge signatures version 1 found",
    ] {
        assert!(shown.contains(expected), "{shown}\nlacks {expected}");
    }
    let times = run("xorriso", Command::new("xorriso").arg("-indev").arg(image.path()).arg("-pvd_info"));
    for expected in ["Creation Time: 2023111422132000", "Modif. Time  : 2023111422132000"] {
        assert!(times.contains(expected), "{times}\nlacks {expected}");
    }
    let blkid = run("util-linux", Command::new("blkid").args(["-p", "-o", "export"]).arg(image.path()));
    for expected in ["LABEL=INSTALLER_1", "TYPE=iso9660", "UUID=2023-11-14-22-13-20-00"] {
        assert!(blkid.contains(expected), "{blkid}\nlacks {expected}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let digest = |options: &Options| {
        let bytes = fs::read(image(&everything(), options).path()).unwrap();
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    assert_eq!(digest(&options()), PINNED);
}

const PINNED: &str = "6cb23926c136675c2ed3ec11ff5eb4baca4953bc2e5536e32e53bf50ff2cc706";

#[test]
fn a_place_is_told_before_anything_is_written() {
    let specs = everything();
    let plan = Image::plan(&tree(&specs), &options()).unwrap();
    let file = crate::judge::write(&plan);
    let bytes = fs::read(file.path()).unwrap();
    assert_eq!(bytes.len() as u64, plan.size().bytes());
    let mut files = 0;
    for (path, place) in plan.placements() {
        assert_eq!(plan.placement(&path), Some(place));
        let Is::File(content, expected) = &specs[&path].is else { panic!("{path} is no file") };
        assert_eq!(place.reserved, matches!(content, Content::Reserved { .. }), "{path}");
        assert_eq!(place.length, expected.len() as u64);
        let start = usize::try_from(place.offset()).unwrap();
        let found = &bytes[start..start + expected.len()];
        assert!(comparable(&path, found) == comparable(&path, expected), "{path}");
        if !expected.is_empty() {
            assert_eq!(plan.describe(place.offset() + 1), format!("byte 1 of /{path}"));
        }
        files += 1;
    }
    assert_eq!(files, specs.values().filter(|spec| matches!(spec.is, Is::File(..))).count());
    for path in ["", "none", "EFI", "links/root", "EFI/BOOT/BOOTX64.EFI/x"] {
        assert_eq!(plan.placement(path), None, "{path}");
    }
    for (offset, words) in [
        (0, "the system area, with the partition tables"),
        (32768, "the volume descriptors"),
        (plan.esp().unwrap().offset(), "byte 0 of the EFI system partition"),
        (plan.size().bytes() - 1, "the padding, with the second copy of the partition table"),
    ] {
        assert_eq!(plan.describe(offset), words);
    }
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let add = |name: &str| {
        let mut tree = Tree::new();
        tree.file(name, Metadata::root(0o644), Content::bytes(*b"x")).unwrap();
        tree
    };
    let joliet = Image::plan(&add("d/a:b"), &options_without_boot()).err().unwrap();
    assert_eq!(joliet.to_string(), "Joliet cannot hold the name of \"d/a:b\": it has the character ':'");
    assert!(joliet.hint().is_some());
    let late = Options { time: u64::MAX, ..options_without_boot() };
    assert!(matches!(Image::plan(&Tree::new(), &late), Err(IsoError::Time { .. })));
    let mut tree = Tree::new();
    tree.file("huge", Metadata::root(0o644), Content::reserved(1 << 40)).unwrap();
    assert!(matches!(Image::plan(&tree, &options_without_boot()), Err(IsoError::FileLength { .. })));
    let mut tree = Tree::new();
    for number in 0..30 {
        tree.file(&format!("{number}"), Metadata::root(0o644), Content::reserved(399 << 30)).unwrap();
    }
    assert!(matches!(Image::plan(&tree, &options_without_boot()), Err(IsoError::TooMany { what: "blocks", .. })));
    let mut tree = Tree::new();
    for number in 0..65_535 {
        tree.directory(&format!("{number}"), Metadata::root(0o755)).unwrap();
    }
    let many = Image::plan(&tree, &options_without_boot()).err().unwrap();
    assert_eq!(many.to_string(), "the medium needs 65536 directories, and 65535 are the most");
}

fn options_without_boot() -> Options {
    Options { boot: Default::default(), ..options() }
}
