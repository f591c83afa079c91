//! What an image begins with.

use super::error::ReadError;
use crate::constants::{BLOCK_LOG, MAGIC, SUPERBLOCK_BYTES, VERSION, ZSTD};

/// The numbers of the superblock that are needed, each of them possible.
#[derive(Clone, Copy, Debug)]
pub(super) struct Superblock {
    pub(super) inodes: u32,
    /// Seconds since 1970.
    pub(super) mtime: u32,
    /// `log2` of the block size, 12 to 20.
    pub(super) block_log: u16,
    pub(super) fragments: u32,
    pub(super) ids: u16,
    /// Where the root's inode is: block in the table, byte in the block.
    pub(super) root: (u64, u16),
    /// Not more than the device has.
    pub(super) bytes_used: u64,
    /// Where tables begin: all but that of fragments before the end, that too where there are fragments.
    pub(super) id_table: u64,
    pub(super) inode_table: u64,
    pub(super) directory_table: u64,
    pub(super) fragment_table: u64,
}

impl Superblock {
    /// Takes the superblock of an image for which `room` bytes are there.
    ///
    /// # Errors
    /// [`ReadError`] for what is no such image, and for what cannot be.
    pub(super) fn parse(bytes: &[u8; SUPERBLOCK_BYTES], room: u64) -> Result<Self, ReadError> {
        if bytes[..4] != MAGIC {
            return Err(ReadError::Magic { found: bytes[..4].to_vec() });
        }
        let (major, minor) = (u16_at(bytes, 0x1C), u16_at(bytes, 0x1E));
        if (major, minor) != VERSION {
            return Err(ReadError::Version { major, minor });
        }
        let number = u16_at(bytes, 0x14);
        if number != ZSTD {
            return Err(ReadError::Compression { number });
        }
        let superblock = Self {
            inodes: u32_at(bytes, 0x04),
            mtime: u32_at(bytes, 0x08),
            block_log: u16_at(bytes, 0x16),
            fragments: u32_at(bytes, 0x10),
            ids: u16_at(bytes, 0x1A),
            root: (u64_at(bytes, 0x20) >> 16, u16_at(bytes, 0x20)),
            bytes_used: u64_at(bytes, 0x28),
            id_table: u64_at(bytes, 0x30),
            inode_table: u64_at(bytes, 0x40),
            directory_table: u64_at(bytes, 0x48),
            fragment_table: u64_at(bytes, 0x50),
        };
        superblock.check(u32_at(bytes, 0x0C), room)?;
        Ok(superblock)
    }

    fn check(&self, block_size: u32, room: u64) -> Result<(), ReadError> {
        let damaged = |field, value, limit| ReadError::Damaged { what: "the superblock", at: 0, field, value, limit };
        let (least, most) = BLOCK_LOG;
        if !(least..=most).contains(&self.block_log) {
            return Err(damaged("block_log", u64::from(self.block_log), "blocks have 4 KiB to 1 MiB"));
        }
        if block_size != 1 << self.block_log {
            return Err(damaged("block_size", u64::from(block_size), "block_log says otherwise"));
        }
        if self.bytes_used > room {
            return Err(damaged("bytes_used", self.bytes_used, "the device ends before"));
        }
        for (field, value, end, limit) in [
            ("id_table_start", self.id_table, self.bytes_used, "the image ends before"),
            ("directory_table_start", self.directory_table, self.bytes_used, "the image ends before"),
            ("inode_table_start", self.inode_table, self.directory_table, "the table of directories begins before"),
        ] {
            if !(SUPERBLOCK_BYTES as u64..end).contains(&value) {
                return Err(damaged(field, value, limit));
            }
        }
        if self.fragments > 0 && !(SUPERBLOCK_BYTES as u64..self.bytes_used).contains(&self.fragment_table) {
            return Err(damaged("fragment_table_start", self.fragment_table, "the image ends before"));
        }
        Ok(())
    }

    /// Bytes of a block.
    pub(super) fn block_size(&self) -> u64 {
        1 << self.block_log
    }
}

/// The number in the two bytes from `at`, which are there.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The number in the four bytes from `at`, which are there.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

/// The number in the eight bytes from `at`, which are there.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
