//! The ISO image: laid out around its payload, and written.

#[cfg(test)]
mod large;

use std::io::{self, Read as _};
use std::sync::Arc;

use builder_block::{ByteSize, FilesystemImage as _, Sink, WriteAt};
use builder_boot::{MediumBoot, MediumTrees, medium};
use builder_fat::{SmallFatImage, SmallOptions};
use builder_iso9660::media_check::{MediaCheckError, Release, TEXT, TEXT_LENGTH, implant};
use builder_iso9660::{BiosBoot, Boot, BootCode, Content, FILE_MAX, Hybrid, Image, Metadata, Options, Tree, Volume};
use builder_medium::{ANSWERS, BLOCKS, BlockTable, DIRECTORY, MANIFEST, Manifest, PAYLOAD, Uuid};
use builder_tree::{self as tree, Inode};

use crate::formats::OutputFormat;
use crate::medium::bios;
use crate::medium::described::{MediumWriting, arguments};
use crate::medium::error::MediumError;
use crate::medium::esp::menu_bytes;
use crate::medium::options::{SETTINGS_ROOM, filled};
use crate::medium::payload::{self, Failed, Payload, Room};
use crate::medium::source::{MediumParts, MediumSource};

/// Where the kernel's files are, as on the media of others.
pub(crate) const KERNEL: &str = "images/pxeboot/vmlinuz";
pub(crate) const INITRAMFS: &str = "images/pxeboot/initrd.img";
pub(crate) const ARCHIVE: &str = "images/pxeboot/diskwright.img";
/// The menu's settings, in [`DIRECTORY`].
pub(crate) const SETTINGS: &str = "menu.cfg";
/// What settings and answers were when the medium was made, in [`DIRECTORY`].
pub(crate) const BUILT_SETTINGS: &str = "built/menu.cfg";
pub(crate) const BUILT_ANSWERS: &str = "built/answers.toml";
/// The manifest is filled up to a multiple of this, so that its length does not depend on that of the payload.
const MANIFEST_STEP: u64 = 4096;

impl MediumWriting<'_> {
    /// Writes the medium in one of its forms to `sink`, all but its checksum; `done` is told how many bytes of the disk are
    /// behind. Gives the bytes that it has.
    pub(crate) fn write(
        &self,
        format: OutputFormat,
        sink: &mut dyn Sink,
        done: &mut dyn FnMut(u64),
    ) -> Result<u64, Failed> {
        if format == OutputFormat::Pxe { self.write_pxe(sink, done) } else { self.write_iso(sink, done) }
    }

    fn write_iso(&self, sink: &mut dyn Sink, done: &mut dyn FnMut(u64)) -> Result<u64, Failed> {
        let layout = Layout::new(self).map_err(Failed::Plan)?;
        let blocks = payload::count(self.disk)?;
        let iso = |payload: u64| layout.image(self, payload, blocks).map_err(Failed::Plan);
        // Nothing in front of the payload depends on how long it is, so that any length but 0 tells where it begins.
        let start = iso(1)?.placement(&at(PAYLOAD)).map_or(0, |place| place.offset());
        let room = Room { format: OutputFormat::Iso, start, limit: FILE_MAX };
        let created = self.identity.created();
        let payload = payload::write(self.disk, self.level, created, sink, room, self.threads, done)?;
        let image = iso(payload.length)?;
        self.write_around(sink, &layout, &image, &payload).map_err(Failed::Output)?;
        Ok(image.size().bytes())
    }

    /// Writes everything but the payload.
    fn write_around(&self, sink: &mut dyn Sink, layout: &Layout, image: &Image, payload: &Payload) -> io::Result<()> {
        let mut sink = WithoutChecksum(sink);
        let mut device = SinkDevice { sink: &mut sink, start: 0, size: image.size() };
        image.write_to(&mut device)?;
        if let Some(place) = image.esp() {
            let mut device = SinkDevice { sink: device.sink, start: place.offset(), size: layout.esp.size() };
            layout.esp.write_to(&mut device)?;
        }
        let sink = device.sink;
        for (path, inode) in self.files() {
            if let (Some(place), Some(content)) = (image.placement(path), inode.content()) {
                copy(&mut content.reader(), sink, place.offset())?;
            }
        }
        if let Some(place) = image.placement(&at(BLOCKS)) {
            sink.write_at(place.offset(), payload.blocks.write().as_bytes())?;
        }
        Ok(())
    }

    /// Puts the checksum into a medium that was written, where its form has one.
    pub(crate) fn seal(format: OutputFormat, sink: &mut dyn Sink) -> Result<(), Failed> {
        if format == OutputFormat::Pxe {
            return Ok(());
        }
        implant(&mut WithoutChecksum(sink), Release::Supported).map_err(|error| match error {
            MediaCheckError::Io(error) => Failed::Output(error),
            other => Failed::Output(io::Error::other(other)),
        })
    }

    /// Counts what [`Self::seal`] would write to a sink from which nothing can be read.
    pub(crate) fn count_seal(format: OutputFormat, sink: &mut dyn Sink) -> Result<(), Failed> {
        if format == OutputFormat::Pxe {
            return Ok(());
        }
        let text = usize::try_from(TEXT_LENGTH).map_err(|error| Failed::Output(io::Error::other(error)))?;
        sink.write_at(TEXT, &vec![b' '; text]).map_err(Failed::Output)
    }

    /// The files that are copied.
    fn files(&self) -> [(&'static str, &Arc<Inode>); 3] {
        let MediumSource { parts: MediumParts { kernel, initramfs, .. }, archive, .. } = self.source;
        [(KERNEL, kernel), (INITRAMFS, initramfs), (ARCHIVE, archive)]
    }
}

