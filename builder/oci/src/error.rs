//! Why an image cannot be read.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::problem::{LayerName, LayerProblem};
use crate::{Digest, DigestError, Platform};

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The file system refused.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried: `read`, `open`.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// The answer.
        source: io::Error,
    },
    /// The path leads to something else than an OCI layout or an archive of one.
    #[error("{} is not an OCI {expected}: {reason}", path.display())]
    NotAnImage {
        /// Where it was looked for.
        path: PathBuf,
        /// `layout` or `archive`.
        expected: &'static str,
        /// What is missing or wrong.
        reason: String,
        /// What to do about it.
        remedy: Option<String>,
    },
    /// No image has the tag.
    #[error("no image is tagged {tag:?}; {}", tags_are(tags, *untagged))]
    NoSuchTag {
        /// The one asked for.
        tag: String,
        /// Those there are.
        tags: Vec<String>,
        /// How many images have none.
        untagged: usize,
    },
    /// No tag was given, and there is not exactly one image.
    #[error("no tag is given, but {}", tags_are(tags, *untagged))]
    NoTag {
        /// Those there are.
        tags: Vec<String>,
        /// How many images have none.
        untagged: usize,
    },
    /// A blob that a descriptor names is not there.
    #[error("{what} {digest} is missing")]
    MissingBlob {
        /// The blob's role.
        what: String,
        /// Its name.
        digest: Digest,
    },
    /// A descriptor's digest cannot be used.
    #[error("the digest of {what} cannot be checked")]
    BadDigest {
        /// The blob's role.
        what: String,
        /// Why.
        source: DigestError,
    },
    /// A blob's length is not the one its descriptor says.
    #[error("{what} {digest} has {} bytes, its descriptor says {}", grouped(*found), grouped(*expected))]
    BlobSize {
        /// The blob's role.
        what: String,
        /// Its name.
        digest: Digest,
        /// In the descriptor, in bytes.
        expected: u64,
        /// On disk, in bytes.
        found: u64,
    },
    /// A blob's contents are not those it is named after.
    #[error("{what} {expected} is damaged: its contents have the digest {computed}")]
    BlobDigest {
        /// The blob's role.
        what: String,
        /// Its name.
        expected: Digest,
        /// What its contents hash to.
        computed: Digest,
    },
    /// A JSON document is larger than any real one.
    #[error("{what} has {} bytes, more than the {} that are read", grouped(*size), grouped(*limit))]
    TooLarge {
        /// The document's role.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A document is not the JSON it should be.
    #[error("{what} cannot be understood")]
    Json {
        /// The document's role.
        what: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A blob says that it is something that is not read here.
    #[error("{what} has the media type {media_type:?}, {reason}")]
    MediaType {
        /// The blob's role.
        what: String,
        /// What it says.
        media_type: String,
        /// Why that does not do.
        reason: &'static str,
    },
    /// The image is not made for the platform.
    #[error("the image has nothing for {wanted}; it has {}", list(available))]
    NoPlatform {
        /// What was asked for.
        wanted: Platform,
        /// What there is.
        available: Vec<Platform>,
    },
    /// Indexes in indexes, too deep or too many.
    #[error("the image index nests other indexes more than {limit} {unit}")]
    Nesting {
        /// How many are followed.
        limit: usize,
        /// `deep` or `in all`.
        unit: &'static str,
    },
    /// Manifest and configuration disagree.
    #[error("the manifest has {layers} layers, but the configuration has {diff_ids} diff-ids")]
    LayerCount {
        /// In the manifest.
        layers: usize,
        /// In the configuration.
        diff_ids: usize,
    },
    /// An image without any file.
    #[error("the image has no layers")]
    NoLayers,
    /// A layer cannot be read.
    #[error("{layer}: {problem}")]
    Layer {
        /// Which.
        layer: LayerName,
        /// Why.
        problem: Box<LayerProblem>,
    },
    /// The content store cannot take a file's body.
    #[error("cannot write to the content store while reading {layer}")]
    Store {
        /// From which layer.
        layer: LayerName,
        /// The answer.
        source: io::Error,
    },
    /// No thread for the decoder.
    #[error("cannot start the decoding thread")]
    Thread {
        /// The answer.
        source: io::Error,
    },
}

impl OciError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotAnImage { remedy, .. } => remedy.clone(),
            Self::NoSuchTag { tags, .. } | Self::NoTag { tags, .. } => {
                tags.first().map(|tag| format!("put the tag behind the path, such as oci:PATH:{tag}"))
            }
            Self::MissingBlob { .. } | Self::BlobSize { .. } | Self::BlobDigest { .. } => {
                Some("the image changed after it was made; copy it again, with skopeo copy for example".into())
            }
            Self::NoPlatform { available, .. } => {
                available.first().map(|platform| format!("ask for one that it has, such as {platform}"))
            }
            Self::Layer { problem, .. } => problem.hint(),
            Self::Store { .. } => Some("the store is a scratch file; give it a folder with more free space".into()),
            _ => None,
        }
    }
}

fn list(items: &[impl fmt::Display]) -> String {
    match items {
        [] => "no platform that is named".into(),
        items => items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn tags_are(tags: &[String], untagged: usize) -> String {
    let images = |n: usize| if n == 1 { "1 image".to_owned() } else { format!("{n} images") };
    match (tags, untagged) {
        ([], 0) => "there is no image at all".into(),
        ([], n) => format!("there are {} without a tag", images(n)),
        ([tag], 0) => format!("the only tag is {tag}"),
        (tags, 0) => format!("the tags are {}", tags.join(", ")),
        (tags, n) => format!("the tags are {}, and {} without one", tags.join(", "), images(n)),
    }
}

/// A number with a comma every three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn numbers_are_grouped_by_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_049_600, "1,049,600")] {
            assert_eq!(grouped(number), text);
        }
    }
}
