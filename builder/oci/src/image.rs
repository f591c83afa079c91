//! An image: manifest and configuration, chosen and checked.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, ImageConfiguration, ImageManifest};

use crate::layout::Layout;
use crate::media::{self, Compression, Document, Refusal};
use crate::{Digest, ImageSource, OciError, Platform, blob, select, time};

/// Larger than any real configuration.
const CONFIG_LIMIT: u64 = 16 << 20;
/// OCI image specification, "Pre-Defined Annotation Keys".
const CREATED: &str = "org.opencontainers.image.created";

/// One image of a layout, for one platform. Its layers have not been read yet.
#[derive(Debug)]
pub struct Image {
    pub(crate) layout: Layout,
    manifest_bytes: Vec<u8>,
    manifest_digest: Digest,
    manifest: ImageManifest,
    config_bytes: Vec<u8>,
    config: ImageConfiguration,
    platform: Platform,
    layers: Vec<LayerDescriptor>,
}

/// What manifest and configuration say of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerDescriptor {
    /// The blob, as it lies in the image.
    pub digest: Digest,
    /// The tar stream in the blob.
    pub diff_id: Digest,
    /// Length of the blob in bytes.
    pub size: u64,
    /// Type of the blob.
    pub media_type: String,
    /// The manifest's annotations of the layer.
    pub annotations: BTreeMap<String, String>,
    pub(crate) compression: Compression,
}

impl Image {
    /// Finds the image in its source and chooses the manifest for `platform`.
    ///
    /// # Errors
    /// There is no such image, or what describes it is damaged, contradicts itself, or uses what is not read here.
    pub fn open(source: &ImageSource, platform: &Platform) -> Result<Self, OciError> {
        let layout = Layout::open(source)?;
        let descriptor = select::manifest(&layout, source.tag(), platform)?;
        let manifest_bytes = blob::read(&layout, "the manifest", &descriptor, select::MANIFEST_LIMIT)?;
        let manifest_digest = blob::digest("the manifest".into(), descriptor.digest())?;
        let manifest: ImageManifest = serde_json::from_slice(&manifest_bytes)
            .map_err(|source| OciError::Json { what: "the manifest".into(), source })?;
        if let Some(own) = manifest.media_type()
            && media::document(own.as_ref()) != Some(Document::Manifest)
        {
            return Err(OciError::MediaType {
                what: "the manifest".into(),
                media_type: own.to_string(),
                reason: "which is no image manifest",
            });
        }
        let config_type = manifest.config().media_type();
        if !media::is_config(config_type.as_ref()) {
            return Err(OciError::MediaType {
                what: "the configuration".into(),
                media_type: config_type.to_string(),
                reason: "so this is an artifact of another kind, not an image",
            });
        }
        let what = "the configuration";
        let config_bytes = blob::read(&layout, what, manifest.config(), CONFIG_LIMIT)?;
        let config: ImageConfiguration =
            serde_json::from_slice(&config_bytes).map_err(|source| OciError::Json { what: what.into(), source })?;
        let made_for = Platform {
            os: config.os().to_string(),
            architecture: config.architecture().to_string(),
            variant: config.variant().clone().filter(|variant| !variant.is_empty()),
        };
        if platform.rank(&made_for).is_none() {
            return Err(OciError::NoPlatform { wanted: platform.clone(), available: vec![made_for] });
        }
        let layers = layers(&manifest, &config)?;
        Ok(Self { layout, manifest_bytes, manifest_digest, manifest, config_bytes, config, platform: made_for, layers })
    }

    /// The manifest as it lies in the image.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// The digest of those bytes: of the platform's manifest, not of an index.
    #[must_use]
    pub fn manifest_digest(&self) -> &Digest {
        &self.manifest_digest
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> &ImageManifest {
        &self.manifest
    }

    /// The configuration as it lies in the image.
    #[must_use]
    pub fn config_bytes(&self) -> &[u8] {
        &self.config_bytes
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &ImageConfiguration {
        &self.config
    }

    /// What the configuration says the image is made for.
    #[must_use]
    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// The configuration's labels.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.config.config().as_ref().and_then(|config| config.labels().as_ref()).map(sorted).unwrap_or_default()
    }

    /// When the image was made, in seconds since 1970: the manifest's annotation, else the configuration's field.
    #[must_use]
    pub fn created(&self) -> Option<i64> {
        let annotation = self.manifest.annotations().as_ref().and_then(|annotations| annotations.get(CREATED));
        annotation
            .and_then(|text| time::parse_rfc3339(text))
            .or_else(|| self.config.created().as_deref().and_then(time::parse_rfc3339))
    }

    /// The layers, lowest first; at least one.
    #[must_use]
    pub fn layers(&self) -> &[LayerDescriptor] {
        &self.layers
    }
}

fn layers(manifest: &ImageManifest, config: &ImageConfiguration) -> Result<Vec<LayerDescriptor>, OciError> {
    let diff_ids = config.rootfs().diff_ids();
    let total = manifest.layers().len();
    if total != diff_ids.len() {
        return Err(OciError::LayerCount { layers: total, diff_ids: diff_ids.len() });
    }
    if total == 0 {
        return Err(OciError::NoLayers);
    }
    manifest
        .layers()
        .iter()
        .zip(diff_ids)
        .enumerate()
        .map(|(at, (blob, diff_id))| layer(at, total, blob, diff_id))
        .collect()
}

fn layer(at: usize, total: usize, descriptor: &Descriptor, diff_id: &str) -> Result<LayerDescriptor, OciError> {
    let name = |what: &str| format!("{what} {} of {total}", at + 1);
    let media_type = descriptor.media_type().to_string();
    let compression = media::layer(&media_type).map_err(|refusal| OciError::MediaType {
        what: name("layer"),
        media_type: media_type.clone(),
        reason: match refusal {
            Refusal::Foreign => "so its contents are kept elsewhere and are not part of the image",
            Refusal::Unknown => "which is no layer that can be read here",
        },
    })?;
    Ok(LayerDescriptor {
        digest: blob::digest(name("layer"), descriptor.digest())?,
        diff_id: diff_id.parse().map_err(|source| OciError::BadDigest { what: name("diff-id"), source })?,
        size: descriptor.size(),
        media_type,
        annotations: descriptor.annotations().as_ref().map(sorted).unwrap_or_default(),
        compression,
    })
}

fn sorted(map: &std::collections::HashMap<String, String>) -> BTreeMap<String, String> {
    map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}
