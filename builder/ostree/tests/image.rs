//! A whole image that somebody unpacked, judged by the real `ostree`.

mod support;

use std::path::Path;

use builder_ostree::container::{ContainerImage, blob_ref, commit_layer, commit_merge};
use builder_ostree::import::{adapt_layer, adapt_merged};
use builder_ostree::sysroot::{DeploymentSpec, VarLabels, build};
use builder_ostree::{Repo, RepoConfig};
use builder_tree::{DumpOptions, FileTree, dump};
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
    let spec = DeploymentSpec {
        commit: &commit,
        tree: &stored,
        origin: &target,
        boot_checksum: BOOT_CHECKSUM,
        etc_files: Vec::new(),
        composefs: None,
    };
    let mut root = build(repo, &RepoConfig::default(), "default", &[spec], VarLabels::Missing, None).unwrap();
    let modules = stored.tree.directory(b"usr/lib/modules").unwrap();
    let version = String::from_utf8(modules.entries.keys().next().unwrap().clone()).unwrap();
    insert_boot(&mut root, &stored.tree, &format!("usr/lib/modules/{version}"), BOOT_CHECKSUM);

    let directory = tempfile::tempdir().unwrap();
    extract(&root, directory.path());
    let sysroot = format!("--sysroot={}", text(directory.path()));
    let repo = format!("--repo={}/ostree/repo", text(directory.path()));
    let fsck = ostree(&["fsck", &repo]);
    assert!(fsck.contains("completed successfully"), "{fsck}");
    let status = ostree(&["admin", "status", &sysroot]);
    assert!(status.contains(&format!("default {commit}.0")), "{status}");
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
    let line = |commit: &str| ostree(&["ls", &repo, "-d", "-C", commit]);
    assert_eq!(line(theirs.trim()), line(&commit.to_string()));

    // A client that merges the layers again gets this image, but for the empty files that builds leave behind, and
    // for the metadata of directories, which it takes from the first layer that has them.
    if !layers.is_empty() {
        let union = directory.path().join("union");
        for number in 0..layers.len() {
            let layer = blob_ref(&digest(number)).unwrap();
            ostree(&["checkout", &repo, "--union", "--whiteouts", &layer, text(&union)]);
        }
        let lines = |tree: &FileTree| -> Vec<String> {
            let text = dump(tree, DumpOptions { without_times: true }).unwrap();
            let path = |line: &str| line.split(' ').next().unwrap().to_owned();
            let all =
                text.lines().filter(|line| !["/usr/etc/hostname", "/usr/etc/resolv.conf"].contains(&&*path(line)));
            all.map(|line| if line.contains(" d ") { path(line) } else { without_links(line) }).collect()
        };
        let (ours, theirs) = (lines(&stored.tree), lines(&read(&union)));
        assert!(ours.len() > 100 && ours == theirs, "{} {}", ours.len(), theirs.len());
    }
}

/// A line of a dump without the column that names another path of the same inode.
fn without_links(line: &str) -> String {
    let columns: Vec<&str> = line.split(' ').collect();
    [&columns[..8], &columns[9..]].concat().join(" ")
}
