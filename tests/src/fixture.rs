//! Small images made on the spot: what a test says is in them, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// A layer in the making.
pub struct Layer {
    tar: Builder<Vec<u8>>,
}

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer {
    /// An empty layer.
    #[must_use]
    pub fn new() -> Self {
        Self { tar: Builder::new(Vec::new()) }
    }

    fn entry(mut self, kind: EntryType, path: &str, mode: u32, link: Option<&str>, body: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(body.len() as u64);
        if path.len() > 100 && link.is_none() {
            header.set_cksum();
            self.tar.append_data(&mut header, path, body).expect("memory takes it");
            return self;
        }
        // Written raw: the tests need names that a well-meaning library would refuse.
        put(&mut header.as_gnu_mut().expect("it is a GNU header").name, path);
        if let Some(link) = link {
            if link.len() > 100 {
                self.tar.append_pax_extensions([("linkpath", link.as_bytes())]).expect("memory takes it");
            }
            put(&mut header.as_gnu_mut().expect("it is a GNU header").linkname, &link[..link.len().min(100)]);
        }
        header.set_cksum();
        self.tar.append(&header, body).expect("memory takes it");
        self
    }

    /// A directory of root's.
    #[must_use]
    pub fn directory(self, path: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, path, mode, None, b"")
    }

    /// A regular file of root's.
    #[must_use]
    pub fn file(self, path: &str, mode: u32, body: &[u8]) -> Self {
        self.entry(EntryType::Regular, path, mode, None, body)
    }

    /// Gives the next entry an extended attribute.
    ///
    /// # Panics
    /// Never: memory takes it.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: &[u8]) -> Self {
        let key = format!("SCHILY.xattr.{name}");
        self.tar.append_pax_extensions([(key.as_str(), value)]).expect("memory takes it");
        self
    }

    /// A symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, path, 0o777, Some(target), b"")
    }

    /// A hard link.
    #[must_use]
    pub fn hard_link(self, path: &str, target: &str) -> Self {
        self.entry(EntryType::Link, path, 0o644, Some(target), b"")
    }

    /// A FIFO.
    #[must_use]
    pub fn fifo(self, path: &str) -> Self {
        self.entry(EntryType::Fifo, path, 0o644, None, b"")
    }

    /// A file header that claims `size` bytes and has none.
    #[must_use]
    pub fn claim(mut self, path: &str, size: u64) -> Self {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(size);
        put(&mut header.as_gnu_mut().expect("it is a GNU header").name, path);
        header.set_cksum();
        self.tar.get_mut().write_all(header.as_bytes()).expect("memory takes it");
        self
    }

    /// The layer as a tar.
    ///
    /// # Panics
    /// Never: memory takes it.
    #[must_use]
    pub fn tar(self) -> Vec<u8> {
        self.tar.into_inner().expect("memory takes it")
    }
}

fn put(field: &mut [u8], text: &str) {
    field[..text.len()].copy_from_slice(text.as_bytes());
}

/// A layer blob with what a manifest says of it.
#[derive(Clone)]
pub struct Blob {
    /// The bytes in the layout.
    pub bytes: Vec<u8>,
    /// The digest that the manifest claims.
    pub digest: String,
    /// The size that the manifest claims.
    pub size: u64,
    /// The diff-id that the config claims.
    pub diff_id: String,
    /// The media type.
    pub media_type: String,
}

impl Blob {
    /// A gzip layer, all claims true.
    #[must_use]
    pub fn gzip(layer: Layer) -> Self {
        let tar = layer.tar();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&tar).expect("memory takes it");
        let bytes = encoder.finish().expect("memory takes it");
        Self {
            digest: digest(&bytes),
            size: bytes.len() as u64,
            diff_id: digest(&tar),
            media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
            bytes,
        }
    }
}

/// An image in the making.
pub struct Image {
    /// Its layers.
    pub layers: Vec<Blob>,
    /// `architecture` of the config.
    pub architecture: String,
    /// `created` of the config.
    pub created: String,
    /// Labels of the config.
    pub labels: BTreeMap<String, String>,
}

impl Image {
    /// An amd64 image of `layers`.
    #[must_use]
    pub fn new(layers: Vec<Layer>) -> Self {
        Self::of(layers.into_iter().map(Blob::gzip).collect())
    }

    /// An amd64 image of ready blobs.
    #[must_use]
    pub fn of(layers: Vec<Blob>) -> Self {
        Self {
            layers,
            architecture: "amd64".to_owned(),
            created: "2024-05-06T07:08:09Z".to_owned(),
            labels: BTreeMap::from([("containers.bootc".to_owned(), "1".to_owned())]),
        }
    }

