//! The real images, built from Debian packages by `tests/images/build`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use crate::command::{checkout, target};

/// The source text of the real image `name` (`mini` or `example`), built where it is not there yet.
///
/// # Panics
/// If it cannot be built; the script says why.
#[must_use]
pub fn real(name: &str) -> String {
    // One at a time: two tests may want the same image, and the builder has one store.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _guard = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let directory = directory(name);
    let status = Command::new(checkout().join("tests/images/build")).arg(name).arg(&directory).status();
    assert!(status.is_ok_and(|status| status.success()), "tests/images/build {name} failed");
    format!("oci:{}:latest", directory.display())
}

/// Where the layout of the real image `name` lies.
#[must_use]
pub fn directory(name: &str) -> PathBuf {
    target().join("images").join(name)
}
