//! FAT32 file systems as `fsck.fat`, mtools, `mkfs.fat` and the fatfs crate see them.

mod small;
mod support;

use std::io::Seek as _;

use builder_block::{ByteSize, FilesystemImage as _, SectorSize, SparseFile};
use builder_fat::{FatError, FatImage, Options};
use builder_tree::{Content, ContentStore, FileTree, Inode, InodeKind, Metadata, Node};
use support::{
    boot_fields, compare, compare_with_fatfs, digest, file, fsck, insert, mcopy_all, native_options, options, run,
    write,
};

/// An ESP as it comes: loaders, a kernel, entries.
fn esp() -> FileTree {
    let mut tree = FileTree::new();
    for (path, length) in [
        ("EFI/BOOT/BOOTX64.EFI", 70_000),
        ("EFI/BOOT/grubx64.efi", 4096),
        ("EFI/fedora/shim.efi", 513),
        ("EFI/systemd/systemd-bootx64.efi", 512),
        ("loader/loader.conf", 20),
        ("loader/entries/ostree-1-default.conf", 300),
        ("loader/entries.srel", 6),
        ("empty", 0),
    ] {
        insert(&mut tree, path, file(length));
    }
    tree.insert(b"an-empty-directory", builder_tree::Directory::root_owned(0o755), &Metadata::root(0o755)).unwrap();
    tree
}

#[test]
fn an_esp_is_clean_and_complete() {
    let sizes = [33, 64, 260, 501, 1024].map(|size| options(ByteSize::mib(size)));
    let native = [257, 512, 9 << 10].map(|size| native_options(ByteSize::mib(size)));
    for options in sizes.iter().chain(&native) {
        let tree = esp();
        let (image, disk) = write(&tree, options);
        compare(&tree, disk.path());
        let summary = image.summary();
        let clusters_of = |bytes: u64| bytes / summary.cluster_size.bytes();
        assert_eq!(clusters_of(summary.used.bytes()) + clusters_of(summary.free.bytes()), summary.clusters);
        // `mdir` ends with the free bytes of FSInfo, `fsck.fat -v` counts the clusters in use.
        let listing = run("mtools", "mdir", &["-i", disk.path().to_str().unwrap(), "::"]);
        let free: String = listing.trim_end().lines().last().unwrap().chars().filter(char::is_ascii_digit).collect();
        assert_eq!(free, summary.free.bytes().to_string(), "{listing}");
        let verdict = fsck(disk.path());
        let used = format!(" {}/{} clusters", clusters_of(summary.used.bytes()), summary.clusters);
        assert!(verdict.contains(&used), "{verdict} lacks {used}");
    }
}

#[test]
fn label_serial_number_and_times_are_set() {
    let (_, disk) = write(&esp(), &options(ByteSize::mib(64)));
    let path = disk.path().to_str().unwrap();
    let listing = run("mtools", "mdir", &["-i", path, "::EFI/BOOT"]);
    assert!(listing.contains("Volume in drive : is EFI-SYSTEM"), "{listing}");
    assert!(listing.contains("Volume Serial Number is 1234-ABCD"), "{listing}");
    assert_eq!(listing.matches("2023-11-14  22:13").count(), 4, "{listing}");
    let probed = run("util-linux", "blkid", &["-p", "-o", "export", path]);
    for line in ["TYPE=vfat", "VERSION=FAT32", "LABEL=EFI-SYSTEM", "LABEL_FATBOOT=EFI-SYSTEM", "UUID=1234-ABCD"] {
        assert!(probed.lines().any(|probed| probed == line), "{probed} lacks {line}");
    }
    assert_eq!(boot_fields(disk.path()).hidden_sectors, 2048);
    let (_, disk) = write(&esp(), &Options { label: String::new(), ..options(ByteSize::mib(64)) });
    compare(&esp(), disk.path());
    let probed = run("util-linux", "blkid", &["-p", "-o", "export", disk.path().to_str().unwrap()]);
    assert!(!probed.contains("LABEL"), "{probed}");
}

