//! The files that a smoke test leaves: all of them, or none.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use builder::{BuildError, OutputError, PendingDirectory, PendingFile};

use super::Outcome;
use super::arguments::{MachineChoice, Smoke};
use super::documents::Document;
use crate::report::Failure;

/// What a guest may say before the rest is left out: a boot says 100 KiB, and one that never stops must not fill the
/// disk.
const LOG_LIMIT_BYTES: u64 = 64 << 20;

/// Files that have no names yet.
pub(crate) struct Files {
    pub(crate) machines: Vec<MachineFiles>,
    json: PendingFile,
    junit: PendingFile,
    /// The page, where one is wanted.
    pub(crate) report: Option<PendingFile>,
    /// Made for this run; goes again if the run fails.
    _made: Option<PendingDirectory>,
}

/// Those of one machine.
pub(crate) struct MachineFiles {
    pub(crate) log: LogFile,
    pub(crate) screenshot: Option<PendingFile>,
}

/// Where the documents for all machines are.
pub(crate) struct Places {
    pub(crate) json: PathBuf,
    pub(crate) junit: PathBuf,
    pub(crate) report: Option<PathBuf>,
}

impl Files {
    /// Begins all of them, so that a directory that cannot be written is found before a boot and not after it.
    pub(crate) fn begin(arguments: &Smoke, machines: &[MachineChoice]) -> Result<Self, Failure> {
        let (directory, made) = directory(arguments)?;
        let begin = |suffix: &str| -> Result<PendingFile, BuildError> {
            let mut name = arguments.artefact.file_name().map(OsString::from).unwrap_or_default();
            name.push(format!(".smoke.{suffix}"));
            PendingFile::create(&directory.join(name)).map_err(BuildError::from)
        };
        let of_machine = |machine: &MachineChoice| -> Result<MachineFiles, BuildError> {
            let name = if machines.len() == 1 { String::new() } else { format!("{machine}.") };
            let log = LogFile { file: begin(&format!("{name}log"))?, failed: Arc::default() };
            let screenshot = arguments.screenshot.then(|| begin(&format!("{name}png"))).transpose()?;
            Ok(MachineFiles { log, screenshot })
        };
        Ok(Self {
            machines: machines.iter().map(of_machine).collect::<Result<_, _>>()?,
            json: begin("json")?,
            junit: begin("junit.xml")?,
            report: arguments.report.as_deref().map(PendingFile::create).transpose().map_err(BuildError::from)?,
            _made: made,
        })
    }

    /// Writes the documents, and gives everything its name.
    pub(crate) fn complete(
        self,
        document: &Document<'_>,
        junit: &str,
        outcomes: &[Outcome],
    ) -> Result<Places, Failure> {
        let json = serde_json::to_string_pretty(document).map_err(|error| Failure::Stdout(io::Error::other(error)))?;
        write(&self.json, &format!("{json}\n"))?;
        write(&self.junit, junit)?;
        let places = Places {
            json: self.json.path().to_owned(),
            junit: self.junit.path().to_owned(),
            report: self.report.as_ref().map(|file| file.path().to_owned()),
        };
        let mut all = Vec::new();
        for (files, outcome) in self.machines.into_iter().zip(outcomes) {
            all.push(files.log.finish()?);
            all.extend(files.screenshot.filter(|_| outcome.screenshot.is_some()));
        }
        all.extend(self.report);
        all.extend([self.json, self.junit]);
        for file in all {
            file.complete().map_err(BuildError::from)?;
        }
        Ok(places)
    }
}

/// The directory, made where it is missing.
fn directory(arguments: &Smoke) -> Result<(PathBuf, Option<PendingDirectory>), Failure> {
    let Some(directory) = &arguments.output else {
        let beside = arguments.artefact.parent().unwrap_or(Path::new(""));
        return Ok((beside.to_owned(), None));
    };
    if directory.is_dir() {
        return Ok((directory.clone(), None));
    }
    let made = PendingDirectory::create(directory).map_err(BuildError::from)?;
    Ok((directory.clone(), Some(made)))
}

fn write(pending: &PendingFile, text: &str) -> Result<(), Failure> {
    let mut file = pending.file().map_err(BuildError::from)?;
    file.write_all(text.as_bytes()).map_err(|source| failed(pending.path(), source))
}

fn failed(path: &Path, source: io::Error) -> Failure {
    BuildError::from(OutputError::Write { path: path.to_owned(), source }).into()
}

/// The log of the serial console.
pub(crate) struct LogFile {
    file: PendingFile,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl LogFile {
    pub(crate) fn path(&self) -> PathBuf {
        self.file.path().to_owned()
    }

    /// What the machine writes to.
    pub(crate) fn writer(&self) -> Result<Log, Failure> {
        let file = self.file.file().map_err(BuildError::from)?;
        Ok(Log { file, left: LOG_LIMIT_BYTES, failed: Arc::clone(&self.failed) })
    }

    /// Forgets what was written.
    pub(crate) fn start_anew(&self) -> Result<(), Failure> {
        let mut file = self.file.file().map_err(BuildError::from)?;
        file.set_len(0).and_then(|()| file.rewind()).map_err(|source| failed(self.file.path(), source))
    }

    /// The file, unless something of the log is missing in it.
    fn finish(self) -> Result<PendingFile, Failure> {
        let error = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match error {
            Some(source) => Err(failed(self.file.path(), source)),
            None => Ok(self.file),
        }
    }
}

/// Writes up to the limit, and remembers what went wrong: a console has nobody to tell.
pub(crate) struct Log {
    file: File,
    left: u64,
    failed: Arc<Mutex<Option<io::Error>>>,
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        if let Err(error) = self.file.write_all(&bytes[..room]) {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            return Err(io::ErrorKind::Other.into());
        }
        self.left = self.left.saturating_sub(room as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
