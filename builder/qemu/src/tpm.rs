//! A TPM 2.0 in software: swtpm, which QEMU talks to through a socket.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::console::Console;
use crate::error::QemuError;
use crate::program::{find_program, guarded};

/// A TPM that knows nothing yet; for one machine, once. Dropping it ends swtpm and removes what it has stored.
pub struct SoftwareTpm {
    // Before the directory: swtpm has ended when its files go.
    _process: Console,
    control: PathBuf,
    _directory: tempfile::TempDir,
}

impl SoftwareTpm {
    /// Starts swtpm. It ends by itself when QEMU does.
    ///
    /// # Errors
    ///
    /// [`QemuError::TpmMissing`]; [`QemuError::Io`] where it cannot be started.
    pub fn start() -> Result<Self, QemuError> {
        let program = find_program("swtpm", std::env::var_os("PATH").as_deref())
            .map_err(|looked_at| QemuError::TpmMissing { looked_at })?;
        Self::start_program(&program).map_err(|source| QemuError::Io { operation: "start swtpm", source })
    }

    fn start_program(program: &Path) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("diskwright-tpm-").tempdir()?;
        let control = directory.path().join("control");
        // Bound here and handed over, so there is no socket to wait for.
        let listener = UnixListener::bind(&control)?;
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = guarded(program);
        let mut state = OsStr::new("dir=").to_owned();
        state.push(directory.path());
        command.args(["socket", "--tpm2", "--terminate", "--ctrl", "type=unixio,fd=0", "--tpmstate"]).arg(state);
        command.stdin(Stdio::from(OwnedFd::from(listener))).stdout(Stdio::from(OwnedFd::from(theirs)));
        let process = Console::start(command, ours, None)?;
        Ok(Self { _process: process, control, _directory: directory })
    }

    /// The socket, for [`crate::MachineBuilder::tpm`].
    #[must_use]
    pub fn control(&self) -> &Path {
        &self.control
    }
}

impl std::fmt::Debug for SoftwareTpm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SoftwareTpm({})", self.control.display())
    }
}
