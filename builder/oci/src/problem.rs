//! What is wrong with a layer.

use std::fmt;
use std::io;

use builder_tree::DisplayPath;

use crate::Digest;
use crate::error::grouped;

/// A layer as messages name it: `layer 4 of 7 (sha256:91f0…)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerName {
    /// Counted from one.
    pub number: usize,
    /// How many the image has.
    pub total: usize,
    /// The blob.
    pub digest: Digest,
}

impl fmt::Display for LayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer {} of {} ({})", self.number, self.total, self.digest.short())
    }
}

/// What is wrong with a layer.
#[derive(Debug, thiserror::Error)]
pub enum LayerProblem {
    /// The blob is not there.
    #[error("the blob is missing")]
    Missing,
    /// The file system refused.
    #[error("the blob cannot be read: {cause}")]
    Read {
        /// The answer.
        cause: io::Error,
    },
    /// The blob's length is not the one its descriptor says.
    #[error("the blob has {} bytes, its descriptor says {}", grouped(*found), grouped(*expected))]
    Size {
        /// In the descriptor, in bytes.
        expected: u64,
        /// On disk, in bytes.
        found: u64,
    },
    /// The blob's contents are not those it is named after.
    #[error("the blob is damaged: its contents have the digest {computed}")]
    Digest {
        /// What its contents hash to.
        computed: Digest,
    },
    /// The blob cannot be decompressed.
    #[error("the {format} data is damaged after {} bytes of tar: {cause}", grouped(*offset))]
    Decompress {
        /// `gzip` or `zstd`.
        format: String,
        /// Uncompressed bytes that came before.
        offset: u64,
        /// The decoder's words.
        cause: io::Error,
    },
    /// The tar stream is not the one the configuration names.
    #[error("the uncompressed layer has the digest {computed}, the configuration says {expected}")]
    DiffId {
        /// In the configuration.
        expected: Digest,
        /// What the stream hashes to.
        computed: Digest,
    },
    /// An entry of the tar stream cannot be read or applied.
    #[error("tar entry at byte {}{}: {problem}", grouped(*offset), named(path.as_deref()))]
    Entry {
        /// Where its header begins, counted in the uncompressed stream.
        offset: u64,
        /// Its name, if that could be read.
        path: Option<Vec<u8>>,
        /// What is wrong.
        problem: EntryProblem,
    },
}

/// What is wrong with an entry of a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryProblem {
    /// The header is damaged.
    #[error("the header has checksum 0o{stored}, computed 0o{computed:o}")]
    Checksum {
        /// The octal digits in the header.
        stored: String,
        /// The sum of the header's bytes.
        computed: u64,
    },
    /// A number is no number, or out of range.
    #[error("the {field} {text:?} is {reason}")]
    Number {
        /// Which field.
        field: &'static str,
        /// What it says.
        text: String,
        /// Why that does not do.
        reason: &'static str,
    },
    /// The stream ends too early.
    #[error("the tar stream ends {} bytes early", grouped(*missing))]
    CutOff {
        /// How much is missing, in bytes.
        missing: u64,
    },
    /// Something follows the end of the archive.
    #[error("other bytes than zeros follow the end of the archive")]
    AfterEnd,
    /// An extended header is not followed by an entry.
    #[error("an extended header is followed by no entry")]
    Orphan,
    /// Extended headers are larger than any real one.
    #[error("the extended headers have {} bytes, more than the {} that are read", grouped(*size), grouped(*limit))]
    ExtendedHeaderSize {
        /// What they claim, in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A PAX header is damaged.
    #[error("the PAX header is damaged at its byte {at}: {reason}")]
    Pax {
        /// Counted in the header's body.
        at: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A type of entry that is not known.
    #[error("the type flag {:?} is not known", char::from(*flag))]
    TypeFlag {
        /// The byte in the header.
        flag: u8,
    },
    /// A name or link target that no file can have.
    #[error("the {what} {reason}")]
    Name {
        /// `name`, `hard link target`, …
        what: &'static str,
        /// Why it does not do.
        reason: &'static str,
    },
    /// A map of a sparse file is wrong.
    #[error("the sparse map {0}")]
    Sparse(&'static str),
    /// More holes than can be meant.
    #[error("with this file the image's holes add up to more than {} bytes", grouped(*limit))]
    Holes {
        /// The limit in bytes.
        limit: u64,
    },
    /// More entries than can be meant.
    #[error("the image has more than {} entries", grouped(*limit))]
    Entries {
        /// The limit.
        limit: u64,
    },
    /// An extended attribute that no file can have.
    #[error("the extended attribute {} {reason}", name.escape_ascii())]
    Xattr {
        /// Its name.
        name: Vec<u8>,
        /// Why it does not do.
        reason: &'static str,
    },
    /// A parent is not a directory.
    #[error("{} is a {kind}, not a directory", DisplayPath(parent))]
    NotADirectory {
        /// The one in the way.
        parent: Vec<u8>,
        /// What it is.
        kind: &'static str,
    },
    /// The parents lead in circles.
    #[error("its path goes through more than {limit} symbolic links")]
    Loop {
        /// How many are followed.
        limit: usize,
    },
    /// The target of a hard link is not there (yet).
    #[error("hard link to {}, which does not exist", DisplayPath(target))]
    NoLinkTarget {
        /// The target.
        target: Vec<u8>,
    },
    /// Directories have one name.
    #[error("hard link to {}, which is a directory", DisplayPath(target))]
    LinkToDirectory {
        /// The target.
        target: Vec<u8>,
    },
    /// The root must stay a directory.
    #[error("the root directory cannot be replaced")]
    Root,
}

impl LayerProblem {
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Missing | Self::Read { .. } | Self::Size { .. } | Self::Digest { .. } => {
                Some("the image changed after it was made; copy it again, with skopeo copy for example".into())
            }
            Self::Decompress { .. } | Self::DiffId { .. } | Self::Entry { .. } => Some(
                "the blob matches its digest, so the image was built like this; build it again, or with another tool"
                    .into(),
            ),
        }
    }
}

fn named(path: Option<&[u8]>) -> String {
    path.map_or_else(String::new, |path| {
        let shown = &path[..path.len().min(200)];
        let more = if shown.len() < path.len() { "…" } else { "" };
        format!(" ({}{more})", DisplayPath(shown))
    })
}
