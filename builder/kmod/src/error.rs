//! Why a directory of modules cannot be read.

use std::io;

/// Why a directory of modules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No directory of modules.
    #[error("there is no directory {path}")]
    NoDirectory {
        /// The path that was asked for.
        path: String,
    },
    /// No list of the modules.
    #[error("{directory} has no {wanted}, so nothing knows its modules")]
    NoDependencies {
        /// The directory of the modules.
        directory: String,
        /// The files of which one is needed.
        wanted: &'static str,
    },
    /// A file or directory that cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The path.
        path: String,
        /// The answer.
        source: io::Error,
    },
    /// A line that cannot be understood.
    #[error("line {line} of {path} {problem}: {text:?}")]
    Line {
        /// The file.
        path: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong, as a verb and its object.
        problem: &'static str,
        /// The line, cut off where it is long.
        text: String,
    },
    /// A string that cannot be understood, in a file of strings that end with NUL.
    #[error("{path} at byte {offset} {problem}: {text:?}")]
    Field {
        /// The file.
        path: String,
        /// Where the string begins.
        offset: u64,
        /// What is wrong, as a verb and its object.
        problem: &'static str,
        /// The string, cut off where it is long.
        text: String,
    },
    /// An index that cannot be understood.
    #[error("the index {path} at byte {offset} {problem}")]
    Index {
        /// The file.
        path: String,
        /// Byte of the file.
        offset: u64,
        /// What is wrong, as a verb and its object.
        problem: &'static str,
    },
    /// An entry that cannot be understood, or not beside another one.
    #[error("{path} {problem}: {text:?}")]
    Value {
        /// The file.
        path: String,
        /// What is wrong, as a verb and its object.
        problem: &'static str,
        /// The entry, cut off where it is long.
        text: String,
    },
    /// More of something than is read.
    #[error("{path} has more than {limit} {what}")]
    TooMuch {
        /// The file or directory.
        path: String,
        /// What is too much, with its unit.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}

impl ReadError {
    /// Whether there is just no directory of modules, as in the initramfs of a kernel that has all it needs built in.
    #[must_use]
    pub fn is_no_directory(&self) -> bool {
        matches!(self, Self::NoDirectory { .. })
    }

    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoDirectory { .. } => "install a kernel package, or look at how the release is spelled",
            Self::NoDependencies { .. }
            | Self::Line { .. }
            | Self::Field { .. }
            | Self::Index { .. }
            | Self::Value { .. } => "run depmod for this release again, in the image's build",
            Self::Read { .. } => return None,
            Self::TooMuch { .. } => "no real kernel has so much; look at what put it there",
        };
        Some(text.into())
    }
}

/// Bytes of a line or string that a message shows.
const SHOWN_BYTES: usize = 80;

/// The begin of the bytes as text.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let begin = &bytes[..bytes.len().min(SHOWN_BYTES)];
    let mut text = String::from_utf8_lossy(begin).into_owned();
    if begin.len() < bytes.len() {
        text.push('…');
    }
    text
}
