//! A file that knows its checksum once it is complete.

use std::io;

use builder_block::{ByteSize, Sink};
use sha2::{Digest, Sha256};

use super::OutputFormat;
use super::checksum::{hex, sha256};
use super::lanes::is_patched;

/// A file that counts and hashes what is written to it.
pub(crate) struct Measured {
    /// `None` where the bytes are only counted.
    file: Option<Box<dyn Sink + Send>>,
    written: u64,
    /// `None` where the checksum is not wanted, or is to be had by reading the file again.
    hasher: Option<Sha256>,
    /// How far it has been hashed, in bytes.
    hashed: u64,
    wanted: bool,
    digest: Option<String>,
}

/// Zeros are hashed in stretches of this many bytes.
const ZEROS: usize = 1 << 18;

impl Measured {
    /// The file of a disk in `format`, with a checksum or without.
    pub(crate) fn new(file: Box<dyn Sink + Send>, format: OutputFormat, checksum: bool) -> Self {
        let hasher = (checksum && !is_patched(format)).then(Sha256::new);
        Self { file: Some(file), written: 0, hasher, hashed: 0, wanted: checksum, digest: None }
    }

    /// No file at all: what it would be is counted.
    pub(crate) fn counting() -> Self {
        Self { file: None, written: 0, hasher: None, hashed: 0, wanted: false, digest: None }
    }

    /// Bytes written, holes not counted.
    pub(crate) fn written(&self) -> ByteSize {
        ByteSize::new(self.written)
    }

    /// SHA-256 of the complete file in hexadecimal digits.
    pub(crate) fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Hashes the hole up to `offset`.
    fn hash_hole(&mut self, offset: u64) {
        let Some(hasher) = &mut self.hasher else { return };
        let zeros = [0; ZEROS];
        while self.hashed < offset {
            let now = usize::try_from(offset - self.hashed).map_or(ZEROS, |left| left.min(ZEROS));
            hasher.update(&zeros[..now]);
            self.hashed += now as u64;
        }
    }
}

impl Sink for Measured {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.write_at(offset, bytes)?;
        }
        self.written += bytes.len() as u64;
        if offset < self.hashed {
            self.hasher = None;
        }
        self.hash_hole(offset);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
            self.hashed += bytes.len() as u64;
        }
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        match &self.file {
            Some(file) => file.read_at(offset, buffer),
            // Checksums inside of a format have the same length, whatever they are.
            None => Ok(()),
        }
    }

    fn end_at(&mut self, length: u64) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.end_at(length)?;
        }
        if self.wanted {
            self.hash_hole(length);
            self.digest = Some(match self.hasher.take() {
                Some(hasher) => hex(&hasher.finalize()),
                None => sha256(self, 0, length)?,
            });
        }
        Ok(())
    }
}
