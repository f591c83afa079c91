//! The commits of a plain image are those that the container store of `bootc` makes of it.
//!
//! That store imports each layer by `ostree commit --tree=tar=…`, checks the layers out one over the other, and commits
//! what lies there. Here the real `ostree` does the same, and every checksum is compared.
//!
//! One exception is by intent: where two layers list the same directory, the first one decides its metadata there, and
//! here the last one, as the OCI specification says.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Image, Layer, blob_path, system};
use diskwright_tests::image::{directory, real};
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{Mounted, extract};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// The version of the store that diskwright says to be like.
const IMPORTER: &str = "ostree.importer.version=0.15.3";
/// Directories of which the store keeps nothing but themselves.
const EMPTIED: [&str; 5] = ["dev", "proc", "run", "sys", "tmp"];

/// What is in a layout's blob, as JSON.
fn json(layout: &Path, digest: &Value) -> Value {
    serde_json::from_slice(&fs::read(blob_path(layout, digest.as_str().unwrap())).unwrap()).unwrap()
}

fn ostree(repo: &Path, arguments: &[&str]) -> String {
    let repo = format!("--repo={}", repo.display());
    let (verb, rest) = arguments.split_first().unwrap();
    // libarchive takes no name that the locale has no characters for.
    judge("env", [&["LC_ALL=C.UTF-8", "ostree", *verb, repo.as_str()], rest].concat()).passed().stdout
}

/// The tar archive of a layer, without what the store leaves out.
fn unpacked(layout: &Path, layer: &Value, to: &Path) {
    let blob = File::open(blob_path(layout, layer["digest"].as_str().unwrap())).unwrap();
    let mut bytes = Vec::new();
    let _ = MultiGzDecoder::new(blob).read_to_end(&mut bytes).unwrap();
    let mut kept = Vec::new();
    // Headers that extend the next one go with it.
    let mut from = 0;
    for entry in tar::Archive::new(&bytes[..]).entries().unwrap().raw(true) {
        let entry = entry.unwrap();
        let kind = entry.header().entry_type();
        if kind.is_pax_local_extensions() || kind.is_gnu_longname() || kind.is_gnu_longlink() {
            continue;
        }
        let end = entry.raw_file_position() + entry.header().entry_size().unwrap().next_multiple_of(512);
        let end = usize::try_from(end).unwrap();
        // None of the names that are left out is long.
        let path = entry.path().unwrap();
        let mut parts = path.components();
        let top = parts.next().map(|part| part.as_os_str().to_owned()).unwrap_or_default();
        if !(EMPTIED.iter().any(|name| top == *name) && parts.next().is_some()) {
            kept.extend_from_slice(&bytes[from..end]);
        }
        from = end;
    }
    kept.extend([0; 1024]);
    fs::write(to, kept).unwrap();
}

/// What the real `ostree` makes of an image: the repository, the layers' commits, and the merge's.
fn theirs(layout: &Path, here: &Path) -> (PathBuf, Vec<(String, String)>, String) {
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let manifest_digest = &index["manifests"][0]["digest"];
    let manifest = json(layout, manifest_digest);
    let config = json(layout, &manifest["config"]["digest"]);

    let repo = here.join("theirs");
    let _ = ostree(&repo, &["init", "--mode=bare"]);
    let time = format!("--timestamp={}", config["created"].as_str().unwrap());
    let merged = here.join("merged");
    let mut layers = Vec::new();
    for (number, layer) in manifest["layers"].as_array().unwrap().iter().enumerate() {
        let archive = here.join("layer.tar");
        unpacked(layout, layer, &archive);
        let branch = format!("layer-{number}");
        let commit = ostree(
            &repo,
            &[
                "commit",
                "--no-bindings",
                "--tar-autocreate-parents",
                &format!("--tree=tar={}", archive.display()),
                r"--tar-pathname-filter=^(\./)?etc(?=/|$),usr/etc",
                &format!("--branch={branch}"),
                &format!("--add-metadata-string={IMPORTER}"),
                &time,
            ],
        );
        layers.push((layer["digest"].as_str().unwrap().to_owned(), commit.trim().to_owned()));
        let _ = ostree(&repo, &["checkout", "--union", "--whiteouts", &branch, merged.to_str().unwrap()]);
    }
    for name in ["hostname", "resolv.conf"].map(|name| merged.join("usr/etc").join(name)) {
        if fs::symlink_metadata(&name).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) {
            fs::remove_file(name).unwrap();
        }
    }
    // `serde_json` sorts keys and writes no blanks.
    let commit = ostree(
        &repo,
        &[
            "commit",
            "--no-bindings",
            "--branch=merge",
            &format!("--tree=dir={}", merged.display()),
            &format!("--add-metadata-string=ostree.container.image-config={config}"),
            &format!("--add-metadata-string={IMPORTER}"),
            &format!("--add-metadata-string=ostree.manifest={manifest}"),
            &format!("--add-metadata-string=ostree.manifest-digest={}", manifest_digest.as_str().unwrap()),
            &time,
        ],
    );
    (repo, layers, commit.trim().to_owned())
}

