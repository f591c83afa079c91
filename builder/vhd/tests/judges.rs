//! VHD files as `qemu-img` sees them, and the reader over files that `qemu-img` made.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use builder_block::{ByteSize, DiskSource, ReadAt, Recorded, Region, WriteAt};
use builder_vhd::{FOOTER_SIZE, MAX_SIZE, Options, VhdError, VhdReader, footer};
use tempfile::NamedTempFile;

fn qemu_img(arguments: &[&str], files: &[&Path]) -> String {
    let output = match Command::new("qemu-img").args(arguments).args(files).output() {
        Ok(output) => output,
        Err(error) => panic!("qemu-img: {error}; install the Debian package `qemu-utils`"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

const RUNS: [(u64, &[u8]); 3] = [(0, b"first"), (700_000, &[7; 5000]), ((1 << 20) - 4, b"last")];

fn options(size: ByteSize) -> Options {
    Options { size, unique_id: [0xab; 16], created: 1_700_000_000 }
}

/// A disk whose first MiB has data, raw.
fn raw(size: ByteSize) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    file.as_file().set_len(size.bytes()).unwrap();
    for (offset, bytes) in RUNS {
        file.as_file().write_all_at(bytes, offset).unwrap();
    }
    file
}

#[test]
fn qemu_img_finds_the_same_disk_of_the_same_size() {
    // Sizes at the seams of the geometry, most of them no multiple of a cylinder.
    let sizes = [1, 3, 34, 35, 137, 248, 1023, 32_255, 130_557, 10 << 10, 2040 << 10].map(ByteSize::mib);
    for size in sizes {
        let (raw, vhd) = (raw(size), raw(size));
        vhd.as_file().write_all_at(&footer(&options(size)).unwrap(), size.bytes()).unwrap();
        let shown = qemu_img(&["info", "-f", "vpc", "--output=json"], &[vhd.path()]);
        assert!(shown.contains(&format!("\"virtual-size\": {},", size.bytes())), "{size}: {shown}");
        let compared = qemu_img(&["compare", "-f", "raw", "-F", "vpc"], &[raw.path(), vhd.path()]);
        assert!(compared.contains("Images are identical"), "{size}: {compared}");
    }
    assert_eq!(sizes[10], MAX_SIZE);
}

#[test]
fn the_reader_finds_the_same_disk_in_what_qemu_made() {
    let size = ByteSize::mib(5);
    let (raw, made) = (raw(size), NamedTempFile::new().unwrap());
    let kinds = |kind: &str| format!("subformat={kind},force_size=on");
    qemu_img(&["convert", "-f", "raw", "-O", "vpc", "-o", &kinds("fixed")], &[raw.path(), made.path()]);
    let reader = VhdReader::open(std::fs::read(made.path()).unwrap()).unwrap();
    assert_eq!(reader.size(), size);
    let mut read = vec![0; 5 << 20];
    reader.read_at(0, &mut read).unwrap();
    assert!(read == std::fs::read(raw.path()).unwrap());
    assert_eq!(reader.read_at(5 << 20, &mut [0]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);

    qemu_img(&["convert", "-f", "raw", "-O", "vpc", "-o", &kinds("dynamic")], &[raw.path(), made.path()]);
    let error = VhdReader::open(std::fs::read(made.path()).unwrap()).err().unwrap();
    assert_eq!(error.to_string(), "the VHD file holds a dynamic disk; only fixed ones can be read");
    assert!(error.hint().unwrap().contains("qemu-img convert"));
}

#[test]
fn the_reader_keeps_holes_and_hides_the_footer() {
    let size = ByteSize::mib(2);
    let length = ByteSize::new(size.bytes() + FOOTER_SIZE as u64);
    let mut file = Recorded::new(length, tempfile::tempfile().unwrap());
    file.write_at(1 << 20, b"data").unwrap();
    file.write_at(size.bytes() - 2, b"..").unwrap();
    file.write_at(size.bytes(), &footer(&options(size)).unwrap()).unwrap();
    let reader = VhdReader::open(file).unwrap();
    let regions: Vec<Region> = reader.regions().map(Result::unwrap).collect();
    let region = |start, end| Region { start, end };
    assert_eq!(regions, [region(1 << 20, (1 << 20) + 4), region(size.bytes() - 2, size.bytes())]);
}

#[test]
fn a_file_that_was_cut_is_an_error() {
    let mut file = vec![0; 1 << 20];
    file.extend(footer(&options(ByteSize::mib(1))).unwrap());
    assert!(VhdReader::open(file.clone()).is_ok());
    for length in [0, 1, 511, 512, 1 << 20, file.len() - 1] {
        let error = VhdReader::open(file[..length].to_vec()).err();
        assert!(matches!(error, Some(VhdError::NotVhd)), "{length}: {error:?}");
    }
    for start in [1, 512, 1 << 20] {
        let error = VhdReader::open(file[start..].to_vec()).err();
        assert!(matches!(error, Some(VhdError::Truncated { .. })), "{start}: {error:?}");
    }
}
