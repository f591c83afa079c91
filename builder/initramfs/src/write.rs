//! A cpio archive to put behind an initramfs.

use std::io::{self, Seek, SeekFrom, Write};

use crate::header::{HEADER_BYTES, Header, NAME_MAX, PATH_MAX, S_IFDIR, S_IFLNK, S_IFREG, TRAILER, padding};
use crate::initramfs::lossy;
use crate::position::grouped;

/// Zero bytes to put between an initramfs of that many bytes and an archive behind it: 4 to 7.
///
/// The archive must begin at a multiple of 4 bytes. Four zeros more than needed for that, because behind lz4 data the
/// kernel takes the next four bytes for the size of a further block, and only zero says that there is none.
#[must_use]
pub fn gap(initramfs_bytes: u64) -> u64 {
    4 + padding(initramfs_bytes)
}

/// Writes a cpio archive, "newc" form, as the kernel unpacks it.
///
/// Equal calls give equal bytes: times are 0, owners are root, inodes are counted from 1. Entries are written in the
/// order of the calls, and the kernel drops what comes before its directory. So every directory on the way has to be
/// written too, unless an earlier archive has it. A directory that is written *replaces a symbolic link* that an
/// earlier archive has in its place: with `usr/lib/x` behind an initramfs that has a link `lib`, write `usr` and
/// `usr/lib`, never `lib`.
#[derive(Debug)]
pub struct ArchiveWriter<W> {
    out: W,
    offset: u64,
    entries: u32,
}

impl<W: Write> ArchiveWriter<W> {
    /// An archive that begins at a multiple of 4 bytes of `out`.
    pub fn new(out: W) -> Self {
        Self { out, offset: 0, entries: 0 }
    }

    /// Adds a directory. `permissions` are the lower 12 bits of its mode.
    ///
    /// # Errors
    ///
    /// The path or the permissions cannot be written, or the writer fails.
    pub fn directory(&mut self, path: impl AsRef<[u8]>, permissions: u32) -> Result<(), WriteError> {
        let path = path.as_ref();
        self.entry(path, S_IFDIR | checked(path, permissions)?, 2, &[])
    }