/// The root of a disk of ours.
struct Ours {
    mounted: Mounted,
    commit: String,
}

impl Ours {
    fn new(source: &str, here: &Path) -> Self {
        let arguments = ["build", source, "--selinux", "off", "--platform", "linux/amd64", "--json", "--quiet"];
        let run = diskwright(here, arguments).succeeded();
        let result: Value = serde_json::from_str(&run.stdout).unwrap();
        let image = extract(&here.join("disk.raw"), "root", here);
        let mounted = Mounted::new(&image, here.join("ours"));
        Self { mounted, commit: result["plan"]["deployment"]["commit"].as_str().unwrap().to_owned() }
    }

    fn repo(&self) -> PathBuf {
        self.mounted.at.join("ostree/repo")
    }
}

/// All of a commit: of each path type, owner, mode, size, checksum (of a directory two), name.
fn listing(repo: &Path, commit: &str) -> BTreeSet<String> {
    ostree(repo, &["ls", "-R", "-C", "-X", commit]).lines().map(str::to_owned).collect()
}

/// The path in a line of a listing.
fn path_of(line: &str) -> String {
    line.split_once("] } ").map_or("", |(_, path)| path).to_owned()
}

fn same(what: &str, ours: &BTreeSet<String>, theirs: &BTreeSet<String>) {
    let [only_ours, only_theirs] =
        [ours.difference(theirs), theirs.difference(ours)].map(|lines| lines.take(12).collect::<Vec<_>>());
    assert!(only_ours.is_empty() && only_theirs.is_empty(), "{what}: ours {only_ours:#?}, theirs {only_theirs:#?}");
}

fn compare(what: &str, source: &str, layout: &Path, here: &Path) {
    let ours = Ours::new(source, here);
    let (repo, layers, merge) = theirs(layout, here);
    layers_are_the_same(what, &ours, &repo, &layers);
    same(what, &listing(&ours.repo(), &ours.commit), &listing(&repo, &merge));
    let show = |repo: &Path, commit: &str| ostree(repo, &["show", "--raw", commit]);
    assert_eq!(show(&ours.repo(), &ours.commit), show(&repo, &merge), "{what}");
    assert_eq!(ours.commit, merge, "{what}");
}

fn layers_are_the_same(what: &str, ours: &Ours, repo: &Path, layers: &[(String, String)]) {
    for (digest, commit) in layers {
        let reference = format!("ostree/container/blob/{}", digest.replace(':', "_3A_"));
        let our_commit = ostree(&ours.repo(), &["rev-parse", &reference]);
        same(&format!("{what}: layer {digest}"), &listing(&ours.repo(), our_commit.trim()), &listing(repo, commit));
        assert_eq!(our_commit.trim(), *commit, "{what}: commit of layer {digest}");
    }
}

