//! Blobs: read once, checked while they pass.

use std::io::{self, Read};

use oci_spec::image::Descriptor;

use crate::digest::Hasher;
use crate::layout::{Layout, Section};
use crate::problem::LayerProblem;
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

/// A layer's blob on its way: counts and hashes what passes.
#[derive(Debug)]
pub(crate) struct Verifier {
    section: Section,
    hasher: Hasher,
    passed: u64,
    /// Why the file could not be read: decoders wrap errors in words of their own.
    failure: Option<io::Error>,
}

impl Verifier {
    /// Opens a layer's blob, whose size must be the given one.
    pub(crate) fn open(layout: &Layout, digest: &Digest, size: u64) -> Result<Self, LayerProblem> {
        let section = match layout.blob(digest) {
            Ok(Some(section)) => section,
            Ok(None) => return Err(LayerProblem::Missing),
            Err(OciError::Io { source, .. }) => return Err(LayerProblem::Read { cause: source }),
            Err(error) => return Err(LayerProblem::Read { cause: io::Error::other(error) }),
        };
        if section.length() != size {
            return Err(LayerProblem::Size { expected: size, found: section.length() });
        }
        Ok(Self { section, hasher: digest.hasher(), passed: 0, failure: None })
    }

    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Reads what is left, then compares the digest. `complaint` is what the decoder had to say: it only counts if
    /// the blob is sound.
    pub(crate) fn finish(mut self, digest: &Digest, complaint: Option<LayerProblem>) -> Result<(), LayerProblem> {
        if let Some(cause) = self.failure.take() {
            return Err(LayerProblem::Read { cause });
        }
        let mut rest = vec![0; 1 << 17];
        loop {
            match self.read(&mut rest) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => return Err(LayerProblem::Read { cause: self.failure.take().unwrap_or(error) }),
            }
        }
        if self.passed != self.section.length() {
            return Err(LayerProblem::Size { expected: self.section.length(), found: self.passed });
        }
        let computed = self.hasher.finish();
        if computed != *digest {
            return Err(LayerProblem::Digest { computed });
        }
        complaint.map_or(Ok(()), Err)
    }
}

impl Read for Verifier {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.section.read(buffer) {
            Ok(n) => {
                self.hasher.update(&buffer[..n]);
                self.passed += n as u64;
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                Err(kind.into())
            }
        }
    }
}
