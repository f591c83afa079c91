//! A whole image that somebody unpacked, judged by the real `ostree`.

mod support;

use std::path::Path;
use std::time::Instant;

use builder_ostree::container::{ContainerImage, commit_layer, commit_merge};
use builder_ostree::import::{adapt_layer, adapt_merged};
use builder_ostree::sysroot::{DeploymentSpec, VarLabels, build};
use builder_ostree::{Repo, RepoConfig};
use support::{extract, insert_boot, ostree, read, text};

const BOOT_CHECKSUM: &str = "c6ff7002a98cafa02abcc8e8e60b84eb76c149cd46848436b59df1750bd1df77";

/// `DISKWRIGHT_TEST_ROOTFS` is the unpacked image; `DISKWRIGHT_TEST_LAYERS`, directories separated by colons, its
/// layers, each unpacked alone with its markers.
#[test]
#[ignore = "needs an unpacked image, see above"]
fn a_whole_image_is_deployed() {
    let rootfs = std::env::var("DISKWRIGHT_TEST_ROOTFS").expect("DISKWRIGHT_TEST_ROOTFS names an unpacked image");
    let layers = std::env::var("DISKWRIGHT_TEST_LAYERS").unwrap_or_default();
    let layers: Vec<&str> = layers.split(':').filter(|path| !path.is_empty()).collect();
    let digest = |number: usize| format!("sha256:{number:064x}");

    let mut repo = Repo::new(1_700_000_000);
    for (number, layer) in layers.iter().enumerate() {
        let adapted = adapt_layer(read(Path::new(layer))).unwrap();
        commit_layer(&mut repo, &adapted.tree, &digest(number), 5, "0.15.3").unwrap();
    }
    let tree = read(Path::new(&rootfs));
    let start = Instant::now();
    let merged = adapt_merged(tree).unwrap();
    let stored = repo.add_tree(&merged.tree).unwrap();
    let target = "quay.io/test/image:1".parse().unwrap();
    let image = ContainerImage {
        manifest: b"{}",
        config: b"{}",
        manifest_digest: &digest(0),
        timestamp: 6,
        importer_version: "0.15.3",
    };
    let commit = commit_merge(&mut repo, &stored, &image, &target).unwrap();
    let stats = repo.stats();
    let spec = DeploymentSpec {
        stateroot: "default",
        commit: &commit,
        tree: &stored,
        origin: &target,
        boot_checksum: BOOT_CHECKSUM,
        etc_files: Vec::new(),
        var_labels: VarLabels::Missing,
    };
    let mut root = build(repo, &RepoConfig::default(), &spec, None).unwrap();
    let took = start.elapsed();
    let modules = stored.tree.directory(b"usr/lib/modules").unwrap();
    let version = String::from_utf8(modules.entries.keys().next().unwrap().clone()).unwrap();
    insert_boot(&mut root, &stored.tree, &format!("usr/lib/modules/{version}"), BOOT_CHECKSUM);

    let directory = tempfile::tempdir().unwrap();
    extract(&root, directory.path());
    let sysroot = format!("--sysroot={}", text(directory.path()));
    let repo = format!("--repo={}/ostree/repo", text(directory.path()));
    let mut said = format!("{commit}\n{stats:?}\n{took:?}\ndropped {}\n", merged.dropped.len());
    said += &ostree(&["fsck", &repo]);
    said += &ostree(&["admin", "status", &sysroot]);
    said += &ostree(&["refs", &repo]);
    let prune = ostree(&["prune", &repo, "--refs-only", "--depth=0", "--no-prune"]);
    assert!(prune.contains("No unreachable objects"), "{prune}");
    let difference = ostree(&["admin", "config-diff", &sysroot, "--os=default"]);
    assert!(difference.lines().all(|line| line == "D    .updated"), "{difference}");

    // The real tool makes one and the same tree of the adapted image.
    let adapted = directory.path().join("adapted");
    std::fs::create_dir(&adapted).unwrap();
    extract(&merged.tree, &adapted);
    let tree = format!("--tree=dir={}", text(&adapted));
    let theirs = ostree(&["commit", &repo, "--branch=theirs", &tree]);
    for list in [["ls", repo.as_str(), "-d", "-C", theirs.trim()], ["ls", &repo, "-d", "-C", &commit.to_string()]] {
        said += &ostree(&list);
    }
    let difference = ostree(&["diff", &repo, &commit.to_string(), theirs.trim()]);
    assert_eq!(difference, "", "{said}");
    let line = |commit: &str| ostree(&["ls", &repo, "-d", "-C", commit]);
    assert_eq!(line(theirs.trim()), line(&commit.to_string()));
    // Shown with --nocapture.
    assert!(said.contains("completed successfully"), "{said}");
    std::fs::write(std::env::temp_dir().join("diskwright-test-image.txt"), said).unwrap();
}