/// Layers in which each rule of the merge is at work once.
fn layers() -> Vec<Layer> {
    let below = system()
        .directory("usr/share/", 0o755)
        .directory("usr/share/opaque/", 0o750)
        .file("usr/share/opaque/hidden", 0o644, b"hidden")
        .directory("usr/share/gone/", 0o755)
        .file("usr/share/gone/file", 0o644, b"gone")
        .file("usr/share/file-to-directory", 0o644, b"file")
        .directory("usr/share/directory-to-file/", 0o755)
        .file("usr/share/directory-to-file/in", 0o644, b"in")
        .file("etc/old.conf", 0o600, b"old")
        .file("etc/resolv.conf", 0o644, b"");
    let middle = Layer::new()
        .file("usr/share/.wh.gone", 0o644, b"")
        .directory("usr/share/opaque/", 0o700)
        .file("usr/share/opaque/.wh..wh..opq", 0o644, b"")
        .file("usr/share/opaque/seen", 0o640, b"seen")
        .file("etc/.wh.old.conf", 0o644, b"")
        .file("etc/new.conf", 0o4644, b"new")
        .hard_link("etc/new-too.conf", "etc/new.conf");
    let above = Layer::new()
        .file("usr/share/.wh.file-to-directory", 0o644, b"")
        .file("usr/share/directory-to-file", 0o644, b"now a file")
        .symlink("usr/share/link", "../bin/tool")
        .directory("opt/", 0o755)
        .file("opt/program", 0o755, b"#!/bin/sh\n");
    vec![below, middle, above]
}

fn source_of(layers: Vec<Layer>, here: &Path) -> (String, PathBuf) {
    let layout = here.join("image");
    (Image::new(layers).write(&layout), layout)
}

#[test]
fn commits_of_a_plain_image_are_those_of_the_container_store() {
    let here = tempfile::tempdir().unwrap();
    let (source, layout) = source_of(layers(), here.path());
    compare("fixture", &source, &layout, here.path());
}

#[test]
fn commits_of_a_real_image_differ_only_by_directories_that_its_layers_disagree_about() {
    let source = real("mini");
    let here = tempfile::tempdir_in(diskwright_tests::command::target()).unwrap();
    let ours = Ours::new(&source, here.path());
    let (repo, layers, merge) = theirs(&directory("mini"), here.path());
    layers_are_the_same("mini", &ours, &repo, &layers);

    let mut metadata = BTreeMap::new();
    let mut disputed = BTreeSet::new();
    for (_, commit) in &layers {
        for line in listing(&repo, commit).iter().filter(|line| line.starts_with('d')) {
            let (path, owner_and_mode) = (path_of(line), line.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
            if metadata.insert(path.clone(), owner_and_mode.clone()).is_some_and(|before| before != owner_and_mode) {
                disputed.insert(path);
            }
        }
    }
    let (their, our) = (listing(&repo, &merge), listing(&ours.repo(), &ours.commit));
    assert_eq!(our.len(), their.len());
    for line in our.symmetric_difference(&their) {
        // A directory's line has the checksum of its list of names, which has those of the metadata below.
        let path = path_of(line);
        let known = disputed.iter().any(|disputed| Path::new(disputed).starts_with(&path));
        assert!(line.starts_with('d') && known, "not by a directory that layers disagree about: {line}");
    }
}

#[test]
fn the_last_layer_decides_a_directorys_metadata_and_that_is_the_only_difference() {
    let here = tempfile::tempdir().unwrap();
    let mut all = layers();
    all.push(Layer::new().directory("usr/share/", 0o711));
    let (source, layout) = source_of(all, here.path());
    let ours = Ours::new(&source, here.path());
    let (repo, _, merge) = theirs(&layout, here.path());
    let (their, our) = (listing(&repo, &merge), listing(&ours.repo(), &ours.commit));
    let differ = |one: &BTreeSet<String>, other: &BTreeSet<String>| -> Vec<String> {
        one.difference(other).map(|line| path_of(line)).collect()
    };
    // A directory's line has the checksum of its list of names, which has those of the metadata below.
    let mut expected = vec!["/", "/usr", "/usr/share"];
    expected.sort_unstable();
    for mut found in [differ(&our, &their), differ(&their, &our)] {
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}
