//! The `diskwright` command as users run it.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use crate::judge::judge;

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

/// The names in `directory`, in their order.
///
/// # Panics
/// If it cannot be read, or a name is no text.
#[must_use]
pub fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("the directory can be read");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("the directory can be read").file_name().into_string().expect("names are text"))
        .collect();
    names.sort();
    names
}

/// Runs `diskwright` with `arguments` in `directory`, and sends it `signal` in the moment in which `station` begins.
/// It writes that to a pipe that nobody empties meanwhile, so the moment is chosen, not guessed; but it may be done
/// before the signal comes.
///
/// # Panics
/// If it cannot be started.
pub fn signalled<A: AsRef<OsStr>>(
    directory: &Path,
    arguments: impl IntoIterator<Item = A>,
    station: &str,
    signal: &str,
) -> Run {
    let mut child = Command::new(program())
        .args(arguments)
        .args(["--progress", "json"])
        .current_dir(directory)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("diskwright starts");
    let mut pipe = child.stderr.take().expect("stderr is a pipe");
    let (mut heard, mut byte) = (Vec::new(), [0]);
    let wanted = format!("\"event\":\"begin\",\"station\":\"{station}\"");
    while !String::from_utf8_lossy(&heard).contains(&wanted) && matches!(pipe.read(&mut byte), Ok(1)) {
        heard.push(byte[0]);
    }
    let _ = judge("kill", ["-s", signal, &child.id().to_string()]);
    let mut stderr = String::new();
    pipe.read_to_string(&mut stderr).expect("stderr is text");
    let code = child.wait().expect("diskwright ends").code();
    Run { code, stdout: String::new(), stderr }
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
