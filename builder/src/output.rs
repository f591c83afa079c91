//! Outputs that exist complete or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use builder_block::ByteSize;

/// A file that has no name yet.
///
/// It lies in the directory of its final name as a file without any name, so that nothing has to be cleaned up
/// whatever ends the build, even a kill. Where the file system has no such files, it has a temporary name that is
/// removed on failure.
#[derive(Debug)]
pub struct PendingFile {
    target: PathBuf,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Unnamed(File),
    Named(tempfile::NamedTempFile),
}

/// What an interrupt has to know.
#[derive(Debug)]
struct Pending {
    /// Temporary names that exist now, and directories that are to hold the outputs.
    names: Vec<PathBuf>,
    /// An output has got its name.
    complete: bool,
    /// The process is ending.
    interrupted: bool,
}

static PENDING: Mutex<Pending> = Mutex::new(Pending { names: Vec::new(), complete: false, interrupted: false });

fn pending() -> MutexGuard<'static, Pending> {
    // Nothing panics while it holds the lock, and paths are whole in any case.
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary names of unfinished outputs, for a process that is about to end in the middle of its work;
/// tells whether an output has been completed already, in which case there is nothing to interrupt.
///
/// Only file systems without unnamed files have such names. Once this says that nothing is complete, no output gets its
/// name any more.
pub fn discard_pending_outputs() -> bool {
    let mut pending = pending();
    if pending.complete {
        // What is left gets its name now.
        return true;
    }
    // Directories were made before what is in them.
    for name in pending.names.drain(..).rev() {
        // It may be gone already; either way there is nobody left to tell.
        let _ = fs::remove_file(&name).or_else(|_| fs::remove_dir(&name));
    }
    pending.interrupted = true;
    false
}

/// Why an output cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The name stands for something that a disk image must not replace.
    #[error("the output {} is a {kind}", .path.display())]
    NotAFile {
        /// The output.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The output is a file of the image that is read.
    #[error("the output {} is a part of the image", .path.display())]
    IsSource {
        /// The output.
        path: PathBuf,
    },
    /// Two outputs are the same file.
    #[error("two outputs would be the same file, {}", .path.display())]
    Twice {
        /// The file.
        path: PathBuf,
    },
    /// The output is the disk that is read.
    #[error("the output {} is the disk that is read", .path.display())]
    IsInput {
        /// The output.
        path: PathBuf,
    },
    /// No file can be made there.
    #[error("cannot make a file in {}", .directory.display())]
    Create {
        /// The directory.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// There is not enough room.
    #[error("{} has {available} free, but {what} needs {needed}", .directory.display())]
    NoRoom {
        /// The directory.
        directory: PathBuf,
        /// What is free there.
        available: ByteSize,
        /// What wants the room.
        what: &'static str,
        /// What it needs.
        needed: ByteSize,
    },
    /// Writing failed.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The output.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl OutputError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Twice { .. } => Some("remove the link, or give another directory with -o".to_owned()),
            Self::NotAFile { .. } | Self::IsSource { .. } | Self::IsInput { .. } => Some("give the name of a file with -o".to_owned()),
            Self::Create { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("make the directory first".to_owned())
            }
            Self::Create { .. } => Some("choose a directory that you may write to with -o".to_owned()),
            Self::NoRoom { .. } => {
                Some("free some space, or choose another place with -o (output) or TMPDIR (scratch)".to_owned())
            }
            Self::Write { source, .. } if is_full(source) => {
                Some("free some space or choose another place with -o; nothing was left behind".to_owned())
            }
            Self::Write { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => Some(
                "the file system there holds no file of the disk's size; ask for a smaller disk or choose another place with -o"
                    .to_owned(),
            ),
            Self::Write { .. } => None,
        }
    }
}

