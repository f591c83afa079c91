//! Files that we write, judged by qemu-img.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use builder_block::{ByteSize, DiskSource, PIECE, Piece, ReadAt, Recorded, WriteAt};
use builder_qcow2::{Compression, Encoder, Options, Writer};

/// Numbers that are the same every time (xorshift).
fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    }
}

/// A disk with text, noise, zeros that were written, and holes.
fn disk(seed: u64, size: u64) -> Recorded {
    let mut number = numbers(seed);
    let mut disk = Recorded::new(ByteSize::new(size), tempfile::tempfile().unwrap());
    for _ in 0..40 {
        let offset = number(size);
        let length = usize::try_from((1 + number(400_000)).min(size - offset)).unwrap();
        let bytes: Vec<u8> = match number(4) {
            0 => vec![0; length],
            1 => vec![0x55; length],
            2 => (0..length).map(|at| b"all work and no play "[at % 21]).collect(),
            _ => (0..length).map(|_| u8::try_from(number(256)).unwrap()).collect(),
        };
        disk.write_at(offset, &bytes).unwrap();
    }
    disk
}

fn write(disk: &Recorded, options: &Options, path: &Path) -> io::Result<u64> {
    let mut file = File::create(path)?;
    let encoder = Encoder::new(options).map_err(io::Error::other)?;
    let mut writer = Writer::new(options).map_err(io::Error::other)?;
    let mut offset = 0;
    while offset < ReadAt::size(disk).bytes() {
        let piece = Piece::read(disk, offset)?;
        writer.append(&mut file, &piece, &encoder.encode(&piece)?)?;
        offset += PIECE;
    }
    writer.finish(&mut file)
}

fn write_raw(disk: &Recorded, path: &Path) {
    let file = File::create(path).unwrap();
    file.set_len(ReadAt::size(disk).bytes()).unwrap();
    for region in disk.regions().map(Result::unwrap) {
        let mut bytes = vec![0; usize::try_from(region.end - region.start).unwrap()];
        disk.read_at(region.start, &mut bytes).unwrap();
        file.write_all_at(&bytes, region.start).unwrap();
    }
}

fn qemu_img(arguments: &[&str], paths: &[&Path]) -> String {
    let output = Command::new("qemu-img")
        .args(arguments)
        .args(paths)
        .output()
        .unwrap_or_else(|error| panic!("qemu-img: {error}; install the Debian package qemu-utils"));
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {words}{}", String::from_utf8_lossy(&output.stderr));
    words
}

#[test]
fn qemu_img_finds_the_same_disk_and_nothing_to_repair() {
    let directory = tempfile::tempdir().unwrap();
    let (raw, qcow2) = (directory.path().join("disk.raw"), directory.path().join("disk.qcow2"));
    let mut seed = 0;
    for (compression, level) in [
        (Compression::None, 0),
        (Compression::Zlib, 1),
        (Compression::Zlib, 6),
        (Compression::Zstd, 1),
        (Compression::Zstd, 3),
    ] {
        for cluster_size in [512, 4096, 65_536, 2 << 20] {
            for size in [512, PIECE, 3 * PIECE + 70_144, 600 << 20] {
                seed += 1;
                let disk = disk(seed, size);
                write_raw(&disk, &raw);
                let options = Options {
                    size: ByteSize::new(size),
                    cluster_size: ByteSize::new(cluster_size),
                    compression,
                    level,
                };
                let length = write(&disk, &options, &qcow2).unwrap();
                assert_eq!(length, qcow2.metadata().unwrap().len());
                // Leaked and doubly used clusters are errors of the check.
                qemu_img(&["check", "-q"], &[&qcow2]);
                qemu_img(&["compare", "-q", "-f", "raw", "-F", "qcow2"], &[&raw, &qcow2]);
                let info = qemu_img(&["info"], &[&qcow2]);
                assert!(info.contains(&format!("cluster_size: {cluster_size}")), "{info}");
                let words = if compression == Compression::Zstd { "type: zstd" } else { "type: zlib" };
                assert!(info.contains(words) && info.contains("corrupt: false"), "{info}");
            }
        }
    }
}

#[test]
fn zeros_take_no_cluster() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("disk.qcow2");
    let mut disk = Recorded::new(ByteSize::new(1 << 30), tempfile::tempfile().unwrap());
    for offset in [0, 500 << 20, 900 << 20] {
        disk.write_at(offset, &vec![0; 9_000_000]).unwrap();
    }
    for compression in [Compression::None, Compression::Zlib, Compression::Zstd] {
        let options = Options {
            size: ByteSize::new(1 << 30),
            cluster_size: Options::CLUSTER_SIZE,
            compression,
            level: Options::default_level(compression),
        };
        // Header, L1 table, refcount table and one block of refcounts.
        assert_eq!(write(&disk, &options, &path).unwrap(), 4 * 65_536);
    }
}

#[test]
fn a_file_that_cannot_be_is_refused_with_the_number() {
    let good = Options {
        size: ByteSize::new(1 << 30),
        cluster_size: Options::CLUSTER_SIZE,
        compression: Compression::Zstd,
        level: 3,
    };
    for (options, words) in [
        (Options { size: ByteSize::new(0), ..good }, "0 bytes"),
        (Options { size: ByteSize::new(1000), ..good }, "1000 bytes"),
        (Options { cluster_size: ByteSize::new(256), ..good }, "256 bytes"),
        (Options { cluster_size: ByteSize::new(5000), ..good }, "5000 bytes"),
        (Options { cluster_size: ByteSize::new(4 << 20), ..good }, "4194304 bytes"),
        (Options { level: 23, ..good }, "from 1 to 22"),
        (Options { compression: Compression::Zlib, level: 0, ..good }, "from 1 to 9"),
        (Options { size: ByteSize::new(1 << 40), cluster_size: ByteSize::new(512), ..good }, "too many clusters"),
    ] {
        let error = Writer::new(&options).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(Encoder::new(&options).is_err());
    }
}
