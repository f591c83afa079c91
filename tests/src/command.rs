//! The `diskwright` command as users run it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The root of the checkout.
#[must_use]
pub fn checkout() -> &'static Path {
    // The manifest of this package lies in `tests/`.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent")
}

/// Where cargo puts what it builds.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| checkout().join("target"), PathBuf::from)
}

/// The release build of the command, made anew if its sources changed.
///
/// # Panics
/// If it does not compile.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--release", "--locked", "-p", "diskwright"])
            .current_dir(checkout())
            .status();
        assert!(status.is_ok_and(|status| status.success()), "diskwright does not compile");
        target().join("release/diskwright")
    })
}

/// How a run of the command ended.
#[derive(Debug)]
pub struct Run {
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Its stdout.
    pub stdout: String,
    /// Its stderr.
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Run {
    /// Fails the test unless the run succeeded.
    ///
    /// # Panics
    /// If it did not.
    #[must_use]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "diskwright failed:\n{}{}", self.stdout, self.stderr);
        self
    }
}

/// Runs `diskwright` with `arguments` in `directory`.
///
/// # Panics
/// If it cannot be started.
pub fn diskwright<A: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = A>) -> Run {
    Command::new(program())
        .args(arguments)
        .current_dir(directory)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .expect("diskwright starts")
        .into()
}
