//! Whole disks, of a tiny image and of the real one, judged part by part.

use std::fs;

use diskwright_tests::command::diskwright;
use diskwright_tests::fixture::{Image, system, tiny};
use diskwright_tests::image::real;
use diskwright_tests::judge::judge;
use diskwright_tests::partition::{Mounted, extract, partitions};

use crate::judges::{build, judge_disk};

#[test]
fn a_tiny_image_makes_a_disk_that_every_judge_accepts() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let (disk, result) = build(directory.path(), &source, &[]);
    drop(judge_disk(directory.path(), &disk, &result["plan"]));
}

#[test]
fn boot_on_its_own_partition_is_mounted_by_the_system() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let layout = diskwright_tests::command::checkout().join("templates/layout-x86_64-boot.toml");
    let (disk, result) = build(directory.path(), &source, &["--layout", layout.to_str().unwrap()]);
    // ostree judges a sysroot whose /boot is mounted; here that needs two mounts.
    let boot = extract(&disk, "boot", directory.path());
    let root = extract(&disk, "root", directory.path());
    for image in [&boot, &root] {
        let _ = judge("e2fsck", ["-fn".as_ref(), image.as_os_str()]).passed();
    }
    let root = Mounted::new(&root, directory.path().join("mounted"));
    assert_eq!(fs::read_dir(root.at.join("boot")).unwrap().count(), 0, "/boot of the root must be empty");
    let request = "cat /loader/entries/ostree-1.conf";
    let entry = judge("debugfs", ["-R".as_ref(), request.as_ref(), boot.as_os_str()]).passed().stdout;
    let uuid = result["plan"]["disk"]["partitions"][1]["uuid"].as_str().unwrap();
    assert!(entry.contains(&format!("boot=UUID={uuid}")), "{entry}");
    let commit = result["plan"]["deployment"]["commit"].as_str().unwrap();
    let fstab = root.at.join(format!("ostree/deploy/default/deploy/{commit}.0/etc/fstab"));
    let fstab = fs::read_to_string(fstab).unwrap();
    assert!(fstab.contains(&format!("UUID={uuid} /boot ")), "{fstab}");
}

#[test]
fn an_arm64_image_makes_an_arm64_disk_on_any_machine() {
    let directory = tempfile::tempdir().unwrap();
    let layer = system()
        .file("usr/lib/grub/arm64-efi-signed/grubaa64.efi.signed", 0o644, b"MZ fake arm64 \0/EFI/debian\0")
        .file("usr/lib/shim/shimaa64.efi.signed", 0o644, b"MZ fake arm64 shim");
    let mut image = Image::new(vec![layer]);
    image.architecture = "arm64".to_owned();
    let source = image.write(&directory.path().join("arm"));
    let run = diskwright(directory.path(), ["build", &source, "--platform", "linux/arm64"]).succeeded();
    assert!(run.stdout.contains("linux/arm64"), "{}", run.stdout);
    let disk = directory.path().join("disk.raw");
    let root = partitions(&disk).pop().unwrap();
    assert_eq!(root.type_guid, "b921b045-1df0-41c3-af44-4c6f280d3fae", "not the root type of arm64");
    let esp = extract(&disk, "EFI-SYSTEM", directory.path());
    let listing =
        judge("mdir", ["-/".as_ref(), "-b".as_ref(), "-i".as_ref(), esp.as_os_str(), "::/".as_ref()]).passed();
    for file in ["EFI/BOOT/BOOTAA64.EFI", "EFI/debian/grubaa64.efi", "EFI/debian/shimaa64.efi", "EFI/debian/grub.cfg"] {
        assert!(listing.stdout.lines().any(|line| line == format!("::/{file}")), "no {file} in {}", listing.stdout);
    }
    assert!(!listing.stdout.contains("X64"), "{}", listing.stdout);
}

#[test]
fn sizes_asked_for_are_sizes_given() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let (disk, _) = build(directory.path(), &source, &["--disk-size", "6G"]);
    assert_eq!(fs::metadata(&disk).unwrap().len(), 6 << 30);
    let root = partitions(&disk).pop().unwrap();
    assert!(root.offset + root.size > (6 << 30) - (2 << 20), "the root does not reach the end: {root:?}");
    let (disk, _) = build(directory.path(), &source, &["--root-size", "3G", "--disk-size", "5G"]);
    assert_eq!(partitions(&disk).pop().unwrap().size, 3 << 30);
    let _ = judge("sgdisk", ["-v".as_ref(), disk.as_os_str()]).passed();
    let _ = judge("e2fsck", ["-fn".as_ref(), extract(&disk, "root", directory.path()).as_os_str()]).passed();
}

#[test]
fn the_real_image_makes_a_disk_that_every_judge_accepts() {
    let source = real("example");
    let directory = tempfile::tempdir().unwrap();
    let (disk, result) = build(directory.path(), &source, &["--target-imgref", "registry.example/os:stable"]);
    let plan = &result["plan"];
    drop(judge_disk(directory.path(), &disk, plan));
    assert_eq!(plan["deployment"]["origin"], "ostree-unverified-registry:registry.example/os:stable");
    // GRUB's own reader finds kernel and initramfs where the boot entry says they are.
    let root = directory.path().join("root.img");
    let entry = plan["boot"]["entry"].as_str().unwrap();
    let request = format!("cat {entry}");
    let entry = judge("debugfs", ["-R".as_ref(), request.as_ref(), root.as_os_str()]).passed().stdout;
    for key in ["linux ", "initrd "] {
        let path = entry.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        let found = judge("grub-fstest", [root.to_str().unwrap(), "crc", &format!("(loop0){path}")]).passed();
        assert!(!found.stdout.trim().is_empty(), "{path}: {}", found.stderr);
    }
}

#[test]
fn the_example_layout_makes_the_disk_that_it_describes() {
    let directory = tempfile::tempdir().unwrap();
    let source = tiny(directory.path());
    let layout = diskwright_tests::command::checkout().join("examples/layout-server.toml");
    let (disk, _) = build(directory.path(), &source, &["--layout", layout.to_str().unwrap()]);
    let sizes: Vec<u64> = partitions(&disk).iter().map(|partition| partition.size >> 20).collect();
    assert_eq!(sizes, [128, 4 << 10]);
    let _ = judge("e2fsck", ["-fn".as_ref(), extract(&disk, "root", directory.path()).as_os_str()]).passed();
}

#[test]
fn more_links_than_ext4_can_hold_become_several_files() {
    // 65,000 is what ext4 allows an inode; equal files are one object of the repository, whatever they were.
    let directory = tempfile::tempdir().unwrap();
    let mut layer = system().directory("usr/share/", 0o755).file("usr/share/first", 0o644, b"much the same");
    for number in 0..66_000 {
        layer = layer.hard_link(&format!("usr/share/{number}"), "usr/share/first");
    }
    let source = Image::new(vec![layer]).write(&directory.path().join("image"));
    let (disk, result) = build(directory.path(), &source, &[]);
    let mounted = judge_disk(directory.path(), &disk, &result["plan"]);
    let commit = result["plan"]["deployment"]["commit"].as_str().unwrap();
    let share = mounted.at.join(format!("ostree/deploy/default/deploy/{commit}.0/usr/share"));
    assert_eq!(std::fs::read_dir(&share).unwrap().count(), 66_001);
    assert_eq!(std::fs::read(share.join("65999")).unwrap(), b"much the same");
}
