//! The device, read with errors that say what was wanted.

use builder_block::ReadAt;

use crate::CheckError;

/// The device a file system lies on.
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

    /// Fills `buffer` from the byte at `offset`.
    pub(crate) fn read(&self, what: &'static str, offset: u64, buffer: &mut [u8]) -> Result<(), CheckError> {
        self.0.read_at(offset, buffer).map_err(|source| CheckError::Io { what, offset, source })
    }
}
