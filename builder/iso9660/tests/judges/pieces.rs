//! Files of more than 4 GiB.

use std::os::unix::fs::FileExt as _;
use std::process::Command;

use builder_block::FilesystemImage as _;
use builder_iso9660::{Boot, Content, Image, Metadata, Options, Tree};

use crate::judge::{options, run, write, xorriso};

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
