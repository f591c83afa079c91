//! Parts of a medium as files of their own.

use std::fmt;
use std::io;
use std::str::FromStr;

use builder_block::{DiskSource as _, PlainFile, ReadAt, Sink};
use builder_medium::{DISK, PAYLOAD};
use builder_squashfs::Squashfs;

use crate::error::BuildError;
use crate::medium::error::MediumError;
use crate::medium::image::{ARCHIVE, INITRAMFS, KERNEL, at};
use crate::medium::opened::Medium;
use crate::medium::payload;
use crate::medium::pxe::{self, Copied, NetworkMedium};
use crate::output::{OutputError, PendingFile};
use crate::progress::{Progress, Station};

/// A part of a medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediumPart {
    /// The kernel.
    Kernel,
    /// The system's own initramfs.
    Initramfs,
    /// The archive with the program that installs.
    Installer,
    /// The disk, raw.
    Disk,
    /// The medium for machines that boot over the network, as `--type pxe` makes it.
    Pxe,
}

impl MediumPart {
    /// All parts.
    pub const ALL: [Self; 5] = [Self::Kernel, Self::Initramfs, Self::Installer, Self::Disk, Self::Pxe];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Initramfs => "initramfs",
            Self::Installer => "installer",
            Self::Disk => "disk",
            Self::Pxe => "pxe",
        }
    }

    /// The usual name of such a file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Kernel => "vmlinuz",
            Self::Initramfs => "initrd.img",
            Self::Installer => "diskwright.img",
            Self::Disk => "disk.raw",
            Self::Pxe => "pxe.tar",
        }
    }
}

impl fmt::Display for MediumPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for MediumPart {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL.into_iter().find(|part| part.name() == text).ok_or_else(|| format!("expected one of {}", names()))
    }
}

impl Medium {
    /// Writes a part of it into `pending` and gives that its name.
    ///
    /// # Errors
    /// The medium has no such part, is damaged, or cannot be read; or the file cannot be written.
    pub fn extract(
        &self,
        part: MediumPart,
        pending: PendingFile,
        progress: &mut dyn Progress,
    ) -> Result<(), BuildError> {
        let same = std::fs::canonicalize(self.path()).ok();
        if same.is_some() && same == std::fs::canonicalize(pending.target()).ok() {
            return Err(OutputError::IsInput { path: pending.target().to_owned() }.into());
        }
        let mut sink = pending.sink()?;
        let copied = match part {
            MediumPart::Kernel => self.copy(KERNEL, &mut *sink, progress)?,
            MediumPart::Initramfs => self.copy(INITRAMFS, &mut *sink, progress)?,
            MediumPart::Installer => self.copy(ARCHIVE, &mut *sink, progress)?,
            MediumPart::Disk => self.disk(&mut *sink, progress)?,
            MediumPart::Pxe => self.pxe(&mut *sink, progress)?,
        };
        copied.map_err(|failed| match failed {
            Failed::Plan(error) => error.into(),
            Failed::Input(source) => BuildError::Read { path: self.path().to_owned(), source },
            Failed::Output(source) => pending.failed(source).into(),
        })?;
        pending.complete()?;
        Ok(())
    }

    fn copy(
        &self,
        path: &str,
        sink: &mut dyn Sink,
        progress: &mut dyn Progress,
    ) -> Result<Result<(), Failed>, BuildError> {
        let place = self.find_for_loader(path)?;
        progress.begin(Station::Write, place.length);
        let done =
            copy(self.file(), place.offset, sink, 0, place.length, &mut |done| progress.at(Station::Write, done));
        progress.end(Station::Write);
        Ok(done.and_then(|()| sink.end_at(place.length).map_err(Failed::Output)))
    }

    fn payload(&self) -> Result<Squashfs<&PlainFile>, BuildError> {
        let place = self.find(&at(PAYLOAD))?;
        Squashfs::open(self.file(), place.offset).map_err(|error| self.damaged(&error))
    }

