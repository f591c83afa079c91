//! Trees worth judging.

use std::sync::Arc;

use builder_tree::{Content, ContentStore, Directory, FileTree, Inode, InodeKind, Metadata, Node, Timestamp};

/// Bytes that are not zero and not the same everywhere.
pub(crate) fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0] | 1
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// A regular file of root's.
pub(crate) fn file(content: Content) -> Inode {
    Inode::regular(Metadata::root(0o644), content)
}

/// A small file in memory.
pub(crate) fn small(bytes: &[u8]) -> Inode {
    file(Content::bytes(bytes.to_vec()))
}

/// A body of blocks of noise, each followed by a hole.
pub(crate) fn striped(store: &mut ContentStore, stripes: u32, data_blocks: usize, hole_blocks: u64) -> Content {
    let mut writer = store.writer(b"");
    for stripe in 0..stripes {
        writer.write(&noise(data_blocks * 4096, stripe)).unwrap();
        writer.hole(hole_blocks * 4096).unwrap();
    }
    writer.finish().unwrap()
}

/// The access control list `user::rwx,user:1000:r-x,group::r-x,mask::rwx,other::---` as the system calls have it.
pub(crate) fn acl() -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in
        [(1_u16, 7_u16, u32::MAX), (2, 5, 1000), (4, 5, u32::MAX), (16, 7, u32::MAX), (32, 0, u32::MAX)]
    {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// All types, all metadata, links, names that are no text.
pub(crate) fn everything(store: &mut ContentStore) -> FileTree {
    let mut tree = FileTree::new();
    let time = |seconds, nanoseconds| Timestamp { seconds, nanoseconds };
    tree.root.metadata.mtime = time(1_600_000_000, 5);
    tree.root.metadata.xattrs.insert(b"security.selinux".to_vec(), b"system_u:object_r:root_t:s0\0".to_vec());
    let root = &mut tree.root;
    for (name, seconds, nanoseconds) in [
        ("1901", -0x8000_0000, 0),
        ("1969", -1, 999_999_999),
        ("2038", 0x8000_0000, 1),
        ("2106", 0x1_0000_0000, 123_456_789),
        ("2310", 0x2_7fff_ffff, 999_999_999),
    ] {
        let mut inode = small(name.as_bytes());
        inode.metadata.mtime = time(seconds, nanoseconds);
        inode.metadata.uid = 70_000;
        inode.metadata.gid = 4_000_000_000;
        inode.metadata.mode = 0o6755;
        root.insert(name, inode);
    }
    for (name, kind) in [
        ("null", InodeKind::CharDevice { major: 1, minor: 3 }),
        ("large-char", InodeKind::CharDevice { major: 4095, minor: 1_048_575 }),
        ("sda1", InodeKind::BlockDevice { major: 8, minor: 1 }),
        ("nvme", InodeKind::BlockDevice { major: 259, minor: 7 }),
        ("fifo", InodeKind::Fifo),
        ("socket", InodeKind::Socket),
    ] {
        root.insert(name, Inode::new(Metadata::root(0o600), kind));
    }
    // Components of at most 255 bytes, as the kernel demands of a path.
    for length in [1, 59, 60, 61, 4095] {
        let target: Vec<u8> = (0..length).map(|at| if at % 200 == 199 { b'/' } else { b'x' }).collect();
        root.insert(format!("link-{length}"), Inode::symlink(target));
    }
    let mut labelled = Inode::symlink(vec![b'y'; 59]);
    labelled.metadata.xattrs.insert(b"security.selinux".to_vec(), noise(200, 1));
    root.insert("link-labelled", labelled);

    let shared = Arc::new(small(b"many names"));
    root.insert("hard-a", Arc::clone(&shared));
    root.subdirectory(b"dir", 0o1777).unwrap().insert("hard-b", Arc::clone(&shared));
    root.insert("hard-c", shared);

    let names = root.subdirectory(b"names", 0o700).unwrap();
    names.insert(vec![b'n'; 255], small(b"long"));
    names.insert(b"\xff\xfe not text \x01\n".to_vec(), small(b"bytes"));
    names.insert(vec![0xe4; 255], small(b"long bytes"));
    names.insert("\u{1f980} \u{e9}", small(b"text"));

    root.subdirectory(b"fixed", 0o755).unwrap().metadata.immutable = true;

    attributes(root.subdirectory(b"attributes", 0o755).unwrap());
    bodies(root.subdirectory(b"bodies", 0o755).unwrap(), store);
    tree
}

fn attributes(directory: &mut Directory) {
    directory.metadata.xattrs.insert(b"system.posix_acl_default".to_vec(), acl());
    directory.metadata.xattrs.insert(b"system.posix_acl_access".to_vec(), acl());
    directory.metadata.mode = 0o770;
    let capability = [1_u32 | 0x0200_0000, 0x400, 0, 0, 0].map(u32::to_le_bytes).concat();
    for (name, attribute, value) in [
        ("empty", "user.empty", vec![]),
        ("capability", "security.capability", capability),
        ("acl", "system.posix_acl_access", acl()),
        ("trusted", "trusted.overlay.opaque", b"y".to_vec()),
        ("in-block", "user.ostreemeta", noise(300, 1)),
        ("same-block", "user.ostreemeta", noise(300, 1)),
        ("large", "user.large", noise(3000, 2)),
    ] {
        let mut inode = small(name.as_bytes());
        inode.metadata.mode = 0o770;
        inode.metadata.xattrs.insert(attribute.into(), value);
        inode.metadata.xattrs.insert(b"security.selinux".to_vec(), b"system_u:object_r:usr_t:s0\0".to_vec());
        directory.insert(name, inode);
    }
}

fn bodies(directory: &mut Directory, store: &mut ContentStore) {
    for (number, length) in (0..).zip([0, 1, 4095, 4096, 4097, 65_536, 300_000]) {
        let body = noise(length, number);
        directory.insert(format!("stored-{length}"), file(store.add(b"", &body).unwrap()));
        // The same body once more, in another inode.
        directory.insert(format!("again-{length}"), file(store.add(b"", &body).unwrap()));
        directory.insert(format!("memory-{length}"), small(&body));
    }
    for (name, stripes, data, hole) in
        [("short-gaps", 5, 1, 15), ("holes", 3, 2, 16), ("four", 4, 1, 20), ("five", 5, 1, 20), ("leaves", 341, 1, 16)]
    {
        directory.insert(name, file(striped(store, stripes, data, hole)));
    }
    let mut zeros = store.writer(b"");
    zeros.hole(10_000_000).unwrap();
    directory.insert("zeros", file(zeros.finish().unwrap()));
    directory.insert("zeros-in-memory", small(&[0; 100_000]));
    let mut immutable = small(b"fixed");
    immutable.metadata.immutable = true;
    directory.insert("immutable", immutable);
    store.flush().unwrap();
}

/// A directory of so many empty files, the names as long as `width`.
pub(crate) fn crowded(names: u32, width: usize) -> Directory {
    let mut directory = Directory::root_owned(0o755);
    for number in 0..names {
        directory.insert(format!("{number:0width$}"), Node::from(small(b"")));
    }
    directory
}
