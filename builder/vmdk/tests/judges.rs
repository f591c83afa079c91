//! VMDK files as `qemu-img` sees them, and the reader over files that `qemu-img` made.

mod disk;

use std::path::Path;

use builder_block::{ByteSize, DiskSource, PIECE, Piece};
use builder_vmdk::{Encoder, Options, VmdkError, VmdkReader, Writer};
use disk::{Disk, Stream, converted, disks, file, numbers, qemu_img, same};
use sha2::{Digest, Sha256};

#[test]
fn qemu_img_finds_the_same_disk() {
    let directory = tempfile::tempdir().unwrap();
    for (name, disk) in disks() {
        // Where it has the most to do, at each kind of level: none, fast, usual, and one that is too high.
        let levels = if disk.size() < 2 << 20 { &[0, 1, 6, 11][..] } else { &[1] };
        for &level in levels {
            let vmdk = file(directory.path(), &disk.vmdk(level));
            let checked = qemu_img(&["check", "-f", "vmdk"], &[&vmdk]);
            assert!(checked.contains("No errors were found"), "{name}: {checked}");
            let shown = qemu_img(&["info", "--output=json"], &[&vmdk]);
            for expected in [
                "\"format\": \"vmdk\"".to_owned(),
                format!("\"virtual-size\": {},", disk.size()),
                "\"create-type\": \"streamOptimized\"".to_owned(),
                format!("\"cid\": {},", 0x1234_abcd),
                "\"compressed\": true".to_owned(),
            ] {
                assert!(shown.contains(&expected), "{name}: {shown}\nlacks {expected}");
            }
            let compared = qemu_img(&["compare", "-f", "raw", "-F", "vmdk"], &[disk.raw.path(), &vmdk]);
            assert!(compared.contains("Images are identical"), "{name}: {compared}");
            std::fs::remove_file(vmdk).unwrap();
        }
    }
}

#[test]
fn the_reader_finds_the_same_disk() {
    for (name, disk) in disks() {
        let reader = VmdkReader::open(disk.vmdk(1)).unwrap();
        assert!(same(&reader, &disk.recorded).unwrap(), "{name}");
    }
}

#[test]
fn the_reader_finds_the_same_disk_in_what_qemu_made() {
    for (name, disk) in disks() {
        for kind in ["streamOptimized", "monolithicSparse"] {
            let made = converted(disk.raw.path(), &format!("subformat={kind}"));
            let reader = VmdkReader::open(made).unwrap();
            assert!(same(&reader, &disk.recorded).unwrap(), "{name} as {kind}");
        }
        let zeroed = converted(disk.raw.path(), "subformat=monolithicSparse,zeroed_grain=on");
        assert!(same(&VmdkReader::open(zeroed).unwrap(), &disk.recorded).unwrap(), "{name}");
    }
}

#[test]
fn data_is_found_from_anywhere_in_any_order() {
    let (_, disk) = disks().swap_remove(4);
    let vmdk = disk.vmdk(1);
    let reader = VmdkReader::open(vmdk.clone()).unwrap();
    let mut number = numbers(5);
    let size = usize::try_from(disk.size()).unwrap();
    for from in (0..100).map(|_| number(size) as u64).chain([disk.size() - 1, disk.size(), u64::MAX]) {
        let fresh = VmdkReader::open(vmdk.clone()).unwrap();
        assert_eq!(reader.data_behind(from).unwrap(), fresh.data_behind(from).unwrap(), "{from}");
    }
}

#[test]
fn zeros_take_no_grain() {
    let vmdk = Disk::new(1 << 30).with(5 << 20, &[0; 1 << 20]).vmdk(6);
    // Head, directory of 32 entries and three markers.
    assert_eq!(vmdk.len(), (128 + 1 + 1 + 3) * 512);
}

