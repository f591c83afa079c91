//! Disks of images whose first layers are an ostree commit in pieces.

use std::fs;

use diskwright_tests::chunked::chunked;
use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Layer, system};
use diskwright_tests::judge::judge;

use crate::judges::{build, judge_disk};

#[test]
fn the_commit_of_a_chunked_image_stays_as_it_was() {
    for (derived, files) in [
        (vec![], &[("usr/lib/os-release", "ID=tiny\nPRETTY_NAME=\"Tiny Linux 1\"\n")][..]),
        (
            vec![Layer::new().file("etc/more", 0o644, b"more\n").file("usr/bin/.wh.tool-too", 0o644, b"").file(
                "usr/lib/added",
                0o644,
                b"added\n",
            )],
            &[("usr/etc/more", "more\n"), ("usr/lib/added", "added\n")],
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let layers = derived.len();
        let (image, base) = chunked(directory.path(), system(), derived);
        let source = image.write(&directory.path().join("image"));
        let (disk, result) = build(directory.path(), &source, &[]);
        let mounted = judge_disk(directory.path(), &disk, &result["plan"]);
        let repo = format!("--repo={}", mounted.at.join("ostree/repo").display());
        let commit = result["plan"]["deployment"]["commit"].as_str().unwrap();
        let ostree = |arguments: &[&str]| judge("ostree", arguments).passed().stdout;

        let shown = ostree(&["show", &repo, commit]);
        assert!(shown.contains(&format!("Parent:  {base}")), "{shown}");
        let shown = ostree(&["show", &repo, &base]);
        assert!(shown.contains("Version: 42.1") && shown.contains("The base"), "{shown}");
        let refs = ostree(&["refs", &repo]);
        let blobs: Vec<_> = refs.lines().filter(|name| name.starts_with("ostree/container/blob/")).collect();
        assert_eq!(blobs.len(), 2 + layers, "{refs}");
        let of_base = blobs.iter().filter(|blob| ostree(&["rev-parse", &repo, blob]).trim() == base).count();
        assert_eq!(of_base, 1, "one layer stands for the commit");

        let deployment = mounted.at.join(format!("ostree/deploy/default/deploy/{commit}.0"));
        for (path, text) in files {
            assert_eq!(fs::read_to_string(deployment.join(path)).unwrap(), *text);
        }
        assert_eq!(deployment.join("usr/bin/tool-too").exists(), layers == 0);
    }
}

#[test]
fn a_chunked_image_that_is_damaged_is_refused_with_the_object_named() {
    let directory = tempfile::tempdir().unwrap();
    let (mut image, _) = chunked(directory.path(), system(), vec![]);
    // The second layer, with its half of the files, is gone; the label then names the first.
    image.layers.pop();
    image.labels.insert("ostree.final-diffid".to_owned(), image.layers[0].diff_id.clone());
    let source = image.write(&directory.path().join("image"));
    let run = diskwright(directory.path(), ["build", &source, "--platform", "linux/amd64"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains(".file") && run.stderr.contains("hint:"), "{}", run.stderr);
    assert!(!directory.path().join("disk.raw").exists());

    image.labels.insert("ostree.final-diffid".to_owned(), "sha256:0".to_owned());
    let source = image.write(&directory.path().join("other"));
    let run = diskwright(directory.path(), ["build", &source, "--platform", "linux/amd64"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("ostree.final-diffid") && run.stderr.contains("sha256:0"), "{}", run.stderr);
}
