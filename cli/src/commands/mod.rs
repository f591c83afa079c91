//! One file a command.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use builder::Tool;
use sha2::{Digest as _, Sha256};

use crate::report::Failure;

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod convert;
pub(crate) mod diff;
pub(crate) mod inspect;
pub(crate) mod iso;
pub(crate) mod lint;
pub(crate) mod smoke;
pub(crate) mod verify;

/// Where the unnamed scratch file lies: in `TMPDIR` where that is set, else beside the output, else in `/var/tmp`.
///
/// Beside the output is the room that the user chose; `/tmp` is often memory.
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

/// This program, as documents name it; without its digest where its file is gone.
fn this_program() -> Tool {
    let digest = std::env::current_exe().and_then(File::open).and_then(|mut file| {
        let mut hasher = Sha256::new();
        io::copy(&mut file, &mut hasher)?;
        Ok(format!("{:x}", hasher.finalize()))
    });
    Tool { version: env!("CARGO_PKG_VERSION").to_owned(), digest: digest.ok() }
}

/// The date of everything that is made, where the environment sets it (reproducible-builds.org).
fn source_date_epoch() -> Result<Option<i64>, Failure> {
    let Some(value) = std::env::var_os("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let seconds = value.to_str().and_then(|text| text.parse::<u32>().ok());
    seconds.map(|seconds| Some(i64::from(seconds))).ok_or_else(|| Failure::Usage {
        message: format!("SOURCE_DATE_EPOCH is {}, not a number of seconds from 0 to {}", value.display(), u32::MAX),
        hint: Some("set it to a time such as 1700000000, or unset it to use the image's own date".to_owned()),
    })
}