    /// Writes the image as an OCI layout into `directory` (made where missing) under the tag `latest`, and gives its
    /// source text.
    ///
    /// # Panics
    /// On I/O errors.
    pub fn write(&self, directory: &Path) -> String {
        let blobs = directory.join("blobs/sha256");
        fs::create_dir_all(&blobs).expect("the layout's directory can be made");
        let put = |digest: &str, bytes: &[u8]| {
            let name = digest.strip_prefix("sha256:").unwrap_or(digest);
            fs::write(blobs.join(name), bytes).expect("a blob can be written");
        };
        for layer in &self.layers {
            put(&layer.digest, &layer.bytes);
        }
        let config = json!({
            "architecture": self.architecture,
            "os": "linux",
            "created": self.created,
            "config": { "Labels": self.labels },
            "rootfs": { "type": "layers", "diff_ids": self.layers.iter().map(|l| &l.diff_id).collect::<Vec<_>>() },
            "history": [],
        });
        let config = blob(&config, "application/vnd.oci.image.config.v1+json", &put);
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config,
            "layers": self.layers.iter().map(|layer| json!({
                "mediaType": layer.media_type, "digest": layer.digest, "size": layer.size,
            })).collect::<Vec<_>>(),
        });
        let mut manifest = blob(&manifest, "application/vnd.oci.image.manifest.v1+json", &put);
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "latest" });
        manifest["platform"] = json!({ "os": "linux", "architecture": self.architecture });
        let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
        fs::write(directory.join("index.json"), index.to_string()).expect("the index can be written");
        fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)
            .expect("the marker can be written");
        format!("oci:{}:latest", directory.display())
    }
}

fn blob(value: &Value, media_type: &str, put: &dyn Fn(&str, &[u8])) -> Value {
    let bytes = value.to_string().into_bytes();
    put(&digest(&bytes), &bytes);
    json!({ "mediaType": media_type, "digest": digest(&bytes), "size": bytes.len() })
}

/// The digest of `bytes` as images write it.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(digest: &[u8]) -> String {
    let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", hex.concat())
}

/// A layer that has all that a disk needs, in a few kilobytes: it plans and builds, and would not boot far.
#[must_use]
pub fn system() -> Layer {
    kernel(base(), "6.12.1")
}

/// [`system`] without a kernel.
#[must_use]
pub fn base() -> Layer {
    let mut layer = Layer::new();
    for (path, mode) in [
        ("boot/", 0o755),
        ("dev/", 0o755),
        ("etc/", 0o755),
        ("proc/", 0o555),
        ("run/", 0o755),
        ("sys/", 0o555),
        ("sysroot/", 0o755),
        ("tmp/", 0o1777),
        ("usr/", 0o755),
        ("usr/bin/", 0o755),
        ("usr/lib/", 0o755),
        ("usr/lib/ostree/", 0o755),
        ("usr/lib/tmpfiles.d/", 0o755),
        ("var/", 0o755),
    ] {
        layer = layer.directory(path, mode);
    }
    let grub = b"MZ fake boot loader \0/EFI/debian\0 end".as_slice();
    layer
        .symlink("ostree", "sysroot/ostree")
        .symlink("bin", "usr/bin")
        .file("etc/hostname", 0o644, b"tiny\n")
        .file("etc/empty", 0o600, b"")
        .file("usr/bin/tool", 0o4755, b"#!/bin/sh\n")
        .hard_link("usr/bin/tool-too", "usr/bin/tool")
        .file("usr/lib/os-release", 0o644, b"ID=tiny\nPRETTY_NAME=\"Tiny Linux 1\"\n")
        .file("usr/lib/ostree/prepare-root.conf", 0o644, b"[composefs]\nenabled = no\n")
        .file("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", 0o644, grub)
        .file("usr/lib/shim/shimx64.efi.signed", 0o644, b"MZ fake shim")
}

/// Adds a kernel with an initramfs to a layer.
#[must_use]
pub fn kernel(layer: Layer, release: &str) -> Layer {
    let directory = format!("usr/lib/modules/{release}/");
    layer.directory(&directory, 0o755).file(&format!("{directory}vmlinuz"), 0o644, b"fake kernel").file(
        &format!("{directory}initramfs.img"),
        0o644,
        b"fake initramfs",
    )
}

/// Writes the image of [`system`] below `directory`; gives its source text.
#[must_use]
pub fn tiny(directory: &Path) -> String {
    Image::new(vec![system()]).write(&directory.join("tiny"))
}

/// The path of a layout's blob.
#[must_use]
pub fn blob_path(layout: &Path, digest: &str) -> PathBuf {
    layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:"))
}

/// A layout whose disk is as small as one can be, for tests that make many disks or read whole ones.
pub const SMALL_LAYOUT: &str = "[[partition]]\ntype='esp'\nformat='fat32'\nsize='40M'\nfrom='esp'\n\
    [[partition]]\ntype='root-x86-64'\nformat='ext4'\nsize='minimize'\nfrom='sysroot'\n";

/// A layer of very many small files, each with bytes of its own; its tar is never in memory.
///
/// # Panics
/// Never: memory takes what is compressed.
#[must_use]
pub fn many_files(files: u32) -> Blob {
    /// Files of one directory.
    const EACH: u32 = 1000;
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut tar = Builder::new(Hashed { hasher: Sha256::new(), to: encoder });
    let mut header = Header::new_gnu();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    for number in 0..files {
        let body = format!("the file with the number {number}\n");
        header.set_size(body.len() as u64);
        let path = format!("usr/share/many/{:04}/file-{number:07}", number / EACH);
        tar.append_data(&mut header, path, body.as_bytes()).expect("memory takes it");
    }
    let Hashed { hasher, to } = tar.into_inner().expect("memory takes it");
    let bytes = to.finish().expect("memory takes it");
    Blob {
        digest: digest(&bytes),
        size: bytes.len() as u64,
        diff_id: hex(&hasher.finalize()),
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".to_owned(),
        bytes,
    }
}

/// Computes the digest of what is written.
struct Hashed<W> {
    hasher: Sha256,
    to: W,
}

impl<W: std::io::Write> std::io::Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}