#[test]
fn clusters_and_tables_are_those_of_mkfs() {
    // With sectors of 4096 bytes `mkfs.fat` chooses larger clusters, as it counts those of the table in them.
    for (mebibytes, per_cluster) in [(257, "1"), (512, "1"), (5_000, "1"), (10_000, "2"), (40_000, "8")] {
        let size = ByteSize::mib(mebibytes).align_down(if mebibytes < 2048 { 32 * 4096 } else { 63 * 4096 });
        let (_, ours) = write(&FileTree::new(), &native_options(size));
        let theirs = tempfile::NamedTempFile::new().unwrap();
        theirs.as_file().set_len(size.bytes()).unwrap();
        let arguments = ["-F", "32", "-S", "4096", "-s", per_cluster, theirs.path().to_str().unwrap()];
        run("dosfstools", "mkfs.fat", &arguments);
        let (ours, theirs) = (boot_fields(ours.path()), boot_fields(theirs.path()));
        assert_eq!(ours.geometry, theirs.geometry, "{mebibytes} MiB");
    }
    for mebibytes in [33, 34, 64, 100, 259, 260, 261, 501, 512, 1000, 8192, 8193, 16_385, 33_000, 100_000] {
        // Whole tracks, as `mkfs.fat` cuts off what is over: of 32 sectors below 256 MiB, else of 63.
        let size = ByteSize::mib(mebibytes).align_down(if mebibytes < 256 { 32 * 512 } else { 63 * 512 });
        let (_, ours) = write(&FileTree::new(), &options(size));
        let theirs = tempfile::NamedTempFile::new().unwrap();
        theirs.as_file().set_len(size.bytes()).unwrap();
        run("dosfstools", "mkfs.fat", &["-F", "32", theirs.path().to_str().unwrap()]);
        let (ours, theirs) = (boot_fields(ours.path()), boot_fields(theirs.path()));
        assert_eq!(ours.geometry, theirs.geometry, "{mebibytes} MiB");
    }
}

#[test]
fn long_and_foreign_names_come_back() {
    let mut tree = FileTree::new();
    let deep = format!("{}file", "directory-with-a-name/".repeat(40));
    for path in [
        &*"n".repeat(255),
        &"ÀÉÎ-日本語-".repeat(10),
        "exactly-thirteen-and-26-ch",
        "thirteen-long",
        "+,;=[].txt",
        ".hidden",
        " leading space",
        "two.dots.conf",
        "UPPER.EFI",
        "Mixed.Efi",
        "LONGFI~1.TXT",
        "longfilename.txt",
        "longfilename2.txt",
        "\u{7f}delete",
        &deep,
    ] {
        insert(&mut tree, path, file(100));
    }
    let (_, disk) = write(&tree, &options(ByteSize::mib(64)));
    compare(&tree, disk.path());
    // mtools knows no surrogates, and no host file system the 510 bytes of the first one.
    for path in [&*"é".repeat(255), &"💾".repeat(127), &"ÀÉÎ-日本語-💾".repeat(20), "💾/💾"] {
        insert(&mut tree, path, file(200));
    }
    let (_, disk) = write(&tree, &options(ByteSize::mib(64)));
    fsck(disk.path());
    compare_with_fatfs(&tree, disk.path());
}

#[test]
fn a_directory_spans_many_clusters() {
    let mut tree = FileTree::new();
    for n in 0..2_000 {
        insert(&mut tree, &format!("loader/entries/a-boot-entry-with-a-name-{n:04}.conf"), file(n));
        insert(&mut tree, &format!("D/{n}"), file(1));
    }
    let (_, disk) = write(&tree, &options(ByteSize::mib(300)));
    fsck(disk.path());
    compare_with_fatfs(&tree, disk.path());
    let (_, disk) = write(&tree, &options(ByteSize::mib(64)));
    compare(&tree, disk.path());
}

#[test]
fn stored_and_sparse_files_come_back_and_holes_stay_holes() {
    let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
    let mut writer = store.writer(b"");
    writer.write(b"begin").unwrap();
    writer.hole(300 << 20).unwrap();
    writer.write(b"end").unwrap();
    let sparse = writer.finish().unwrap();
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
    let dense = store.add(b"", &bytes).unwrap();
    store.flush().unwrap();
    let mut tree = FileTree::new();
    let dense = std::sync::Arc::new(Inode::regular(Metadata::root(0o644), dense));
    insert(&mut tree, "a/sparse.img", Inode::regular(Metadata::root(0o644), sparse));
    insert(&mut tree, "b/dense", std::sync::Arc::clone(&dense));
    insert(&mut tree, "b/hard-link", dense);
    for size in [ByteSize::mib(400), ByteSize::gib(9)] {
        let (_, disk) = write(&tree, &options(size));
        compare(&tree, disk.path());
        let allocated = std::os::unix::fs::MetadataExt::blocks(&disk.as_file().metadata().unwrap()) * 512;
        assert!(allocated < 4 << 20, "{allocated}");
    }
}

