//! What can go wrong between an image's tree and a deployment.

use std::io;

use builder_tree::{DisplayPath, InsertError};

use crate::encapsulated::EncapsulatedError;

/// Why a tree, a commit or a deployment could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OstreeError {
    /// The tree holds an inode for which ostree has no object.
    #[error("{} is a {kind}, and an ostree tree holds only directories, regular files and symbolic links", DisplayPath(.path))]
    NoObjectFor {
        /// Where.
        path: Vec<u8>,
        /// What it is.
        kind: &'static str,
    },
    /// A name that ostree cannot store.
    #[error("the name of {} {problem}", DisplayPath(.path))]
    Name {
        /// Where.
        path: Vec<u8>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A symbolic link's target that ostree cannot store.
    #[error("the target of the symbolic link {} {problem}", DisplayPath(.path))]
    LinkTarget {
        /// Where.
        path: Vec<u8>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The name of an extended attribute that ostree cannot store.
    #[error("the extended attribute {:?} of {} has a name that {problem}", String::from_utf8_lossy(.name), DisplayPath(.path))]
    XattrName {
        /// Where.
        path: Vec<u8>,
        /// The attribute.
        name: Vec<u8>,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// `/etc` and `/usr/etc` both hold files.
    #[error("the image has files in both /etc and /usr/etc")]
    EtcTwice,
    /// A path that a bootable system needs is missing or something else.
    #[error("{} must be a {wanted}, but it {found}", DisplayPath(.path.as_bytes()))]
    Required {
        /// Where.
        path: &'static str,
        /// What it has to be.
        wanted: &'static str,
        /// `is missing`, or what it is instead.
        found: String,
    },
    /// A metadata object above libostree's limit.
    #[error("the {what} has {size} bytes, and libostree reads at most {limit}")]
    ObjectTooLarge {
        /// Which object.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A body could not be read from the content store.
    #[error("the body of {} could not be read", DisplayPath(.path))]
    Read {
        /// The file.
        path: Vec<u8>,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A ref with a name outside ostree's grammar.
    #[error("{name:?} cannot be the name of an ostree ref")]
    RefName {
        /// The name.
        name: String,
    },
    /// Two refs of which one would have to be a file and a directory.
    #[error("the refs {name:?} and {other:?} exclude each other: one is the parent directory of the other")]
    RefConflict {
        /// The ref that was to be set.
        name: String,
        /// The one that exists.
        other: String,
    },
    /// A ref or a deployment of a commit that the repository does not hold.
    #[error("{what} names the commit {commit}, which the repository does not hold")]
    NoSuchCommit {
        /// The ref or deployment.
        what: String,
        /// The commit.
        commit: crate::Checksum,
    },
    /// A text that cannot be part of a path, a key file or a kernel argument.
    #[error("{what} {given:?} {problem}")]
    Text {
        /// What the text is for.
        what: &'static str,
        /// The text.
        given: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A manifest or configuration that is not JSON.
    #[error("the image's {what} is not valid JSON")]
    Json {
        /// `manifest` or `configuration`.
        what: &'static str,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A local file for `/etc` that cannot be put there.
    #[error("a local file cannot be put into the deployment's etc")]
    LocalFile {
        /// The cause.
        #[source]
        source: InsertError,
    },
    /// The ostree commit in an image's layers cannot be read.
    #[error(transparent)]
    Encapsulated(Box<EncapsulatedError>),
}

impl From<EncapsulatedError> for OstreeError {
    fn from(problem: EncapsulatedError) -> Self {
        Self::Encapsulated(Box::new(problem))
    }
}

impl OstreeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Encapsulated(problem) => return problem.hint(),
            Self::NoObjectFor { .. } => {
                "remove it in the image's build; device nodes and sockets are made at run time, below /dev and /run"
                    .to_owned()
            }
            Self::Name { .. } | Self::LinkTarget { .. } => {
                "rename or remove it in the image's build; ostree holds names and targets in UTF-8 only".to_owned()
            }
            Self::EtcTwice => "move the files of /usr/etc to /etc in the image's build".to_owned(),
            Self::Required { path: "ostree", .. } => {
                "add to the image's build: RUN mkdir -p /sysroot && ln -sfn sysroot/ostree /ostree".to_owned()
            }
            Self::Required { path: "usr/etc", .. } => {
                "the image's /etc becomes /usr/etc; an image without /etc cannot be booted".to_owned()
            }
            Self::Required { path, found, .. } if found == "is missing" => {
                format!("add to the image's build: RUN mkdir -p /{path}")
            }
            Self::Required { path, .. } => format!("make /{path} a directory in the image's build"),
            Self::Read { .. } => "check the space and health of the scratch directory".to_owned(),
            Self::Json { .. } => {
                "the blob matches its digest, so the image was built with this damage; rebuild the image".to_owned()
            }
            Self::Text { what: "the image reference", .. } => {
                "write it as quay.io/name/image:tag, docker://…, oci:/path or ostree-unverified-registry:…".to_owned()
            }
            _ => return None,
        })
    }
}
