//! A containerDisk: an OCI archive of an image whose only layer has the disk under `/disk/`, as KubeVirt wants it.
//!
//! KubeVirt user guide, "containerDisk": `FROM scratch`, the disk in `/disk/` and readable by user and group 107 (qemu).

use std::io;

use builder_block::{Inner, Piece, Sink};
use builder_oci::{SingleLayer, SingleLayerDocuments};
use sha2::{Digest, Sha256};
use tar::EntryType;

use super::archive::{BLOCK, END, Entry, padded};
use super::checksum::{hex, sha256};
use super::line::{Encoded, Writer, mismatch};

/// Where the layer begins in the archive: behind its header, and before that those of the two directories.
const LAYER: u64 = 3 * BLOCK;

/// Where the disk begins in the layer: behind its header and that of its directory.
const DISK: u64 = 2 * BLOCK;

/// Owner and group of the disk: `qemu`.
const QEMU: u64 = 107;

pub(crate) struct ContainerDiskWriter {
    disk: builder_qcow2::Writer,
    /// As the image names it, such as `amd64`.
    architecture: String,
    /// Unix seconds.
    created: i64,
}

impl ContainerDiskWriter {
    pub(crate) fn new(disk: builder_qcow2::Writer, architecture: String, created: i64) -> Self {
        Self { disk, architecture, created }
    }
}

impl Writer for ContainerDiskWriter {
    fn append(&mut self, sink: &mut dyn Sink, piece: &Piece, encoded: &Encoded) -> io::Result<()> {
        let Encoded::Qcow2(encoded) = encoded else { return Err(mismatch()) };
        self.disk.append(&mut Inner::new(sink, LAYER + DISK), piece, encoded)
    }

    fn finish(self: Box<Self>, sink: &mut dyn Sink) -> io::Result<u64> {
        let Self { disk, architecture, created } = *self;
        let length = disk.finish(&mut Inner::new(sink, LAYER + DISK))?;
        let modified = u64::try_from(created).unwrap_or(0);
        let entry = |path: &str, kind, size, owner| Entry { path, kind, size, owner, modified }.header();

        sink.write_at(LAYER, &entry("disk/", EntryType::Directory, 0, QEMU)?)?;
        sink.write_at(LAYER + BLOCK, &entry("disk/disk.qcow2", EntryType::Regular, length, QEMU)?)?;
        let layer_length = DISK + padded(length) + END;
        // The end of the layer's archive: written, since the digest is over it.
        sink.write_at(LAYER + DISK + length, &vec![0; usize::try_from(padded(length) - length + END).unwrap_or(0)])?;
        let layer_digest = sha256(sink, LAYER, layer_length)?;

        sink.write_at(0, &entry("blobs/", EntryType::Directory, 0, 0)?)?;
        sink.write_at(BLOCK, &entry("blobs/sha256/", EntryType::Directory, 0, 0)?)?;
        let blob = |digest: &str| format!("blobs/sha256/{digest}");
        sink.write_at(2 * BLOCK, &entry(&blob(&layer_digest), EntryType::Regular, layer_length, 0)?)?;

        let SingleLayerDocuments { config, manifest, index, layout } =
            SingleLayer { architecture: &architecture, created, digest: &layer_digest, size: layer_length }
                .documents()
                .map_err(io::Error::other)?;
        let mut at = LAYER + layer_length;
        for (path, bytes) in [
            (blob(&hex(&Sha256::digest(&config))), config),
            (blob(&hex(&Sha256::digest(&manifest))), manifest),
            ("index.json".to_owned(), index),
            ("oci-layout".to_owned(), layout),
        ] {
            sink.write_at(at, &entry(&path, EntryType::Regular, bytes.len() as u64, 0)?)?;
            sink.write_at(at + BLOCK, &bytes)?;
            at += BLOCK + padded(bytes.len() as u64);
        }
        sink.end_at(at + END)?;
        Ok(at + END)
    }
}
