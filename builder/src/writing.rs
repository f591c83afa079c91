//! A disk becomes files, whether it was built or is somebody's.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use builder_block::{ByteSize, DiskSource, SectorSize, Sink};

use crate::bundle::{Bmap, Document};
use crate::error::BuildError;
use crate::formats::{Compared, FormatError, Formats, Machine, Measured, OutputFormat, PassError, Selection};
use crate::medium::{MediumError, MediumFailed, MediumWriting};
use crate::outcome::Artefact;
use crate::output::{OutputError, PendingFile, require_room};
use crate::progress::{Progress, Station};

/// The files of a run, begun and without a name.
#[derive(Debug)]
pub struct PendingFiles {
    /// One for each format, in their order.
    pub disks: Vec<PendingFile>,
    /// The block map, where one is wanted.
    pub block_map: Option<PendingFile>,
    /// The documents that are wanted, in the order in which they are made.
    pub documents: Vec<PendingFile>,
    /// The single file that block map and documents are called after.
    pub prefix: Option<OsString>,
}

impl PendingFiles {
    /// Whether anything lies beside the disks, for which their checksums are needed.
    fn has_bundle(&self) -> bool {
        !self.documents.is_empty() || self.block_map.is_some()
    }

    /// Refuses where there is less room than the disks will take.
    fn require_room(&self, formats: &[OutputFormat], needed: ByteSize) -> Result<(), OutputError> {
        let mut directories: BTreeMap<PathBuf, u64> = BTreeMap::new();
        for (format, file) in formats.iter().zip(&self.disks) {
            // What is compressed is smaller, and nobody knows by how much.
            if let Some(directory) = file.room().filter(|_| matches!(format, OutputFormat::Raw | OutputFormat::Vhd)) {
                *directories.entry(directory).or_default() += needed.bytes();
            }
        }
        for (directory, needed) in directories {
            require_room(&directory, "the output", ByteSize::new(needed))?;
        }
        Ok(())
    }

    /// Names of what lies beside a single file and is called after it; none in a directory, where they are seen.
    #[must_use]
    pub fn names_beside_a_file(&self) -> Vec<String> {
        let beside = self.block_map.iter().chain(&self.documents).filter(|_| self.prefix.is_some());
        beside.filter_map(|file| Some(file.path().file_name()?.to_string_lossy().into_owned())).collect()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &PendingFile> {
        self.disks.iter().chain(&self.block_map).chain(&self.documents)
    }

    /// Gives every file its name, those that tell of others last.
    pub(crate) fn complete(self, documents: &[Document]) -> Result<(), BuildError> {
        use std::io::Write as _;
        for (pending, document) in self.documents.iter().zip(documents) {
            let written = pending.file()?.write_all(&document.bytes);
            written.map_err(|source| OutputError::Write { path: pending.target().to_owned(), source })?;
        }
        for pending in self.disks.into_iter().chain(self.block_map).chain(self.documents) {
            pending.complete()?;
        }
        Ok(())
    }
}

/// A disk and what it is to be written as.
pub(crate) struct Writing<'a> {
    /// The file that the disk is read from; `None` where it is made.
    pub(crate) path: Option<&'a Path>,
    pub(crate) disk: &'a (dyn DiskSource + Sync),
    /// What the disk is laid out for; `None` where nobody knows.
    pub(crate) sector: Option<SectorSize>,
    pub(crate) formats: &'a Formats,
    pub(crate) machine: &'a Machine,
    /// What makes a medium of the disk; `None` where the disk is somebody's.
    pub(crate) medium: Option<&'a MediumWriting<'a>>,
    pub(crate) threads: usize,
}

/// What was written, before the files have their names.
pub(crate) struct Written {
    pub(crate) artefacts: Vec<Artefact>,
    /// Names and SHA-256 of files beside the disks.
    pub(crate) others: Vec<(OsString, String)>,
}

