//! What is chosen for an image besides its tree.

use builder_block::ByteSize;

use crate::error::PlanError;

/// What is chosen for an image besides its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a file that are compressed together: a power of two from 128 KiB to 1 MiB.
    pub block_size: ByteSize,
    /// Level of zstd, 1 to 22.
    pub level: i32,
    /// Seconds since 1970 (UTC), of the image and of everything in it.
    pub mtime: u32,
}

impl Options {
    /// The block size that compresses best, and the largest there is.
    pub const BLOCK_SIZE: ByteSize = ByteSize::mib(1);
    /// Within some percent of the level that `mksquashfs` takes, in a tenth of its time.
    pub const LEVEL: i32 = 3;
    /// The level that `mksquashfs` takes, and that an image has where it does not say.
    pub(crate) const UNSAID_LEVEL: i32 = 15;

    /// The usual choices, with this time.
    #[must_use]
    pub const fn new(mtime: u32) -> Self {
        Self { block_size: Self::BLOCK_SIZE, level: Self::LEVEL, mtime }
    }

    /// `log2` of the block size.
    pub(crate) fn block_log(&self) -> Result<u16, PlanError> {
        match self.block_size.bytes() {
            0x2_0000 => Ok(17),
            0x4_0000 => Ok(18),
            0x8_0000 => Ok(19),
            0x10_0000 => Ok(20),
            bytes => Err(PlanError::BlockSize { bytes }),
        }
    }

    pub(crate) fn check_level(&self) -> Result<(), PlanError> {
        if (1..=22).contains(&self.level) { Ok(()) } else { Err(PlanError::Level { level: self.level }) }
    }
}
