//! File systems as e2fsck, debugfs and dumpe2fs see them.

mod judge;

use std::sync::Arc;

use builder_block::ByteSize;
use builder_ext4::{Ext4Error, Ext4Image, InodeRule, JournalRule, SizeRule};
use builder_tree::{ContentStore, Directory, FileTree, Inode, Metadata};
use judge::trees::{crowded, everything, file, noise, small, striped};
use judge::{judge, minimize, options, write};
use sha2::{Digest, Sha256};

fn store() -> ContentStore {
    ContentStore::new(&std::env::temp_dir()).unwrap()
}

#[test]
fn every_size_is_clean() {
    let tree = everything(&mut store());
    for mib in [16, 64, 127, 128, 129, 131, 256, 300, 1024, 2047, 5000, 40 << 10, 130 << 10] {
        judge(&tree, &options(SizeRule::Fixed(ByteSize::mib(mib))));
    }
    // A rest smaller than a block is not used.
    judge(&tree, &options(SizeRule::Fixed(ByteSize::new((64 << 20) + 3 * 512))));
    for empty in [minimize(), options(SizeRule::Fixed(ByteSize::mib(8)))] {
        judge(&FileTree::new(), &empty);
    }
}

#[test]
fn features_are_those_of_mke2fs_and_verity() {
    let text = judge(&FileTree::new(), &options(SizeRule::Fixed(ByteSize::gib(2)))).dumpe2fs();
    for line in [
        "Filesystem volume name:   root",
        "Filesystem features:      has_journal ext_attr dir_index filetype extent 64bit flex_bg sparse_super large_file \
         huge_file dir_nlink extra_isize metadata_csum verity",
        "Filesystem flags:         signed_directory_hash ",
        "Default mount options:    user_xattr acl",
        "Filesystem state:         clean",
        "Inode count:              131072",
        "Block count:              524288",
        "Reserved block count:     26214",
        "Group descriptor size:    64",
        "Flex block group size:    16",
        "Inode size:\t          256",
        "Required extra isize:     32",
        "Journal inode:            8",
        "Default directory hash:   half_md4",
        "Journal backup:           inode blocks",
        "Checksum type:            crc32c",
        "Total journal size:       64M",
        "Filesystem created:       Tue Nov 14 22:13:20 2023",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
    }
}

#[test]
fn the_superblock_says_what_that_of_mke2fs_says() {
    for mib in [64, 200, 512, 3 << 10, 20 << 10, 40 << 10] {
        let judged = judge(&FileTree::new(), &options(SizeRule::Fixed(ByteSize::mib(mib))));
        let ours = judged.dumpe2fs();
        let theirs = judged.mke2fs(mib);
        // Times, the hash seed and what was written so far cannot be the same, and with them the checksum.
        let different = ["Last write", "Last checked", "Filesystem created", "Directory Hash", "Lifetime", "Checksum:"];
        let header = |text: &str| -> Vec<String> {
            let lines = text.lines().take_while(|line| !line.starts_with("Group 0")).map(str::to_owned);
            lines.filter(|line| !different.iter().any(|start| line.starts_with(start))).collect()
        };
        assert_eq!(header(&ours), header(&theirs), "{mib} MiB");
    }
}

#[test]
fn directories_of_all_sizes_are_clean() {
    let mut tree = FileTree::new();
    // The block has room for 4096 - 12 bytes: `.` and `..` take 24, a name of 12 bytes 20.
    for (name, names, width) in
        [("full-block", 203, 12), ("two-blocks", 204, 12), ("tree", 5_000, 20), ("long-names", 3_000, 250)]
    {
        tree.root.insert(name, crowded(names, width));
    }
    tree.root.insert("crowd", crowded(120_000, 30));
    let judged = judge(&tree, &minimize());
    for (name, size, flags) in [
        ("full-block", "4096", "0x80000"),
        ("two-blocks", "12288", "0x81000"),
        ("tree", "", "0x81000"),
        ("long-names", "", "0x81000"),
        ("crowd", "", "0x81000"),
    ] {
        let stat = judged.debugfs(&format!("stat /{name}"));
        assert!(stat.contains(&format!("Flags: {flags}")) && stat.contains(&format!("Size: {size}")), "{stat}");
    }
    let index = judged.debugfs("htree_dump /crowd");
    assert!(index.contains("Indirect levels: 1"), "{}", &index[..500.min(index.len())]);
    assert!(judged.debugfs(&format!("stat /crowd/{:030}", 119_999)).contains("Type: regular"));
}

