//! Block devices on files.

use std::path::{Path, PathBuf};

use crate::judge::judge;

/// A block device on a file, until it is dropped.
#[derive(Debug)]
pub struct Loop {
    /// Its name.
    pub device: PathBuf,
}

impl Loop {
    /// One on `file` with sectors of so many bytes.
    ///
    /// # Panics
    /// If the kernel refuses it, as it does those who are not root.
    #[must_use]
    pub fn on(file: &Path, sector_bytes: u32) -> Self {
        let sectors = sector_bytes.to_string();
        let arguments = ["--find", "--show", "--sector-size", &sectors].map(AsRef::as_ref);
        let shown = judge("losetup", arguments.into_iter().chain([file.as_os_str()])).passed();
        Self { device: shown.stdout.trim().into() }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = judge("losetup", ["--detach".as_ref(), self.device.as_os_str()]);
    }
}
