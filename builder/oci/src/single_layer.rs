//! The documents of an image that has one layer.

use oci_spec::OciSpecError;
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, ImageConfigurationBuilder, ImageIndexBuilder, ImageManifestBuilder, MediaType,
    OciLayoutBuilder, Os, PlatformBuilder, RootFsBuilder, Sha256Digest,
};
use sha2::{Digest, Sha256};

use crate::time::format_rfc3339;

/// A layer that is all of an image: an archive that is not compressed.
#[derive(Clone, Copy, Debug)]
pub struct SingleLayer<'a> {
    /// Architecture as images name it, such as `amd64`.
    pub architecture: &'a str,
    /// When it was made, in Unix seconds.
    pub created: i64,
    /// SHA-256 of the layer in hexadecimal digits.
    pub digest: &'a str,
    /// Its length in bytes.
    pub size: u64,
}

/// The JSON documents that stand around a layer in an image layout. OCI Image Format Specification 1.1.
#[derive(Clone, Debug)]
pub struct SingleLayerDocuments {
    /// The image's configuration, a blob.
    pub config: Vec<u8>,
    /// The manifest, a blob.
    pub manifest: Vec<u8>,
    /// `index.json`.
    pub index: Vec<u8>,
    /// `oci-layout`.
    pub layout: Vec<u8>,
}

impl SingleLayer<'_> {
    /// The documents.
    ///
    /// # Errors
    /// The digest is not one.
    pub fn documents(&self) -> Result<SingleLayerDocuments, OciSpecError> {
        let architecture = Arch::from(self.architecture);
        let created = format_rfc3339(self.created);
        let config = ImageConfigurationBuilder::default()
            .created(created)
            .architecture(architecture.clone())
            .os(Os::Linux)
            .config(ConfigBuilder::default().build()?)
            .rootfs(
                RootFsBuilder::default()
                    .typ("layers".to_owned())
                    .diff_ids(vec![format!("sha256:{}", self.digest)])
                    .build()?,
            )
            .build()?
            .to_string()?
            .into_bytes();
        let layer = Descriptor::new(MediaType::ImageLayer, self.size, self.digest.parse::<Sha256Digest>()?);
        let manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(describe(MediaType::ImageConfig, &config)?)
            .layers(vec![layer])
            .build()?
            .to_string()?
            .into_bytes();
        let mut described = describe(MediaType::ImageManifest, &manifest)?;
        described.set_platform(Some(PlatformBuilder::default().architecture(architecture).os(Os::Linux).build()?));
        let index = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests(vec![described])
            .build()?
            .to_string()?
            .into_bytes();
        let layout =
            OciLayoutBuilder::default().image_layout_version("1.0.0".to_owned()).build()?.to_string()?.into_bytes();
        Ok(SingleLayerDocuments { config, manifest, index, layout })
    }
}

fn describe(media_type: MediaType, document: &[u8]) -> Result<Descriptor, OciSpecError> {
    let digest = Sha256::digest(document).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    Ok(Descriptor::new(media_type, document.len() as u64, digest.parse::<Sha256Digest>()?))
}
