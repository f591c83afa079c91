//! What an image is: the answers of `inspect`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use builder_block::ByteSize;
use builder_boot::{Architecture, InstallConfig, Kernel, Loader, OsRelease};
use builder_oci::{ImageSource, Platform};
use builder_tree::ContentStore;
use serde::Serialize;

use crate::error::BuildError;
use crate::progress::Progress;
use crate::recipe::SelinuxChoice;
use crate::settings::{Selinux, prepare_root};
use crate::source;

/// Everything about an image that decides its disk.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// Where it is.
    pub source: String,
    /// Digest of the platform's manifest.
    pub digest: String,
    /// Its platform.
    pub platform: String,
    /// When it was made, in seconds since 1970.
    pub created: Option<i64>,
    /// Its layers, lowest first.
    pub layers: Vec<LayerFacts>,
    /// Labels of its configuration.
    pub labels: BTreeMap<String, String>,
    /// `os-release`.
    pub os_release: BTreeMap<String, String>,
    /// Kernel releases found; a disk needs exactly one.
    pub kernels: Vec<String>,
    /// Boot loader payloads found, the best first.
    pub boot_loaders: Vec<String>,
    /// SELinux settings.
    pub selinux: Option<Selinux>,
    /// `prepare-root.conf`, as `section.key`.
    pub prepare_root: BTreeMap<String, String>,
    /// Kernel arguments of `kargs.d` and the install configuration.
    pub kargs: Vec<String>,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// What keeps the image from becoming a disk.
    pub problems: Vec<String>,
}

/// A layer.
#[derive(Clone, Debug, Serialize)]
pub struct LayerFacts {
    /// Digest of the blob.
    pub digest: String,
    /// Size of the blob in bytes.
    pub size: u64,
    /// Media type.
    pub media_type: String,
}

/// Reads an image and says what it is; `scratch` takes the unnamed scratch file.
///
/// # Errors
/// The image cannot be read. That it would not make a disk is no error here but a part of the answer.
pub fn inspect(
    source: &ImageSource,
    platform: &Platform,
    scratch: &Path,
    progress: &mut dyn Progress,
) -> Result<Facts, BuildError> {
    let image = source::open(source, platform)?;
    let mut store = ContentStore::new(scratch).map_err(|source| BuildError::Scratch { source })?;
    let (layers, _) = source::read_layers(&image, None, SelinuxChoice::Off, &mut store, progress)?;
    let tree = layers.merged;

    let mut facts = Facts {
        source: source.to_string(),
        digest: image.manifest_digest().to_string(),
        platform: image.platform().to_string(),
        created: image.created(),
        layers: image
            .layers()
            .iter()
            .map(|layer| LayerFacts {
                digest: layer.digest.to_string(),
                size: layer.size,
                media_type: layer.media_type.clone(),
            })
            .collect(),
        labels: image.labels(),
        os_release: BTreeMap::new(),
        kernels: Kernel::versions(&tree),
        boot_loaders: Vec::new(),
        selinux: Selinux::read(&tree),
        prepare_root: prepare_root(&tree),
        kargs: Vec::new(),
        entries: 0,
        bytes: 0,
        problems: Vec::new(),
    };
    let counted: Result<(), std::convert::Infallible> = tree.root.walk(&mut |_, node| {
        facts.entries += 1;
        facts.bytes = facts.bytes.saturating_add(node.as_leaf().map_or(0, |inode| inode.size()));
        Ok(())
    });
    match counted {
        Ok(()) => {}
    }
    let mut problem = |error: &dyn std::error::Error| facts.problems.push(error.to_string());
    match OsRelease::read(&tree) {
        Ok(release) => facts.os_release = release.fields().clone(),
        Err(error) => problem(&error),
    }
    if let Err(error) = Kernel::find(&tree) {
        problem(&error);
    }
    match Architecture::from_oci(&image.platform().architecture) {
        Ok(architecture) => {
            facts.boot_loaders = Loader::all(&tree, architecture).iter().map(ToString::to_string).collect();
            match InstallConfig::read(&tree, architecture) {
                Ok(install) => match builder_boot::image_arguments(&tree, architecture, &install) {
                    Ok(kargs) => facts.kargs = kargs,
                    Err(error) => problem(&error),
                },
                Err(error) => problem(&error),
            }
        }
        Err(error) => problem(&error),
    }
    Ok(facts)
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ["PRETTY_NAME", "NAME", "ID"].iter().find_map(|key| self.os_release.get(*key));
        writeln!(f, "Image        {}", self.source)?;
        writeln!(f, "  system     {}", name.map_or("unknown: it has no os-release", String::as_str))?;
        writeln!(f, "  platform   {}", self.platform)?;
        writeln!(f, "  digest     {}", self.digest)?;
        writeln!(f, "  contents   {} entries, {}", self.entries, ByteSize::new(self.bytes))?;
        writeln!(f, "Layers       {}", self.layers.len())?;
        for layer in &self.layers {
            writeln!(f, "  {:>10} {} {}", ByteSize::new(layer.size), layer.digest, layer.media_type)?;
        }
        writeln!(f, "Labels       {}", self.labels.len())?;
        for (name, value) in &self.labels {
            writeln!(f, "  {name}={value}")?;
        }
        writeln!(f, "Boot")?;
        writeln!(f, "  kernel     {}", if self.kernels.is_empty() { "none".into() } else { self.kernels.join(", ") })?;
        for loader in &self.boot_loaders {
            writeln!(f, "  loader     {loader}")?;
        }
        if self.boot_loaders.is_empty() {
            writeln!(f, "  loader     none")?;
        }
        writeln!(f, "  arguments  {}", if self.kargs.is_empty() { "none".into() } else { self.kargs.join(" ") })?;
        match &self.selinux {
            Some(selinux) => writeln!(
                f,
                "SELinux      {}, policy {}{}",
                selinux.mode,
                selinux.policy,
                if selinux.has_policy { "" } else { " (not in the image)" }
            )?,
            None => writeln!(f, "SELinux      not set up")?,
        }
        writeln!(f, "prepare-root{}", if self.prepare_root.is_empty() { " defaults" } else { "" })?;
        for (name, value) in &self.prepare_root {
            writeln!(f, "  {name} = {value}")?;
        }
        for problem in &self.problems {
            writeln!(f, "Problem      {problem}")?;
        }
        Ok(())
    }
}
