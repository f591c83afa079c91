//! FAT16 file systems as `fsck.fat`, mtools and the fatfs crate see them.

use crate::support::{compare, compare_with_fatfs, file, insert, run};
use builder_block::{ByteSize, FilesystemImage as _, SparseFile};
use builder_fat::{FatError, SmallFatImage, SmallOptions};
use builder_tree::{ContentStore, FileTree, Inode, Metadata};
use tempfile::NamedTempFile;

fn options() -> SmallOptions {
    SmallOptions { volume_id: 0x1234_ABCD, label: "EFI-SYSTEM".into(), timestamp: 1_700_000_000 }
}

fn write(tree: &FileTree) -> (SmallFatImage, NamedTempFile) {
    let image = SmallFatImage::plan(tree, &options()).unwrap();
    let disk = NamedTempFile::new().unwrap();
    let mut device = SparseFile::new(disk.reopen().unwrap(), image.size()).unwrap();
    image.write_to(&mut device).unwrap();
    (image, disk)
}

fn zeros(length: u64) -> Inode {
    let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
    let mut writer = store.writer(b"");
    writer.hole(length).unwrap();
    let content = writer.finish().unwrap();
    store.flush().unwrap();
    Inode::regular(Metadata::root(0o644), content)
}

#[test]
fn trees_of_every_size_are_clean_and_complete() {
    // The last sizes are where clusters grow, and where the sectors no longer fit 16 bits.
    for large in [0, 1, 511, 512, 513, 1_000_000, 12_000_000, 33_000_000, 33_600_000, 200_000_000] {
        let mut tree = FileTree::new();
        for (path, length) in [
            ("EFI/BOOT/BOOTX64.EFI", 70_000),
            ("EFI/BOOT/grubx64.efi", 4096),
            ("EFI/debian/a file with a long name.cfg", 150),
            ("loader/entries/one.conf", 300),
            ("empty", 0),
        ] {
            insert(&mut tree, path, file(length));
        }
        for number in 0..100 {
            insert(&mut tree, &format!("EFI/many/a-rather-long-name-{number}"), file(number));
        }
        insert(&mut tree, "large", zeros(large));
        let (image, disk) = write(&tree);
        compare(&tree, disk.path());
        compare_with_fatfs(&tree, disk.path());
        let probed = run("util-linux", "blkid", &["-p", "-o", "export", disk.path().to_str().unwrap()]);
        for line in ["TYPE=vfat", "VERSION=FAT16", "LABEL=EFI-SYSTEM", "LABEL_FATBOOT=EFI-SYSTEM", "UUID=1234-ABCD"] {
            assert!(probed.lines().any(|probed| probed == line), "{large}: {probed} lacks {line}");
        }
        // No larger than the tree, but for the clusters that the format wants at least.
        let most = ByteSize::new(2_300_000 + large + large / 50);
        assert!(image.size() <= most, "{large}: {} of {most}", image.size());
    }
}

#[test]
fn what_it_cannot_hold_is_named() {
    let mut wide = FileTree::new();
    for number in 0..200 {
        insert(&mut wide, &format!("a-long-name-in-the-root-{number}"), file(1));
    }
    let error = SmallFatImage::plan(&wide, &options()).unwrap_err();
    assert!(matches!(error, FatError::DirectoryTooLarge { records: 701, limit: 512, .. }), "{error:?}");

    let mut large = FileTree::new();
    insert(&mut large, "a", zeros(3 << 30));
    let error = SmallFatImage::plan(&large, &options()).unwrap_err();
    assert!(matches!(error, FatError::TreeTooLarge { needed: 98_304 }), "{error:?}");
}
