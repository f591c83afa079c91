//! Where an image is: the transport notation of skopeo and bootc.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where an OCI image lies: `oci:DIRECTORY[:TAG]` or `oci-archive:FILE[:TAG]`.
///
/// As with skopeo the path ends at its first colon, since tags may hold some (`oci:dir:quay.io/me/os:latest`). A
/// path with a colon in it cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageSource {
    transport: Transport,
    path: PathBuf,
    tag: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Transport {
    Directory,
    Archive,
}

/// Text that names no image source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The words before the first colon are no transport read here.
    #[error("the image source {text:?} does not begin with oci: or oci-archive:")]
    Transport {
        /// What was given.
        text: String,
    },
    /// Nothing stands between transport and tag.
    #[error("the image source {text:?} names no {what}")]
    NoPath {
        /// What was given.
        text: String,
        /// `directory` or `file`.
        what: &'static str,
    },
}

impl SourceError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Transport { text } => Some(match text.split_once(':') {
                Some(("docker" | "docker-archive" | "docker-daemon" | "containers-storage" | "dir" | "sif", _)) => {
                    format!("copy the image first: skopeo copy {text} oci:DIRECTORY:TAG")
                }
                Some(("registry", name)) => {
                    format!("copy the image first: skopeo copy docker://{name} oci:DIRECTORY:TAG")
                }
                _ => format!("write oci:{text} for a layout folder, oci-archive:{text} for a tar archive of one"),
            }),
            Self::NoPath { .. } => None,
        }
    }
}

impl ImageSource {
    /// An OCI layout folder, and the tag of the image in it.
    #[must_use]
    pub fn directory(path: impl Into<PathBuf>, tag: Option<&str>) -> Self {
        Self { transport: Transport::Directory, path: path.into(), tag: tag.map(str::to_owned) }
    }

    /// A tar archive of an OCI layout, and the tag of the image in it.
    #[must_use]
    pub fn archive(path: impl Into<PathBuf>, tag: Option<&str>) -> Self {
        Self { transport: Transport::Archive, path: path.into(), tag: tag.map(str::to_owned) }
    }

    /// The folder or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tag, where one is given.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }
}

impl FromStr for ImageSource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (transport, rest, what) = if let Some(rest) = text.strip_prefix("oci:") {
            (Transport::Directory, rest, "directory")
        } else if let Some(rest) = text.strip_prefix("oci-archive:") {
            (Transport::Archive, rest, "file")
        } else {
            return Err(SourceError::Transport { text: text.to_owned() });
        };
        let (path, tag) = rest.split_once(':').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err(SourceError::NoPath { text: text.to_owned(), what });
        }
        Ok(Self { transport, path: path.into(), tag: (!tag.is_empty()).then(|| tag.to_owned()) })
    }
}

impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Directory => "oci",
            Transport::Archive => "oci-archive",
        };
        write!(f, "{transport}:{}", self.path.display())?;
        self.tag.as_ref().map_or(Ok(()), |tag| write!(f, ":{tag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::ImageSource;

    #[test]
    fn the_path_ends_at_its_first_colon() {
        for (text, path, tag, canonical) in [
            ("oci:dir", "dir", None, "oci:dir"),
            ("oci:dir:", "dir", None, "oci:dir"),
            ("oci:/a/b:latest", "/a/b", Some("latest"), "oci:/a/b:latest"),
            ("oci:d:quay.io/me/os:42", "d", Some("quay.io/me/os:42"), "oci:d:quay.io/me/os:42"),
            ("oci-archive:x.tar", "x.tar", None, "oci-archive:x.tar"),
            ("oci-archive:x.tar:v1", "x.tar", Some("v1"), "oci-archive:x.tar:v1"),
        ] {
            let source: ImageSource = text.parse().unwrap();
            assert_eq!((source.path().to_str().unwrap(), source.tag()), (path, tag), "{text}");
            assert_eq!(source.to_string(), canonical);
        }
    }

    #[test]
    fn other_transports_are_refused_with_a_way_out() {
        for (text, error, hint) in [
            (
                "docker://quay.io/x",
                "the image source \"docker://quay.io/x\" does not begin with oci: or oci-archive:",
                Some("copy the image first: skopeo copy docker://quay.io/x oci:DIRECTORY:TAG"),
            ),
            (
                "image.tar",
                "the image source \"image.tar\" does not begin with oci: or oci-archive:",
                Some("write oci:image.tar for a layout folder, oci-archive:image.tar for a tar archive of one"),
            ),
            ("oci::tag", "the image source \"oci::tag\" names no directory", None),
        ] {
            let found = text.parse::<ImageSource>().unwrap_err();
            assert_eq!((found.to_string().as_str(), found.hint().as_deref()), (error, hint));
        }
    }
}
