//! What the tests share: a disk in two forms, and the tools that judge.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Output};

use builder_block::{ByteSize, DiskSource, PIECE, Piece, ReadAt, Recorded, Sink, WriteAt};
use builder_vmdk::{Encoder, Options, Writer};
use tempfile::NamedTempFile;

/// A disk, and a raw file with the same bytes for other tools.
pub(crate) struct Disk {
    pub(crate) recorded: Recorded,
    pub(crate) raw: NamedTempFile,
}

impl Disk {
    pub(crate) fn new(size: u64) -> Self {
        let raw = NamedTempFile::new().unwrap();
        raw.as_file().set_len(size).unwrap();
        Self { recorded: Recorded::new(ByteSize::new(size), tempfile::tempfile().unwrap()), raw }
    }

    pub(crate) fn with(mut self, offset: u64, bytes: &[u8]) -> Self {
        self.recorded.write_at(offset, bytes).unwrap();
        self.raw.as_file().write_all_at(bytes, offset).unwrap();
        self
    }

    pub(crate) fn size(&self) -> u64 {
        ReadAt::size(&self.recorded).bytes()
    }

    pub(crate) fn options(&self, level: u32) -> Options {
        Options { size: ByteSize::new(self.size()), level, content_id: 0x1234_abcd, name: "disk.vmdk".into() }
    }

    /// The disk as a stream.
    pub(crate) fn vmdk(&self, level: u32) -> Vec<u8> {
        let options = self.options(level);
        let encoder = Encoder::new(&options);
        let (mut writer, mut stream) = (Writer::new(&options).unwrap(), Stream::default());
        for offset in (0..self.size()).step_by(usize::try_from(PIECE).unwrap()) {
            let piece = Piece::read(&self.recorded, offset).unwrap();
            writer.append(&mut stream, &encoder.encode(&piece).unwrap()).unwrap();
        }
        let length = writer.finish(&mut stream).unwrap();
        assert_eq!(stream.0.len() as u64, length);
        stream.0
    }
}

/// The tables of disks that all formats must carry.
pub(crate) fn disks() -> Vec<(&'static str, Disk)> {
    let mut number = numbers(7);
    let mut noise = |length: usize| -> Vec<u8> { (0..length).map(|_| u8::try_from(number(256)).unwrap()).collect() };
    let grain = 64 << 10;
    let mut scattered = Disk::new((100 << 20) + 1536);
    let mut place = numbers(11);
    for _ in 0..60 {
        let length = 1 + place(200_000);
        let offset = place(100 << 20) as u64;
        let bytes = if place(2) == 0 { noise(length) } else { vec![place(256).to_le_bytes()[0]; length] };
        let end = (scattered.size() - offset).min(length as u64);
        scattered = scattered.with(offset, &bytes[..usize::try_from(end).unwrap()]);
    }
    let mut every_grain = Disk::new(70 << 20);
    for at in (0..70 << 20).step_by(grain) {
        every_grain = every_grain.with(at, &at.to_be_bytes());
    }
    vec![
        ("nothing but zeros", Disk::new(10 << 20)),
        ("one sector", Disk::new(512).with(0, &noise(512))),
        ("noise, and a grain cut by the end", Disk::new((1 << 20) + 512).with(0, &noise((1 << 20) + 512))),
        (
            "zero grains that are data",
            Disk::new(1 << 20).with(0, &noise(grain)).with(65_536, &vec![0; 3 * grain]).with(4 << 16, &noise(grain)),
        ),
        ("runs and holes", scattered.with((100 << 20) + 1535, b"!")),
        ("more grains than a table has", every_grain),
        (
            "more tables than a sector of the directory has",
            Disk::new(10 << 30).with(0, b"first").with((5 << 30) - 3, b"middle").with((10 << 30) - 4, b"last"),
        ),
    ]
}

/// Takes what a pipe could take: each write begins where the one before ended.
#[derive(Default)]
pub(crate) struct Stream(pub(crate) Vec<u8>);

impl Sink for Stream {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        assert_eq!(offset, self.0.len() as u64);
        self.0.extend(bytes);
        Ok(())
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "what went into a pipe cannot be read back"))
    }

    fn end_at(&mut self, length: u64) -> io::Result<()> {
        assert_eq!(length, self.0.len() as u64);
        Ok(())
    }
}

/// Numbers that are the same every time (xorshift).
pub(crate) fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    }
}

/// Whether two disks have the same bytes; an error of the first is one of the answer.
pub(crate) fn same(one: &impl DiskSource, other: &impl DiskSource) -> io::Result<bool> {
    if one.size() != other.size() {
        return Ok(false);
    }
    let bytes = |piece: &Piece| piece.bytes().map_or_else(|| vec![0; piece.length()], <[u8]>::to_vec);
    for offset in (0..one.size().bytes()).step_by(usize::try_from(PIECE).unwrap()) {
        let pieces = [Piece::read(one, offset)?, Piece::read(other, offset).unwrap()];
        if !pieces.iter().all(Piece::is_hole) && bytes(&pieces[0]) != bytes(&pieces[1]) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Runs `qemu-img` and gives what it says.
pub(crate) fn qemu_img(arguments: &[&str], files: &[&Path]) -> String {
    let output: Output = match Command::new("qemu-img").args(arguments).args(files).output() {
        Ok(output) => output,
        Err(error) => panic!("qemu-img: {error}; install the Debian package `qemu-utils`"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Converts a raw file as QEMU does.
pub(crate) fn converted(raw: &Path, options: &str) -> Vec<u8> {
    let made = NamedTempFile::new().unwrap();
    qemu_img(&["convert", "-f", "raw", "-O", "vmdk", "-o", options], &[raw, made.path()]);
    std::fs::read(made.path()).unwrap()
}

/// A file with these bytes, named as a descriptor names it.
pub(crate) fn file(directory: &Path, bytes: &[u8]) -> std::path::PathBuf {
    let path = directory.join("disk.vmdk");
    File::create(&path).unwrap().write_all_at(bytes, 0).unwrap();
    path
}
