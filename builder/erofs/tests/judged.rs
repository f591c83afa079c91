//! Images as mkcomposefs, fsck.erofs and fsverity see them.
//!
//! mkcomposefs is the Debian package `composefs`, which stable releases up to 13 do not have. Where it is installed, all
//! cases are compared with what it writes now; elsewhere, and so in CI, only with what it wrote when the table in
//! `golden.txt` was made. fsck.erofs and fsverity are needed everywhere.

mod judge;

use builder_erofs::verity::{self, MerkleTree};
use judge::{
    Case, dump::dump, fsverity_digest, hex, mkcomposefs_digest, mkcomposefs_image, random, run, sha256, trees,
};

/// Random trees that every run looks at.
const SEEDS: u64 = 30;

/// Lines of name, size in bytes, SHA-256 and fs-verity digest, after lines with `#`.
const GOLDEN: &str = include_str!("golden.txt");

#[test]
fn images_are_those_that_mkcomposefs_wrote() {
    let lines: Vec<&str> = GOLDEN.lines().filter(|line| !line.starts_with('#')).collect();
    let cases = trees::all();
    assert_eq!(lines.len(), cases.len());
    for (line, (name, case)) in lines.into_iter().zip(cases) {
        assert_eq!(describe(name, &case.image()), line);
    }
}

/// Does nothing where there is no mkcomposefs.
#[test]
fn images_are_those_that_mkcomposefs_writes() {
    for (name, case) in trees::all() {
        compare(name, &case);
    }
    for seed in 0..SEEDS {
        compare(&format!("seed {seed}"), &random::case(seed));
    }
}

/// A few minutes, so a part of `tests/run full` only, which brings mkcomposefs along.
#[test]
#[ignore = "takes minutes"]
fn images_of_a_thousand_trees_are_those_that_mkcomposefs_writes() {
    assert!(mkcomposefs_image(&dump(&random::case(0))).is_some(), "install the Debian package `composefs`");
    for seed in 1000..2000 {
        compare(&format!("seed {seed}"), &random::case(seed));
    }
}

/// Prints the lines of `golden.txt`: `cargo test -p builder-erofs --test judged -- --ignored --nocapture golden`.
#[test]
#[ignore = "makes a table, tests nothing"]
#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn golden_table() {
    for (name, case) in trees::all() {
        let dump = dump(&case);
        let image = mkcomposefs_image(&dump).expect("install the Debian package `composefs`");
        let digest = mkcomposefs_digest(&dump).unwrap();
        println!("{name} {} {} {digest}", image.len(), sha256(&image));
    }
}

#[test]
fn images_are_clean_and_their_digests_those_of_fsverity() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image");
    let named = trees::all().into_iter().map(|(name, case)| (name.to_owned(), case));
    for (name, case) in named.chain((0..SEEDS).map(|seed| (format!("seed {seed}"), random::case(seed)))) {
        let image = case.image();
        std::fs::write(&path, &image).unwrap();
        run("fsck.erofs", "erofs-utils", &[&path]);
        assert_eq!(digest(&image), fsverity_digest(&path), "{name}");
    }
}

#[test]
fn merkle_trees_are_those_of_fsverity() {
    let directory = tempfile::tempdir().unwrap();
    let [body, tree, descriptor] = ["body", "tree", "descriptor"].map(|name| directory.path().join(name));
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    for size in [0, 1, 4095, 4096, 4097, 524_288, 524_289, 1_048_576, 3_000_000, 20_000_000] {
        std::fs::write(&body, &bytes[..size]).unwrap();
        let arguments = [
            "digest".to_owned(),
            "--compact".to_owned(),
            format!("--out-merkle-tree={}", tree.display()),
            format!("--out-descriptor={}", descriptor.display()),
            body.display().to_string(),
        ];
        let printed = run("fsverity", "fsverity", &arguments);
        let ours = MerkleTree::of(&bytes[..size], size as u64).unwrap();
        assert_eq!(hex(&ours.digest()), printed.trim(), "{size} bytes");
        assert!(ours.bytes == std::fs::read(&tree).unwrap(), "{size} bytes");
        assert_eq!(ours.descriptor()[..], std::fs::read(&descriptor).unwrap(), "{size} bytes");
        assert_eq!(digest(&bytes[..size]), printed.trim(), "{size} bytes");
    }
}

fn digest(bytes: &[u8]) -> String {
    hex(&verity::digest(bytes, bytes.len() as u64).unwrap())
}

fn describe(name: &str, image: &[u8]) -> String {
    format!("{name} {} {} {}", image.len(), sha256(image), digest(image))
}

fn compare(name: &str, case: &Case) {
    let image = case.image();
    if let Some(theirs) = mkcomposefs_image(&dump(case)) {
        let differs = image.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs);
        let lengths = (image.len(), theirs.len());
        assert!(image == theirs, "{name}: differs from byte {differs:x?}, lengths {lengths:?}");
    }
}
