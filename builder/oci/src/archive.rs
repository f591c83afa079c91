//! OCI archives: a layout in one tar file, read in place.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::OciError;
use crate::layout::Section;

/// Bytes of headers that are read before an archive is taken for something else: about 60,000 members.
const HEADER_LIMIT: u64 = 32 << 20;

/// Where the members of an archive lie.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    file: File,
    members: BTreeMap<String, Member>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    offset: u64,
    length: u64,
}

/// A file that may be sought at will but read only so far: bodies are skipped, so only headers are read.
struct Headers<'a> {
    file: &'a File,
    left: Rc<Cell<u64>>,
}

impl Read for Headers<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        match self.left.get().checked_sub(n as u64) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::other("its headers are larger than those of any image")),
        }
        Ok(n)
    }
}

impl Seek for Headers<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

impl Archive {
    /// Finds the members in one pass over the headers.
    pub(crate) fn open(path: &Path) -> Result<Self, OciError> {
        let failed = |operation, source| OciError::Io { operation, path: path.into(), source };
        let file = File::open(path).map_err(|source| failed("open", source))?;
        let size = file.metadata().map_err(|source| failed("open", source))?.len();
        let wrong = |reason: String, remedy: Option<&str>| OciError::NotAnImage {
            path: path.into(),
            expected: "archive",
            reason,
            remedy: remedy.map(str::to_owned),
        };
        let mut magic = Vec::new();
        (&file).take(4).read_to_end(&mut magic).map_err(|source| failed("read", source))?;
        (&file).rewind().map_err(|source| failed("read", source))?;
        match magic[..] {
            [0x1f, 0x8b, ..] => return Err(wrong("it is compressed with gzip".into(), Some("unpack it with gunzip"))),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                return Err(wrong("it is compressed with zstd".into(), Some("unpack it with unzstd")));
            }
            _ => {}
        }
        let headers = Headers { file: &file, left: Rc::new(Cell::new(HEADER_LIMIT)) };
        let mut archive = tar::Archive::new(headers);
        let mut members = BTreeMap::new();
        let damaged = |error: io::Error| wrong(format!("it cannot be read as tar: {error}"), None);
        for entry in archive.entries_with_seek().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            let kind = entry.header().entry_type();
            if !kind.is_file() && !kind.is_contiguous() {
                continue;
            }
            let name = entry.path_bytes();
            let Ok(name) = std::str::from_utf8(&name) else { continue };
            let name = name.trim_start_matches("./").to_owned();
            let member = Member { offset: entry.raw_file_position(), length: entry.size() };
            if member.offset.checked_add(member.length).is_none_or(|end| end > size) {
                return Err(wrong(format!("it is cut off inside {name}"), None));
            }
            // Of members of one name the last counts, as when a tar is unpacked.
            members.insert(name, member);
        }
        Ok(Self { path: path.into(), file, members })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn member(&self, name: &str) -> Result<Option<Section>, OciError> {
        let Some(member) = self.members.get(name) else { return Ok(None) };
        let file = self.file.try_clone().map_err(|source| OciError::Io {
            operation: "open",
            path: self.path.clone(),
            source,
        })?;
        Ok(Some(Section::new(file, member.offset, member.length)))
    }
}
