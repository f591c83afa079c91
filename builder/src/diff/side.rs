//! What is compared: an image or a disk file.

use std::fmt;
use std::path::{Path, PathBuf};

use builder_oci::{ImageSource, SourceError};

/// One of the two that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// An image.
    Image(ImageSource),
    /// A disk file: raw, qcow2, VMDK or fixed VHD.
    Disk(PathBuf),
}

/// Text that names neither an image nor a disk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SideError {
    /// The text of an image that is none.
    #[error(transparent)]
    Image(#[from] SourceError),
    /// Neither a file nor a transport that is known.
    #[error("{text:?} is no file, and begins with none of oci:, oci-archive: and disk:")]
    Neither {
        /// What was given.
        text: String,
    },
    /// Nothing behind `disk:`.
    #[error("the disk {text:?} names no file")]
    NoPath {
        /// What was given.
        text: String,
    },
}

impl Side {
    /// Reads `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `disk:FILE`, or the path of a file, of which `is_there` tells
    /// whether there is one.
    ///
    /// # Errors
    /// [`SideError`]: the text is none of these.
    pub fn parse(text: &str, is_there: &dyn Fn(&Path) -> bool) -> Result<Self, SideError> {
        if text.starts_with("oci:") || text.starts_with("oci-archive:") {
            return Ok(Self::Image(text.parse()?));
        }
        match text.strip_prefix("disk:") {
            Some("") => Err(SideError::NoPath { text: text.to_owned() }),
            Some(path) => Ok(Self::Disk(path.into())),
            None if is_there(Path::new(text)) => Ok(Self::Disk(text.into())),
            None => Err(SideError::Neither { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(source) => source.fmt(f),
            Self::Disk(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Side;

    #[test]
    fn a_side_is_an_image_or_a_file_that_exists() {
        for (text, expected) in [
            ("oci:dir:tag", Ok("image oci:dir:tag")),
            ("oci-archive:a.tar", Ok("image oci-archive:a.tar")),
            ("disk:missing", Ok("disk missing")),
            ("there", Ok("disk there")),
            ("missing", Err("\"missing\" is no file, and begins with none of oci:, oci-archive: and disk:")),
            ("disk:", Err("the disk \"disk:\" names no file")),
            ("oci:", Err("the image source \"oci:\" names no directory")),
        ] {
            let side = Side::parse(text, &|path| path.as_os_str() == "there");
            let side = side.map(|side| match side {
                Side::Image(_) => format!("image {side}"),
                Side::Disk(_) => format!("disk {side}"),
            });
            assert_eq!(side.as_deref().map_err(ToString::to_string), expected.map_err(str::to_owned), "{text}");
        }
    }
}