#[test]
fn a_tree_that_fits_exactly_fits_and_one_cluster_less_does_not() {
    for megabytes in [40_u64, 280] {
        let mut tree = esp();
        let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
        let mut writer = store.writer(b"");
        writer.hole(megabytes * 1_000_000).unwrap();
        let content = writer.finish().unwrap();
        store.flush().unwrap();
        insert(&mut tree, "large", Inode::regular(Metadata::root(0o644), content));
        let minimum = FatImage::minimum_size(&tree, SectorSize::Bytes512).unwrap();
        let (image, disk) = write(&tree, &options(minimum));
        assert_eq!(image.summary().free, ByteSize::ZERO);
        fsck(disk.path());
        compare_with_fatfs(&tree, disk.path());
        let one_less = ByteSize::new(minimum.bytes() - image.summary().cluster_size.bytes());
        let error = FatImage::plan(&tree, &options(one_less)).unwrap_err();
        let FatError::DoesNotFit { available, needed, minimum: named, .. } = &error else { panic!("{error}") };
        assert_eq!((available + 1, *named), (*needed, minimum));
        let hint = format!("set the size of the partition to {}MiB or more", minimum.bytes().div_ceil(1 << 20));
        assert_eq!(error.hint(), Some(hint));
    }
}

#[test]
fn odd_sizes_are_clean() {
    for sectors in [66_581_u64, 66_582, 66_583, 66_711, 66_712, 131_073, 532_480, 532_481, 532_489, 1_000_001] {
        let (_, disk) = write(&esp(), &options(ByteSize::new(sectors * 512)));
        compare(&esp(), disk.path());
    }
}

#[test]
fn impossible_sizes_are_refused_with_numbers() {
    for (size, message) in [
        (ByteSize::new((64 << 20) + 1), "the partition size of 67108865 bytes is not a multiple"),
        (ByteSize::ZERO, "the partition of 0 B has room for 0 clusters but FAT32 begins at 65525"),
        (ByteSize::mib(32), "the partition of 32 MiB has room for 64496 clusters but FAT32 begins at 65525"),
        (ByteSize::gib(2048), "the partition has 2 TiB (2199023255552 bytes) but FAT32 ends at 2199023255040 bytes"),
    ] {
        let error = FatImage::plan(&esp(), &options(size)).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.hint().is_some());
    }
    for (options, hint) in [
        (options(ByteSize::mib(32)), "set the size of the partition to 33MiB or more"),
        (native_options(ByteSize::mib(256)), "set the size of the partition to 257MiB or more"),
    ] {
        let error = FatImage::plan(&esp(), &options).unwrap_err();
        assert_eq!(error.hint().unwrap(), hint);
    }
}

#[test]
fn what_fat_cannot_hold_is_refused_by_path() {
    let regular = |metadata| Node::from(Inode::regular(metadata, Content::empty()));
    let kind = |kind| Node::from(Inode::new(Metadata::root(0o644), kind));
    let labelled = Metadata { xattrs: [(b"security.selinux".to_vec(), b"x".to_vec())].into(), ..Metadata::root(0o644) };
    let immutable = Metadata { immutable: true, ..Metadata::root(0o644) };
    let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
    let mut writer = store.writer(b"");
    writer.hole(1 << 32).unwrap();
    let large = writer.finish().unwrap();
    let plain = || regular(Metadata::root(0o644));
    let long = "x".repeat(256);
    for (name, node, message) in [
        (&b"link"[..], Inode::symlink("x").into(), "/d/link is a symbolic link, which FAT cannot hold"),
        (b"tty", kind(InodeKind::CharDevice { major: 4, minor: 0 }), "/d/tty is a character device, which"),
        (b"sda", kind(InodeKind::BlockDevice { major: 8, minor: 0 }), "/d/sda is a block device, which"),
        (b"pipe", kind(InodeKind::Fifo), "/d/pipe is a FIFO, which FAT cannot hold"),
        (b"sock", kind(InodeKind::Socket), "/d/sock is a socket, which FAT cannot hold"),
        (b"se", regular(labelled), "/d/se has the extended attribute security.selinux, which FAT cannot hold"),
        (b"im", regular(immutable), "/d/im has the immutable flag, which FAT cannot hold"),
        (b"big", Inode::regular(Metadata::root(0o644), large).into(), "/d/big has 4294967296 bytes but a file on FAT"),
        (b"a:b", plain(), "the name of /d/a:b contains ':', which FAT forbids"),
        (b"a\xff", plain(), "the name of /d/a\\xff is not UTF-8"),
        (b"dot.", plain(), "the name of /d/dot. ends in a dot, which FAT drops"),
        (b"space ", plain(), "the name of /d/space  ends in a space, which FAT drops"),
        (long.as_bytes(), plain(), &format!("the name of /d/{long} has 256 UTF-16 units but FAT allows 255")),
        (b"grub.cfg", plain(), "/d/GRUB.CFG and /d/grub.cfg differ only by case, which is one name on FAT"),
    ] {
        let mut tree = FileTree::new();
        insert(&mut tree, "d/GRUB.CFG", file(1));
        tree.directory_mut(b"d").unwrap().insert(name, node);
        let error = FatImage::plan(&tree, &options(ByteSize::mib(64))).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert!(error.hint().is_some());
        assert_eq!(FatImage::minimum_size(&tree, SectorSize::Bytes512).unwrap_err(), error);
    }
    for (label, hint) in [("esp", Some("use the label \"ESP\"")), ("A:B", None), ("TWELVE-CHARS", None)] {
        let error = FatImage::plan(&esp(), &Options { label: label.into(), ..options(ByteSize::mib(64)) }).unwrap_err();
        assert!(error.to_string().starts_with(&format!("the volume label {label:?} ")), "{error}");
        assert_eq!(error.hint().as_deref(), hint);
    }
}

