//! A medium for machines that boot over the network: a tar archive with the files that a boot server gives out.
//!
//! ```text
//!  pxe.tar ┬ medium.img       an initramfs archive: manifest, blocks, answers, and the disk in its squashfs
//!          ├ vmlinuz, initrd.img, diskwright.img
//!          ├ grub.cfg         for a GRUB that was loaded from where these files are
//!          └ boot.ipxe        for iPXE
//! ```
//!
//! The disk comes as one more initramfs, so that the machine needs no network of its own once it has booted; it needs
//! memory for it twice, while the kernel unpacks it.

use std::io::{self, Read, Seek, SeekFrom, Write};

use builder_block::Sink;
use builder_boot::{MenuSettings, NetworkBoot, network_menus};
use builder_initramfs::{ArchiveWriter, WriteError};
use builder_medium::{ANSWERS, BLOCKS, DIRECTORY, MANIFEST, Manifest, PAYLOAD};
use builder_tree::Inode;
use tar::EntryType;

use crate::formats::OutputFormat;
use crate::formats::archive::{BLOCK, END, Entry, padded};
use crate::medium::described::{MediumWriting, arguments};
use crate::medium::error::MediumError;
use crate::medium::image::copy;
use crate::medium::options::AnswersFile;
use crate::medium::payload::{self, Failed, Room};
use crate::medium::source::MediumSource;

/// The archive with the disk.
const MEDIUM: &str = "medium.img";
const KERNEL: &str = "vmlinuz";
const INITRAMFS: &str = "initrd.img";
const ARCHIVE: &str = "diskwright.img";
/// A cpio archive counts the bytes of a file in 32 bits.
const MOST_PAYLOAD: u64 = u32::MAX as u64;

/// What of the archive is known before the payload is in it.
pub(crate) struct NetworkMedium<'a> {
    pub(crate) manifest: Manifest,
    /// The text of the table of blocks.
    pub(crate) blocks: Vec<u8>,
    pub(crate) answers: &'a str,
    pub(crate) settings: MenuSettings,
    /// In seconds since 1970.
    pub(crate) created: i64,
}

/// A file that is copied into the archive, with its length.
pub(crate) type Copied<'a> = (Box<dyn Read + 'a>, u64);

impl MediumWriting<'_> {
    /// Writes the archive to `sink`; `done` is told how many bytes of the disk are behind. Gives the length of the archive.
    pub(crate) fn write_pxe(&self, sink: &mut dyn Sink, done: &mut dyn FnMut(u64)) -> Result<u64, Failed> {
        let created = self.identity.created();
        let _ = payload::count(self.disk)?;
        let room = Room { format: OutputFormat::Pxe, start: payload_start()?, limit: MOST_PAYLOAD };
        let payload = payload::write(self.disk, self.level, created, sink, room, self.threads, done)?;
        let answers = self.options.answers.as_ref();
        let medium = NetworkMedium {
            manifest: self.manifest(payload.length, payload.blocks.blocks().len() as u64),
            blocks: payload.blocks.write().into(),
            answers: answers.map(AnswersFile::text).unwrap_or_default(),
            settings: self.settings(),
            created,
        };
        let MediumSource { parts, archive, .. } = self.source;
        medium.write(sink, [copied(&parts.kernel), copied(&parts.initramfs), copied(archive)])
    }
}

fn copied(inode: &Inode) -> Copied<'_> {
    let reader = inode.content().map(|content| -> Box<dyn Read> { Box::new(content.reader()) });
    (reader.unwrap_or_else(|| Box::new(io::empty())), inode.size())
}

/// Refuses a payload of more bytes than an archive has room for.
pub(crate) fn has_room(payload: u64) -> Result<(), MediumError> {
    let (format, length, limit) = (OutputFormat::Pxe, payload, MOST_PAYLOAD);
    if length > limit { Err(MediumError::PayloadLength { format, length, limit }) } else { Ok(()) }
}

/// Where the payload begins in the archive, in bytes.
pub(crate) fn payload_start() -> Result<u64, Failed> {
    let mut front = io::Cursor::new(Vec::new());
    let _ = begin(&mut front, 0).map_err(failed)?;
    Ok(BLOCK + front.position())
}

