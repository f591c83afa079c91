//! Files found again in finished images: ours, and those of `xorriso`.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use builder_block::PlainFile;
use builder_iso9660::{Boot, Content, Image, LocateError, Metadata, Options, Tree, locate};

use crate::judge::{Is, Specs, comparable, everything, far, image, options, run, tree, write};

fn each_is_found(bytes: &[u8], specs: &Specs) {
    for (path, spec) in specs {
        let found = locate(&bytes, path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let Is::File(_, expected) = &spec.is else {
            assert_eq!(found, None, "{path}");
            continue;
        };
        let found = found.unwrap_or_else(|| panic!("{path} is not found"));
        assert_eq!(found.length, expected.len() as u64, "{path}");
        let start = usize::try_from(found.offset).unwrap();
        let there = &bytes[start..start + expected.len()];
        assert!(comparable(path, there) == comparable(path, expected), "{path}");
    }
    for path in ["", "none", "/EFI", "EFI/", "names/none", "empty/x", &vec!["deep"; 200].join("/")] {
        assert_eq!(locate(&bytes, path).unwrap(), None, "{path}");
    }
}

#[test]
fn every_file_is_found_where_it_was_planned() {
    let plain = Options { boot: Boot::default(), joliet: false, ..options() };
    for (specs, options) in [(everything(), options()), (far(), plain)] {
        let plan = Image::plan(&tree(&specs), &options).unwrap();
        let bytes = fs::read(write(&plan).path()).unwrap();
        each_is_found(&bytes, &specs);
        for (path, place) in plan.placements() {
            assert_eq!(locate(&bytes, &path).unwrap().unwrap().offset, place.offset(), "{path}");
        }
    }
}

#[test]
fn files_of_xorriso_are_found() {
    let specs = everything();
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from"), directory.path().join("to.iso"));
    for (path, spec) in &specs {
        let at = from.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match &spec.is {
            Is::Directory => fs::create_dir_all(at).unwrap(),
            Is::File(_, bytes) => fs::write(at, bytes).unwrap(),
            // At longer targets xorriso 1.5.4 writes damaged images, and says so.
            Is::Symlink(target) if target.len() > 150 => {}
            Is::Symlink(target) => std::os::unix::fs::symlink(target, at).unwrap(),
        }
    }
    let mut command = Command::new("xorriso");
    run("xorriso", command.args(["-as", "mkisofs", "-quiet", "-R", "-V", "THEIRS", "-o"]).arg(&to).arg(&from));
    each_is_found(&fs::read(to).unwrap(), &specs);
}

#[test]
fn what_is_reserved_is_replaced_in_place() {
    let image = image(&everything(), &options());
    let place = locate(&PlainFile::new(image.reopen().unwrap()).unwrap(), "install/room.img").unwrap().unwrap();
    assert_eq!(place.length, 100_000);
    image.as_file().write_all_at(b"replaced", place.offset).unwrap();
    let mut command = Command::new("bsdtar");
    let read = run("libarchive-tools", command.arg("-xOf").arg(image.path()).arg("install/room.img"));
    assert!(read.starts_with("replaced\0"));
}

#[test]
fn pieces_of_a_large_file_are_one() {
    let mut tree = Tree::new();
    tree.file("huge", Metadata::root(0o644), Content::reserved(9 << 30)).unwrap();
    let file = write(&Image::plan(&tree, &Options { boot: Boot::default(), ..options() }).unwrap());
    let disk = PlainFile::new(file.reopen().unwrap()).unwrap();
    let found = locate(&disk, "huge").unwrap().unwrap();
    assert_eq!(found.length, 9 << 30);
    // The second piece elsewhere: its record is the fifth of the root.
    let mut root = vec![0; 2048];
    let place = file.as_file();
    let mut descriptor = [0; 2048];
    place.read_exact_at(&mut descriptor, 32_768).unwrap();
    let start = u64::from(u32::from_le_bytes(descriptor[158..162].try_into().unwrap())) * 2048;
    place.read_exact_at(&mut root, start).unwrap();
    let second = (0..3).fold(0, |at, _| at + usize::from(root[at]));
    place.write_all_at(&[root[second + 2] + 1], start + second as u64 + 2).unwrap();
    assert!(matches!(locate(&disk, "huge"), Err(LocateError::Scattered { .. })));
}

#[test]
fn damage_anywhere_ends_the_search_in_time() {
    let specs = far();
    let plain = Options { boot: Boot::default(), joliet: false, ..options() };
    let mut whole = fs::read(image(&specs, &plain).path()).unwrap();
    whole.truncate(500_000);
    let paths = ["EFI/BOOT/BOOTX64.EFI", "links/far/59", "names/upper.txt", "many/none"];
    for round in 0..1000_usize {
        let mut bytes = whole.clone();
        // Places and values that are spread without chance: descriptors and directories.
        for number in 0..12_usize {
            let spread = (round * 12 + number).wrapping_mul(2_654_435_761);
            let range = if number % 4 == 0 { 32_768..34_816 } else { 38_912..300_000 };
            let used =
                (0..64).map(|step| range.start + (spread + step * 7919) % range.len()).find(|&at| whole[at] != 0);
            if let Some(at) = used {
                bytes[at] = u8::try_from(spread >> 9 & 0xff).unwrap();
            }
        }
        for path in paths {
            let _ = locate(&bytes, path);
        }
    }
    for bytes in [Vec::<u8>::new(), vec![0; 40_000], whole[..34_816].to_vec()] {
        assert!(locate(&bytes, "EFI").is_err());
    }
}
