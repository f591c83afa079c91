//! File systems as the kernel and GRUB read them.

mod judge;

use builder_block::ByteSize;
use builder_ext4::SizeRule;
use builder_tree::{ContentStore, Directory, DumpOptions, FileTree, Metadata, Timestamp, Xattrs, dump};
use judge::mount::Mounted;
use judge::trees::{crowded, everything};
use judge::{Judged, judge, minimize, options, run};

fn lines(tree: &FileTree) -> Vec<String> {
    dump(tree, DumpOptions::default()).unwrap().lines().map(str::to_owned).collect()
}

/// What the kernel reads must be what went in, and the `lost+found` that was made.
fn same(judged: &Judged, tree: &FileTree) {
    let Some(mounted) = Mounted::new(judged, "ro") else { return };
    let mut expected = tree.clone();
    let lost = Metadata {
        mtime: Timestamp { seconds: 1_700_000_000, nanoseconds: 0 },
        xattrs: Xattrs::new(),
        ..Metadata::root(0o700)
    };
    expected.root.insert("lost+found", Directory::new(lost));
    let (expected, found) = (lines(&expected), lines(&mounted.tree()));
    for (expected, found) in expected.iter().zip(&found) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn the_kernel_reads_what_went_in() {
    let tree = everything(&mut ContentStore::new(&std::env::temp_dir()).unwrap());
    for options in [minimize(), options(SizeRule::Fixed(ByteSize::gib(40)))] {
        same(&judge(&tree, &options), &tree);
    }
}

#[test]
fn the_kernel_finds_every_name_by_its_hash() {
    let mut tree = FileTree::new();
    tree.root.insert("crowd", crowded(30_000, 40));
    let judged = judge(&tree, &minimize());
    same(&judged, &tree);
}

#[test]
fn statfs_says_what_the_summary_says() {
    for (mib, free) in [(0, 0), (0, 200 << 20), (3000, 0)] {
        let rule = match mib {
            0 => SizeRule::Minimize { free_bytes: ByteSize::new(free), spare_inodes: 100 },
            _ => SizeRule::Fixed(ByteSize::mib(mib)),
        };
        let judged = judge(&FileTree::new(), &options(rule));
        let Some(mounted) = Mounted::new(&judged, "ro") else { return };
        let stat = rustix::fs::statvfs(&mounted.path).unwrap();
        let summary = judged.summary;
        assert_eq!(stat.f_bfree * stat.f_frsize, summary.free.bytes(), "{summary:?}");
        assert_eq!(stat.f_bavail * stat.f_frsize, summary.available.bytes(), "{summary:?}");
        assert_eq!(stat.f_ffree, summary.inodes - summary.used_inodes, "{summary:?}");
        assert!(stat.f_bavail * stat.f_frsize >= free);
    }
}

#[test]
fn grub_reads_files() {
    let tree = everything(&mut ContentStore::new(&std::env::temp_dir()).unwrap());
    let judged = judge(&tree, &minimize());
    for path in ["/bodies/stored-300000", "/bodies/five", "/hard-a", "/names/\u{1f980} \u{e9}"] {
        let node = tree.get(path.as_bytes()).unwrap().as_leaf().unwrap();
        let body = node.content().unwrap().read_to_vec(1 << 20).unwrap();
        let expected = judged.directory.path().join("expected");
        std::fs::write(&expected, body).unwrap();
        let arguments = [judged.path.to_str().unwrap(), "cmp", &format!("(loop0){path}")];
        let output = run("grub-fstest", "grub-common", &arguments, &expected);
        assert!(output.status.success(), "{path}: {output:?}");
    }
}

#[test]
fn the_kernel_writes_to_it_and_it_stays_clean() {
    let mut tree = everything(&mut ContentStore::new(&std::env::temp_dir()).unwrap());
    tree.root.insert("crowd", crowded(3_000, 40));
    let judged = judge(&tree, &options(SizeRule::Minimize { free_bytes: ByteSize::mib(64), spare_inodes: 20_000 }));
    {
        let Some(mounted) = Mounted::new(&judged, "rw") else { return };
        let at = |path: &str| mounted.path.join(path);
        for number in 0..5_000 {
            std::fs::write(at(&format!("crowd/new-{number:060}")), format!("{number}")).unwrap();
        }
        for number in 0..1_000 {
            std::fs::remove_file(at(&format!("crowd/{number:040}"))).unwrap();
            std::fs::create_dir(at(&format!("dir/{number}"))).unwrap();
        }
        std::fs::write(at("bodies/large"), vec![7; 40 << 20]).unwrap();
        std::fs::remove_file(at("bodies/leaves")).unwrap();
        // One of two users of an attribute block gets another one.
        let (path, none) = (at("attributes/same-block"), rustix::fs::XattrFlags::empty());
        rustix::fs::lsetxattr(path, "user.ostreemeta", &[9; 400], none).unwrap();
        assert!(std::fs::write(at("bodies/immutable"), "x").is_err());
    }
    judged.fsck();
}