impl NetworkMedium<'_> {
    /// Writes what is around the payload: `files` are kernel, initramfs and the archive with the program. Gives the length
    /// of the whole.
    pub(crate) fn write(&self, sink: &mut dyn Sink, files: [Copied<'_>; 3]) -> Result<u64, Failed> {
        let payload = self.manifest.payload.size;
        has_room(payload).map_err(Failed::Plan)?;
        let length = self.write_medium(sink, payload).map_err(failed)?;
        let mut tar = Tar { sink, at: 0, modified: u64::try_from(self.created).unwrap_or(0) };
        tar.placed(MEDIUM, length).map_err(Failed::Output)?;
        for (path, (mut reader, size)) in [KERNEL, INITRAMFS, ARCHIVE].into_iter().zip(files) {
            tar.copied(path, &mut *reader, size).map_err(Failed::Output)?;
        }
        let (install, live) = arguments(&self.manifest);
        let menus = network_menus(&NetworkBoot {
            kernel: KERNEL,
            initramfs: INITRAMFS,
            archives: &[ARCHIVE, MEDIUM],
            live: self.manifest.system.live.then_some(&live),
            install: &install,
            settings: &self.settings,
        });
        for (path, text) in &menus {
            tar.text(path, text).map_err(Failed::Output)?;
        }
        Ok(tar.at + END)
    }

    /// Writes what is around the payload in the archive that holds it; gives the archive's length.
    fn write_medium(&self, sink: &mut dyn Sink, payload: u64) -> Result<u64, WriteError> {
        let mut archive = begin(Place { sink, start: BLOCK, at: 0 }, payload)?;
        let manifest = self.manifest.write();
        // Line feeds at the end are what a medium fills its room with.
        let answers = match self.answers.trim_ascii_end() {
            "" => String::new(),
            text => format!("{text}\n"),
        };
        for (name, text) in [(BLOCKS, &self.blocks[..]), (MANIFEST, manifest.as_bytes()), (ANSWERS, answers.as_bytes())]
        {
            archive.file(inside(name), 0o444, text)?;
        }
        Ok(archive.finish()?.at)
    }
}

fn failed(error: WriteError) -> Failed {
    match error {
        WriteError::Io { source, .. } => Failed::Output(source),
        other => Failed::Plan(MediumError::Archive(other)),
    }
}

/// The path of a file of the medium in the initramfs.
fn inside(name: &str) -> String {
    format!("{DIRECTORY}/medium/{name}")
}

/// Begins the archive, up to behind the room of a payload of so many bytes.
fn begin<W: Write + Seek>(out: W, payload: u64) -> Result<ArchiveWriter<W>, WriteError> {
    let mut archive = ArchiveWriter::new(out);
    archive.directory(DIRECTORY, 0o755)?;
    archive.directory(format!("{DIRECTORY}/medium"), 0o755)?;
    archive.reserve(inside(PAYLOAD), 0o444, payload)?;
    Ok(archive)
}

/// A part of a sink that is written from its begin, with gaps.
struct Place<'a> {
    sink: &'a mut dyn Sink,
    start: u64,
    at: u64,
}

impl Write for Place<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write_at(self.start + self.at, bytes)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Place<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(_) => None,
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// A tar archive, entry behind entry.
struct Tar<'a> {
    sink: &'a mut dyn Sink,
    at: u64,
    modified: u64,
}

impl Tar<'_> {
    /// An entry whose bytes are in their place.
    fn placed(&mut self, path: &str, size: u64) -> io::Result<()> {
        let entry = Entry { path, kind: EntryType::Regular, size, owner: 0, modified: self.modified };
        self.sink.write_at(self.at, &entry.header()?)?;
        self.at += BLOCK + padded(size);
        Ok(())
    }

    fn copied(&mut self, path: &str, reader: &mut dyn Read, size: u64) -> io::Result<()> {
        copy(reader, self.sink, self.at + BLOCK)?;
        self.placed(path, size)
    }

    fn text(&mut self, path: &str, text: &str) -> io::Result<()> {
        self.sink.write_at(self.at + BLOCK, text.as_bytes())?;
        self.placed(path, text.len() as u64)
    }
}
