//! The golden cases: each small enough to be written down, together all that the format can do.

use std::sync::Arc;

use builder_tree::{Content, Directory, FileTree, Inode, Metadata, Node};

use super::Case;

/// A name and the case.
pub(crate) type Named = (&'static str, Case);

/// All cases.
pub(crate) fn all() -> Vec<Named> {
    vec![
        ("empty", FileTree::new().into()),
        ("labels", labels().into()),
        ("label-of-the-root", label_of_the_root().into()),
        ("access-control-lists", access_control_lists().into()),
        ("overlay-attributes", overlay_attributes().into()),
        ("digests", Case { tree: labels(), verity: true }),
        ("directory-sizes", directory_sizes().into()),
        ("link-sizes", link_sizes().into()),
        ("owners", owners().into()),
        ("deep", deep().into()),
        ("names", names().into()),
        ("more-than-128-shared", many_shared().into()),
        ("large-attributes", large_attributes().into()),
        ("hard-links", hard_links().into()),
        ("attribute-prefixes", attribute_prefixes().into()),
    ]
}

/// The same with a further attribute.
fn with(mut metadata: Metadata, name: &str, value: &[u8]) -> Metadata {
    metadata.xattrs.insert(name.into(), value.to_vec());
    metadata
}

fn labelled(mode: u16, label: &str) -> Metadata {
    with(Metadata::root(mode), "security.selinux", format!("system_u:object_r:{label}:s0\0").as_bytes())
}

fn file(metadata: Metadata, size: usize) -> Node {
    Inode::regular(metadata, Content::bytes(vec![b'x'; size])).into()
}

fn link(metadata: Metadata, length: usize) -> Node {
    let mut inode = Inode::symlink(vec![b't'; length]);
    inode.metadata = Metadata { mode: 0o777, ..metadata };
    inode.into()
}

fn labels() -> FileTree {
    let mut tree = FileTree::new();
    let usr = tree.root.subdirectory(b"usr", 0o755).unwrap();
    usr.metadata = labelled(0o755, "usr_t");
    for n in 0..40 {
        let metadata = labelled(0o644, ["usr_t", "bin_t", "lib_t"][n % 3]);
        usr.insert(format!("file{n}"), file(metadata, n * 500));
    }
    let capability = with(labelled(0o755, "bin_t"), "security.capability", &[1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0]);
    usr.insert("ping", file(capability, 9));
    usr.insert("only", file(labelled(0o600, "shadow_t"), 1));
    usr.insert("link", link(labelled(0, "usr_t"), 7));
    tree
}

fn label_of_the_root() -> FileTree {
    let mut tree = labels();
    tree.root.metadata = Metadata { uid: 70_000, gid: 5, ..labelled(0o711, "root_t") };
    tree
}

fn access_control_lists() -> FileTree {
    let mut tree = FileTree::new();
    let acl = [&2_u32.to_le_bytes()[..], &[1, 0, 6, 0, 255, 255, 255, 255]].concat();
    let metadata = with(Metadata::root(0o755), "system.posix_acl_default", &acl);
    let mut directory = Directory::new(with(metadata, "system.posix_acl_access", &acl));
    directory.insert("one", file(with(Metadata::root(0o644), "system.posix_acl_access", &acl), 10));
    tree.root.insert("var", directory);
    tree
}

fn overlay_attributes() -> FileTree {
    let mut tree = FileTree::new();
    tree.root.metadata = with(tree.root.metadata, "trusted.overlay.opaque", b"mine");
    let mut metadata = Metadata::root(0o644);
    for name in ["metacopy", "redirect", "overlay.metacopy", "overlay.overlay.redirect", "", "z"] {
        metadata = with(metadata, &format!("trusted.overlay.{name}"), name.as_bytes());
    }
    metadata = with(metadata, "trusted.overlay", b"no");
    tree.root.insert("body", file(metadata.clone(), 5));
    tree.root.insert("empty", file(metadata.clone(), 0));
    tree.root.insert("link", link(metadata.clone(), 5));
    tree.root.insert("directory", Directory::new(metadata));
    tree
}

fn directory_sizes() -> FileTree {
    let mut tree = FileTree::new();
    // Entries of 32 bytes; `.` and `..` take 27. Around half a block, a block, and more.
    for entries in (55..70).chain(120..132).chain([190, 191, 192, 260, 3000]) {
        let directory = tree.root.subdirectory(format!("d{entries:04}").as_bytes(), 0o755).unwrap();
        for n in 0..entries {
            directory.insert(format!("twenty-bytes-{n:07}"), file(Metadata::root(0o644), n % 2));
        }
    }
    tree
}

fn link_sizes() -> FileTree {
    let mut tree = FileTree::new();
    for length in (1..40).chain((1000..4000).step_by(137)).chain([4031, 4032, 4063, 4064, 4065, 4094, 4095]) {
        tree.root.insert(format!("l{length:04}"), link(Metadata::root(0o777), length));
        tree.root.insert(format!("m{length:04}"), link(labelled(0o777, "long_t"), length));
        tree.root.insert(format!("n{length:04}"), link(Metadata { uid: 65_536, ..Metadata::root(0o777) }, length));
    }
    tree
}

fn owners() -> FileTree {
    let mut tree = FileTree::new();
    for id in [0, 1000, 65_535, 65_536, u32::MAX] {
        for (kind, uid, gid) in [("user", id, 0), ("group", 0, id), ("both", id, id)] {
            let metadata = Metadata { uid, gid, ..Metadata::root(0o6755) };
            tree.root.insert(format!("{kind}-{id}"), file(metadata.clone(), 1));
            tree.root.insert(format!("{kind}-{id}-link"), link(metadata.clone(), 9));
            tree.root.insert(format!("{kind}-{id}-directory"), Directory::new(metadata));
        }
    }
    tree
}

fn deep() -> FileTree {
    let mut tree = FileTree::new();
    let mut at = &mut tree.root;
    for n in 0..300 {
        at.insert("zfile", file(Metadata::root(0o600), n));
        at = at.subdirectory(b"d", 0o700).unwrap();
    }
    tree
}

fn names() -> FileTree {
    let mut tree = FileTree::new();
    // Before, between and behind `.` and `..`; longest; what hides an object directory; bytes that are no text.
    for name in ["!", "-x", ".-", ".a", "..a", "...", "Grüße", "日本語のファイル", "a b", "a=b", "a\\b", "a\nb", "~"]
    {
        tree.root.insert(name, file(Metadata::root(0o644), 3));
    }
    tree.root.insert([0xff, 0xfe, 1], file(Metadata::root(0o644), 4));
    tree.root.insert("n".repeat(255), Directory::root_owned(0o1777));
    for name in ["00", "7f", "ff", "FF", "0", "000"] {
        tree.root.insert(name, Directory::root_owned(0o755));
    }
    tree.root.insert("aa", Inode::symlink("-"));
    tree.root.insert("var", Inode::symlink("usr/var"));
    tree.root.insert("etc", file(Metadata::root(0o644), 0));
    tree
}

fn many_shared() -> FileTree {
    let mut tree = FileTree::new();
    for (name, count) in [("a", 127), ("b", 128), ("c", 129), ("d", 200)] {
        let mut metadata = Metadata::root(0o644);
        for n in 0..count {
            metadata = with(metadata, &format!("user.n{n:03}"), format!("{}", n % 7).as_bytes());
        }
        tree.root.insert(name, file(metadata.clone(), 1));
        tree.root.insert(format!("{name}2"), link(metadata, 100));
    }
    tree
}

fn large_attributes() -> FileTree {
    let mut tree = FileTree::new();
    tree.root.metadata = with(tree.root.metadata, "user.large", &[b'r'; 10_000]);
    for (n, size) in [0, 1, 2, 3, 255, 256, 4000, 4020, 4050, 4096, 32_700].into_iter().enumerate() {
        let metadata = |mode| with(Metadata::root(mode), "user.v", &vec![b'a' + u8::try_from(n).unwrap(); size]);
        let small = with(Metadata::root(0o644), "user.v", &vec![b'f'; size.min(30_000)]);
        tree.root.insert(format!("file{n}"), file(small, 1));
        tree.root.insert(format!("link{n}"), link(metadata(0o777), 50));
        tree.root.insert(format!("empty{n}"), file(metadata(0o600), 0));
        tree.root.insert(format!("directory{n}"), Directory::new(metadata(0o700)));
    }
    tree
}

fn hard_links() -> FileTree {
    let mut tree = FileTree::new();
    let shared = |metadata| Arc::new(Inode::regular(metadata, Content::bytes(b"body".to_vec())));
    let (plain, attributed) =
        (shared(Metadata::root(0o644)), shared(with(Metadata::root(0o644), "user.once", b"twice")));
    for name in ["a", "b", "c"] {
        let directory = tree.root.subdirectory(name.as_bytes(), 0o755).unwrap();
        directory.insert("plain", Arc::clone(&plain));
        directory.insert("attributed", Arc::clone(&attributed));
    }
    tree
}

fn attribute_prefixes() -> FileTree {
    let mut tree = FileTree::new();
    let names = [
        "user.",
        "user.a",
        "userx",
        "trusted.",
        "trusted.a",
        "security.",
        "security.ima",
        "system.",
        "system.x",
        "system.posix_acl_accessory",
        "system.posix_acl_defaulter",
        "btrfs.compression",
        "x",
    ];
    for (n, name) in names.into_iter().enumerate() {
        tree.root.insert(format!("own{n}"), file(with(Metadata::root(0o644), name, name.as_bytes()), n));
        tree.root.insert(format!("shared{n}"), file(with(Metadata::root(0o644), name, b""), n));
        tree.root.insert(format!("shared{n}too"), file(with(Metadata::root(0o644), name, b""), n));
    }
    let value = (0..=255).collect::<Vec<u8>>();
    tree.root.insert("bytes", file(with(Metadata::root(0o644), &format!("user.{}", "n".repeat(250)), &value), 1));
    for (n, value) in [&b"a"[..], b"b", b"aa", b"ab", b""].into_iter().enumerate() {
        tree.root.insert(format!("order{n}"), file(with(Metadata::root(0o644), "user.order", value), 1));
        tree.root.insert(format!("order{n}too"), file(with(Metadata::root(0o644), "user.order", value), 1));
    }
    tree
}
