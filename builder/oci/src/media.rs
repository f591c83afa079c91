//! Media types: what a blob says it is.

use std::fmt;

/// How a layer's tar stream is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// What a descriptor in an index points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    Index,
    Manifest,
}

/// Why a layer's media type cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Foreign,
    Unknown,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// OCI image specification, "Media Types", and Docker's "Image Manifest Version 2, Schema 2".
pub(crate) fn layer(media_type: &str) -> Result<Compression, Refusal> {
    match media_type {
        "application/vnd.oci.image.layer.v1.tar" | "application/vnd.docker.image.rootfs.diff.tar" => {
            Ok(Compression::None)
        }
        "application/vnd.oci.image.layer.v1.tar+gzip" | "application/vnd.docker.image.rootfs.diff.tar.gzip" => {
            Ok(Compression::Gzip)
        }
        "application/vnd.oci.image.layer.v1.tar+zstd" | "application/vnd.docker.image.rootfs.diff.tar.zstd" => {
            Ok(Compression::Zstd)
        }
        other if other.starts_with("application/vnd.oci.image.layer.nondistributable.") => Err(Refusal::Foreign),
        other if other.starts_with("application/vnd.docker.image.rootfs.foreign.") => Err(Refusal::Foreign),
        _ => Err(Refusal::Unknown),
    }
}

/// What lies behind a descriptor; `None` for anything that is no image.
pub(crate) fn document(media_type: &str) -> Option<Document> {
    match media_type {
        "application/vnd.oci.image.index.v1+json" | "application/vnd.docker.distribution.manifest.list.v2+json" => {
            Some(Document::Index)
        }
        "application/vnd.oci.image.manifest.v1+json" | "application/vnd.docker.distribution.manifest.v2+json" => {
            Some(Document::Manifest)
        }
        _ => None,
    }
}

pub(crate) fn is_config(media_type: &str) -> bool {
    matches!(media_type, "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json")
}
