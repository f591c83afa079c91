//! Disks whose payload is a file of several pieces, or one that a form of medium has no room for.

use std::fs::File;
use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use builder_block::{ByteSize, DiskSource, ReadAt, Region, SectorSize, Sink};
use builder_boot::{Architecture, Counting, Loader};
use builder_iso9660::{FILE_MAX, locate};
use builder_medium::PAYLOAD;
use builder_tree::{Content, Inode, Metadata};

use super::{Layout, at};
use crate::bundle::tests::{judge, plan};
use crate::error::BuildError;
use crate::formats::OutputFormat;
use crate::identity::Identity;
use crate::medium::bios::NoBios;
use crate::medium::described::MediumWriting;
use crate::medium::error::MediumError;
use crate::medium::extract::MediumPart;
use crate::medium::opened::Medium;
use crate::medium::options::MediumOptions;
use crate::medium::payload::{self, BLOCK, Failed};
use crate::medium::source::{Installed, MediumParts, MediumSource};
use crate::output::PendingFile;
use crate::plan::Plan;
use crate::progress::Silent;

/// Bytes of a block.
const BYTES: usize = 256 << 10;

/// A disk of blocks that do not become shorter, each with its number in front.
struct Noise {
    blocks: u64,
    block: Vec<u8>,
    read: AtomicU64,
}

impl Noise {
    fn new(blocks: u64) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut block = Vec::new();
        while block.len() < BYTES {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend(state.to_le_bytes());
        }
        Self { blocks, block, read: AtomicU64::new(0) }
    }

    fn block(&self, number: u64, into: &mut [u8]) {
        into.copy_from_slice(&self.block);
        into[..8].copy_from_slice(&number.to_le_bytes());
    }
}

impl ReadAt for Noise {
    fn size(&self) -> ByteSize {
        ByteSize::new(self.blocks * BLOCK.bytes())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read.fetch_add(1, Ordering::Relaxed);
        self.block(offset / BLOCK.bytes(), buffer);
        Ok(())
    }
}

impl DiskSource for Noise {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        let end = self.size().bytes();
        Ok((from < end).then_some(Region { start: from, end }))
    }
}

/// A file in which most blocks of noise are left out.
struct Thin<'a> {
    file: File,
    kept: &'a dyn Fn(u64) -> bool,
    /// End of all that was to be written.
    end: u64,
}

impl Sink for Thin<'_> {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.end = self.end.max(offset + bytes.len() as u64);
        let number = bytes.first_chunk().map_or(0, |number| u64::from_le_bytes(*number));
        if bytes.len() == BYTES && !(self.kept)(number) {
            return Ok(());
        }
        self.file.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        Sink::read_at(&self.file, offset, buffer)
    }

    fn end_at(&mut self, length: u64) -> io::Result<()> {
        self.file.end_at(length)
    }
}

fn source() -> MediumSource {
    let file = |bytes: &'static [u8]| Arc::new(Inode::regular(Metadata::root(0o644), Content::bytes(bytes)));
    let parts = MediumParts {
        kernel: file(b"kernel"),
        initramfs: file(b"initramfs"),
        loader: Loader::Systemd {
            path: "systemd-bootx64.efi".to_owned(),
            binary: file(b"loader"),
            architecture: Architecture::X86_64,
            counting: Counting::Off,
        },
        bios: Err(NoBios::Nothing),
        architecture: Architecture::X86_64,
        architecture_name: "amd64".to_owned(),
        label: "Example".to_owned(),
        release: "example 1".to_owned(),
        live_lacks: None,
        http_lacks: None,
    };
    let installed = Installed {
        deployment: "ostree/deploy/default/deploy/1.0".to_owned(),
        var: "ostree/deploy/default/var".to_owned(),
        tracks: None,
        named_by: Vec::new(),
    };
    MediumSource { parts, archive: file(b"archive"), installed }
}

