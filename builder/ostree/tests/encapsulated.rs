//! Chunked images, made from repositories of the real `ostree` and judged by it.

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use builder_oci::{Image, LayerTree, Layers, merge_over};
use builder_ostree::container::{ContainerImage, blob_ref, commit_layer, commit_merge_onto};
use builder_ostree::encapsulated::{Base, TopLevels, adapt, finish};
use builder_ostree::{Checksum, Repo, RepoConfig};
use builder_tree::{DumpOptions, FileTree, InodeKind, Node, dump};
use support::chunked::{DETACHED, Entry, Form, Layout, OBJECTS, Origin, What, random_tree};
use support::{extract, ostree, read, text};
use tempfile::TempDir;

/// What an import made.
struct Imported {
    directory: TempDir,
    base: Base,
    image: Image,
    merged: FileTree,
    merge: Checksum,
    dropped: Vec<Vec<u8>>,
}

impl Imported {
    fn repo(&self) -> String {
        format!("--repo={}", text(&self.directory.path().join("repo")))
    }

    fn blob(&self, layer: usize) -> String {
        blob_ref(self.image.layers()[layer].digest.as_str()).unwrap()
    }
}

fn trees(layers: &Layers, last: usize) -> Vec<&FileTree> {
    layers.layers[..=last].iter().map(|layer| &layer.tree).collect()
}

/// What layers may fill, by the one setting that these tests make.
fn top_levels(base: &FileTree) -> TopLevels {
    let settings = base.get(b"usr/lib/ostree/prepare-root.conf").and_then(Node::as_leaf);
    let text = settings.map(|inode| inode.content().unwrap().read_to_vec(1000).unwrap()).unwrap_or_default();
    TopLevels::of_settings(text.starts_with(b"[composefs]\nenabled = yes\n").then_some("yes"), None)
}

/// Imports an image as the assembly does, and writes the repository out.
fn import((image, layers, last): (Image, Layers, usize)) -> Imported {
    let base = Base::read(&trees(&layers, last)).unwrap();
    let mut repo = Repo::new(1_700_000_000);
    let digests: Vec<&str> = image.layers().iter().map(|layer| layer.digest.as_str()).collect();
    repo.add_base(&base, &digests[..=last]).unwrap();
    let (mut derived, mut dropped) = (Vec::new(), Vec::new());
    for (layer, digest) in layers.layers.into_iter().zip(&digests).skip(last + 1) {
        let adapted = adapt(layer.tree, &layer.implicit, top_levels(base.tree())).unwrap();
        commit_layer(&mut repo, &adapted.tree, digest, 5, "0.15.3").unwrap();
        dropped.extend(adapted.dropped.into_iter().chain(adapted.unlinked));
        derived.push(LayerTree { tree: adapted.tree, implicit: adapted.implicit });
    }
    let merged = finish(merge_over(base.tree().clone(), &derived));
    let stored = repo.add_tree(&merged).unwrap();
    let container = ContainerImage {
        manifest: image.manifest_bytes(),
        config: image.config_bytes(),
        manifest_digest: image.manifest_digest().as_str(),
        timestamp: u64::try_from(image.created().unwrap()).unwrap(),
        importer_version: "0.15.3",
    };
    let target = "quay.io/test/image:1".parse().unwrap();
    let merge = commit_merge_onto(&mut repo, base.commit(), &stored, &container, &target).unwrap();
    let mut root = FileTree::new();
    root.root.insert("repo", repo.into_directory(&RepoConfig::default()).unwrap());
    let directory = tempfile::tempdir().unwrap();
    extract(&root, directory.path());
    Imported { directory, base, image, merged, merge, dropped }
}

fn bytes_of(directory: &Path, checksum: &str, suffix: &str) -> Vec<u8> {
    std::fs::read(directory.join(&checksum[..2]).join(format!("{}.{suffix}", &checksum[2..]))).unwrap()
}

