//! Many small writes become few large ones.

use std::io;
use std::sync::Arc;

use builder_block::{SharedFile, WriteAt};

use crate::format::{BLOCK_LEN, BLOCK_SIZE};

/// Bytes gathered before they are written.
const GATHER: usize = 4 << 20;

/// Gathers what goes to adjacent blocks, bytes and copies each for themselves.
pub(crate) struct Sweep<'d, 's> {
    device: &'d mut dyn WriteAt,
    bytes: Vec<u8>,
    /// Where `bytes` go, in bytes.
    at: u64,
    copy: Option<Copy<'s>>,
}

#[derive(Clone, Copy)]
struct Copy<'s> {
    to: u64,
    file: &'s SharedFile,
    from: u64,
    length: u64,
}

impl<'d, 's> Sweep<'d, 's> {
    pub(crate) fn new(device: &'d mut dyn WriteAt) -> Self {
        Self { device, bytes: Vec::new(), at: 0, copy: None }
    }

    /// Writes `bytes` from `block` on; the rest of the last block is zero.
    pub(crate) fn write(&mut self, block: u64, bytes: &[u8]) -> io::Result<()> {
        let at = block * BLOCK_SIZE;
        if self.at + self.bytes.len() as u64 != at || self.bytes.len() >= GATHER {
            self.flush_bytes()?;
            self.at = at;
        }
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK_LEN), 0);
        Ok(())
    }

    /// Copies `blocks` whole blocks of `file` from byte `from` on to `block`.
    pub(crate) fn copy(&mut self, block: u64, file: &'s SharedFile, from: u64, blocks: u64) -> io::Result<()> {
        let (to, length) = (block * BLOCK_SIZE, blocks * BLOCK_SIZE);
        if let Some(copy) = &mut self.copy
            && Arc::ptr_eq(copy.file, file)
            && copy.to + copy.length == to
            && copy.from + copy.length == from
        {
            copy.length += length;
            return Ok(());
        }
        self.flush_copy()?;
        self.copy = Some(Copy { to, file, from, length });
        Ok(())
    }

    /// Writes what is gathered.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush_copy()?;
        self.flush_bytes()
    }

    fn flush_bytes(&mut self) -> io::Result<()> {
        if !self.bytes.is_empty() {
            self.device.write_at(self.at, &self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }

    fn flush_copy(&mut self) -> io::Result<()> {
        if let Some(Copy { to, file, from, length }) = self.copy.take() {
            self.device.copy_from(to, file, from, length)?;
        }
        Ok(())
    }
}