#[test]
fn more_than_65000_subdirectories_are_counted_as_one() {
    let mut tree = FileTree::new();
    for (name, count) in [("just", 64_998_u32), ("over", 64_999)] {
        let mut parent = Directory::root_owned(0o755);
        (0..count).for_each(|number| parent.insert(format!("{number}"), Directory::root_owned(0o755)));
        tree.root.insert(name, parent);
    }
    let judged = judge(&tree, &minimize());
    assert!(judged.debugfs("stat /just").contains("Links: 65000"));
    assert!(judged.debugfs("stat /over").contains("Links: 1 "));
}

#[test]
fn hard_links_end_at_65000() {
    for (names, good) in [(65_000_u32, true), (65_001, false)] {
        let mut tree = FileTree::new();
        let inode = Arc::new(small(b"x"));
        for number in 0..names {
            tree.root.subdirectory(b"a", 0o755).unwrap().insert(format!("{number:05}"), Arc::clone(&inode));
        }
        if good {
            assert!(judge(&tree, &minimize()).debugfs("stat /a/00000").contains("Links: 65000"));
        } else {
            let error = write(&tree, &minimize()).err().unwrap();
            assert_eq!(error.to_string(), "/a/00000 has 65001 names, but an inode can have at most 65000");
        }
    }
}

#[test]
fn extent_trees_of_all_depths_are_clean() {
    let mut store = store();
    let mut tree = FileTree::new();
    for (stripes, depth) in [(4, 0), (5, 1), (340, 1), (341, 1), (1360, 1), (1361, 2)] {
        tree.root.insert(format!("{stripes}-{depth}"), file(striped(&mut store, stripes, 1, 16)));
    }
    store.flush().unwrap();
    let judged = judge(&tree, &minimize());
    for (name, leaf) in [("4-0", " 0/ 0   4/  4"), ("5-1", " 1/ 1   5/  5"), ("1361-2", " 2/ 2   1/  1")] {
        let text =
            judged.debugfs(&format!("dump_extents -n /{name}")) + &judged.debugfs(&format!("dump_extents /{name}"));
        assert!(text.contains(leaf), "{name}: no {leaf:?} in\n{text}");
    }
}

#[test]
fn files_go_over_group_boundaries_and_beyond_4_gib() {
    let mut store = store();
    let mut tree = FileTree::new();
    // Gaps of 15 blocks are allocated: 300 MiB in one extent or as few as can be.
    let dense = striped(&mut store, 4_800, 1, 15);
    tree.root.insert("dense", file(dense));
    let mut sparse = store.writer(b"");
    sparse.write(b"start").unwrap();
    sparse.hole((5 << 30) - 5).unwrap();
    sparse.write(b"end").unwrap();
    let sparse = sparse.finish().unwrap();
    tree.root.insert("sparse", file(sparse));
    store.flush().unwrap();
    let judged = judge(&tree, &minimize());
    assert!(judged.summary.size < ByteSize::mib(360), "{:?}", judged.summary);
    let stat = judged.debugfs("stat /sparse");
    assert!(stat.contains("Size: 5368709123") && stat.contains("Blockcount: 16"), "{stat}");
}