#[test]
fn the_largest_directory_fits_and_one_name_more_does_not() {
    let mut tree = FileTree::new();
    // With `.` and `..` 65,536 records: 2 MiB. `fsck.fat` counts the directory and the label as files.
    for n in 0..65_534 {
        insert(&mut tree, &format!("D/{n}"), file(0));
    }
    let (_, disk) = write(&tree, &options(ByteSize::mib(64)));
    let verdict = fsck(disk.path());
    assert!(verdict.contains(": 65536 files, "), "{verdict}");
    insert(&mut tree, "D/MORE", file(0));
    let error = FatImage::plan(&tree, &options(ByteSize::mib(64))).unwrap_err();
    assert!(error.to_string().starts_with("the directory /D needs 65537 records of 32 bytes but 65536 are allowed"));
}

#[test]
fn another_reader_counts_the_same() {
    let (_, disk) = write(&esp(), &options(ByteSize::mib(64)));
    let volume = fatfs::FileSystem::new(disk.reopen().unwrap(), fatfs::FsOptions::new()).unwrap();
    assert_eq!(volume.fat_type(), fatfs::FatType::Fat32);
    assert_eq!(volume.volume_id(), 0x1234_ABCD);
    assert_eq!(volume.read_volume_label_from_root_dir().unwrap().as_deref(), Some("EFI-SYSTEM"));
    let status = volume.read_status_flags().unwrap();
    assert!(!status.dirty() && !status.io_error());
    // It counts the free clusters itself when told to.
    let told = volume.stats().unwrap().free_clusters();
    let mut copy = tempfile::tempfile().unwrap();
    std::io::copy(&mut disk.reopen().unwrap(), &mut copy).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&copy, &[0xFF; 8], 512 + 0x1E8).unwrap();
    copy.rewind().unwrap();
    let counted = fatfs::FileSystem::new(copy, fatfs::FsOptions::new()).unwrap().stats().unwrap().free_clusters();
    assert_eq!(told, counted);
}

#[test]
fn the_image_can_be_written_on() {
    let (_, disk) = write(&esp(), &options(ByteSize::mib(64)));
    let path = disk.path().to_str().unwrap();
    let source = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(source.path(), vec![7; 100_000]).unwrap();
    run("mtools", "mcopy", &["-i", path, source.path().to_str().unwrap(), "::EFI/BOOT/one-more-loader.efi"]);
    run("mtools", "mdel", &["-i", path, "::empty"]);
    fsck(disk.path());
    let out = mcopy_all(disk.path());
    assert_eq!(std::fs::read(out.path().join("EFI/BOOT/one-more-loader.efi")).unwrap(), vec![7; 100_000]);
}

#[test]
fn a_device_of_another_size_is_refused() {
    let image = FatImage::plan(&esp(), &options(ByteSize::mib(64))).unwrap();
    let mut device = SparseFile::new(tempfile::tempfile().unwrap(), ByteSize::mib(63)).unwrap();
    assert_eq!(image.write_to(&mut device).unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

#[test]
fn the_bytes_are_pinned() {
    let (_, disk) = write(&esp(), &options(ByteSize::mib(33)));
    let (_, again) = write(&esp(), &options(ByteSize::mib(33)));
    assert_eq!(digest(disk.path()), digest(again.path()));
    assert_eq!(digest(disk.path()), "09f7237f529d0231e983ae55e4aac89b5e86969001328096f26fe3c3940f35f9");
}
