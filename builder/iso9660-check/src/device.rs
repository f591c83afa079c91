//! The image, read with errors that say what was wanted.

use builder_block::ReadAt;

use crate::{BLOCK, CheckError};

/// The image.
#[derive(Clone, Copy)]
pub(crate) struct Device<'a>(&'a dyn ReadAt);

impl<'a> Device<'a> {
    pub(crate) fn new(device: &'a dyn ReadAt) -> Self {
        Self(device)
    }

    /// Length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.size().bytes()
    }

    /// Whether so many bytes from block `block` on are in the image.
    pub(crate) fn has(&self, block: u32, bytes: u64) -> bool {
        (u64::from(block) * BLOCK).checked_add(bytes).is_some_and(|end| end <= self.bytes())
    }

    /// Fills `buffer` from the byte at `offset`.
    pub(crate) fn read(&self, what: &'static str, offset: u64, buffer: &mut [u8]) -> Result<(), CheckError> {
        self.0.read_at(offset, buffer).map_err(|source| CheckError::Io { what, offset, source })
    }

    /// So many bytes from block `block` on, which are [in the image](Self::has).
    pub(crate) fn bytes_of(&self, what: &'static str, block: u32, bytes: usize) -> Result<Vec<u8>, CheckError> {
        let mut buffer = vec![0; bytes];
        self.read(what, u64::from(block) * BLOCK, &mut buffer)?;
        Ok(buffer)
    }
}