#[test]
fn attributes_fill_inode_and_block() {
    let with = |length: usize| {
        let mut tree = FileTree::new();
        let mut inode = small(b"x");
        inode.metadata.xattrs.insert(b"user.a".to_vec(), noise(length, 3));
        tree.root.insert("file", inode);
        tree
    };
    // 96 bytes less magic 4, end 4, entry 16, name 4; and 4096 less header 32, end 4, entry 16, name 4.
    for (length, block) in [(1, false), (68, false), (69, true), (4040, true)] {
        let stat = judge(&with(length), &minimize()).debugfs("stat /file");
        assert_eq!(!stat.contains("File ACL: 0\n"), block, "{length}: {stat}");
        assert!(stat.contains(&format!("user.a ({length})")), "{length}: {stat}");
    }
    let error = write(&with(4041), &minimize()).err().unwrap();
    assert_eq!(error.to_string(), "extended attributes of /file cannot be represented");
    assert!(matches!(error, Ext4Error::Xattr { .. }));
}

#[test]
fn equal_attribute_blocks_are_shared() {
    let mut tree = FileTree::new();
    for number in 0..1500 {
        let mut inode = small(b"");
        inode.metadata.xattrs.insert(b"user.a".to_vec(), noise(300, 3));
        tree.root.insert(format!("{number:04}"), inode);
    }
    let judged = judge(&tree, &minimize());
    let block = |name| {
        let stat = judged.debugfs(&format!("stat {name}"));
        stat.lines().find(|line| line.starts_with("File ACL")).unwrap().to_owned()
    };
    assert_eq!(block("/0000"), block("/1023"));
    assert_ne!(block("/0000"), block("/1024"));
    assert_eq!(block("/1024"), block("/1499"));
}

#[test]
fn flags_times_and_lists_are_as_debugfs_reads_them() {
    let judged = judge(&everything(&mut store()), &minimize());
    for (path, parts) in [
        ("/bodies/immutable", &["Flags: 0x80010", "Size: 5"][..]),
        ("/fixed", &["Flags: 0x80010", "Type: directory"]),
        ("/2310", &["mtime: 0x7fffffff:ee6b27fe", "crtime: 0x6553f100:00000000", "User: 70000 "]),
        ("/1901", &["mtime: 0x80000000:00000000", "Mode:  06755"]),
        (
            "/attributes/acl",
            &["system.posix_acl_access", "01 00 00 00 01 00 07 00 02 00 05 00 e8 03 00 00 04 00", "security.selinux"],
        ),
        ("/link-59", &["Fast link dest:", "Blockcount: 0"]),
        ("/link-60", &["Flags: 0x80000", "Blockcount: 8"]),
        ("/nvme", &["Device major/minor number: 259:07"]),
        ("/hard-a", &["Links: 3"]),
        ("/lost+found", &["Inode: 11 ", "Mode:  0700", "Size: 16384"]),
        ("<8>", &["Mode:  0600", "Size: 4194304"]),
    ] {
        let stat = judged.debugfs(&format!("stat {path}"));
        for part in parts {
            assert!(stat.contains(part), "no {part:?} in {path}:\n{stat}");
        }
    }
}

#[test]
fn a_lost_and_found_of_the_tree_is_kept() {
    let mut tree = FileTree::new();
    let lost = tree.root.subdirectory(b"lost+found", 0o750).unwrap();
    lost.insert("#12", small(b"found"));
    lost.insert("below", crowded(3, 1));
    let judged = judge(&tree, &minimize());
    let stat = judged.debugfs("stat /lost+found");
    assert!(stat.contains("Inode: 11 ") && stat.contains("Mode:  0750") && stat.contains("Links: 3"), "{stat}");
    assert!(judged.debugfs("cat /lost+found/#12").contains("found"));
    tree.root.insert("lost+found", Inode::symlink("x"));
    let error = write(&tree, &minimize()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "/lost+found cannot be represented: it must be a directory, and it is a symbolic link"
    );
}

