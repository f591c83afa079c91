//! OCI layouts: OCI image specification, "Image Layout Specification".

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use oci_spec::image::OciLayout;

use crate::archive::Archive;
use crate::source::Transport;
use crate::{Digest, ImageSource, OciError};

/// Larger than any real `oci-layout`.
const MARKER_LIMIT: u64 = 64 << 10;

/// The files of a layout, in a folder or in an archive.
#[derive(Debug)]
pub(crate) enum Layout {
    Directory(PathBuf),
    Archive(Archive),
}

/// A range of a file, read from its start.
#[derive(Debug)]
pub(crate) struct Section {
    file: File,
    offset: u64,
    length: u64,
    at: u64,
}

impl Section {
    pub(crate) fn new(file: File, offset: u64, length: u64) -> Self {
        Self { file, offset, length, at: 0 }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length - self.at;
        let now = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let n = self.file.read_at(&mut buffer[..now], self.offset + self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl Layout {
    pub(crate) fn open(source: &ImageSource) -> Result<Self, OciError> {
        let path = source.path();
        let metadata =
            fs::metadata(path).map_err(|source| OciError::Io { operation: "open", path: path.into(), source })?;
        let wrong = |expected, reason: &str, remedy: String| {
            Err(OciError::NotAnImage { path: path.into(), expected, reason: reason.into(), remedy: Some(remedy) })
        };
        let layout = match source.transport() {
            Transport::Directory if metadata.is_file() => {
                return wrong("layout", "it is a file", format!("write oci-archive:{} for an archive", path.display()));
            }
            Transport::Archive if metadata.is_dir() => {
                return wrong("archive", "it is a folder", format!("write oci:{} for a layout", path.display()));
            }
            Transport::Directory => Self::Directory(path.into()),
            // A pipe would have to be read to its end before the index is found; nothing but a file can be one.
            Transport::Archive if !metadata.is_file() => {
                return wrong("archive", "it is not a regular file", "save the archive to a file first".into());
            }
            Transport::Archive => Self::Archive(Archive::open(path)?),
        };
        layout.check_marker()?;
        Ok(layout)
    }

    fn check_marker(&self) -> Result<(), OciError> {
        let wrong = |reason: String, remedy: Option<&str>| OciError::NotAnImage {
            path: self.path().into(),
            expected: self.kind(),
            reason,
            remedy: remedy.map(str::to_owned),
        };
        let Some(marker) = self.member("oci-layout")? else {
            let docker = self.member("manifest.json")?.is_some();
            return Err(wrong(
                "it has no file oci-layout".into(),
                docker
                    .then_some("it looks like a Docker archive; copy it: skopeo copy docker-archive:FILE oci:DIR:TAG"),
            ));
        };
        let bytes = self.read_whole("oci-layout", marker, MARKER_LIMIT)?;
        let layout: OciLayout = serde_json::from_slice(&bytes)
            .map_err(|source| OciError::Json { what: "the file oci-layout".into(), source })?;
        let version = layout.image_layout_version();
        if version.starts_with("1.") {
            Ok(())
        } else {
            Err(wrong(format!("its layout has version {version:?}, and only 1 is known"), None))
        }
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Directory(path) => path,
            Self::Archive(archive) => archive.path(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Directory(_) => "layout",
            Self::Archive(_) => "archive",
        }
    }

    /// The bytes of `index.json`.
    pub(crate) fn index(&self, limit: u64) -> Result<Vec<u8>, OciError> {
        let section = self.member("index.json")?.ok_or_else(|| OciError::NotAnImage {
            path: self.path().into(),
            expected: self.kind(),
            reason: "it has no file index.json".into(),
            remedy: None,
        })?;
        self.read_whole("index.json", section, limit)
    }

    /// The blob of that digest; `None` where there is none.
    pub(crate) fn blob(&self, digest: &Digest) -> Result<Option<Section>, OciError> {
        self.member(&format!("blobs/{}/{}", digest.algorithm().name(), digest.hex()))
    }

    fn member(&self, name: &str) -> Result<Option<Section>, OciError> {
        match self {
            Self::Archive(archive) => archive.member(name),
            Self::Directory(directory) => {
                let path = directory.join(name);
                let failed = |source: io::Error| OciError::Io { operation: "open", path: path.clone(), source };
                // Looked at before it is opened: opening a pipe would wait for a writer.
                let metadata = match fs::metadata(&path) {
                    Ok(metadata) => metadata,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(error) => return Err(failed(error)),
                };
                if !metadata.is_file() {
                    return Err(failed(io::Error::other("it is not a regular file")));
                }
                let file = File::open(&path).map_err(failed)?;
                Ok(Some(Section::new(file, 0, metadata.len())))
            }
        }
    }

    fn read_whole(&self, name: &str, mut section: Section, limit: u64) -> Result<Vec<u8>, OciError> {
        let size = section.length();
        if size > limit {
            return Err(OciError::TooLarge { what: format!("the file {name}"), size, limit });
        }
        let mut bytes = Vec::new();
        section.read_to_end(&mut bytes).map_err(|source| OciError::Io {
            operation: "read",
            path: self.path().join(name),
            source,
        })?;
        Ok(bytes)
    }
}
