//! Parts of a medium as files of their own.

use std::fmt;
use std::io;
use std::str::FromStr;

use builder_block::{DiskSource as _, ReadAt, Sink};
use builder_medium::{DISK, PAYLOAD};
use builder_squashfs::Squashfs;

use crate::error::BuildError;
use crate::medium::error::MediumError;
use crate::medium::image::{ARCHIVE, INITRAMFS, KERNEL, at};
use crate::medium::opened::Medium;
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
}

impl MediumPart {
    /// All parts.
    pub const ALL: [Self; 4] = [Self::Kernel, Self::Initramfs, Self::Installer, Self::Disk];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Initramfs => "initramfs",
            Self::Installer => "installer",
            Self::Disk => "disk",
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
        };
        copied.map_err(|failed| match failed {
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

    /// Writes the disk, holes left out.
    fn disk(&self, sink: &mut dyn Sink, progress: &mut dyn Progress) -> Result<Result<(), Failed>, BuildError> {
        let place = self.find(&at(PAYLOAD))?;
        let damaged = |error: builder_squashfs::ReadError| -> BuildError {
            MediumError::Damaged { path: self.path().to_owned(), what: at(PAYLOAD), reason: error.to_string() }.into()
        };
        let payload = Squashfs::open(self.file(), place.offset).map_err(damaged)?;
        let disk = payload.open_file(DISK.as_bytes()).map_err(damaged)?;
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

enum Failed {
    Input(io::Error),
    Output(io::Error),
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