#[test]
fn the_base_commit_comes_out_as_it_went_in() {
    for (form, sets, seed) in
        [(Form::V1, 2, 1), (Form::V1Linked, 2, 2), (Form::V0, 2, 3), (Form::V1, 0, 4), (Form::V0, 0, 5)]
    {
        let origin = Origin::new(&random_tree(seed, 150));
        let layout = Layout::new(&origin.layers(form, sets), sets);
        let imported = import(layout.read().unwrap());
        let (theirs, ours, commit) = (origin.repo(), imported.repo(), origin.commit.as_str());
        assert_eq!(imported.base.commit().to_string(), commit, "{form:?}");

        let fsck = ostree(&["fsck", &ours]);
        let commits = sets + 2;
        assert!(fsck.contains(&format!("object fsck of {commits} commits completed successfully")), "{fsck}");
        let list = |repo: &str, commit: &str| ostree(&["ls", "-R", "-X", "-C", repo, commit]);
        assert_eq!(list(&theirs, commit), list(&ours, commit));
        assert_eq!(ostree(&["show", &theirs, commit]), ostree(&["show", &ours, commit]));
        assert_eq!(ostree(&["show", &ours, "--print-metadata-key=n", commit]).trim(), "uint32 117440512");
        let detached = ostree(&["show", &ours, "--print-detached-metadata-key=k", commit]);
        assert_eq!(detached.trim(), "'v'");
        let objects = imported.directory.path().join("repo/objects");
        assert_eq!(bytes_of(&objects, commit, "commit"), bytes_of(&origin.objects(), commit, "commit"));
        assert_eq!(bytes_of(&objects, commit, "commitmeta"), DETACHED);

        // The refs of the layers: the commit itself, and one list of objects each.
        assert_eq!(ostree(&["rev-parse", &ours, &imported.blob(0)]).trim(), commit);
        let mut named = BTreeSet::new();
        for layer in 1..=sets {
            let set = imported.blob(layer);
            let lines = ostree(&["ls", "-C", &ours, &set]);
            let mut lines = lines.lines();
            assert!(lines.next().unwrap().starts_with("d00755 0 0      0 "));
            for line in lines {
                let columns: Vec<&str> = line.split_whitespace().collect();
                assert_eq!(columns[5], format!("/{}", columns[4]));
                named.insert(columns[4].to_owned());
            }
            let show = ostree(&["show", &ours, &set]);
            assert!(show.contains("Date:  1970-01-01 00:00:00 +0000") && !show.contains("Parent"), "{show}");
        }
        assert_eq!(named.is_empty(), sets == 0);

        // The merge commit has the base's tree, and the base as its parent.
        let merge = imported.merge.to_string();
        assert_eq!(list(&ours, &merge), list(&ours, commit));
        assert_eq!(ostree(&["rev-parse", &ours, &format!("{merge}^")]).trim(), commit);
        let prune = ostree(&["prune", &ours, "--refs-only", "--depth=0", "--no-prune"]);
        assert!(prune.contains("No unreachable objects"), "{prune}");
    }
}

#[test]
fn bodies_are_hashed_once_and_metadata_stays_in_memory() {
    let origin = Origin::new(&random_tree(7, 80));
    for form in [Form::V0, Form::V1Linked, Form::V1] {
        let (_, layers, last) = Layout::new(&origin.layers(form, 2), 2).read().unwrap();
        let base = Base::read(&trees(&layers, last)).unwrap();
        let mut files = 0;
        let walked: Result<(), std::convert::Infallible> = base.tree().root.walk(&mut |path, node| {
            if let Node::Leaf(inode) = node
                && let InodeKind::Regular(content) = &inode.kind
            {
                let checksum = builder_ostree::file_checksum(inode).unwrap();
                let print = content.fingerprint().expect("bodies of file objects are in the store");
                assert_eq!(print.digest, *checksum.bytes(), "{}", String::from_utf8_lossy(path));
                files += 1;
            }
            Ok(())
        });
        assert!(walked.is_ok() && files > 30);
        for layer in &layers.layers {
            let walked: Result<(), std::convert::Infallible> = layer.tree.root.walk(&mut |path, node| {
                let path = String::from_utf8_lossy(path).into_owned();
                let in_memory =
                    [".commit", ".commitmeta", ".dirtree", ".dirmeta", "-xattrs", "-xattrs-link", ".xattrs"];
                if path.starts_with(OBJECTS) && in_memory.iter().any(|end| path.ends_with(end)) {
                    let content = node.as_leaf().and_then(|inode| inode.content()).unwrap();
                    assert!(content.fingerprint().is_none(), "{path}");
                }
                Ok(())
            });
            assert!(walked.is_ok());
        }
    }
}

/// Without the plan a body's fingerprint is over another header, and the body is read once more: the result is one.
#[test]
fn a_base_is_read_from_layers_that_were_stored_without_a_plan() {
    let origin = Origin::new(&random_tree(8, 60));
    let layout = Layout::new(&origin.layers(Form::V1, 1), 1);
    let (image, planned, last) = layout.read().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut store = builder_tree::ContentStore::new(scratch.path()).unwrap();
    let plain = image.read_layers(&mut store, &builder_ostree::body_prefix, &mut |_| {}).unwrap();
    let text = |layers: &Layers| {
        let base = Base::read(&trees(layers, last)).unwrap();
        dump(base.tree(), DumpOptions::default()).unwrap()
    };
    assert_eq!(text(&planned), text(&plain));
}

