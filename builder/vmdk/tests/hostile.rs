//! Files that were cut or changed: an error or another disk, but never a panic, a hang or much memory.

mod disk;

use builder_block::{DiskSource, PIECE, ReadAt};
use builder_vmdk::VmdkReader;
use disk::{Disk, converted, same};

fn small() -> Disk {
    Disk::new((40 << 20) + 512)
        .with(0, &[1; 1000])
        .with(130_000, &[2; 3000])
        .with(39 << 20, b"far")
        .with(40 << 20, b"end")
}

/// Our file and two of QEMU's.
fn files(disk: &Disk) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("ours", disk.vmdk(6)),
        ("QEMU's stream", converted(disk.raw.path(), "subformat=streamOptimized")),
        ("QEMU's sparse file", converted(disk.raw.path(), "subformat=monolithicSparse")),
    ]
}

/// Reads all that is there and gives the number of bytes.
fn read_all(file: Vec<u8>) -> Result<u64, Box<dyn std::error::Error>> {
    let reader = VmdkReader::open(file)?;
    let mut buffer = vec![0; usize::try_from(PIECE)?];
    let mut total = 0;
    for region in reader.regions() {
        let region = region?;
        assert!(region.start < region.end && region.end <= reader.size().bytes());
        let mut at = region.start;
        while at < region.end {
            let now = usize::try_from((region.end - at).min(PIECE))?;
            reader.read_at(at, &mut buffer[..now])?;
            at += now as u64;
            total += now as u64;
        }
    }
    Ok(total)
}

#[test]
fn a_file_that_was_cut_is_an_error() {
    let disk = small();
    for (name, file) in files(&disk) {
        let end = file.len() - 4096;
        let lengths = (0..end).step_by(5009).chain((end..file.len()).step_by(256)).chain([file.len() - 1]);
        for length in lengths {
            let cut = VmdkReader::open(file[..length].to_vec());
            let error = match cut {
                Ok(reader) => same(&reader, &disk.recorded).map(|same| assert!(same, "{name} {length}")).err(),
                Err(_) => continue,
            };
            // What QEMU's files end with may be padding.
            assert!(error.is_some() || name != "ours", "{name} {length}");
        }
    }
}

#[test]
fn any_changed_byte_gives_an_error_or_a_disk() {
    let disk = small();
    for (name, file) in files(&disk) {
        // All that is not padding; of the text each seventh byte.
        let places = (0..file.len()).filter(|&at| at < 80 || file[at] != 0);
        for at in places.filter(|&at| !(512..1200).contains(&at) || at % 7 == 0) {
            // A sparse file's grains are not looked at; their bytes are those of the disk.
            if name == "QEMU's sparse file" && at >= 128 << 9 {
                break;
            }
            for change in [0x01, 0xff] {
                let mut changed = file.clone();
                changed[at] ^= change;
                if let Ok(total) = read_all(changed) {
                    assert!(total < 1 << 30, "{name}: byte {at} gives {total} bytes");
                }
            }
        }
    }
}

#[test]
fn an_impossible_number_is_named() {
    let file = small().vmdk(6);
    let footer = file.len() - 1024;
    let tables = file.len() - 2048;
    for (at, bytes, expected) in [
        (0, &b"COWD"[..], "a sparse extent of an ESX server"),
        (0, b"KDMX", "does not begin with"),
        (28, &[0; 8], "an extent of a disk in several files"),
        (28, &[0xff; 8], "its descriptor is the 10240 bytes at"),
        (512, b"\0", "an extent of a disk in several files"),
        (512, b"?=\0", "without a type in its descriptor"),
        (footer - 500, b"", "does not end with a footer"),
        (footer, b"X", "does not end with a footer"),
        (footer - 512 + 12, &[0], "does not end with a footer"),
        (footer + 4, &[4], "version 4"),
        (footer + 10, &[7], "flags 458753"),
        (footer + 10, &[1], "need markers"),
        (footer + 10, &[2], "compression 1"),
        (footer + 12, &[0; 8], "capacity in sectors 0"),
        (footer + 12, &[0xff; 8], "capacity in sectors 18446744073709551615"),
        (footer + 16, &[1], "its grain directory is the"),
        (footer + 20, &[0, 0], "grain size in sectors 0"),
        (footer + 20, &[100], "grain size in sectors 100"),
        (footer + 20, &[0, 16], "grain size in sectors 4096"),
        (footer + 44, &[255], "grain table 767"),
        (footer + 56, &[0xff; 8], "does not end with a footer"),
        (footer + 56, &[0xfe; 8], "first sector of the directory 18374403900871474942"),
        (footer + 56, &[0xff, 0xff, 0xff], "its grain directory is the 8 bytes at"),
        (footer + 73, b"\r", "damaged as text"),
        (footer + 77, &[0], "compression 0"),
        (tables, &[0xff; 4], "its grain table is the 2048 bytes at"),
        (tables, &[131, 0, 0, 0, 131, 0, 0, 0], "two entries of the directory have it"),
        (128 << 9, &[1], "at byte 0, at byte 65536 of the file, has the marker of another one"),
        ((128 << 9) + 8, &[0xff; 4], "more than twice its size"),
        ((128 << 9) + 8, &[1, 0, 0, 0], "is not a zlib stream"),
        ((128 << 9) + 13, &[0xff], "is not a zlib stream"),
    ] {
        let mut changed = file.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        if bytes.is_empty() {
            changed.truncate(at);
        }
        let error = read_all(changed).unwrap_err().to_string();
        assert!(error.contains(expected), "{at} {bytes:?}: {error}");
    }
}
