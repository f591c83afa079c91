//! The image of a commit as libostree itself makes it.

use std::convert::Infallible;
use std::sync::Arc;

use builder_erofs::{Payload, composefs_image, verity};
use builder_tree::{Content, FileTree, Inode, Metadata};
use sha2::{Digest, Sha256};

/// ostree 2026.4 with libcomposefs 1.0.8 made the images whose SHA-256 stand here, without and with digests, from a
/// commit of this tree in a `bare` repository: `ostree checkout --composefs-noverity` and `ostree checkout --composefs`.
/// Two names of the file had been one inode.
#[test]
fn images_are_those_of_ostree_checkout() {
    let mut tree = FileTree::new();
    let parents = Metadata::root(0o755);
    let (greeting, zeros) = (Content::bytes(b"hi\n".to_vec()), Content::bytes(vec![0; 100_000]));
    let linked = Arc::new(Inode::regular(Metadata::root(0o644), greeting));
    for (path, inode) in [
        ("usr/lib/a", Arc::clone(&linked)),
        ("usr/lib/b", linked),
        ("usr/empty", Arc::new(Inode::regular(Metadata::root(0o644), Content::empty()))),
        ("usr/l", Arc::new(Inode::symlink("../x"))),
        ("opt/z", Arc::new(Inode::regular(Metadata::root(0o4755), zeros))),
    ] {
        tree.insert(path.as_bytes(), inode, &parents).unwrap();
    }
    for (with_digests, sha256) in [
        (false, "fa04bd0edde99d2924749e89f7bbabb9bbbba19fc45194d66ef1a7a858f55664"),
        (true, "e5fc3419edcda4ede135cbb7ebefba7873f37843a6bad218fb6fb9320e71be26"),
    ] {
        let image = composefs_image(&tree, |inode| {
            let content = inode.content().unwrap();
            // The checksums that `ostree ls -C` prints.
            let path = match content.size() {
                3 => "fb/f7cf77a1b50d9f074cb6e9ef6ddb65b6532ea89e4f4ca1b07a05b4cd1be259.file",
                _ => "e6/f662563c3d4816952ae5ee89e330091429fb7a0975cfbed972c0d0ce024f1e.file",
            };
            let digest = verity::digest(content.reader(), content.size()).unwrap();
            Ok::<_, Infallible>(Payload { path: path.into(), verity: with_digests.then_some(digest) })
        })
        .unwrap();
        let digest = Sha256::digest(&image).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(digest, sha256);
    }
}