    /// Adds a file. `permissions` are the lower 12 bits of its mode.
    ///
    /// # Errors
    ///
    /// The path, the permissions or a body of 4 GiB or more cannot be written, or the writer fails.
    pub fn file(&mut self, path: impl AsRef<[u8]>, permissions: u32, body: &[u8]) -> Result<(), WriteError> {
        let path = path.as_ref();
        self.entry(path, S_IFREG | checked(path, permissions)?, 1, body)
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    ///
    /// The path or the target cannot be written, or the writer fails.
    pub fn symlink(&mut self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Result<(), WriteError> {
        let (path, target) = (path.as_ref(), target.as_ref());
        // The kernel adds a NUL to the target.
        if target.is_empty() || target.contains(&0) || bytes(target) >= PATH_MAX {
            return Err(WriteError::Target { path: lossy(path), target: lossy(target) });
        }
        self.entry(path, S_IFLNK | 0o777, 1, target)
    }

    /// Writes the trailer and gives the writer back.
    ///
    /// # Errors
    ///
    /// The writer fails.
    pub fn finish(mut self) -> Result<W, WriteError> {
        // Unlike all others it has no inode.
        self.put(&Header { nlink: 1, ..Header::default() }, TRAILER, &[])?;
        Ok(self.out)
    }

    fn entry(&mut self, path: &[u8], mode: u32, nlink: u32, body: &[u8]) -> Result<(), WriteError> {
        let header = self.header_of(path, mode, nlink, bytes(body))?;
        self.put(&header, path, body)
    }

    /// The header of the next entry.
    fn header_of(&mut self, path: &[u8], mode: u32, nlink: u32, size: u64) -> Result<Header, WriteError> {
        check_path(path)?;
        let Ok(body_bytes) = u32::try_from(size) else {
            return Err(WriteError::BodySize { path: lossy(path), size });
        };
        let ino = self.entries.checked_add(1).ok_or(WriteError::TooMany)?;
        self.entries = ino;
        // Zero: owner, group, time and devices, so that nothing depends on where the archive is made.
        Ok(Header { ino, mode, nlink, body_bytes, ..Header::default() })
    }

    fn put(&mut self, header: &Header, name: &[u8], body: &[u8]) -> Result<(), WriteError> {
        // At most 4095 bytes, which check_path has seen to, and the NUL.
        let name_bytes = u32::try_from(name.len() + 1).map_err(|_| WriteError::path(name, "it is too long"))?;
        let mut head = Header { name_bytes, ..header.clone() }.to_bytes();
        debug_assert_eq!(head.len(), HEADER_BYTES);
        head.extend_from_slice(name);
        head.push(0);
        self.put_aligned(&head)?;
        self.put_aligned(body)
    }

    fn put_aligned(&mut self, content: &[u8]) -> Result<(), WriteError> {
        self.out.write_all(content).map_err(|source| WriteError::Io { offset: self.offset, source })?;
        self.offset = self.offset.saturating_add(bytes(content));
        let zeros = padding(self.offset);
        // At most 3.
        let zeros = &[0; 4][..usize::try_from(zeros).unwrap_or(0)];
        self.out.write_all(zeros).map_err(|source| WriteError::Io { offset: self.offset, source })?;
        self.offset = self.offset.saturating_add(bytes(zeros));
        Ok(())
    }
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// Adds a file of `size` bytes that are not written: there is room for them, which somebody else fills.
    ///
    /// # Errors
    ///
    /// As [`ArchiveWriter::file`].
    pub fn reserve(&mut self, path: impl AsRef<[u8]>, permissions: u32, size: u64) -> Result<(), WriteError> {
        let path = path.as_ref();
        let header = self.header_of(path, S_IFREG | checked(path, permissions)?, 1, size)?;
        self.put(&header, path, &[])?;
        let room = size.saturating_add(padding(size));
        // At most 4 GiB and 3 bytes.
        let by = i64::try_from(room).unwrap_or(i64::MAX);
        self.out.seek(SeekFrom::Current(by)).map_err(|source| WriteError::Io { offset: self.offset, source })?;
        self.offset = self.offset.saturating_add(room);
        Ok(())
    }
}

fn checked(path: &[u8], permissions: u32) -> Result<u32, WriteError> {
    if permissions > 0o7777 {
        return Err(WriteError::Permissions { path: lossy(path), permissions });
    }
    Ok(permissions)
}

fn check_path(path: &[u8]) -> Result<(), WriteError> {
    let refuse = |reason| Err(WriteError::path(path, reason));
    if bytes(path) >= PATH_MAX {
        return refuse("it has more than 4,095 bytes");
    }
    if path.contains(&0) {
        return refuse("it has a NUL");
    }
    if path == TRAILER {
        return refuse("the name marks the end of an archive");
    }
    for name in path.split(|&byte| byte == b'/') {
        match name {
            b"" | b"." | b".." => return refuse("it must be relative to the root, without empty names and dots"),
            name if name.len() > NAME_MAX => return refuse("a name has more than 255 bytes"),
            _ => {}
        }
    }
    Ok(())
}

fn bytes(slice: &[u8]) -> u64 {
    u64::try_from(slice.len()).unwrap_or(u64::MAX)
}

/// Why an archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A path that cannot be in an archive.
    #[error("{path:?} cannot be in a cpio archive: {reason}")]
    Path {
        /// The path.
        path: String,
        /// Why not.
        reason: &'static str,
    },
    /// A link's target that cannot be in an archive.
    #[error("the link {path:?} cannot lead to {target:?}: a target has 1 to 4,095 bytes and no NUL")]
    Target {
        /// The link.
        path: String,
        /// Its target.
        target: String,
    },
    /// Permissions with other bits.
    #[error("the permissions {permissions:#o} of {path:?} have more than 12 bits")]
    Permissions {
        /// The path.
        path: String,
        /// As they were given.
        permissions: u32,
    },
    /// A body that is too large for the format.
    #[error("{path:?} has {} bytes, a file in a cpio archive at most 4,294,967,295", grouped(*size))]
    BodySize {
        /// The file.
        path: String,
        /// In bytes.
        size: u64,
    },
    /// More entries than inode numbers.
    #[error("a cpio archive has at most 4,294,967,295 entries")]
    TooMany,
    /// The writer failed.
    #[error("cannot write the cpio archive at byte {}", grouped(*offset))]
    Io {
        /// Byte of the archive.
        offset: u64,
        /// The answer.
        source: io::Error,
    },
}

impl WriteError {
    fn path(path: &[u8], reason: &'static str) -> Self {
        Self::Path { path: lossy(path), reason }
    }

    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BodySize { .. } => Some("keep the file on a file system and load it from there".into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_the_archive_is_refused() {
        let long_name = vec![b'x'; 256];
        let long_path = b"x/".repeat(2048);
        let paths: &[&[u8]] =
            &[b"", b"/", b"/x", b"x/", b"x//y", b".", b"./x", b"x/..", b"a\0b", TRAILER, &long_name, &long_path];
        for path in paths {
            let mut archive = ArchiveWriter::new(Vec::new());
            assert!(matches!(archive.directory(path, 0o755), Err(WriteError::Path { .. })), "{path:?}");
            assert!(archive.out.is_empty());
        }
        let mut archive = ArchiveWriter::new(Vec::new());
        assert!(matches!(archive.file("x", 0o10_000, b""), Err(WriteError::Permissions { .. })));
        for target in [&b""[..], b"a\0", &[b'x'; 4096]] {
            assert!(matches!(archive.symlink("x", target), Err(WriteError::Target { .. })));
        }
        archive.symlink("x", [b'x'; 4095]).unwrap();
    }

    #[test]
    fn an_archive_behind_a_gap_is_aligned_and_behind_four_zeros() {
        for size in 0..9 {
            let zeros = gap(size);
            assert!((4..8).contains(&zeros) && (size + zeros).is_multiple_of(4));
        }
    }
}