/// What is decided before the payload is.
struct Layout {
    id: Uuid,
    marker: String,
    trees: MediumTrees,
    esp: SmallFatImage,
    settings: Vec<u8>,
    answers: Vec<u8>,
    /// What a BIOS boots.
    bios: Option<Content>,
}

impl Layout {
    fn new(writing: &MediumWriting<'_>) -> Result<Self, MediumError> {
        let MediumWriting { identity, source, options, .. } = writing;
        let id = writing.id();
        let marker = at(&Manifest::volume_set(id));
        // Nothing of the arguments depends on the payload.
        let (install, live) = arguments(&writing.manifest(0, 0));
        let settings = writing.settings();
        let text = filled("title and kernel arguments", &settings.text(), SETTINGS_ROOM)?;
        let [kernel, initramfs, archive] = writing.files();
        let mut trees = medium(&MediumBoot {
            loader: &source.parts.loader,
            architecture: source.parts.architecture,
            marker: &marker,
            kernel,
            initramfs,
            archive,
            live: writing.is_live().then_some(&live),
            install: &install,
            settings_path: &at(SETTINGS),
            created: identity.created(),
        });
        for file in &trees.menu {
            let inode = Inode::regular(tree::Metadata::root(0o644), tree::Content::bytes(menu_bytes(file, &settings)?));
            // The folder is the menu's own, so that nothing is in its way.
            let _ = trees.esp.insert(file.path.as_bytes(), inode, &tree::Metadata::root(0o755));
            trees.files.push((at(file.path), file.template.clone()));
        }
        let esp = SmallFatImage::plan(
            &trees.esp,
            &SmallOptions {
                volume_id: identity.volume_id("medium esp"),
                label: "INSTALL-ESP".to_owned(),
                timestamp: identity.created(),
            },
        )?;
        let bios = source.parts.bios.as_ref().ok().map(|loader| loader.image(&marker)).transpose()?;
        let bios = bios.map(Content::bytes);
        Ok(Self { id, marker, trees, esp, settings: text, answers: options.answers_text()?, bios })
    }

    /// The medium with a payload of so many bytes, of a disk with so many blocks that have data.
    fn image(&self, writing: &MediumWriting<'_>, payload: u64, blocks: u64) -> Result<Image, MediumError> {
        let tree = self.tree(writing, payload, blocks)?;
        let esp = Content::reserved(self.esp.size().bytes());
        Ok(Image::plan(&tree, &self.options(writing, esp))?)
    }

