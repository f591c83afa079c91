//! A disk of anyone's becomes one of other formats.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use builder_block::{ByteSize, DiskSource, ReadAt, Region};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::bundle;
use crate::error::BuildError;
use crate::formats::{Formats, Machine};
use crate::open::OpenedDisk;
use crate::outcome::Artefact;
use crate::output::OutputError;
use crate::progress::Progress;
use crate::writing::{PendingFiles, Writing, Written};

/// What the identity of a converted disk is made of: its table, and so its GUIDs, in most cases.
const FIRST_BYTES: u64 = 64 << 10;

/// What a conversion needs to know beside the disk.
#[derive(Clone, Debug)]
pub struct Conversion<'a> {
    /// The disk file.
    pub path: &'a Path,
    /// What it becomes.
    pub formats: &'a Formats,
    /// Architecture of the machine that the disk is for, as images name it: container-disk says it.
    pub architecture: &'a str,
    /// Date of what is made, in seconds since 1970.
    pub created: i64,
    /// How many threads may compress at once, at least one. The bytes do not depend on it.
    pub threads: usize,
}

/// What a conversion made.
#[derive(Clone, Debug, Serialize)]
pub struct Converted {
    /// The disk file.
    pub source: PathBuf,
    /// Its format.
    pub format: &'static str,
    /// Size of the disk in bytes.
    pub size: u64,
    /// The files, in the order in which the formats were asked for.
    pub artefacts: Vec<Artefact>,
}

impl Conversion<'_> {
    /// Writes `disk` in all formats and gives the files their names.
    ///
    /// # Errors
    /// The disk cannot be read, or cannot be written in one of the formats; then nothing is left behind.
    ///
    /// # Panics
    /// If there is not one pending file for each format.
    pub fn write(
        &self,
        disk: &OpenedDisk,
        pending: PendingFiles,
        progress: &mut dyn Progress,
    ) -> Result<Converted, BuildError> {
        for file in pending.iter() {
            let same = std::fs::canonicalize(self.path).ok();
            if same.is_some() && same == std::fs::canonicalize(file.target()).ok() {
                return Err(OutputError::IsInput { path: file.target().to_owned() }.into());
            }
        }
        // A disk without a table that can be read is converted, whatever it is.
        let sector = disk.sector_size();
        if let Some(sector) = sector {
            self.formats.require_sectors(sector)?;
        }
        let read = |source| BuildError::Read { path: self.path.to_owned(), source };
        let runs = builder_block::runs(disk).map_err(read)?;
        let settled = Settled { disk, runs: &runs };
        let needed = runs.iter().map(|run| ByteSize::new(run.end - run.start)).sum();
        let machine = Machine {
            system: "a converted disk".to_owned(),
            architecture: self.architecture.to_owned(),
            created: self.created,
            unique_id: unique_id(disk).map_err(read)?,
        };
        let writing = Writing {
            medium: None,
            path: Some(self.path),
            disk: &settled,
            sector,
            formats: self.formats,
            machine: &machine,
            threads: self.threads,
        };
        let Written { artefacts, others } = writing.write(&pending, needed, progress)?;
        let documents = bundle::checksums_alone(&artefacts, &others, pending.prefix.as_deref())?;
        pending.complete(&documents)?;
        let (format, size) = (disk.kind().name(), disk.size().bytes());
        Ok(Converted { source: self.path.to_owned(), format, size, artefacts })
    }
}

/// A disk whose map was asked for once: what a host says of holes changes with what it has in memory, and a format may
/// ask twice.
struct Settled<'a> {
    disk: &'a OpenedDisk,
    runs: &'a [Region],
}

impl ReadAt for Settled<'_> {
    fn size(&self) -> ByteSize {
        self.disk.size()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(offset, buffer)
    }
}

impl DiskSource for Settled<'_> {
    fn data_behind(&self, from: u64) -> io::Result<Option<Region>> {
        let next = self.runs.partition_point(|run| run.end <= from);
        Ok(self.runs.get(next).map(|run| Region { start: run.start.max(from), end: run.end }))
    }
}

/// Tells the disk from others: by its first bytes, and so by the GUIDs of its table.
fn unique_id(disk: &OpenedDisk) -> io::Result<[u8; 16]> {
    let length = disk.size().bytes().min(FIRST_BYTES);
    // At most 64 KiB.
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    disk.read_at(0, &mut bytes)?;
    let digest = Sha256::new_with_prefix(b"diskwright convert 1").chain_update(&bytes).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Ok(uuid::Uuid::new_v8(id).into_bytes())
}

impl fmt::Display for Converted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, format, size, artefacts } = self;
        writeln!(f, "{}: {format} disk, {}", source.display(), ByteSize::new(*size))?;
        for artefact in artefacts {
            let (path, written) = (artefact.path.display(), ByteSize::new(artefact.written));
            writeln!(f, "{path}: {} disk ({written} on disk)", artefact.format)?;
        }
        Ok(())
    }
}
