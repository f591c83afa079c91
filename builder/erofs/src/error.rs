//! Why a tree cannot become an image.

use builder_tree::DisplayPath;

use crate::format::{NAME_MAX, PATH_MAX};

/// What the caller's payload function fails with.
pub type PayloadError = Box<dyn std::error::Error + Send + Sync>;

/// Why a tree cannot become an image.
#[derive(Debug, thiserror::Error)]
pub enum ErofsError {
    /// Something the image has no form for.
    #[error("{} cannot be represented in a composefs image: {reason}", DisplayPath(.path))]
    Unrepresentable {
        /// Its path.
        path: Vec<u8>,
        /// What about it.
        reason: Unrepresentable,
    },
    /// Attributes that the image has no form for.
    #[error("extended attributes of {} cannot be represented in a composefs image", DisplayPath(.path))]
    Xattr {
        /// The path of the inode.
        path: Vec<u8>,
        /// What about them.
        #[source]
        source: XattrError,
    },
    /// The caller could not say where the body of a file lies.
    #[error("the object of {} is not known", DisplayPath(.path))]
    Payload {
        /// The path of the file.
        path: Vec<u8>,
        /// What the caller said.
        #[source]
        source: PayloadError,
    },
    /// More than the numbers of the format can count.
    #[error("composefs image needs {needed} {unit} but can have at most {limit}")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// How many are needed.
        needed: u64,
        /// How many there can be.
        limit: u64,
    },
}

/// What the image has no form for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrepresentable {
    /// A name that is empty or too long.
    #[error("its name has {length} bytes, 1 to {NAME_MAX} are possible")]
    NameLength {
        /// Its length in bytes.
        length: usize,
    },
    /// A name that no directory can have.
    #[error("its name is `.` or `..`, or has a slash or a NUL")]
    Name,
    /// A target that is empty or too long.
    #[error("its target has {length} bytes, 1 to {PATH_MAX} are possible")]
    TargetLength {
        /// Its length in bytes.
        length: usize,
    },
    /// A target with a NUL.
    #[error("its target has a NUL at byte {at}")]
    NulInTarget {
        /// Where.
        at: usize,
    },
    /// A device, FIFO or socket: ostree commits have none.
    #[error("it is a {kind}")]
    Special {
        /// The type in words.
        kind: &'static str,
    },
    /// A body that needs more chunks than a block can list.
    #[error("it has {size} bytes, at most {limit} fit")]
    LargeFile {
        /// Its length in bytes.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// A payload that is no relative path.
    #[error("its object path {:?} is not a relative path of 1 to {} bytes without a NUL", .payload.escape_ascii().to_string(), PATH_MAX)]
    PayloadPath {
        /// The path.
        payload: Vec<u8>,
    },
}

/// What is wrong with attributes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XattrError {
    /// A name that is empty, too long or has a NUL.
    #[error("the name `{}` has {} bytes, 1 to {NAME_MAX} without a NUL are possible", .name.escape_ascii(), .name.len())]
    Name {
        /// Full name.
        name: Vec<u8>,
    },
    /// More than libcomposefs takes, so that the next deployment on the machine itself would fail.
    #[error("they count as {size} bytes, at most {limit} are possible; the largest is `{}`", .largest.escape_ascii())]
    TooMany {
        /// Full name of the attribute that takes most room.
        largest: Vec<u8>,
        /// How libcomposefs counts: 12, and for each attribute 7, name and value.
        size: usize,
        /// Its limit in the same unit.
        limit: usize,
    },
}

impl ErofsError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unrepresentable { reason, .. } => match reason {
                Unrepresentable::NameLength { .. } => "give it a shorter name in the image",
                Unrepresentable::TargetLength { length: 0 } | Unrepresentable::NulInTarget { .. } => {
                    "the symbolic link leads nowhere; remove it from the image"
                }
                Unrepresentable::TargetLength { .. } => "let the symbolic link lead over shorter names",
                Unrepresentable::Special { .. } => {
                    "remove it from the image; systemd-tmpfiles can make it when the machine starts"
                }
                Unrepresentable::LargeFile { .. } => "keep the file outside of the image",
                Unrepresentable::Name | Unrepresentable::PayloadPath { .. } => return None,
            },
            Self::Xattr { .. } => "shorten or remove attributes of the file in the image",
            Self::TooLarge { .. } => "the tree has more files than one image can describe; split it",
            Self::Payload { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
