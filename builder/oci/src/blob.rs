//! Blobs: read once, checked while they pass.

use std::io::Read as _;

use oci_spec::image::Descriptor;

use crate::layout::Layout;
use crate::{Digest, OciError};

/// The whole of a small blob, its size and digest checked.
pub(crate) fn read(layout: &Layout, what: &str, descriptor: &Descriptor, limit: u64) -> Result<Vec<u8>, OciError> {
    let what = || what.to_owned();
    let digest = digest(what(), descriptor.digest())?;
    if descriptor.size() > limit {
        return Err(OciError::TooLarge { what: what(), size: descriptor.size(), limit });
    }
    let Some(mut section) = layout.blob(&digest)? else { return Err(OciError::MissingBlob { what: what(), digest }) };
    if section.length() != descriptor.size() {
        let (expected, found) = (descriptor.size(), section.length());
        return Err(OciError::BlobSize { what: what(), digest, expected, found });
    }
    let mut bytes = Vec::new();
    section.read_to_end(&mut bytes).map_err(|source| OciError::Io {
        operation: "read",
        path: layout.path().into(),
        source,
    })?;
    let mut hasher = digest.hasher();
    hasher.update(&bytes);
    let computed = hasher.finish();
    if computed != digest {
        return Err(OciError::BlobDigest { what: what(), expected: digest, computed });
    }
    Ok(bytes)
}

/// The digest of a descriptor, as one that can be checked.
pub(crate) fn digest(what: String, digest: &oci_spec::image::Digest) -> Result<Digest, OciError> {
    digest.as_ref().parse().map_err(|source| OciError::BadDigest { what, source })
}
