//! A TPM 2.0 in software: swtpm, which QEMU talks to through a socket.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::alive::stores;
use crate::console::Console;
use crate::error::QemuError;
use crate::program::{find_program, guarded};

/// A TPM that knows nothing yet; for one machine, once. Dropping it ends swtpm and removes what it has stored.
pub struct SoftwareTpm {
    // Before the directory: swtpm has ended when its files go.
    _process: Console,
    control: PathBuf,
    _store: Store,
}

/// The directory that swtpm writes into, which an interrupt removes as well.
struct Store(tempfile::TempDir);

impl Drop for Store {
    fn drop(&mut self) {
        let mut stores = stores();
        // What is left of it after this is left to the directory's own drop, and has nobody to be told.
        let _ = std::fs::remove_dir_all(self.0.path());
        stores.retain(|(_, known)| known != self.0.path());
    }
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
        // Until swtpm is known by its number: an interrupt waits, and then finds both.
        let mut stores = stores();
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
        stores.push((process.pid(), directory.path().to_owned()));
        Ok(Self { _process: process, control, _store: Store(directory) })
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
