//! One file a command.

use std::path::{Path, PathBuf};

pub(crate) mod build;
pub(crate) mod inspect;

/// Where the unnamed scratch file lies: in `TMPDIR` where that is set, else beside the output, else in `/var/tmp`.
///
/// Beside the output the host may share blocks between the two; `/tmp` is often memory.
fn scratch_directory(output: Option<&Path>) -> PathBuf {
    if let Some(directory) = std::env::var_os("TMPDIR").filter(|directory| !directory.is_empty()) {
        return directory.into();
    }
    match output {
        Some(directory) if directory.as_os_str().is_empty() => PathBuf::from("."),
        Some(directory) => directory.to_owned(),
        None => [PathBuf::from("/var/tmp")].into_iter().find(|path| path.is_dir()).unwrap_or_else(std::env::temp_dir),
    }
}
