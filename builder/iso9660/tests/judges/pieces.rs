//! Files of more than 4 GiB.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use builder_block::FilesystemImage as _;
use builder_iso9660::{Boot, Content, FILE_MAX, Image, Metadata, Options, Tree};

use crate::judge::{options, run, write, xorriso};
use crate::mounted::mount;

/// The largest number of blocks that one record has.
const PIECE: u64 = 0xFFFF_F800;

#[test]
fn a_file_of_more_than_4_gib_is_one_of_several_pieces() {
    let mut tree = Tree::new();
    let length = 2 * PIECE + 5000;
    tree.file("before", Metadata::root(0o644), Content::bytes(*b"before")).unwrap();
    tree.file("exact.raw", Metadata::root(0o644), Content::reserved(PIECE)).unwrap();
    tree.file("huge.raw", Metadata::root(0o644), Content::reserved(length)).unwrap();
    tree.file("zz", Metadata::root(0o644), Content::bytes(*b"behind")).unwrap();
    let plan = Image::plan(&tree, &Options { boot: Boot::default(), ..options() }).unwrap();
    let place = plan.placement("huge.raw").unwrap();
    let file = write(&plan);
    assert_eq!(plan.size().bytes(), std::fs::metadata(file.path()).unwrap().len());
    let found = xorriso(file.path(), &["-find", "/", "-type", "f", "-exec", "report_lba"]);
    let found: Vec<String> = found.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let blocks = PIECE / 2048;
    let first = u64::from(place.block);
    for expected in [
        format!("File data lba: 0 , {} , {blocks} , {PIECE} , '/exact.raw'", first - blocks),
        format!("File data lba: 0 , {first} , {blocks} , {length} , '/huge.raw'"),
        format!("File data lba: 1 , {} , {blocks} , {length} , '/huge.raw'", first + blocks),
        format!("File data lba: 2 , {} , 3 , {length} , '/huge.raw'", first + 2 * blocks),
    ] {
        assert!(found.contains(&expected), "{found:#?}\nlacks {expected}");
    }
    // Bytes of every piece, as GRUB reads them.
    for at in [0, PIECE - 3, 2 * PIECE + 4990] {
        file.as_file().write_all_at(b"piece", place.offset() + at).unwrap();
        let mut command = Command::new("grub-fstest");
        command.arg(file.path()).args(["-s", &at.to_string(), "-n", "5", "cat", "(loop0)/huge.raw"]);
        assert_eq!(run("grub-common", &mut command), "piece", "{at}");
    }
}

#[test]
fn a_file_that_may_become_long_moves_nothing_in_front_of_it() {
    let plan = |length: u64| {
        let mut tree = Tree::new();
        tree.file("d/a", Metadata::root(0o644), Content::bytes(*b"before")).unwrap();
        tree.file_of_at_most("d/may-be-long", Metadata::root(0o644), Content::reserved(length), u64::MAX).unwrap();
        tree.file("d/z", Metadata::root(0o644), Content::bytes(*b"behind")).unwrap();
        Image::plan(&tree, &Options { boot: Boot::default(), ..options() }).unwrap()
    };
    let first = plan(1).placement("d/may-be-long").unwrap().block;
    for length in [2, PIECE, PIECE + 1, 50 * PIECE, FILE_MAX] {
        assert_eq!(plan(length).placement("d/may-be-long").unwrap().block, first, "{length}");
    }
    // The room that is left over is nothing to any reader.
    let file = write(&plan(5000));
    let path = file.path().to_str().unwrap();
    let found = xorriso(file.path(), &["-find", "/d", "-type", "f"]);
    assert_eq!(found, "'/d/a'\n'/d/may-be-long'\n'/d/z'\n");
    let found = run("libarchive-tools", Command::new("bsdtar").args(["-t", "-f", path]));
    assert_eq!(found, ".\nd\nd/a\nd/may-be-long\nd/z\n");
    let found = run("genisoimage", Command::new("isoinfo").args(["-f", "-R", "-i", path]));
    assert_eq!(found, "/d\n/d/a\n/d/may-be-long\n/d/z\n");
    let found = run("grub-common", Command::new("grub-fstest").args([path, "cat", "(loop0)/d/z"]));
    assert_eq!(found, "behind");
    if let Some(mounted) = mount(file.path(), "") {
        let mut names: Vec<_> =
            fs::read_dir(mounted.0.path().join("d")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a", "may-be-long", "z"]);
        assert_eq!(fs::read(mounted.0.path().join("d/z")).unwrap(), b"behind");
    }
}
