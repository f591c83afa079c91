//! OCI layouts made by hand.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use builder_oci::{Image, ImageSource, LayerProgress, Layers, OciError, Platform};
use builder_tree::{ContentStore, DumpOptions, FileTree, Metadata};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};
use tempfile::TempDir;

/// How a layer's tar stream is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    /// Several gzip streams behind each other.
    GzipMembers,
    Zstd,
    /// Several zstd frames, and one to skip, behind each other.
    ZstdFrames,
    /// Gzip with Docker's media type.
    Docker,
}

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

pub(crate) fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", hex(&Sha512::digest(bytes)))
}

pub(crate) fn pack(tar: &[u8], packing: Packing) -> (Vec<u8>, &'static str) {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    let oci = |suffix: &'static str| match suffix {
        "gzip" => "application/vnd.oci.image.layer.v1.tar+gzip",
        "zstd" => "application/vnd.oci.image.layer.v1.tar+zstd",
        _ => "application/vnd.oci.image.layer.v1.tar",
    };
    match packing {
        Packing::Plain => (tar.to_vec(), oci("")),
        Packing::Gzip => (gzip(tar), oci("gzip")),
        Packing::GzipMembers => (tar.chunks(1000).flat_map(gzip).collect(), oci("gzip")),
        Packing::Zstd => (zstd(tar), oci("zstd")),
        Packing::ZstdFrames => {
            let skipped = [&0x184d_2a50_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), b"skip"].concat();
            (tar.chunks(1000).flat_map(zstd).chain(skipped).collect(), oci("zstd"))
        }
        Packing::Docker => (gzip(tar), "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    }
}

/// A layout in a temporary folder.
pub(crate) struct Layout {
    pub(crate) directory: TempDir,
    pub(crate) manifests: Vec<Value>,
}

impl Layout {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        fs::create_dir_all(directory.path().join("blobs/sha256")).unwrap();
        fs::write(directory.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let layout = Self { directory, manifests: Vec::new() };
        layout.write_index();
        layout
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn blob_path(&self, digest: &str) -> PathBuf {
        self.path().join("blobs").join(digest.replace(':', "/"))
    }

    /// Stores a blob; gives its descriptor.
    pub(crate) fn blob(&self, bytes: &[u8], media_type: &str) -> Value {
        let digest = sha256(bytes);
        fs::write(self.blob_path(&digest), bytes).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// Stores layers, configuration and manifest; gives the manifest's descriptor.
    pub(crate) fn image(&self, layers: &[(Vec<u8>, Packing)], architecture: &str) -> Value {
        let diff_ids: Vec<String> = layers.iter().map(|(tar, _)| sha256(tar)).collect();
        let layers: Vec<Value> = layers
            .iter()
            .map(|(tar, packing)| {
                let (bytes, media_type) = pack(tar, *packing);
                self.blob(&bytes, media_type)
            })
            .collect();
        self.manifest(&layers, &config(architecture, &diff_ids))
    }

    pub(crate) fn manifest(&self, layers: &[Value], config: &Value) -> Value {
        let config = self.blob(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.blob(manifest.to_string().as_bytes(), MANIFEST)
    }

    /// Enters a manifest or index into `index.json`.
    pub(crate) fn enter(&mut self, mut descriptor: Value, tag: Option<&str>) -> &mut Self {
        if let Some(tag) = tag {
            descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": tag});
        }
        self.manifests.push(descriptor);
        self.write_index();
        self
    }

    fn write_index(&self) {
        let index = json!({"schemaVersion": 2, "manifests": self.manifests});
        fs::write(self.path().join("index.json"), index.to_string()).unwrap();
    }

    pub(crate) fn source(&self, tag: Option<&str>) -> ImageSource {
        ImageSource::directory(self.path(), tag)
    }
}

pub(crate) fn config(architecture: &str, diff_ids: &[String]) -> Value {
    json!({
        "os": "linux", "architecture": architecture, "created": "2024-02-29T12:34:56Z",
        "config": {"Labels": {"b": "2", "a": "1"}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    })
}

pub(crate) fn amd64() -> Platform {
    Platform::host("x86_64")
}

/// A layout with one image, tagged `t`.
pub(crate) fn layout_of(layers: &[(Vec<u8>, Packing)]) -> Layout {
    let mut layout = Layout::new();
    let image = layout.image(layers, "amd64");
    layout.enter(image, Some("t"));
    layout
}

pub(crate) fn read(source: &ImageSource) -> Result<Layers, OciError> {
    let mut store = ContentStore::new(&std::env::temp_dir()).unwrap();
    Image::open(source, &amd64())?.read_layers(&mut store, &|_: &Metadata| Vec::new(), &mut |_: LayerProgress| {})
}

/// Reads plain layers behind each other.
pub(crate) fn read_tars(tars: &[Vec<u8>]) -> Result<Layers, OciError> {
    let layers: Vec<_> = tars.iter().map(|tar| (tar.clone(), Packing::Plain)).collect();
    read(&layout_of(&layers).source(None))
}

pub(crate) fn dump(tree: &FileTree) -> String {
    builder_tree::dump(tree, DumpOptions::default()).unwrap()
}

/// Fails with the first lines that differ.
pub(crate) fn assert_same(ours: &str, theirs: &str) {
    let only = |one: &str, other: &str| {
        let other: std::collections::BTreeSet<&str> = other.lines().collect();
        one.lines().filter(|line| !other.contains(line)).take(20).map(|line| format!("  {line}\n")).collect::<String>()
    };
    assert!(ours == theirs, "ours only:\n{}theirs only:\n{}", only(ours, theirs), only(theirs, ours));
}