#[test]
fn layers_go_over_the_base_as_a_client_lays_them() {
    let mut tree = random_tree(11, 100);
    let body = |text: &str| builder_tree::Content::bytes(text.as_bytes().to_vec());
    let plain = |text: &str| builder_tree::Inode::regular(builder_tree::Metadata::root(0o644), body(text));
    for (path, text) in [
        ("usr/etc/old.conf", "old"),
        ("usr/etc/gone.d/x", "x"),
        ("usr/etc/hostname", ""),
        ("usr/share/replaced/inner", "i"),
        ("usr/share/emptied/a", "a"),
        ("usr/bin/tool", "tool 1"),
        ("usr/lib/ostree/prepare-root.conf", "[composefs]\nenabled = yes\n"),
    ] {
        tree.insert(path.as_bytes(), plain(text), &builder_tree::Metadata::root(0o755)).unwrap();
    }
    let origin = Origin::new(&tree);
    let mut layers = origin.layers(Form::V1, 1);
    let directory = |path: &str| Entry::new(path, 0o755, What::Directory);
    let rewritten = format!("{OBJECTS}/ab/{}.file", "0".repeat(62));
    let modified = |entry: Entry| Entry { mtime: 1_700_000_000, ..entry };
    layers.push(vec![
        directory("etc"),
        Entry::file("etc/new.conf", "new"),
        Entry::file("etc/.wh.old.conf", ""),
        Entry::file("etc/.wh.gone.d", ""),
        directory("usr"),
        directory("usr/share"),
        Entry::file("usr/share/replaced", "now a file"),
        directory("usr/share/emptied"),
        Entry::file("usr/share/emptied/.wh..wh..opq", ""),
        Entry::file("usr/share/emptied/b", "b"),
        // A parent that no entry lists.
        Entry::file("opt/vendor/app", "app"),
        directory("run"),
        Entry::file("run/lock", ""),
        // A tool that follows hard links into the base's repository.
        directory("sysroot"),
        directory("sysroot/ostree"),
        directory("sysroot/ostree/repo"),
        directory(OBJECTS),
        modified(Entry::file(&rewritten, "tool 2")),
        modified(Entry::new("usr/bin/tool", 0o644, What::HardLink(rewritten.clone()))),
        modified(Entry::new("usr/bin/tool-too", 0o644, What::HardLink(rewritten.clone()))),
        Entry::file(format!("{OBJECTS}/ab/left"), "nobody links to it"),
    ]);
    layers.push(vec![directory("etc"), Entry::file("etc/resolv.conf", ""), Entry::file("etc/new.conf", "newer")]);
    let imported = import(Layout::new(&layers, 1).read().unwrap());
    let dropped: Vec<_> = imported.dropped.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    assert_eq!(dropped, ["run/lock".to_owned(), format!("{OBJECTS}/ab/left")]);

    let ours = imported.repo();
    let fsck = ostree(&["fsck", &ours]);
    assert!(fsck.contains("object fsck of 5 commits completed successfully"), "{fsck}");
    let cat = |path: &str| ostree(&["cat", &ours, &imported.merge.to_string(), path]);
    for (path, body) in [
        ("/usr/etc/new.conf", "newer"),
        ("/usr/bin/tool", "tool 2"),
        ("/usr/bin/tool-too", "tool 2"),
        ("/usr/share/emptied/b", "b"),
        ("/usr/share/replaced", "now a file"),
        ("/opt/vendor/app", "app"),
    ] {
        assert_eq!(cat(path), body, "{path}");
    }
    for gone in [
        "usr/etc/old.conf",
        "usr/etc/gone.d",
        "usr/etc/hostname",
        "usr/etc/resolv.conf",
        "usr/share/emptied/a",
        "run/lock",
    ] {
        assert!(imported.merged.get(gone.as_bytes()).is_none(), "{gone}");
    }

    // A client that merges the commits behind the refs gets the same, but for what builds leave behind.
    let union = imported.directory.path().join("union");
    ostree(&["checkout", &ours, "--union", &imported.blob(0), text(&union)]);
    for layer in [2, 3] {
        ostree(&["checkout", &ours, "--union", "--whiteouts", &imported.blob(layer), text(&union)]);
    }
    for left in ["hostname", "resolv.conf"] {
        std::fs::remove_file(union.join("usr/etc").join(left)).unwrap();
    }
    let lines = |tree: &FileTree| -> Vec<String> {
        let text = dump(tree, DumpOptions { without_times: true }).unwrap();
        let line = |line: &str| -> String {
            let columns: Vec<&str> = line.split(' ').collect();
            // The client takes a directory's metadata from the first layer that has it; and equal files are one object,
            // which makes them one inode in a checkout.
            if columns[1] == "d" { columns[0].to_owned() } else { [&columns[..8], &columns[9..]].concat().join(" ") }
        };
        text.lines().map(line).collect()
    };
    let (ours, theirs) = (lines(&imported.merged), lines(&read(&union)));
    assert!(ours.len() > 100);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}

