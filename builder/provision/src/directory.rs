//! A directory that nothing below leads out of.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::error::ProvisionError;

/// Largest file that is read, in bytes. Files of accounts and settings are small.
const MOST_BYTES: u64 = 1 << 20;

/// Names in a directory that are read.
const MOST_NAMES: usize = 4096;

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) fd: OwnedFd,
    /// For messages.
    path: String,
}

/// How links are followed.
#[derive(Clone, Copy)]
enum Links {
    /// The directory is the root: an absolute link begins there, and `..` stays there.
    InRoot,
    /// A link that leads out is an error, and so is an absolute one.
    Beneath,
    /// Any link is an error.
    None,
}

impl Links {
    fn flags(self) -> ResolveFlags {
        // Nothing is mounted inside of what is mounted.
        let flags = ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        flags
            | match self {
                Self::InRoot => ResolveFlags::IN_ROOT,
                Self::Beneath => ResolveFlags::BENEATH,
                Self::None => ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
            }
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Directory {
    /// The directory `path` of this machine.
    pub(crate) fn open(path: &Path) -> Result<Self, ProvisionError> {
        let shown = path.display().to_string();
        match rustix::fs::open(path, DIRECTORY, Mode::empty()) {
            Ok(fd) => Ok(Self { fd, path: String::new() }),
            Err(errno) => Err(ProvisionError::Io { operation: "open", path: shown, source: errno.into() }),
        }
    }

    /// The same, called `path` in messages.
    pub(crate) fn called(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// What `name` is called in messages.
    pub(crate) fn shown(&self, name: &str) -> String {
        let path = format!("{}/{name}", self.path);
        path.trim_end_matches('/').to_owned()
    }

    pub(crate) fn error(&self, operation: &'static str, name: &str, source: impl Into<io::Error>) -> ProvisionError {
        ProvisionError::Io { operation, path: self.shown(name), source: source.into() }
    }

    fn open_at(&self, path: &str, flags: OFlags, links: Links) -> Result<Option<OwnedFd>, ProvisionError> {
        match rustix::fs::openat2(&self.fd, path, flags | OFlags::CLOEXEC, Mode::empty(), links.flags()) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.error("open", path, errno)),
        }
    }

    /// A directory below; no link is followed to it.
    pub(crate) fn strictly_below(&self, path: &str) -> Result<Option<Self>, ProvisionError> {
        let fd = self.open_at(path, DIRECTORY, Links::None)?;
        Ok(fd.map(|fd| Self { fd, path: self.shown(path) }))
    }

    /// A directory below, perhaps behind links that do not lead out.
    pub(crate) fn below(&self, path: &str) -> Result<Option<Self>, ProvisionError> {
        let path = if path.is_empty() { "." } else { path };
        let fd = self.open_at(path, DIRECTORY, Links::Beneath)?;
        Ok(fd.map(|fd| Self { fd, path: self.shown(path.trim_start_matches('.')) }))
    }

    /// What kind of file `path` leads to, with this as the root directory.
    pub(crate) fn kind(&self, path: &str) -> Result<Option<FileType>, ProvisionError> {
        let Some(fd) = self.open_at(path, OFlags::PATH, Links::InRoot)? else { return Ok(None) };
        let stat = rustix::fs::fstat(fd).map_err(|errno| self.error("look at", path, errno))?;
        Ok(Some(FileType::from_raw_mode(stat.st_mode)))
    }

    /// The directory `name` in it; `None` where that is something else.
    pub(crate) fn directory_called(&self, name: &str) -> Result<Option<Self>, ProvisionError> {
        if self.kind(name)?.is_some_and(|kind| kind.is_dir()) { self.strictly_below(name) } else { Ok(None) }
    }

    /// Its own permission bits.
    pub(crate) fn mode(&self) -> Result<u32, ProvisionError> {
        let stat = rustix::fs::fstat(&self.fd).map_err(|errno| self.error("look at", "", errno))?;
        Ok(stat.st_mode & 0o7777)
    }

    /// The file that `path` leads to, with this as the root directory.
    pub(crate) fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ProvisionError> {
        Ok(self.read_with_mode(path)?.map(|(bytes, _)| bytes))
    }

    /// [`read`](Self::read), and the file's permission bits.
    pub(crate) fn read_with_mode(&self, path: &str) -> Result<Option<(Vec<u8>, u32)>, ProvisionError> {
        // Opening a FIFO would wait for somebody to write to it.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let Some(fd) = self.open_at(path, flags, Links::InRoot)? else { return Ok(None) };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| self.error("look at", path, errno))?;
        let problem = |problem: String| ProvisionError::File { path: self.shown(path), problem };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(problem("is no regular file".to_owned()));
        }
        let mut bytes = Vec::new();
        let read = File::from(fd).take(MOST_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.error("read", path, error))?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(problem(format!("has more than the {MOST_BYTES} bytes that are read")));
        }
        Ok(Some((bytes, stat.st_mode & 0o7777)))
    }

    /// The text of the file that `path` leads to.
    pub(crate) fn read_text(&self, path: &str) -> Result<Option<String>, ProvisionError> {
        let text = self.read(path)?.map(String::from_utf8).transpose();
        text.map_err(|_| ProvisionError::File { path: self.shown(path), problem: "is not UTF-8 text".to_owned() })
    }

    /// Where the link `path` leads; `None` where it is no link. Links in its parents do not lead out.
    pub(crate) fn link(&self, path: &str) -> Result<Option<String>, ProvisionError> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let Some(parent) = self.below(parent)? else { return Ok(None) };
        match rustix::fs::readlinkat(&parent.fd, name, Vec::new()) {
            Ok(target) => Ok(Some(String::from_utf8_lossy(target.as_bytes()).into_owned())),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(errno) => Err(parent.error("read the link", name, errno)),
        }
    }

    /// The names in it that are text, in their order.
    pub(crate) fn names(&self) -> Result<Vec<String>, ProvisionError> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(|errno| self.error("list", "", errno))? {
            let entry = entry.map_err(|errno| self.error("list", "", errno))?;
            names
                .extend(entry.file_name().to_str().ok().filter(|name| !matches!(*name, "." | "..")).map(str::to_owned));
            if names.len() > MOST_NAMES {
                let problem = format!("has more than the {MOST_NAMES} names that are read");
                return Err(ProvisionError::File { path: self.shown(""), problem });
            }
        }
        names.sort();
        Ok(names)
    }
}