#[test]
fn pieces_encoded_at_the_same_time_give_the_same_file() {
    let (_, disk) = disks().swap_remove(4);
    let options = disk.options(6);
    let encoder = Encoder::new(&options);
    let offsets = (0..disk.size()).step_by(usize::try_from(PIECE).unwrap());
    let pieces: Vec<Piece> = offsets.map(|offset| Piece::read(&disk.recorded, offset).unwrap()).collect();
    let encoded: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = pieces.iter().map(|piece| scope.spawn(|| encoder.encode(piece).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (mut writer, mut stream) = (Writer::new(&options).unwrap(), Stream::default());
    // Holes may be left out.
    for encoded in encoded.iter().filter(|encoded| encoded.length() > 0) {
        writer.append(&mut stream, encoded).unwrap();
    }
    assert!(writer.append(&mut stream, &encoded[0]).is_err(), "a piece may not come again");
    writer.finish(&mut stream).unwrap();
    assert!(stream.0 == disk.vmdk(6));
}

#[test]
fn pieces_of_other_disks_are_refused() {
    let small = Disk::new(1 << 20).with(0, b"x");
    let large = Disk::new(8 << 20).with(0, b"x").with(5 << 20, b"x");
    let piece = |disk: &Disk, offset| Piece::read(&disk.recorded, offset).unwrap();
    let small_encoder = Encoder::new(&small.options(6));
    let large_encoder = Encoder::new(&large.options(6));
    assert!(small_encoder.encode(&piece(&large, 0)).is_err());
    assert!(large_encoder.encode(&piece(&small, 0)).is_err());
    assert!(large_encoder.encode(&piece(&large, 64 << 10)).is_err());
    let foreign = large_encoder.encode(&piece(&large, PIECE)).unwrap();
    let mut writer = Writer::new(&small.options(6)).unwrap();
    assert!(writer.append(&mut Stream::default(), &foreign).is_err());
    assert!(Writer::new(&Options { size: ByteSize::new(100), ..small.options(6) }).is_err());
}

#[test]
fn other_kinds_are_refused_by_name() {
    let disk = Disk::new(3 << 20).with(0, b"x");
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let convert = |format: &str, options: &[&str], name: &str| {
        let arguments: Vec<&str> = ["convert", "-f", "raw", "-O", format].iter().chain(options).copied().collect();
        qemu_img(&arguments, &[disk.raw.path(), &at(name)]);
    };
    convert("vmdk", &["-o", "subformat=monolithicFlat"], "flat.vmdk");
    convert("vmdk", &["-o", "subformat=twoGbMaxExtentSparse"], "split.vmdk");
    convert("vmdk", &[], "base.vmdk");
    convert("qcow2", &[], "disk.qcow2");
    let base = at("base.vmdk");
    qemu_img(&["create", "-f", "vmdk", "-F", "vmdk", "-b", base.to_str().unwrap()], &[&at("child.vmdk")]);
    let error = |path: &Path| VmdkReader::open(std::fs::read(path).unwrap()).err().unwrap();
    for (name, expected) in [
        ("flat.vmdk", "a descriptor of extents in other files"),
        ("flat-flat.vmdk", "does not begin with \"KDMV\""),
        ("split.vmdk", "a descriptor of extents in other files"),
        ("split-s001.vmdk", "an extent of a disk in several files"),
        ("child.vmdk", "only the difference to another one (parent"),
        ("disk.qcow2", "does not begin with \"KDMV\""),
    ] {
        let error = error(&at(name));
        assert!(error.to_string().contains(expected), "{name}: {error}");
        assert_eq!(error.hint().is_some(), !matches!(error, VmdkError::NotVmdk), "{name}");
    }
}

#[test]
fn the_bytes_are_pinned() {
    let disk = Disk::new((40 << 20) + 512).with(100, b"hello").with(33 << 20, &[7; 100_000]).with(40 << 20, b"end");
    let digest: String = Sha256::digest(disk.vmdk(6)).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(digest, "9b8d2265e9fc4aeb5e65d47b393489a5abd89b1168f686a17abc634e78b9d28c");
}
