//! What the live system's command must know of the medium that it runs from.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use builder_medium::{BLOCKS, BlockTable, MANIFEST, Manifest};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Tried as _};
use crate::medium::Medium;

/// Written when the live system starts, beside the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The medium's block device; none where it is in memory.
    pub(crate) medium: Option<String>,
    /// The device that shows the disk of the payload.
    pub(crate) disk: PathBuf,
}

impl State {
    /// Its name, beside the program.
    pub(crate) const FILE: &str = "state.json";

    pub(crate) fn write(&self) -> String {
        // A name and a path made of ASCII.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The medium, as it was when the live system started.
    pub(crate) fn open(directory: &Path) -> Result<Medium, Failure> {
        let read = |name: &str| {
            let path = directory.join(name);
            fs::read(&path).tried(|| format!("read {}", path.display())).map_err(|failure| {
                failure.hint("this program installs from a live system that was started from a medium")
            })
        };
        let wrong = |name: &str, error: &dyn std::fmt::Display| Failure::new(format!("{name}: {error}"));
        let state: Self = serde_json::from_slice(&read(Self::FILE)?).map_err(|error| wrong(Self::FILE, &error))?;
        let manifest = Manifest::read(&read(MANIFEST)?).map_err(|error| wrong(MANIFEST, &error))?;
        let blocks = BlockTable::read(&read(BLOCKS)?, manifest.disk.size, manifest.payload.block_size)
            .map_err(|error| wrong(BLOCKS, &error))?;
        let disk = File::open(&state.disk).tried(|| format!("open {}", state.disk.display()))?;
        Ok(Medium { device: state.medium, manifest, blocks, answers: String::new(), disk })
    }
}
