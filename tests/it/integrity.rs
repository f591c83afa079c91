//! fs-verity written without a kernel.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use diskwright_tests::fixture::{Blob, Image, Layer, system};
use diskwright_tests::judge::judge;
use diskwright_tests::partition::extract;

use crate::judges::build;

const BLOCK: usize = 4096;
/// The tree begins at a multiple of so many bytes.
const ALIGNMENT: usize = 65536;

/// Bytes without a pattern; a run of zeros in the middle of long ones, for a hole.
fn body(length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        (0..length).map(|n| (u32::try_from(n).unwrap().wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    if length > 60 * BLOCK {
        bytes[20 * BLOCK..50 * BLOCK].fill(0);
    }
    bytes
}

/// What `debugfs` prints for a request.
fn debugfs(image: &Path, request: &str) -> String {
    judge("debugfs", ["-R".as_ref(), request.as_ref(), image.as_os_str()]).passed().stdout
}

/// The body of a file, which the kernel gives only where it knows fs-verity.
fn dump(image: &Path, path: &str, directory: &Path) -> PathBuf {
    let to = directory.join("dumped");
    let _ = debugfs(image, &format!("dump /{path} {}", to.display()));
    to
}

#[test]
fn files_carry_the_merkle_tree_that_fsverity_computes() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let sizes = [1, 4095, 4096, 4097, 65_536, 70_000, 600_000, 3_000_000];
    let layer = sizes
        .iter()
        .fold(Layer::new(), |layer, &size| layer.file(&format!("usr/share/size-{size}"), 0o644, &body(size)));
    let source = Image::of(vec![Blob::gzip(system()), Blob::gzip(layer)]).write(here);
    let (disk, result) = build(here, &source, &["--karg", "ostree.prepare-root.composefs=verity"]);
    let image = extract(&disk, "root", here);
    let check = judge("e2fsck", ["-fn".as_ref(), image.as_os_str()]).passed();
    assert!(!check.stdout.contains("Fix"), "{}", check.stdout);

    let commit = result["plan"]["deployment"]["commit"].as_str().unwrap();
    let deployment = format!("ostree/deploy/default/deploy/{commit}.0");
    let composefs = fs::read(dump(&image, &format!("{deployment}/.ostree.cfs"), here)).unwrap();
    let config = fs::read_to_string(dump(&image, "ostree/repo/config", here)).unwrap();
    assert!(config.ends_with("[ex-integrity]\nfsverity=true\n"), "{config}");

    let raw = File::open(&image).unwrap();
    let objects = sizes.map(|size| (format!("{deployment}/usr/share/size-{size}"), true));
    let others = [(format!("{deployment}/.ostree.cfs"), false), ("ostree/repo/config".to_owned(), false)];
    for (path, in_composefs) in objects.into_iter().chain(others) {
        let file = dump(&image, &path, here);
        let [tree, descriptor] = ["tree", "descriptor"].map(|name| here.join(name));
        let arguments = [
            "digest".to_owned(),
            "--compact".to_owned(),
            format!("--out-merkle-tree={}", tree.display()),
            format!("--out-descriptor={}", descriptor.display()),
            file.display().to_string(),
        ];
        let digest = judge("fsverity", arguments).passed().stdout;
        let mut expected = fs::read(tree).unwrap();
        let end = expected.len() + BLOCK;
        expected.extend(fs::read(descriptor).unwrap());
        expected.resize(end - 4, 0);
        expected.extend(256_u32.to_le_bytes());

        let first = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap().next_multiple_of(ALIGNMENT) / BLOCK;
        for (number, bytes) in expected.chunks(BLOCK).enumerate() {
            let at = debugfs(&image, &format!("bmap /{path} {}", first + number));
            let at: u64 = at.trim().parse().unwrap();
            assert_ne!(at, 0, "{path}: block {number} of the metadata is a hole");
            let mut found = vec![0; BLOCK];
            raw.read_exact_at(&mut found, at * BLOCK as u64).unwrap();
            assert!(found == bytes, "{path}: block {number} of the metadata");
        }
        let behind = debugfs(&image, &format!("bmap /{path} {}", first + expected.len() / BLOCK));
        assert_eq!(behind.trim(), "0", "{path}: something lies behind the metadata");
        let stat = debugfs(&image, &format!("stat /{path}"));
        assert!(stat.contains("Flags: 0x180000"), "{path}: {stat}");
        let digest: Vec<u8> =
            (0..64).step_by(2).map(|at| u8::from_str_radix(&digest[at..at + 2], 16).unwrap()).collect();
        assert!(
            !in_composefs || composefs.windows(32).any(|window| window == digest),
            "{path}: not in the composefs image"
        );
    }
    // What the machine may write to is not sealed.
    let stat = debugfs(&image, &format!("stat /{deployment}/etc/empty"));
    assert!(stat.contains("Flags: 0x80000"), "{stat}");
    let said = result["plan"]["boot"]["composefs"].as_str().unwrap();
    assert!(said.contains("fs-verity"), "{said}");
}
