//! What a build made.

use std::fmt;
use std::path::PathBuf;

use builder_block::ByteSize;
use serde::Serialize;

use crate::plan::Plan;

/// A finished disk.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Where it is.
    pub path: PathBuf,
    /// Its format.
    pub format: &'static str,
    /// Bytes written; the rest are holes.
    pub written: u64,
    /// What was planned is what it is.
    pub plan: Plan,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, format, written, plan } = self;
        writeln!(f, "{}: {} disk, {} ({} on disk)", path.display(), format, plan.disk.size, ByteSize::new(*written))?;
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