/// Calls `look` with what writes a medium of `disk`.
fn with_writing<T>(disk: &Noise, look: impl FnOnce(&MediumWriting<'_>) -> T) -> T {
    let mut plan: Plan = plan(false);
    plan.disk.size = disk.size();
    look(&MediumWriting {
        disk,
        plan: &plan,
        identity: &Identity::new("sha256:a", "large", 1_700_000_000),
        source: &source(),
        options: &MediumOptions::default(),
        sector: SectorSize::Bytes512,
        level: Some(1),
        threads: 2,
    })
}

/// Reads what `command` prints, block by block.
fn blocks_of(command: &mut Command, mut look: impl FnMut(u64, &[u8])) {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut pipe = child.stdout.take().unwrap();
    let mut block = vec![0; BYTES];
    let mut number = 0;
    while pipe.read_exact(&mut block).is_ok() {
        look(number, &block);
        number += 1;
    }
    assert_eq!(pipe.read(&mut block).unwrap(), 0, "{name} ended in a block");
    assert!(child.wait().unwrap().success(), "{name} failed");
}

#[test]
fn a_payload_of_more_than_4_gib_is_read_whole_from_its_medium() {
    let disk = Noise::new((4 << 30) / BLOCK.bytes() + 3);
    let directory = tempfile::tempdir().unwrap();
    let iso = directory.path().join("install.iso");
    let file = File::options().read(true).write(true).create_new(true).open(&iso).unwrap();
    // The first, the last, and those around the end of the first piece.
    let near = disk.blocks - 8;
    let kept = |number: u64| number == 0 || number >= near;
    let mut sink = Thin { file, kept: &kept, end: 0 };
    let length = with_writing(&disk, |writing| writing.write(OutputFormat::Iso, &mut sink, &mut |_| ())).unwrap();
    assert_eq!(sink.end, length);
    sink.end_at(length).unwrap();

    // Its table of blocks is read whole, and what does not fit an archive is refused before anything is copied.
    let out = directory.path().join("pxe.tar");
    let pending = PendingFile::create(&out).unwrap();
    let refused = Medium::open(&iso).unwrap().extract(MediumPart::Pxe, pending, &mut Silent).unwrap_err();
    let BuildError::Medium(MediumError::PayloadLength { format: OutputFormat::Pxe, .. }) = refused else {
        panic!("{refused:?}")
    };

    let name = format!("/{}", at(PAYLOAD));
    let mut xorriso = Command::new("xorriso");
    xorriso.arg("-indev").arg(&iso).args(["-find", &name, "-exec", "report_lba"]);
    let pieces = judge("xorriso", &mut xorriso);
    let place = locate(&builder_block::PlainFile::new(File::open(&iso).unwrap()).unwrap(), &at(PAYLOAD));
    let place = place.unwrap().unwrap();
    let (first, second) = (place.offset / 2048, place.offset / 2048 + 0xFFFF_F800 / 2048);
    let rest = (place.length - 0xFFFF_F800).div_ceil(2048);
    let pieces: Vec<_> = pieces.stdout.split_whitespace().collect();
    let (pieces, length) = (pieces.join(" "), place.length);
    for line in
        [format!("0 , {first} , 2097151 , {length} , '{name}'"), format!("1 , {second} , {rest} , {length} , '{name}'")]
    {
        assert!(pieces.contains(&format!("File data lba: {line}")), "no {line} in {pieces}");
    }
    // One tool puts the pieces together, another takes the disk out of them.
    let mut bsdtar = Command::new("bsdtar");
    bsdtar.args(["-x", "-S", "-C"]).arg(directory.path()).arg("-f").arg(&iso).arg(&name[1..]);
    let extracted = judge("libarchive-tools", &mut bsdtar);
    assert!(extracted.accepted, "{}", extracted.stderr);
    std::fs::remove_file(&iso).unwrap();
    let payload = directory.path().join(&name[1..]);
    assert_eq!(payload.metadata().unwrap().len(), place.length);
    let (mut expected, mut found) = (vec![0; BYTES], 0);
    let mut unsquashfs = Command::new("unsquashfs");
    blocks_of(unsquashfs.arg("-cat").arg(&payload).arg("disk.raw"), |number, block| {
        if kept(number) {
            disk.block(number, &mut expected);
            assert!(block == expected, "block {number}");
        }
        found += 1;
    });
    assert_eq!(found, disk.blocks);
}

#[test]
fn a_payload_begins_in_the_same_place_however_long_it_becomes() {
    for gib in [1, 4, 16, 28, 64, 300, 399, 2000] {
        let disk = Noise::new((gib << 30) / BLOCK.bytes());
        with_writing(&disk, |writing| {
            let layout = Layout::new(writing).unwrap();
            let most = payload::most(writing.disk, disk.blocks).min(FILE_MAX);
            let place =
                |length| layout.image(writing, length, disk.blocks).unwrap().placement(&at(PAYLOAD)).unwrap().offset();
            for length in [4096, most / 10, most / 3, most - 1, most] {
                assert_eq!(place(length), place(1), "{length} bytes of a disk of {gib} GiB");
            }
        });
    }
}

#[test]
fn a_payload_that_a_form_has_no_room_for_is_given_up_where_the_room_ends() {
    let disk = Noise::new((8 << 30) / BLOCK.bytes());
    let mut sink = Thin { file: tempfile::tempfile().unwrap(), kept: &|_| false, end: 0 };
    let refused = with_writing(&disk, |writing| writing.write(OutputFormat::Pxe, &mut sink, &mut |_| ()));
    let Err(Failed::Plan(error)) = refused else { panic!("it was not refused") };
    let MediumError::PayloadLength { format, length, limit } = error else { panic!("{error}") };
    assert_eq!((format, limit), (OutputFormat::Pxe, u64::from(u32::MAX)));
    assert!(length > limit && length <= limit + BLOCK.bytes());
    let text = error.to_string();
    let words =
        format!("the disk takes at least {length} bytes of the medium, and pxe has room for 4294967295 at most");
    assert_eq!(text, words);
    assert!(error.hint().unwrap().contains("--type iso"));
    // What is behind is not even read, but for what was on the way.
    assert!(disk.read.load(Ordering::Relaxed) < limit / BLOCK.bytes() + 10);
    assert!(sink.end < limit + (1 << 20));
}

#[test]
fn a_payload_has_no_more_bytes_than_was_foretold() {
    for blocks in [1, 2, 100, 3000] {
        let disk = Noise::new(blocks);
        let most = payload::most(&disk, payload::count(&disk).unwrap());
        let room = payload::Room { format: OutputFormat::Iso, start: 4096, limit: most };
        let mut sink = Thin { file: tempfile::tempfile().unwrap(), kept: &|_| false, end: 0 };
        let written = payload::write(&disk, None, 0, &mut sink, room, 2, &mut |_| ()).unwrap();
        assert!((most - 16384..=most).contains(&written.length), "{} and {most}", written.length);
        let short = payload::Room { limit: written.length - 1, ..room };
        let refused = payload::write(&disk, None, 0, &mut sink, short, 2, &mut |_| ());
        assert!(matches!(refused, Err(Failed::Plan(MediumError::PayloadLength { .. }))));
    }
}