#[test]
fn too_small_is_said_in_numbers() {
    let mut store = store();
    let mut tree = FileTree::new();
    tree.root.insert("file", file(store.add(b"", &noise(20_000_000, 1)).unwrap()));
    store.flush().unwrap();
    let error = write(&tree, &options(SizeRule::Fixed(ByteSize::mib(16)))).err().unwrap();
    let Ext4Error::TooSmall { needed, has } = error.clone() else { panic!("{error}") };
    assert_eq!(
        error.to_string(),
        format!("file system needs {needed} ({} bytes) but has 16 MiB (16777216 bytes)", needed.bytes())
    );
    assert_eq!(has, ByteSize::mib(16));
    let error = write(&FileTree::new(), &options(SizeRule::Fixed(ByteSize::mib(7)))).err();
    assert_eq!(error, Some(Ext4Error::TooSmall { needed: ByteSize::mib(8), has: ByteSize::mib(7) }));
    // What it asks for is enough, and 1 MiB less is not.
    judge(&tree, &options(SizeRule::Fixed(needed)));
    assert!(write(&tree, &options(SizeRule::Fixed(ByteSize::new(needed.bytes() - (1 << 20))))).is_err());
}

#[test]
fn inodes_and_journal_follow_their_rules() {
    let tree = FileTree::new();
    for (inodes, journal, summary) in [
        (InodeRule::BySize, JournalRule::BySize, (8192, 16)),
        (InodeRule::BytesPerInode(ByteSize::kib(64)), JournalRule::Absent, (2048, 0)),
        (InodeRule::BytesPerInode(ByteSize::kib(1)), JournalRule::BySize, (32_768, 16)),
        (InodeRule::Count(1000), JournalRule::Fixed(ByteSize::mib(8)), (1008, 8)),
    ] {
        let mut options = options(SizeRule::Fixed(ByteSize::mib(128)));
        (options.inodes, options.journal, options.reserved_percent) = (inodes, journal, 50);
        let judged = judge(&tree, &options);
        assert_eq!((judged.summary.inodes, judged.summary.journal), (summary.0, ByteSize::mib(summary.1)));
    }
    let mut options = options(SizeRule::Fixed(ByteSize::mib(128)));
    options.inodes = InodeRule::Count(40_000);
    assert_eq!(write(&tree, &options).err(), Some(Ext4Error::Inodes { needed: 40_000, limit: 32_768 }));
}

#[test]
fn minimized_sizes_leave_what_was_asked_for() {
    let mut store = store();
    let tree = everything(&mut store);
    for (free_bytes, spare_inodes) in [(0, 0), (1, 1), (100 << 20, 50_000), (3 << 30, 0)] {
        let mut options = options(SizeRule::Minimize { free_bytes: ByteSize::new(free_bytes), spare_inodes });
        options.reserved_percent = 1;
        let summary = judge(&tree, &options).summary;
        assert!(summary.available.bytes() >= free_bytes, "{summary:?}");
        assert!(summary.inodes - summary.used_inodes >= u64::from(spare_inodes), "{summary:?}");
        assert_eq!(summary.size.bytes() % (1 << 20), 0);
        // One step less leaves less.
        if spare_inodes > 1 {
            options.inodes = InodeRule::Count(u32::try_from(summary.used_inodes).unwrap() + spare_inodes);
        }
        options.size = SizeRule::Fixed(ByteSize::new(summary.size.bytes() - (1 << 20)));
        if let Ok(image) = Ext4Image::plan(&tree, &options) {
            assert!(image.summary().available.bytes() < free_bytes, "{summary:?} {:?}", image.summary());
        }
    }
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let bytes = || {
        let judged = write(&everything(&mut store()), &minimize()).unwrap();
        std::fs::read(&judged.path).unwrap()
    };
    let first = bytes();
    assert!(first == bytes());
    // Another digest is another image for everybody: say so in the CHANGELOG.
    let digest = Sha256::digest(&first).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert_eq!(digest, "a1882ca0636f7bf1d62cf050a4a9e484447e2bc327a0b0f057b6762f4b9212bb");
}

#[test]
fn names_that_are_none_are_refused_with_their_directory() {
    for name in [&b""[..], b".", b"..", b"a/b", b"a\0b", &[b'x'; 256]] {
        let mut tree = FileTree::new();
        tree.insert(b"some/where/x", small(b""), &Metadata::root(0o755)).unwrap();
        tree.directory_mut(b"some/where").unwrap().insert(name, small(b""));
        let error = write(&tree, &minimize()).err().unwrap();
        assert_eq!(error.to_string(), "directory /some/where cannot be represented", "{name:?}");
    }
}
