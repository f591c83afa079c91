//! Outputs that exist complete or not at all.

mod device;
mod error;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use builder_block::{ByteSize, SectorSize, Sink};

use device::Device;
use error::BLOCK_DEVICE;
pub use error::OutputError;
pub(crate) use error::is_because_of_room;

/// A file that has no name yet.
///
/// It lies in the directory of its final name as a file without any name, so that nothing has to be cleaned up
/// whatever ends the build, even a kill. Where the file system has no such files, it has a temporary name that is
/// removed on failure.
#[derive(Debug)]
pub struct PendingFile {
    path: PathBuf,
    target: PathBuf,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Unnamed(File),
    Named(tempfile::NamedTempFile),
    /// A block device, which has its name already.
    Device(Device),
}

/// What an interrupt has to know.
#[derive(Debug)]
struct Pending {
    /// Temporary names that exist now, and directories that are to hold the outputs.
    names: Vec<PathBuf>,
    /// An output has got its name.
    complete: bool,
    /// A device whose contents are being overwritten.
    device: Option<PathBuf>,
    /// The process is ending.
    interrupted: bool,
}

static PENDING: Mutex<Pending> =
    Mutex::new(Pending { names: Vec::new(), complete: false, device: None, interrupted: false });

fn pending() -> MutexGuard<'static, Pending> {
    // Nothing panics while it holds the lock, and paths are whole in any case.
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an interrupt found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// An output has been completed already: there is nothing to interrupt.
    Complete,
    /// Nothing is left behind.
    Everything,
    /// Nothing but this device, which has lost what was on it and has no partition table.
    AllBut(PathBuf),
}

/// Removes the temporary names of unfinished outputs, for a process that is about to end in the middle of its work.
///
/// Only file systems without unnamed files have such names. Once this says that nothing is complete, no output gets its
/// name any more, and no device its partition table.
pub fn discard_pending_outputs() -> Discarded {
    let mut pending = pending();
    if pending.complete {
        // What is left gets its name now.
        return Discarded::Complete;
    }
    // Directories were made before what is in them.
    for name in pending.names.drain(..).rev() {
        // It may be gone already; either way there is nobody left to tell.
        let _ = fs::remove_file(&name).or_else(|_| fs::remove_dir(&name));
    }
    pending.interrupted = true;
    pending.device.take().map_or(Discarded::Everything, Discarded::AllBut)
}

/// Changes a file in place, so that an interrupt comes before or after, not between. Then there is nothing any more to
/// interrupt.
pub(crate) fn uninterrupted<T>(change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mut pending = stop_if_interrupted(pending());
    let changed = change()?;
    pending.complete = true;
    Ok(changed)
}

/// Stops the thread where the process is about to end, having said already that there is no output.
fn stop_if_interrupted(pending: MutexGuard<'static, Pending>) -> MutexGuard<'static, Pending> {
    if pending.interrupted {
        drop(pending);
        loop {
            std::thread::park();
        }
    }
    pending
}

impl PendingFile {
    /// Begins the file that will be `path`. An existing regular file stays as it is until
    /// [`PendingFile::complete`]; a symbolic link is followed.
    ///
    /// # Errors
    /// [`OutputError::NotAFile`], or [`OutputError::Create`] where nothing can be written.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        let target = match fs::metadata(path) {
            Ok(metadata) => {
                if let Some(kind) = special(metadata.file_type()) {
                    return Err(OutputError::NotAFile { path: path.to_owned(), kind });
                }
                fs::canonicalize(path)
                    .map_err(|source| OutputError::Create { directory: directory_of(path), source })?
            }
            // Such as a name that is too long. A name that ends in a slash is a directory's, and there is none.
            Err(source) if source.kind() != io::ErrorKind::NotFound || path.as_os_str().as_bytes().ends_with(b"/") => {
                return Err(OutputError::Create { directory: path.to_owned(), source });
            }
            Err(_) => path.to_owned(),
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
        Ok(Self { path: path.to_owned(), target, body })
    }

    /// Takes the block device `path` for itself, to overwrite it. Nothing is written yet.
    ///
    /// # Errors
    /// [`OutputError::NotADevice`], [`OutputError::DeviceInUse`], or [`OutputError::Device`] where it cannot be opened.
    pub fn overwrite_device(path: &Path) -> Result<Self, OutputError> {
        let device = Device::open(path)?;
        Ok(Self { path: path.to_owned(), target: path.to_owned(), body: Body::Device(device) })
    }

    /// Whether it is a block device.
    #[must_use]
    pub fn is_device(&self) -> bool {
        matches!(self.body, Body::Device(_))
    }

    /// The name that was asked for.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name it will have: the same, unless that is a link.
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
            Body::Device(device) => device.file(),
        };
        file.map_err(|source| OutputError::Write { path: self.target.clone(), source })
    }

    /// Where a format is written to.
    pub(crate) fn sink(&self) -> Result<Box<dyn Sink + Send>, OutputError> {
        Ok(match &self.body {
            Body::Device(device) => Box::new(device.sink()?),
            Body::Unnamed(_) | Body::Named(_) => Box::new(self.file()?),
        })
    }

    /// Writing to it failed.
    pub(crate) fn failed(&self, source: io::Error) -> OutputError {
        let path = self.target.clone();
        if self.is_device() { OutputError::DeviceWrite { path, source } } else { OutputError::Write { path, source } }
    }

    /// Refuses a device that is smaller than the disk.
    pub(crate) fn require_size(&self, needed: ByteSize) -> Result<(), OutputError> {
        match &self.body {
            Body::Device(device) if device.size() < needed => {
                Err(OutputError::DeviceTooSmall { path: self.target.clone(), size: device.size(), needed })
            }
            _ => Ok(()),
        }
    }

    /// Refuses a device whose sectors are not those that the disk is laid out for.
    pub(crate) fn require_sectors(&self, needed: SectorSize) -> Result<(), OutputError> {
        let Body::Device(device) = &self.body else { return Ok(()) };
        let sectors = device.sector_bytes()?;
        if u64::from(sectors) != needed.bytes() {
            return Err(OutputError::DeviceSectors { path: self.target.clone(), sectors, needed });
        }
        Ok(())
    }

    /// The directory that it takes room in; `None` for a device.
    pub(crate) fn room(&self) -> Option<PathBuf> {
        (!self.is_device()).then(|| directory_of(&self.target))
    }

    /// Gives the file its name; what had the name before is replaced in the same moment.
    ///
    /// # Errors
    /// [`OutputError::Write`]; then nothing was replaced.
    pub fn complete(self) -> Result<PathBuf, OutputError> {
        let Self { target, body, .. } = self;
        let failed = |source| OutputError::Write { path: target.clone(), source };
        // Held while the name changes hands, so that an interrupt comes before or after, not between.
        let mut pending = stop_if_interrupted(pending());
        match body {
            // Its first sectors were written last.
            Body::Device(_) => {}
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

/// What a file is that no disk may replace; `None` for a regular one.
pub(crate) fn special(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_dir() {
        Some("directory")
    } else if kind.is_block_device() {
        Some(BLOCK_DEVICE)
    } else if kind.is_char_device() {
        Some("character device")
    } else if kind.is_fifo() {
        Some("FIFO")
    } else if kind.is_socket() {
        Some("socket")
    } else {
        None
    }
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
