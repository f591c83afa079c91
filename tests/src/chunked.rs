//! Images in the chunked form, made from a commit of the real ostree.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::fixture::{Blob, Image, Layer};
use crate::judge::judge;

const OBJECTS: &str = "sysroot/ostree/repo/objects";

/// An image of `layer` in the chunked form, with `derived` layers over it; and the checksum of its commit.
///
/// The layer must have no links to empty files or attributes, which this does not take along.
///
/// # Panics
/// On I/O errors, and where ostree is not there.
#[must_use]
pub fn chunked(directory: &Path, layer: Layer, derived: Vec<Layer>) -> (Image, String) {
    let root = directory.join("chunked-root");
    fs::create_dir_all(&root).expect("a directory can be made");
    let tar = directory.join("chunked.tar");
    fs::write(&tar, layer.tar()).expect("a file can be written");
    let status = Command::new("tar").arg("-xpf").arg(&tar).arg("-C").arg(&root).status().expect("tar is there");
    assert!(status.success(), "tar failed");
    fs::rename(root.join("etc"), root.join("usr/etc")).expect("the tree has /etc");
    let repo_path = directory.join("chunked-repo");
    let repo = format!("--repo={}", repo_path.display());
    let ostree = |arguments: &[&str]| judge("ostree", arguments).passed().stdout;
    let _ = ostree(&["init", &repo, "--mode=bare"]);
    let tree = format!("--tree=dir={}", root.display());
    let said = ostree(&[
        "commit",
        &repo,
        "--branch=base",
        "--timestamp=@1600000000",
        "-s",
        "The base",
        "--add-metadata-string=version=42.1",
        &tree,
    ]);
    let commit = said.trim().to_owned();

    // The commit and all that is no file come first, and half of the files; the others make a second layer.
    let (mut first, mut second) = (Layer::new(), Layer::new());
    let (fan, name) = commit.split_at(2);
    let object = repo_path.join(format!("objects/{fan}/{name}.commit"));
    let bytes = fs::read(object).expect("the commit is there");
    first = first.file(&format!("{OBJECTS}/{fan}/{name}.commit"), 0o644, &bytes);
    let mut files = 0;
    for fan in sorted(&repo_path.join("objects")) {
        for object in sorted(&repo_path.join("objects").join(&fan)) {
            let (checksum, suffix) = object.split_once('.').expect("objects have a suffix");
            let path = repo_path.join("objects").join(&fan).join(&object);
            let name = format!("{OBJECTS}/{fan}/{object}");
            if suffix != "file" {
                if suffix != "commit" {
                    first = first.file(&name, 0o644, &fs::read(path).expect("an object can be read"));
                }
                continue;
            }
            files += 1;
            let target = if files % 2 == 0 { &mut second } else { &mut first };
            let mut layer = std::mem::take(target);
            layer = layer.file(&format!("{OBJECTS}/{fan}/{checksum}.file-xattrs-link"), 0o644, b"");
            let metadata = fs::symlink_metadata(&path).expect("an object is there");
            *target = if metadata.is_symlink() {
                let to = fs::read_link(&path).expect("a link can be read");
                layer.symlink(&name, to.to_str().expect("the tree has plain names"))
            } else {
                let mode = metadata.permissions().mode() & 0o7777;
                layer.file(&name, mode, &fs::read(&path).expect("an object can be read"))
            };
        }
    }
    let (first, second) = (Blob::gzip(first), Blob::gzip(second));
    let last = second.diff_id.clone();
    let mut image = Image::of([first, second].into_iter().chain(derived.into_iter().map(Blob::gzip)).collect());
    image.labels.insert("ostree.final-diffid".to_owned(), last);
    image.labels.insert("ostree.commit".to_owned(), commit.clone());
    (image, commit)
}

fn sorted(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory can be read");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry can be read").file_name().into_string().expect("objects have plain names"))
        .collect();
    names.sort();
    names
}
