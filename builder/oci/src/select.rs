//! From index to manifest: which image is meant.

use oci_spec::image::{Descriptor, ImageIndex};

use crate::layout::Layout;
use crate::media::{self, Document};
use crate::{OciError, Platform, blob};

/// Larger than any real index or manifest; registries take 4 MiB at most.
pub(crate) const MANIFEST_LIMIT: u64 = 4 << 20;
/// Indexes inside `index.json` are followed this deep.
const DEPTH_LIMIT: usize = 4;
/// Indexes that are read for one image: real ones have one or two.
const INDEX_LIMIT: usize = 64;
/// OCI image specification, "Pre-Defined Annotation Keys".
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The descriptor of the manifest for `platform` of the image `tag`.
pub(crate) fn manifest(layout: &Layout, tag: Option<&str>, platform: &Platform) -> Result<Descriptor, OciError> {
    let index = parse("the file index.json", &layout.index(MANIFEST_LIMIT)?)?;
    let candidates = tagged(index, tag)?;
    let mut search = Search { layout, platform, available: Vec::new(), indexes: 0 };
    // The one manifest meant is taken as it is: its configuration says what it is made for.
    if let [only] = &candidates[..]
        && media::document(only.media_type().as_ref()) == Some(Document::Manifest)
    {
        return Ok(only.clone());
    }
    match search.find(&candidates, 0)? {
        Some(found) => Ok(found),
        None => {
            search.available.sort();
            search.available.dedup();
            Err(OciError::NoPlatform { wanted: platform.clone(), available: search.available })
        }
    }
}

/// The images of that tag; of no tag, the only one there is.
fn tagged(index: ImageIndex, tag: Option<&str>) -> Result<Vec<Descriptor>, OciError> {
    let name = |descriptor: &Descriptor| descriptor.annotations().as_ref()?.get(REF_NAME).cloned();
    let mut tags: Vec<String> = index.manifests().iter().filter_map(name).collect();
    tags.sort();
    tags.dedup();
    let untagged = index.manifests().iter().filter(|descriptor| name(descriptor).is_none()).count();
    let found: Vec<Descriptor> = match tag {
        Some(tag) => index.manifests().iter().filter(|image| name(image).as_deref() == Some(tag)).cloned().collect(),
        None if index.manifests().len() == 1 => index.manifests().clone(),
        None => return Err(OciError::NoTag { tags, untagged }),
    };
    match (found.is_empty(), tag) {
        (true, Some(tag)) => Err(OciError::NoSuchTag { tag: tag.to_owned(), tags, untagged }),
        _ => Ok(found),
    }
}

struct Search<'a> {
    layout: &'a Layout,
    platform: &'a Platform,
    /// What was passed over.
    available: Vec<Platform>,
    indexes: usize,
}

impl Search<'_> {
    fn find(&mut self, descriptors: &[Descriptor], depth: usize) -> Result<Option<Descriptor>, OciError> {
        let of = |document: Document| {
            descriptors
                .iter()
                .filter(move |descriptor| media::document(descriptor.media_type().as_ref()) == Some(document))
        };
        let nothing = of(Document::Manifest).next().is_none() && of(Document::Index).next().is_none();
        if let [only] = descriptors
            && nothing
        {
            return Err(OciError::MediaType {
                what: "the only entry of the index".into(),
                media_type: only.media_type().to_string(),
                reason: "which is neither an image manifest nor an index",
            });
        }
        // Of several that serve, the best; of equals, the first (OCI image specification, "Image Index").
        let mut best: Option<(u8, &Descriptor)> = None;
        for descriptor in of(Document::Manifest) {
            match platform_of(descriptor) {
                Some(offered) => {
                    let rank = self.platform.rank(&offered).unwrap_or(0);
                    if rank > best.map_or(0, |(rank, _)| rank) {
                        best = Some((rank, descriptor));
                    }
                    self.offer(offered);
                }
                // Only where it is the sole one can a manifest without a platform be the one that is meant.
                None if descriptors.len() == 1 => best = Some((1, descriptor)),
                None => {}
            }
        }
        if let Some((_, descriptor)) = best {
            return Ok(Some(descriptor.clone()));
        }
        for descriptor in of(Document::Index) {
            if let Some(offered) = platform_of(descriptor)
                && self.platform.rank(&offered).is_none()
            {
                self.offer(offered);
                continue;
            }
            if depth == DEPTH_LIMIT {
                return Err(OciError::Nesting { limit: DEPTH_LIMIT, unit: "deep" });
            }
            self.indexes += 1;
            if self.indexes > INDEX_LIMIT {
                return Err(OciError::Nesting { limit: INDEX_LIMIT, unit: "in all" });
            }
            let what = "the image index";
            let index = parse(what, &blob::read(self.layout, what, descriptor, MANIFEST_LIMIT)?)?;
            if let Some(found) = self.find(index.manifests(), depth + 1)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn offer(&mut self, platform: Platform) {
        // Attestations are entered as manifests for unknown/unknown.
        if platform.os != "unknown" && self.available.len() < 1000 {
            self.available.push(platform);
        }
    }
}

fn platform_of(descriptor: &Descriptor) -> Option<Platform> {
    descriptor.platform().as_ref().map(|platform| Platform {
        os: platform.os().to_string(),
        architecture: platform.architecture().to_string(),
        variant: platform.variant().clone(),
    })
}

fn parse(what: &str, bytes: &[u8]) -> Result<ImageIndex, OciError> {
    serde_json::from_slice(bytes).map_err(|source| OciError::Json { what: what.to_owned(), source })
}
