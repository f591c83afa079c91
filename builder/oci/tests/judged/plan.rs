//! What a caller may decide about bodies, and layers that are laid over a tree of the caller's.

use builder_oci::{FileAhead, Image, Keep, merge_over};
use builder_tree::{ContentStore, FileTree, Node, Wanted};
use sha2::{Digest as _, Sha256};

use crate::layout::{Packing, amd64, dump, layout_of, read_tars};
use crate::tarfile::{Tar, dir, file, hard_link, symlink};

fn content<'t>(tree: &'t FileTree, path: &str) -> &'t builder_tree::Content {
    tree.get(path.as_bytes()).and_then(Node::as_leaf).and_then(|inode| inode.content()).unwrap()
}

#[test]
fn bodies_in_memory_tell_what_the_next_ones_are_hashed_behind() {
    let first = Tar::of([dir("d", 0o755), file("d/salt", "pepper"), symlink("to", "d"), file("to/body", "a body")]);
    let second = Tar::of([file("d/body", "another"), hard_link("d/link", "d/salt")]);
    let layout = layout_of(&[(first.end(), Packing::Gzip), (second.end(), Packing::Plain)]);
    let image = Image::open(&layout.source(None), &amd64()).unwrap();
    let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
    let mut seen = Vec::new();
    let mut plan = |ahead: &FileAhead<'_>| {
        let path = String::from_utf8(ahead.path.to_vec()).unwrap();
        seen.push((ahead.layer, path.clone(), ahead.size, ahead.metadata.mode));
        if path.ends_with("salt") {
            return Keep::InMemory;
        }
        let salt = ahead.before.get(b"d/salt").and_then(Node::as_leaf).and_then(|inode| inode.content());
        Keep::Stored(salt.map_or_else(|| b"none".to_vec(), |salt| salt.read_to_vec(100).unwrap()))
    };
    let read = image.read_layers_with(&mut store, &mut plan, &mut |_| {}).unwrap();
    let expected = [(0, "d/salt", 6), (0, "d/body", 6), (1, "d/body", 7)];
    assert_eq!(seen, expected.map(|(layer, path, size)| (layer, path.to_owned(), size, 0o644)));
    let salt = content(&read.merged, "d/link");
    assert!(salt.fingerprint().is_none() && salt.read_to_vec(6).unwrap() == b"pepper");
    for (layer, hashed) in [(0, &b"peppera body"[..]), (1, b"noneanother")] {
        let print = content(&read.layers[layer].tree, "d/body").fingerprint().unwrap();
        assert_eq!(print.digest, <[u8; 32]>::from(Sha256::digest(hashed)));
    }
}

#[test]
fn of_a_body_the_beginning_is_enough_until_somebody_wants_more() {
    let tar = Tar::of([file("a/short", "1234"), file("a/long", "1234567890"), file("b", "after it")]);
    let layout = layout_of(&[(tar.end(), Packing::Gzip)]);
    let image = Image::open(&layout.source(None), &amd64()).unwrap();
    let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
    let wanted = Wanted::new();
    let mut plan = |ahead: &FileAhead<'_>| Keep::Beginning(if ahead.path == b"b" { 0 } else { 4 }, wanted.clone());
    let read = image.read_layers_with(&mut store, &mut plan, &mut |_| {}).unwrap();
    assert_eq!(store.scratch_bytes(), 0);
    let long = content(&read.merged, "a/long");
    let mut head = [0; 4];
    long.read_at(0, &mut head).unwrap();
    assert_eq!((&head, long.size()), (b"1234", 10));
    assert_eq!(content(&read.merged, "a/short").read_to_vec(4).unwrap(), b"1234");
    assert!(!wanted.is_noted());
    for (path, offset) in [("a/long", 3), ("b", 0)] {
        let wanted = Wanted::new();
        let mut plan = |_: &FileAhead<'_>| Keep::Beginning(4, wanted.clone());
        let read = image.read_layers_with(&mut store, &mut plan, &mut |_| {}).unwrap();
        let error = content(&read.merged, path).read_at(offset, &mut [0; 5]).unwrap_err();
        assert!(wanted.is_noted() && error.to_string().contains("beginning"), "{error}");
    }
}

#[test]
fn layers_over_a_tree_are_as_layers_over_layers() {
    let tars = [
        Tar::of([dir("a", 0o700), file("a/x", "1"), file("a/y", "2"), file("b/z", "3"), dir("c", 0o755)]).end(),
        Tar::of([file("a/.wh.x", ""), file("a/n", "4"), file("b/.wh..wh..opq", ""), file("c", "5")]).end(),
        Tar::of([dir("a", 0o711), file(".wh.b", ""), file("d/e", "6")]).end(),
    ];
    let read = read_tars(&tars).unwrap();
    for from in 0..=tars.len() {
        let below = merge_over(FileTree::new(), &read.layers[..from]);
        assert_eq!(dump(&merge_over(below, &read.layers[from..])), dump(&read.merged), "from layer {from}");
    }
}
