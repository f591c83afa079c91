//! What a build made.

use std::fmt;
use std::path::PathBuf;

use builder_block::ByteSize;
use serde::Serialize;

use crate::formats::OutputFormat;
use crate::plan::Plan;

/// A file that holds the disk.
#[derive(Clone, Debug, Serialize)]
pub struct Artefact {
    /// Where it is.
    pub path: PathBuf,
    /// Its format.
    pub format: &'static str,
    /// Length of the file in bytes.
    pub size: u64,
    /// Bytes written; the rest are holes.
    pub written: u64,
    /// Size of the disk in bytes.
    pub virtual_size: u64,
    /// SHA-256 of the file in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A finished disk.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The files, in the order in which the formats were asked for.
    pub artefacts: Vec<Artefact>,
    /// What was planned is what it is.
    pub plan: Plan,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { artefacts, plan } = self;
        for artefact in artefacts {
            let Artefact { path, format, size: length, written, .. } = artefact;
            let size = plan.disk.size;
            if [OutputFormat::Iso, OutputFormat::Pxe].iter().any(|medium| medium.name() == *format) {
                let whole = ByteSize::new(*length);
                writeln!(f, "{}: installer medium, {whole}, with a disk of {size}", path.display())?;
            } else {
                writeln!(f, "{}: {format} disk, {size} ({} on disk)", path.display(), ByteSize::new(*written))?;
            }
        }
        writeln!(f, "  {} ({}), kernel {}", plan.image.name, plan.image.platform, plan.boot.entry.kernel)?;
        writeln!(f, "  deployment {}", plan.deployment.commit)?;
        writeln!(f, "  tracks     {}", plan.deployment.origin)?;
        writeln!(f, "  boots with {}", plan.boot.loader)?;
        for note in &plan.notes {
            writeln!(f, "  note: {note}")?;
        }
        Ok(())
    }
}