#[test]
fn a_base_without_composefs_takes_only_what_ostree_knows() {
    for (composefs, transient, all) in [
        (Some("yes"), None, true),
        (Some("maybe"), None, true),
        (Some("verity"), None, true),
        (Some("no"), Some("true"), true),
        (Some("no"), Some("false"), false),
        (None, None, false),
    ] {
        let expected = if all { TopLevels::All } else { TopLevels::OfOstree };
        assert_eq!(TopLevels::of_settings(composefs, transient), expected, "{composefs:?} {transient:?}");
    }
    let layout = Layout::new(
        &[vec![
            Entry::file("usr/a", "1"),
            Entry::file("etc/b", "2"),
            Entry::file("var/c", "3"),
            Entry::file("opt/d", "4"),
            Entry::file("srv", "5"),
            Entry::file(".wh.etc", ""),
            Entry::file("run/e", "6"),
        ]],
        0,
    );
    let (_, layers, _) = layout.read().unwrap();
    let layer = &layers.layers[0];
    let adapted = adapt(layer.tree.clone(), &layer.implicit, TopLevels::OfOstree).unwrap();
    let names: Vec<&[u8]> = adapted.tree.root.entries.keys().map(Vec::as_slice).collect();
    assert_eq!(names, [&b"run"[..], b"usr", b"var"]);
    assert_eq!((adapted.dropped, adapted.refused), (vec![b"run/e".to_vec()], vec![b"opt".to_vec(), b"srv".to_vec()]));
    let implicit: Vec<&[u8]> = adapted.implicit.iter().map(Vec::as_slice).collect();
    assert_eq!(implicit, [&b""[..], b"run", b"usr", b"usr/etc", b"var"]);
}

/// `DISKWRIGHT_TEST_CHUNKED` is a chunked image (`oci:…`), and `DISKWRIGHT_TEST_CHUNKED_REPO` a repository into which
/// version 0.15.3 of ostree-ext pulled it (`ostree-ext-cli container image pull`).
#[test]
#[ignore = "needs a chunked image and a repository with it, see above"]
fn a_real_chunked_image_gives_the_commits_of_the_real_importer() {
    let source = std::env::var("DISKWRIGHT_TEST_CHUNKED").expect("DISKWRIGHT_TEST_CHUNKED names an image");
    let theirs =
        std::env::var("DISKWRIGHT_TEST_CHUNKED_REPO").expect("DISKWRIGHT_TEST_CHUNKED_REPO names a repository");
    let theirs = format!("--repo={theirs}");
    let imported = import(support::chunked::read(&source).unwrap());
    let ours = imported.repo();
    let resolve = |repo: &str, name: &str| ostree(&["rev-parse", repo, name]).trim().to_owned();
    for layer in 0..imported.base.layers() {
        assert_eq!(resolve(&theirs, &imported.blob(layer)), resolve(&ours, &imported.blob(layer)), "layer {layer}");
    }
    let fsck = ostree(&["fsck", &ours]);
    assert!(fsck.contains("completed successfully"), "{fsck}");
    let images = ostree(&["refs", &theirs, "--list", "ostree/container/image"]);
    let [image] = images.lines().collect::<Vec<_>>()[..] else { panic!("one image was pulled: {images}") };
    let (merge, theirs_merge) = (imported.merge.to_string(), resolve(&theirs, image));
    if imported.image.layers().len() == imported.base.layers() {
        let root = |repo: &str, commit: &str| ostree(&["ls", "-d", "-C", repo, commit]);
        assert_eq!(root(&ours, &merge), root(&theirs, &theirs_merge));
    }
    // With layers over the base, a directory's metadata may be another's: the client takes the first layer's.
    let list = |repo: &str, commit: &str| -> Vec<String> {
        let text = ostree(&["ls", "-R", "-X", "-C", repo, commit]);
        let line =
            |line: &str| line.strip_prefix('d').map_or(line, |rest| &rest[rest.find(" /").unwrap()..]).to_owned();
        text.lines().map(line).collect()
    };
    let derived = (imported.base.layers()..imported.image.layers().len()).map(|layer| imported.blob(layer));
    let pairs = derived.map(|name| (name.clone(), name)).chain([(merge, theirs_merge)]);
    for (of_ours, of_theirs) in pairs {
        let (ours, theirs) = (list(&ours, &of_ours), list(&theirs, &of_theirs));
        let different = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
        assert_eq!(different, None, "{of_theirs}");
        assert_eq!(ours.len(), theirs.len(), "{of_theirs}");
    }
}
