//! What can be wrong with an ostree base in an image's layers.

use std::io;

use builder_tree::DisplayPath;

use crate::Checksum;
use crate::encapsulated::LABEL;

/// Why the ostree commit in an image's layers cannot be read. Layers are counted from one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncapsulatedError {
    /// The label leads nowhere.
    #[error("the label {LABEL} names {value:?}, which is none of the image's {layers} layers")]
    NoSuchLayer {
        /// The label's value.
        value: String,
        /// How many diff-ids the configuration has.
        layers: usize,
    },
    /// The label leads to two places.
    #[error("the label {LABEL} names {value:?}, which is layer {first} and layer {second} of the image")]
    TwoLayers {
        /// The label's value.
        value: String,
        /// The one.
        first: usize,
        /// The other.
        second: usize,
    },
    /// As many layers are read as are named.
    #[error("the ostree base has {layers} layers, but {digests} digests are given for them")]
    Digests {
        /// Layers of the base.
        layers: usize,
        /// Digests given.
        digests: usize,
    },
    /// A file in the repository that is no object.
    #[error("layer {layer}: {} is not the path of an ostree object", DisplayPath(.path))]
    NotAnObject {
        /// In which layer.
        layer: usize,
        /// Where.
        path: Vec<u8>,
    },
    /// No commit.
    #[error("layer 1 holds no ostree commit, and in the chunked form the first layer has one")]
    NoCommit,
    /// More commits than one.
    #[error("layer 1 holds the ostree commits {first} and {second}, and in the chunked form it has one")]
    TwoCommits {
        /// The one.
        first: Checksum,
        /// The other.
        second: Checksum,
    },
    /// Detached metadata of a commit that is not the image's.
    #[error("layer 1 holds detached metadata of the commit {of}, but the commit {commit}")]
    DetachedFromOther {
        /// Whose they are.
        of: Checksum,
        /// The image's.
        commit: Checksum,
    },
    /// Metadata where only files belong.
    #[error("layer {layer}: the object {object} is metadata, which only the first layer may hold")]
    MetadataInSet {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
    },
    /// An object that is stored as something else than a file.
    #[error("layer {layer}: the object {object} is a {kind}")]
    Kind {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
        /// What it is.
        kind: &'static str,
    },
    /// Larger than any real one.
    #[error("layer {layer}: the object {object} has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// An object whose contents are not those it is named after.
    #[error("layer {layer}: the object {object} is damaged: its checksum is {computed}")]
    Damaged {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
        /// What it hashes to.
        computed: Checksum,
    },
    /// A file object comes without its attributes, and is not itself without them.
    #[error("layer {layer}: the object {object} is damaged or lacks its extended attributes (no .file-xattrs-link)")]
    NoXattrs {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
    },
    /// Attributes without the file that they belong to.
    #[error("layer {layer}: {object} belongs to a file object that the layer does not hold")]
    StrayXattrs {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
    },
    /// An object that is not what its name says.
    #[error("layer {layer}: the object {object} {problem}")]
    Malformed {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An attribute that no file system gives back.
    #[error("layer {layer}: the object {object} has the extended attribute {}, which {problem}", .name.escape_ascii())]
    Xattr {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
        /// The attribute.
        name: Vec<u8>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An object that a directory of the commit needs.
    #[error("the object {object} of {} is in none of the base's layers", DisplayPath(.path))]
    Missing {
        /// What it is for.
        path: Vec<u8>,
        /// Which.
        object: String,
    },
    /// A directory that is listed in a form that cannot be meant.
    #[error("the list of names in {} {problem}", DisplayPath(.path))]
    Names {
        /// The directory.
        path: Vec<u8>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Directories in directories.
    #[error("{} is more than {limit} directories deep", DisplayPath(.path))]
    TooDeep {
        /// Where.
        path: Vec<u8>,
        /// How many are followed.
        limit: usize,
    },
    /// More paths than can be meant: one list of names may stand for many directories.
    #[error("the commit's tree has more than {limit} paths")]
    TooMany {
        /// The limit.
        limit: u64,
    },
    /// A body could not be read from the content store.
    #[error("layer {layer}: the body of {object} could not be read")]
    Read {
        /// In which layer.
        layer: usize,
        /// Which.
        object: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The commit cannot be kept as it is.
    #[error("the tree of the commit {commit} would get another checksum here")]
    Differs {
        /// The image's commit.
        commit: Checksum,
    },
}

impl EncapsulatedError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(
            match self {
                Self::NoSuchLayer { .. } | Self::TwoLayers { .. } => {
                    "layers were squashed or rewritten after the image was chunked; remove the label from the image, or build it again"
                }
                Self::Read { .. } => "check the space and health of the scratch directory",
                Self::Digests { .. } | Self::Differs { .. } => return None,
                _ => "the layers match their digests, so the image was built like this; build it again, or build it without chunks",
            }
            .to_owned(),
        )
    }
}