/// Whether an I/O error says that there is no space.
#[must_use]
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl PendingFile {
    /// Begins the file that will be `target`. An existing regular file stays as it is until
    /// [`PendingFile::complete`]; a symbolic link is followed.
    ///
    /// # Errors
    /// [`OutputError::NotAFile`], or [`OutputError::Create`] where nothing can be written.
    pub fn create(target: &Path) -> Result<Self, OutputError> {
        let target = match fs::metadata(target) {
            Ok(metadata) => {
                let kind = metadata.file_type();
                let name = if kind.is_dir() {
                    "directory"
                } else if kind.is_block_device() {
                    "block device"
                } else if kind.is_char_device() {
                    "character device"
                } else if kind.is_fifo() {
                    "FIFO"
                } else if kind.is_socket() {
                    "socket"
                } else {
                    ""
                };
                if !name.is_empty() {
                    return Err(OutputError::NotAFile { path: target.to_owned(), kind: name });
                }
                fs::canonicalize(target)
                    .map_err(|source| OutputError::Create { directory: directory_of(target), source })?
            }
            // Such as a name that is too long. A name that ends in a slash is a directory's, and there is none.
            Err(source)
                if source.kind() != io::ErrorKind::NotFound || target.as_os_str().as_bytes().ends_with(b"/") =>
            {
                return Err(OutputError::Create { directory: target.to_owned(), source });
            }
            Err(_) => target.to_owned(),
        };
        let directory = directory_of(&target);
        let unnamed = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(i32::try_from(rustix::fs::OFlags::TMPFILE.bits()).unwrap_or(0))
            .mode(0o666)
            .open(&directory);
        let body = match unnamed {
            Ok(file) => Body::Unnamed(file),
            Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::IsADirectory) => {
                let named = tempfile::Builder::new().prefix(".diskwright-").tempfile_in(&directory);
                let named = named.map_err(|source| OutputError::Create { directory, source })?;
                pending().names.push(named.path().to_owned());
                Body::Named(named)
            }
            Err(source) => return Err(OutputError::Create { directory, source }),
        };
        Ok(Self { target, body })
    }

    /// The name it will have.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Another handle to the file.
    ///
    /// # Errors
    /// [`OutputError::Write`] where the system has no more handles.
    pub fn file(&self) -> Result<File, OutputError> {
        let file = match &self.body {
            Body::Unnamed(file) => file.try_clone(),
            Body::Named(named) => named.as_file().try_clone(),
        };
        file.map_err(|source| OutputError::Write { path: self.target.clone(), source })
    }

    /// Refuses where fewer than `needed` bytes are free beside the output.
    ///
    /// # Errors
    /// [`OutputError::NoRoom`].
    pub fn require_room(&self, needed: ByteSize) -> Result<(), OutputError> {
        require_room(&directory_of(&self.target), "the output", needed)
    }

    /// Gives the file its name; what had the name before is replaced in the same moment.
    ///
    /// # Errors
    /// [`OutputError::Write`]; then nothing was replaced.
    pub fn complete(self) -> Result<PathBuf, OutputError> {
        let Self { target, body } = self;
        let failed = |source| OutputError::Write { path: target.clone(), source };
        // Held while the name changes hands, so that an interrupt comes before or after, not between.
        let mut pending = pending();
        if pending.interrupted {
            drop(pending);
            loop {
                // The process is about to end, and has said already that there is no output.
                std::thread::park();
            }
        }
        match body {
            Body::Named(named) => {
                use std::os::unix::fs::PermissionsExt as _;
                // Temporary files are private; an output is as open as the user's umask lets new files be, which only
                // an unnamed file can learn. 0644 is the usual one.
                named.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
                pending.names.retain(|name| name != named.path());
                named.persist(&target).map_err(|error| failed(error.error))?;
            }
            Body::Unnamed(file) => {
                let link = |name: &Path| {
                    rustix::fs::linkat(
                        rustix::fs::CWD,
                        format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file)),
                        rustix::fs::CWD,
                        name,
                        rustix::fs::AtFlags::SYMLINK_FOLLOW,
                    )
                    .map_err(io::Error::from)
                };
                match link(&target) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        // A link cannot replace a name, a rename can: so the file gets a temporary name for a moment.
                        let directory = directory_of(&target);
                        let named = tempfile::Builder::new().prefix(".diskwright-").make_in(&directory, link);
                        let named = named.map_err(failed)?.into_temp_path();
                        named.persist(&target).map_err(|error| failed(error.error))?;
                    }
                    result => result.map_err(failed)?,
                }
            }
        }
        pending.complete = true;
        Ok(target)
    }
}

/// A directory that is made for outputs, and goes again where there are none.
#[derive(Debug)]
pub struct PendingDirectory {
    path: PathBuf,
}

impl PendingDirectory {
    /// Makes `path`.
    ///
    /// # Errors
    /// [`OutputError::Create`].
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        let mut pending = pending();
        fs::create_dir(path).map_err(|source| OutputError::Create { directory: path.to_owned(), source })?;
        pending.names.push(path.to_owned());
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for PendingDirectory {
    fn drop(&mut self) {
        pending().names.retain(|name| *name != self.path);
        // It stays where there is something in it: the outputs, or what somebody put there meanwhile.
        let _ = fs::remove_dir(&self.path);
    }
}

/// Refuses where fewer than `needed` bytes are free in `directory`.
///
/// # Errors
/// [`OutputError::NoRoom`]; a file system that does not tell is trusted.
pub(crate) fn require_room(directory: &Path, what: &'static str, needed: ByteSize) -> Result<(), OutputError> {
    let Ok(status) = rustix::fs::statvfs(directory) else { return Ok(()) };
    let available = ByteSize::new(status.f_bavail.saturating_mul(status.f_frsize));
    if available < needed {
        return Err(OutputError::NoRoom { directory: directory.to_owned(), available, what, needed });
    }
    Ok(())
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => PathBuf::from("/"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::PendingFile;

    #[test]
    fn an_output_is_complete_or_absent() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("disk.raw");
        fs::write(&target, "old").unwrap();
        let pending = PendingFile::create(&target).unwrap();
        pending.file().unwrap().write_all(b"half").unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        drop(pending);
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        let pending = PendingFile::create(&target).unwrap();
        pending.file().unwrap().write_all(b"new").unwrap();
        pending.complete().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(PendingFile::create(directory.path()).is_err());
    }
}