    fn damaged(&self, error: &builder_squashfs::ReadError) -> BuildError {
        MediumError::Damaged { path: self.path().to_owned(), what: at(PAYLOAD), reason: error.to_string() }.into()
    }

    /// Writes the medium for machines that boot over the network, with the answers and the menu that this one has.
    fn pxe(&self, sink: &mut dyn Sink, progress: &mut dyn Progress) -> Result<Result<(), Failed>, BuildError> {
        let settings = self.settings().cloned();
        let settings = settings.ok_or_else(|| MediumError::FixedMenu { path: self.path().to_owned() })?;
        let mut manifest = self.manifest().clone();
        let place = self.find(&at(PAYLOAD))?;
        pxe::has_room(place.length)?;
        // What is copied is as long as it is on the medium, whatever the manifest says.
        manifest.payload.size = place.length;
        let medium = NetworkMedium {
            manifest,
            blocks: self.blocks()?,
            answers: self.answers_text(),
            settings,
            created: self.payload()?.mtime().into(),
        };
        let copied = |path| -> Result<Copied<'_>, BuildError> {
            let place = self.find_for_loader(path)?;
            Ok((Box::new(Piece { file: self.file(), at: place.offset, left: place.length }), place.length))
        };
        let files = [copied(KERNEL)?, copied(INITRAMFS)?, copied(ARCHIVE)?];
        progress.begin(Station::Write, place.length);
        let written = (|| {
            let mut done = |done| progress.at(Station::Write, done);
            copy(self.file(), place.offset, sink, pxe::payload_start()?, place.length, &mut done)?;
            let length = medium.write(sink, files)?;
            sink.end_at(length).map_err(Failed::Output)
        })();
        progress.end(Station::Write);
        Ok(written)
    }

    /// Writes the disk, holes left out.
    fn disk(&self, sink: &mut dyn Sink, progress: &mut dyn Progress) -> Result<Result<(), Failed>, BuildError> {
        let payload = self.payload()?;
        let disk = payload.open_file(DISK.as_bytes()).map_err(|error| self.damaged(&error))?;
        let size = disk.size().bytes();
        progress.begin(Station::Write, size);
        let written = (|| {
            for region in disk.regions() {
                let region = region.map_err(Failed::Input)?;
                let length = region.end.min(size).saturating_sub(region.start);
                let mut at = |done| progress.at(Station::Write, region.start + done);
                copy(&disk, region.start, sink, region.start, length, &mut at)?;
            }
            sink.end_at(size).map_err(Failed::Output)
        })();
        progress.end(Station::Write);
        Ok(written)
    }
}

/// A part of the medium, read from its begin.
struct Piece<'a> {
    file: &'a dyn ReadAt,
    at: u64,
    left: u64,
}

impl io::Read for Piece<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        self.file.read_at(self.at, &mut buffer[..length])?;
        self.at += length as u64;
        self.left -= length as u64;
        Ok(length)
    }
}

enum Failed {
    Plan(MediumError),
    Input(io::Error),
    Output(io::Error),
}

impl From<payload::Failed> for Failed {
    fn from(failed: payload::Failed) -> Self {
        match failed {
            payload::Failed::Plan(error) => Self::Plan(error),
            payload::Failed::Source(error) => Self::Input(error),
            payload::Failed::Output(error) => Self::Output(error),
        }
    }
}

fn copy(
    from: &dyn ReadAt,
    start: u64,
    sink: &mut dyn Sink,
    to: u64,
    length: u64,
    progress: &mut dyn FnMut(u64),
) -> Result<(), Failed> {
    const CHUNK: u64 = 1 << 20;
    let mut buffer = Vec::new();
    let mut done = 0;
    while done < length {
        // At most 1 MiB.
        buffer.resize(usize::try_from(CHUNK.min(length - done)).unwrap_or(1), 0);
        from.read_at(start + done, &mut buffer).map_err(Failed::Input)?;
        sink.write_at(to + done, &buffer).map_err(Failed::Output)?;
        done += buffer.len() as u64;
        progress(done);
    }
    Ok(())
}
