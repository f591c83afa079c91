//! One image with all that layers may do to each other.

use builder_tree::{InodeKind, Node};

use crate::host::umoci_unpack;
use crate::layout::{Packing, assert_same, dump, layout_of, read};
use crate::tarfile::{Entry, Tar, dir, file, hard_link, symlink};

fn all_bytes() -> Vec<u8> {
    (0..=255).collect()
}

fn lowest() -> Vec<u8> {
    let long = "n".repeat(120);
    let mut tar = Tar::of([
        dir("./", 0o755).mtime(1_000),
        symlink("bin", "usr/bin").owner(5, 6),
        dir("./usr/", 0o755),
        dir("/usr/bin", 0o755),
        file("usr/bin/su", "su").pax("mtime", "1700000000.123456789"),
        Entry::new(b'0', "usr/bin/mount", 0o104_755).body("mount"),
        file("usr/bin/ping", "ping")
            .pax("SCHILY.xattr.security.capability", [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            .pax("SCHILY.xattr.user.bytes", all_bytes())
            .pax("SCHILY.xattr.user.lines", "a\n15 path=/etc/x\n"),
        dir("etc", 0o755).pax("SCHILY.xattr.user.on-directory", "first"),
        file("etc/passwd", "root:x:0:0"),
        Entry::new(b'0', "etc/shadow", 0).body("secret"),
        dir("var", 0o755).mtime(1_234_567),
        file("var/owned", "x").pax("uid", "3000000").pax("gid", "4000000000"),
        file("var/old", "x").pax("mtime", "-1.25"),
        dir("tmp", 0o1777),
        dir("games", 0o2755).owner(0, 60),
        dir("opaque", 0o755),
        file("opaque/a", "a"),
        dir("opaque/b", 0o700),
        file("opaque/b/c", "c"),
        dir("late", 0o755),
        file("late/lower", "lower"),
        dir("becomes-file", 0o755),
        file("becomes-file/x", "x"),
        file("becomes-dir", "file"),
        symlink("link-becomes-dir", "etc"),
        dir("hl", 0o755),
        Entry::new(b'0', "hl/a", 0o640).body("linked").owner(1, 2),
        hard_link("hl/b", "hl/a"),
        hard_link("hl/c", "./hl/b"),
        symlink("hl/s", "a"),
        hard_link("hl/s2", "hl/s"),
        dir("dev", 0o755),
        Entry::new(b'3', "dev/null", 0o666).device(1, 3),
        Entry::new(b'4', "dev/sda", 0o660).device(8, 0).owner(0, 6),
        Entry::new(b'6', "dev/pipe", 0o600),
        dir("gone", 0o755),
        file("gone/x", "x"),
        dir("again", 0o700).owner(9, 9),
        file("again/old", "x"),
        dir("flip", 0o755),
        file("flip/below", "x"),
        file("twice", "first"),
        file("twice", "second").mtime(5),
        file(b"not-utf8-\xff\xfe", "x"),
        dir("short", 0o755).pax("path", format!("usr/{long}")),
        file("short", "x").pax("path", format!("usr/{long}/{long}")),
        symlink("long-target", "short").pax("linkpath", "t/".repeat(300)),
        Entry::new(0, "old-file", 0o644).body("x"),
        Entry::new(0, "old-dir/", 0o755),
        hard_link("claims", "twice").claim(600),
        file("kept/up", "x"),
        dir("kept", 0o711).owner(7, 8),
    ]);
    // What a parent is called comes after its entry: implicit first, listed later.
    tar.gnu_long(b'L', &format!("var/{long}{long}").into_bytes()).push(&file("cut", "gnu long name"));
    tar.gnu_long(b'K', "k/".repeat(200).as_bytes()).push(&symlink("gnu-long-link", "cut"));
    let sparse = |name: &str, body: &str| file(name, body);
    tar.push(
        &sparse("sparse-00", "onetwo")
            .pax("GNU.sparse.size", "20000")
            .pax("GNU.sparse.numblocks", "2")
            .pax("GNU.sparse.offset", "10")
            .pax("GNU.sparse.numbytes", "3")
            .pax("GNU.sparse.offset", "8192")
            .pax("GNU.sparse.numbytes", "3"),
    );
    tar.push(
        &sparse("GNUSparseFile.1/x", "onetwo")
            .pax("GNU.sparse.size", "20000")
            .pax("GNU.sparse.numblocks", "2")
            .pax("GNU.sparse.name", "sparse-01")
            .pax("GNU.sparse.map", "0,3,19997,3"),
    );
    let mut body = b"2\n4096\n3\n1000000\n3\n".to_vec();
    body.resize(512, 0);
    body.extend_from_slice(b"onetwo");
    tar.push(
        &sparse("GNUSparseFile.2/x", "")
            .body(body)
            .pax("GNU.sparse.major", "1")
            .pax("GNU.sparse.minor", "0")
            .pax("GNU.sparse.name", "sparse-10")
            .pax("GNU.sparse.realsize", "1500000"),
    );
    tar.end()
}

fn second() -> Vec<u8> {
    Tar::of([
        file("etc/.wh.shadow", ""),
        dir("etc", 0o750).owner(3, 4).pax("SCHILY.xattr.user.second", "2"),
        dir("opaque", 0o755).mtime(2),
        file("opaque/.wh..wh..opq", "bodies of whiteouts mean nothing"),
        file("opaque/new", "new"),
        file("becomes-file", "now a file"),
        dir("becomes-dir", 0o751),
        file("becomes-dir/x", "x"),
        dir("link-becomes-dir", 0o755),
        file("link-becomes-dir/own", "x"),
        file("bin/through-link", "in usr/bin"),
        hard_link("hl/d", "hl/a"),
        file("hl/b", "its own now"),
        hard_link("bin/through", "bin/su"),
        file(".wh.gone", ""),
        file("same", "of this layer"),
        file(".wh.same", ""),
        file(".wh.again", ""),
        dir("again", 0o755),
        file("again/new", "x"),
        file("flip", "a file"),
        dir("flip", 0o755),
        file("flip/new", "x"),
    ])
    .end()
}

fn third() -> Vec<u8> {
    Tar::of([
        file("late/upper", "upper"),
        file("late/.wh..wh..opq", ""),
        file("never/.wh.was", ""),
        file("bin/.wh.through-link", ""),
        file("usr/bin/.wh.su", ""),
        dir("usr/share", 0o755),
        symlink("usr/share/loop", "loop"),
        symlink("usr/share/up", "../../../../../etc"),
        file("usr/share/up/through-up", "in etc"),
        dir("etc", 0o755),
    ])
    .end()
}

fn highest() -> Vec<u8> {
    Tar::of([
        file("kept/more", "x"),
        file("var/more", "x"),
        file(".wh..wh.plnk", ""),
        dir(".wh..wh.aufs", 0o700),
        file("usr/share/.wh.loop", ""),
        dir(".", 0o711).mtime(77),
    ])
    .end()
}

fn layers() -> [Vec<u8>; 4] {
    [lowest(), second(), third(), highest()]
}

#[test]
fn the_torture_image_is_the_tree_that_umoci_unpacks() {
    let packings = [Packing::Gzip, Packing::Plain, Packing::GzipMembers, Packing::Gzip];
    let layers: Vec<_> = layers().into_iter().zip(packings).collect();
    let layout = layout_of(&layers);
    let ours = read(&layout.source(Some("t"))).unwrap();
    assert_same(&dump(&ours.merged), &dump(&umoci_unpack(layout.path(), "t")));
}

#[test]
fn every_packing_gives_the_same_tree() {
    let of = |packing| {
        let layers: Vec<_> = layers().into_iter().map(|tar| (tar, packing)).collect();
        dump(&read(&layout_of(&layers).source(None)).unwrap().merged)
    };
    let plain = of(Packing::Plain);
    for packing in [Packing::Gzip, Packing::GzipMembers, Packing::Zstd, Packing::ZstdFrames, Packing::Docker] {
        assert_same(&of(packing), &plain);
    }
}

#[test]
fn layers_keep_their_whiteouts_and_name_their_implicit_directories() {
    let layers: Vec<_> = layers().into_iter().map(|tar| (tar, Packing::Gzip)).collect();
    let read = read(&layout_of(&layers).source(None)).unwrap();
    let second = &read.layers[1];
    for (path, exists) in [
        ("etc/.wh.shadow", true),
        ("opaque/.wh..wh..opq", true),
        ("flip/.wh..wh..opq", true),
        ("flip/below", false),
        ("usr/bin/through-link", true),
        ("bin", false),
        ("etc/passwd", false),
    ] {
        assert_eq!(second.tree.get(path.as_bytes()).is_some(), exists, "{path}");
    }
    let Some(Node::Leaf(marker)) = second.tree.get(b"opaque/.wh..wh..opq") else { panic!("no marker") };
    assert!(matches!(&marker.kind, InodeKind::Regular(content) if content.is_empty()));
    let implicit: Vec<_> = second.implicit.iter().map(|path| String::from_utf8_lossy(path)).collect();
    assert_eq!(implicit, ["", "hl", "usr", "usr/bin"]);
    assert!(read.merged.get(b"never").is_none(), "a whiteout makes no directory");
    // Link groups reach over layers.
    let inode = |path: &[u8]| read.merged.get(path).unwrap().as_leaf().unwrap().clone();
    assert!(std::sync::Arc::ptr_eq(&inode(b"hl/a"), &inode(b"hl/d")));
    assert!(std::sync::Arc::ptr_eq(&inode(b"hl/a"), second.tree.get(b"hl/d").unwrap().as_leaf().unwrap()));
}
