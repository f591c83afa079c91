//! Disks of anyone's, in other formats.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use diskwright_tests::command::{diskwright, names};
use diskwright_tests::judge::shell;

/// A disk of 40 MiB that no tool of ours made: noise, text, zeros and holes.
fn raw(path: &Path) {
    let file = fs::File::create(path).unwrap();
    file.set_len(40 << 20).unwrap();
    let noise: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    file.write_all_at(&noise, 1_000_000).unwrap();
    file.write_all_at(&b"all work and no play ".repeat(50_000), 11 << 20).unwrap();
    file.write_all_at(&[0; 100_000], 20 << 20).unwrap();
    file.write_all_at(b"the end", (40 << 20) - 7).unwrap();
}

#[test]
fn disks_made_by_qemu_img_become_what_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    raw(&path.join("disk.raw"));
    for (name, options) in [
        ("plain.qcow2", "-O qcow2"),
        ("zlib.qcow2", "-c -O qcow2"),
        ("zstd.qcow2", "-c -O qcow2 -o compression_type=zstd,cluster_size=4k"),
        ("old.qcow2", "-O qcow2 -o compat=0.10"),
        ("sparse.vmdk", "-O vmdk"),
        ("stream.vmdk", "-O vmdk -o subformat=streamOptimized"),
        ("fixed.vhd", "-O vpc -o subformat=fixed,force_size=on"),
        ("copy.raw", "-O raw"),
    ] {
        let _ = shell(path, &format!("qemu-img convert -f raw {options} disk.raw {name}"));
        let types = ["--type", "raw", "--type", "qcow2", "--type", "vhd", "--type", "raw.zst", "-o", "out"];
        let mut arguments = vec!["convert", name];
        arguments.extend(types);
        let run = diskwright(path, arguments).succeeded();
        assert!(run.stdout.starts_with(&format!("{name}: ")), "{}", run.stdout);
        let out = path.join("out");
        let _ = shell(&out, "sha256sum --quiet -c SHA256SUMS; zstd -qdc disk.raw.zst | cmp - ../disk.raw");
        let _ = shell(&out, "cmp disk.raw ../disk.raw; qemu-img check -q disk.qcow2");
        let _ = shell(&out, "qemu-img compare -q -f qcow2 -F raw disk.qcow2 ../disk.raw");
        let _ = shell(&out, "qemu-img compare -q -f vpc -F raw disk.vhd ../disk.raw");
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn the_same_disk_gives_the_same_files_whatever_format_it_came_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    raw(&path.join("disk.raw"));
    let _ = shell(path, "qemu-img convert -f raw -O qcow2 -c disk.raw disk.qcow2");
    for (source, output) in [("disk.raw", "first.ova"), ("disk.qcow2", "second.ova")] {
        let arguments = ["convert", source, "--type", "ova", "--no-bundle", "-o", output];
        let _ = diskwright(path, arguments).succeeded();
    }
    let _ = shell(path, "cmp first.ova second.ova");
}

#[test]
fn what_is_no_disk_is_refused_and_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    raw(&path.join("disk.raw"));
    let _ = shell(path, "gzip -k disk.raw; xz -k -0 disk.raw; head -c 1000 disk.raw > odd; : > empty; mkdir directory");
    let _ = shell(path, "qemu-img convert -f raw -O qcow2 -c disk.raw cut.qcow2; truncate -s 300K cut.qcow2");
    let _ = shell(path, "qemu-img create -q -f qcow2 -b disk.raw -F raw backed.qcow2");
    let _ = shell(path, "qemu-img convert -f raw -O vpc disk.raw dynamic.vhd");
    let _ = shell(path, "qemu-img convert -f raw -O vdi disk.raw disk.vdi; tar -cf disk.ova disk.raw");
    let _ = shell(path, "qemu-img convert -f raw -O vhdx disk.raw disk.vhdx; tar --format=gnu -cf disk.tar disk.raw");
    let _ = shell(path, "qemu-img convert -f raw -O vmdk -o subformat=monolithicFlat disk.raw flat.vmdk");
    let before = names(path);
    for (source, code, words) in [
        ("disk.vdi", 3, "disk.vdi is a VirtualBox disk (VDI), which is not read\n\nhint: make a raw disk of it first"),
        ("disk.vhdx", 3, "disk.vhdx is a VHDX disk"),
        ("disk.ova", 3, "hint: give the disk that is in it, after `tar -xf`: disk.ova"),
        ("disk.tar", 3, "disk.tar is an archive"),
        ("flat.vmdk", 3, "a descriptor of extents in other files"),
        ("missing", 7, "cannot read missing"),
        ("directory", 7, "cannot read directory"),
        ("disk.raw.gz", 3, "disk.raw.gz is a gzip file\n\nhint: decompress it first: gunzip disk.raw.gz"),
        ("disk.raw.xz", 3, "is a xz file"),
        ("odd", 3, "it has 1000 bytes, not whole sectors"),
        ("empty", 3, "it has 0 bytes"),
        ("cut.qcow2", 3, "cut.qcow2"),
        ("backed.qcow2", 3, "disk.raw"),
        ("dynamic.vhd", 3, "dynamic.vhd"),
    ] {
        let run = diskwright(path, ["convert", source, "--type", "vmdk", "-o", "out.vmdk"]);
        assert_eq!(run.code, Some(code), "{source}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{source}: {}", run.stderr);
        assert_eq!(names(path), before, "{source}");
    }
    let run = diskwright(path, ["convert", "disk.raw", "-o", "disk.raw"]);
    assert_eq!(run.code, Some(6), "{}", run.stderr);
    assert!(run.stderr.contains("is the disk that is read"), "{}", run.stderr);
    assert_eq!(names(path), before);
}
