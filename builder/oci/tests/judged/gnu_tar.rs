//! Layers packed by tar programs, judged by the tree they were packed from or by what GNU tar unpacks.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rustix::fs::{XattrFlags, lsetxattr};

use crate::host::{need_root, run, walk};
use crate::layout::{assert_same, dump, read_tars};
use crate::tarfile::{Entry, Tar, dir, file, hard_link, record};

/// A tree with what the formats differ in.
fn host_tree(root: &Path) {
    let long = "component-".repeat(20);
    let deep = root.join(&long).join(&long);
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file"), "far below").unwrap();
    symlink("t/".repeat(150), root.join("long-target")).unwrap();
    fs::hard_link(deep.join("file"), root.join("link-to-far-below")).unwrap();
    fs::write(root.join("empty"), "").unwrap();
    for (name, size, pieces) in [
        ("sparse-few", 10 << 20, vec![(1 << 20, 5000), (9 << 20, 1)]),
        ("sparse-many", 40 << 20, (0..120).map(|n| (n * 300_000, 4096)).collect()),
        ("sparse-hole-only", 3 << 20, vec![]),
        ("sparse-data-at-both-ends", 5 << 20, vec![(0, 1), ((5 << 20) - 1, 1)]),
    ] {
        let sparse = File::create(root.join(name)).unwrap();
        sparse.set_len(size).unwrap();
        for (offset, length) in pieces {
            sparse.write_all_at(&vec![7; length], offset).unwrap();
        }
    }
    let owned = root.join("owned");
    fs::write(&owned, "x").unwrap();
    std::os::unix::fs::chown(&owned, Some(70_000), Some(80_000)).unwrap();
}

#[test]
fn archives_of_gnu_tar_are_the_tree_they_were_packed_from() {
    need_root();
    for options in [
        &["--format=pax", "--sparse", "--sparse-version=0.0"][..],
        &["--format=pax", "--sparse", "--sparse-version=0.1"],
        &["--format=pax", "--sparse", "--sparse-version=1.0"],
        &["--format=pax", "--xattrs", "--xattrs-include=*"],
        &["--format=gnu", "--sparse"],
        &["--format=gnu"],
    ] {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        host_tree(&root);
        if options.contains(&"--xattrs") {
            let owned = root.join("owned");
            lsetxattr(&owned, "user.empty", b"", XattrFlags::empty()).unwrap();
            lsetxattr(&owned, "user.bytes", &(0..=255).collect::<Vec<u8>>(), XattrFlags::empty()).unwrap();
            lsetxattr(&owned, "trusted.big", &[10; 3000], XattrFlags::empty()).unwrap();
        }
        if !options.contains(&"--format=pax") {
            // GNU's format keeps whole seconds.
            run(
                "coreutils",
                Command::new("find").arg(&root).args(["-exec", "touch", "-h", "-d", "@1600000000", "{}", "+"]),
            );
        }
        let archive = directory.path().join("layer.tar");
        run("tar", Command::new("tar").args(options).arg("-cf").arg(&archive).arg("-C").arg(&root).arg("."));
        let read = read_tars(&[fs::read(&archive).unwrap()]).unwrap();
        assert_same(&dump(&read.merged), &dump(&walk(&root)));
        let sparse = read.merged.get(b"sparse-many").unwrap().as_leaf().unwrap().content().unwrap().clone();
        let stored: u64 = sparse.data().map(|(range, _)| range.length).sum();
        assert!(stored <= 120 * 3 * 4096, "{options:?}: holes are not stored, but {stored} bytes are");
    }
}

#[test]
fn what_umoci_does_not_know_is_what_gnu_tar_unpacks() {
    need_root();
    let pieces: Vec<(u64, &[u8])> = (0..60).map(|n| (n * 4096, &[9; 512][..])).chain([(60 * 4096, &b""[..])]).collect();
    let mut tar = Tar::of([
        dir(".", 0o755),
        Entry::new(b'7', "contiguous", 0o644).body("x"),
        file("empty-attribute", "x").pax("SCHILY.xattr.user.empty", ""),
    ]);
    tar.raw(b'g', b"pax_global_header", &record(b"comment", b"nothing"));
    tar.old_gnu_sparse("sparse-old", 60 * 4096, &pieces)
        .old_gnu_sparse("sparse-one", 5000, &[(512, b"x"), (5000, b"")])
        .old_gnu_sparse("sparse-hole", 100_000, &[(100_000, b"")]);
    tar.push(&file("after", "x")).push(&hard_link("link", "after"));
    let directory = tempfile::tempdir().unwrap();
    let (archive, root) = (directory.path().join("layer.tar"), directory.path().join("root"));
    fs::create_dir(&root).unwrap();
    fs::write(&archive, tar.end()).unwrap();
    run("tar", Command::new("tar").args(["--xattrs", "--xattrs-include=*", "-xpf"]).arg(&archive).arg("-C").arg(&root));
    assert_same(&dump(&read_tars(&[tar.end()]).unwrap().merged), &dump(&walk(&root)));
}