    /// Everything in the ISO 9660 file system, with a payload of so many bytes.
    fn tree(&self, writing: &MediumWriting<'_>, payload: u64, blocks: u64) -> Result<Tree, MediumError> {
        let mut tree = Tree::new();
        let mut put = |path: &str, content: Content| tree.file(path, Metadata::root(0o444), content);
        put(&self.marker, Content::bytes(*b"\n"))?;
        for (path, text) in &self.trees.files {
            put(path, Content::bytes(text.as_bytes().to_vec()))?;
        }
        if let Some(image) = &self.bios {
            put(bios::IMAGE, image.clone())?;
        }
        let room = |bytes: &[u8]| Content::Reserved { begin: bytes.to_vec().into(), length: bytes.len() as u64 };
        for (room_path, built_path, bytes) in
            [(SETTINGS, BUILT_SETTINGS, &self.settings), (ANSWERS, BUILT_ANSWERS, &self.answers)]
        {
            put(&at(room_path), room(bytes))?;
            put(&at(built_path), Content::bytes(bytes.trim_ascii_end().to_vec()))?;
        }
        // The longest number first: how long the text is must not depend on the payload.
        let longest = writing.manifest(u64::MAX, blocks).write().len() as u64;
        let text = writing.manifest(payload, blocks).write();
        put(&at(MANIFEST), Content::bytes(filled("manifest", &text, longest.next_multiple_of(MANIFEST_STEP))?))?;
        put(&at(BLOCKS), Content::reserved(BlockTable::length(blocks)))?;
        for (path, inode) in writing.files() {
            // systemd-boot has them in the EFI system partition, where alone it reads.
            if !matches!(writing.source.parts.loader, builder_boot::Loader::Systemd { .. }) {
                put(path, Content::reserved(inode.size()))?;
            }
        }
        let most = payload::most(writing.disk, blocks);
        tree.file_of_at_most(&at(PAYLOAD), Metadata::root(0o444), Content::reserved(payload), most)?;
        Ok(tree)
    }

    fn options(&self, writing: &MediumWriting<'_>, esp: Content) -> Options {
        let MediumWriting { identity, options, source, .. } = writing;
        let guid = |role: &str| identity.uuid(&format!("medium {role} {}", self.id));
        let bios = self.bios.as_ref().map(|_| BiosBoot {
            path: bios::IMAGE.to_owned(),
            load_sectors: bios::LOAD_SECTORS,
            info_table: true,
            grub: true,
        });
        let boot_code = source.parts.bios.as_ref().ok().map(|loader| BootCode::Grub(loader.boot_code().to_vec()));
        Options {
            volume: Volume {
                id: options.volume_id.clone().unwrap_or_else(|| source.volume_id()),
                system: "LINUX".to_owned(),
                set: Manifest::volume_set(self.id),
                publisher: options.publisher.clone(),
                preparer: String::new(),
                application: "DISKWRIGHT".to_owned(),
            },
            time: u64::try_from(identity.created()).unwrap_or(0),
            joliet: true,
            boot: Boot {
                bios,
                uefi: Some(esp),
                hybrid: Some(Hybrid { disk: guid("disk"), data: guid("data"), esp: guid("esp"), boot_code }),
            },
        }
    }
}

/// The path of a file in [`DIRECTORY`].
pub(crate) fn at(name: &str) -> String {
    format!("{DIRECTORY}/{name}")
}

pub(crate) fn copy(from: &mut dyn io::Read, sink: &mut dyn Sink, mut offset: u64) -> io::Result<()> {
    const CHUNK: u64 = 256 << 10;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let now = from.take(CHUNK).read_to_end(&mut buffer)?;
        if now == 0 {
            return Ok(());
        }
        sink.write_at(offset, &buffer)?;
        offset += now as u64;
    }
}

/// A sink that leaves out the place of the checksum until that is written: nothing is written twice with other bytes, so
/// that a medium can be compared while it is made.
struct WithoutChecksum<'a>(&'a mut dyn Sink);

impl Sink for WithoutChecksum<'_> {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        let text = TEXT..TEXT + TEXT_LENGTH;
        if (offset..end) == text || end <= text.start || text.end <= offset {
            return self.0.write_at(offset, bytes);
        }
        // Both are inside of what is in memory.
        let inside = |at: u64| usize::try_from(at.clamp(offset, end) - offset).map_err(io::Error::other);
        self.0.write_at(offset, &bytes[..inside(text.start)?])?;
        self.0.write_at(text.end.min(end), &bytes[inside(text.end)?..])
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, buffer)?;
        let end = offset + buffer.len() as u64;
        let inside = |at: u64| usize::try_from(at.clamp(offset, end) - offset).map_err(io::Error::other);
        buffer[inside(TEXT)?..inside(TEXT + TEXT_LENGTH)?].fill(b' ');
        Ok(())
    }

    fn end_at(&mut self, length: u64) -> io::Result<()> {
        self.0.end_at(length)
    }
}

/// A part of a sink as a device: what is not written in a new file is zero.
struct SinkDevice<'a> {
    sink: &'a mut dyn Sink,
    start: u64,
    size: ByteSize,
}

impl WriteAt for SinkDevice<'_> {
    fn size(&self) -> ByteSize {
        self.size
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if offset.checked_add(bytes.len() as u64).is_none_or(|end| end > self.size.bytes()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a write ends behind the medium"));
        }
        self.sink.write_at(self.start + offset, bytes)
    }
}