impl Writing<'_> {
    /// What the files would take together, without the documents beside them.
    pub(crate) fn forecast(&self, progress: &mut dyn Progress) -> Result<ByteSize, BuildError> {
        let mut files: Vec<_> = self.formats.formats.iter().map(|_| Measured::counting()).collect();
        self.all(None, &mut files, Station::Forecast, progress).map_err(|error| match error {
            Failed::Format(error) => error.into(),
            Failed::Medium(error) => error.into(),
            Failed::Pass(PassError::Source(source) | PassError::Output(_, source)) => self.unreadable(source),
        })?;
        Ok(files.iter().map(Measured::written).sum())
    }

    /// Writes all formats and the block map.
    pub(crate) fn write(
        &self,
        pending: &PendingFiles,
        needed: ByteSize,
        progress: &mut dyn Progress,
    ) -> Result<Written, BuildError> {
        let formats = &self.formats.formats;
        assert_eq!(formats.len(), pending.disks.len(), "each format has its file");
        let mut files = Vec::new();
        let size = self.disk.size().bytes();
        pending.require_room(formats, needed)?;
        for (format, file) in formats.iter().zip(&pending.disks) {
            if let Some(sector) = self.sector {
                file.require_sectors(sector)?;
            }
            file.require_size(self.disk.size())?;
            files.push(Measured::new(file.sink()?, *format, pending.has_bundle()));
        }
        let block_map = match &pending.block_map {
            Some(file) => {
                files.push(Measured::new(file.sink()?, OutputFormat::Raw, true));
                Some(Bmap::new(size))
            }
            None => None,
        };
        let lengths = self.all(block_map, &mut files, Station::Write, progress).map_err(|error| match error {
            Failed::Format(error) => error.into(),
            Failed::Medium(error) => error.into(),
            Failed::Pass(PassError::Source(source)) => self.unreadable(source),
            Failed::Pass(PassError::Output(number, source)) => {
                match pending.disks.iter().chain(&pending.block_map).nth(number) {
                    Some(file) => file.failed(source).into(),
                    None => self.unreadable(source),
                }
            }
        })?;
        let artefacts = formats.iter().zip(&pending.disks).zip(files.iter().zip(lengths));
        let artefacts = artefacts.map(|((format, pending), (file, size_in_bytes))| Artefact {
            path: pending.path().to_owned(),
            format: format.name(),
            size: size_in_bytes,
            written: file.written().bytes(),
            virtual_size: size,
            sha256: file.digest().map(str::to_owned),
        });
        let others =
            pending.block_map.iter().zip(files.iter().skip(formats.len())).filter_map(|(pending, file)| {
                Some((pending.path().file_name()?.to_owned(), file.digest()?.to_owned()))
            });
        Ok(Written { artefacts: artefacts.collect(), others: others.collect() })
    }

    /// Compares `file`, which is at `path`, with the only format there is.
    pub(crate) fn compare(
        &self,
        path: &Path,
        file: &mut Compared,
        progress: &mut dyn Progress,
    ) -> Result<(), BuildError> {
        progress.begin(Station::Compare, self.disk.size().bytes());
        let mut at = |done| progress.at(Station::Compare, done);
        match self.medium {
            Some(medium) => {
                let format = self.formats.formats.first().copied().unwrap_or(OutputFormat::Iso);
                let compared = medium.write(format, file, &mut at).and_then(|length| {
                    // The checksum is that of the file there is: it tells nothing new where another byte is wrong.
                    if file.has_difference() {
                        return Ok(());
                    }
                    MediumWriting::seal(format, file)?;
                    file.end_at(length).map_err(MediumFailed::Output)
                });
                compared.map_err(|error| match error {
                    MediumFailed::Plan(error) => error.into(),
                    MediumFailed::Source(source) => self.unreadable(source),
                    MediumFailed::Output(source) => BuildError::Read { path: path.to_owned(), source },
                })?;
            }
            None => {
                let selection = Selection::new(self.disk, self.formats, self.machine)?;
                selection.write(self.disk, vec![file], self.threads, &mut at).map_err(|error| match error {
                    PassError::Source(source) => self.unreadable(source),
                    PassError::Output(_, source) => BuildError::Read { path: path.to_owned(), source },
                })?;
            }
        }
        progress.end(Station::Compare);
        Ok(())
    }

    /// The disk cannot be read.
    fn unreadable(&self, source: io::Error) -> BuildError {
        match self.path {
            Some(path) => BuildError::Read { path: path.to_owned(), source },
            None => BuildError::Scratch { source },
        }
    }

    /// Writes all formats and the block map, a file each; gives the lengths of the files.
    fn all(
        &self,
        block_map: Option<Bmap>,
        files: &mut [Measured],
        station: Station,
        progress: &mut dyn Progress,
    ) -> Result<Vec<u64>, Failed> {
        let mut lengths = vec![0; files.len()];
        let is_medium = |number: usize| self.formats.formats.get(number).copied().filter(|format| format.is_medium());
        for (number, file) in files.iter_mut().enumerate() {
            if let Some(format) = is_medium(number) {
                lengths[number] = self.medium(number, format, file, station, progress)?;
            }
        }
        let rest: Vec<usize> = (0..files.len()).filter(|&number| is_medium(number).is_none()).collect();
        if !rest.is_empty() {
            let others = files.iter_mut().enumerate().filter(|(number, _)| is_medium(*number).is_none());
            let others = others.map(|(_, file)| file as &mut (dyn Sink + Send)).collect();
            let passed = self.pass(block_map, others, station, progress).map_err(|error| match error {
                Failed::Pass(PassError::Output(number, source)) => {
                    Failed::Pass(PassError::Output(rest.get(number).copied().unwrap_or(number), source))
                }
                other => other,
            })?;
            for (number, length) in rest.into_iter().zip(passed) {
                lengths[number] = length;
            }
        }
        Ok(lengths)
    }

    /// Writes the medium to the file of that number.
    fn medium(
        &self,
        number: usize,
        format: OutputFormat,
        file: &mut Measured,
        station: Station,
        progress: &mut dyn Progress,
    ) -> Result<u64, Failed> {
        let Some(medium) = self.medium else { return Err(Failed::Format(FormatError::NeedsImage { format })) };
        progress.begin(Station::Medium, self.disk.size().bytes());
        let mut at = |done| progress.at(Station::Medium, done);
        let seal = if station == Station::Forecast { MediumWriting::count_seal } else { MediumWriting::seal };
        let written = medium.write(format, file, &mut at).and_then(|length| {
            seal(format, file)?;
            file.end_at(length).map_err(MediumFailed::Output)?;
            Ok(length)
        });
        progress.end(Station::Medium);
        written.map_err(|error| match error {
            MediumFailed::Plan(error) => Failed::Medium(error),
            MediumFailed::Source(error) => Failed::Pass(PassError::Source(error)),
            MediumFailed::Output(error) => Failed::Pass(PassError::Output(number, error)),
        })
    }

    /// Writes what is made piece by piece, in one pass over the disk.
    fn pass(
        &self,
        block_map: Option<Bmap>,
        files: Vec<&mut (dyn Sink + Send)>,
        station: Station,
        progress: &mut dyn Progress,
    ) -> Result<Vec<u64>, Failed> {
        let formats = self.formats.formats.iter().copied().filter(|format| !format.is_medium()).collect();
        let formats = Formats { formats, ..self.formats.clone() };
        let mut selection = Selection::new(self.disk, &formats, self.machine).map_err(Failed::Format)?;
        if let Some(block_map) = block_map {
            selection.add_plain(Box::new(block_map));
        }
        progress.begin(station, self.disk.size().bytes());
        let lengths = selection
            .write(self.disk, files, self.threads, &mut |done| progress.at(station, done))
            .map_err(Failed::Pass)?;
        progress.end(station);
        Ok(lengths)
    }
}

/// Why there are no files.
enum Failed {
    Format(FormatError),
    Medium(MediumError),
    Pass(PassError),
}
