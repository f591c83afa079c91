//! One inode as bytes.

use builder_tree::{Metadata, Timestamp};

use crate::checksum;
use crate::format::{EXTRA_ISIZE, INODE_SIZE, LINK_MAX, high16, high32, ino, low16, low32, put16, put32, put32_split};

/// [`INODE_SIZE`] as a length.
pub(crate) const INODE_LEN: usize = 256;
const _: () = assert!(INODE_LEN as u64 == INODE_SIZE);

/// Type bits of the mode of a directory.
pub(crate) const DIRECTORY: u32 = 0o040_000;

/// The fields of an inode that differ from one to the next.
pub(crate) struct InodeFields<'a> {
    /// Owner, permissions, time. Its attributes are in `in_inode` and `xattr_block`.
    pub(crate) metadata: &'a Metadata,
    /// Type bits of the mode.
    pub(crate) type_bits: u32,
    /// Names. More than 65,000, which only a directory can have, become 1 (`dir_nlink`).
    pub(crate) links: u32,
    /// Length in bytes.
    pub(crate) size: u64,
    /// Blocks of body and extent tree.
    pub(crate) blocks: u64,
    /// Flags; `IMMUTABLE_FLAG` comes from the metadata.
    pub(crate) flags: u32,
    /// `i_block`: extents, a short link's target, or a device number.
    pub(crate) block: [u8; ino::BLOCK_LENGTH],
    /// Block of attributes, or 0.
    pub(crate) xattr_block: u64,
    /// Attributes in the inode; empty or 96 bytes.
    pub(crate) in_inode: &'a [u8],
    /// Seconds of the time of birth.
    pub(crate) created: i64,
}

impl InodeFields<'_> {
    /// The inode; `seed` is its checksum seed.
    pub(crate) fn encode(&self, seed: u32) -> [u8; INODE_LEN] {
        let mut bytes = [0; INODE_LEN];
        let Metadata { mode, uid, gid, mtime, immutable, .. } = self.metadata;
        put16(&mut bytes, ino::MODE, low16(self.type_bits) | mode);
        put32_split(&mut bytes, (ino::UID_LO, ino::UID_HI), *uid);
        put32_split(&mut bytes, (ino::GID_LO, ino::GID_HI), *gid);
        put32(&mut bytes, ino::SIZE_LO, low32(self.size));
        put32(&mut bytes, ino::SIZE_HI, high32(self.size));
        let links = if self.links > LINK_MAX { 1 } else { self.links };
        put16(&mut bytes, ino::LINKS_COUNT, low16(links));
        // Counted in 512 bytes, as HUGE_FILE_FL is not set; every user of a shared attribute block counts it.
        let sectors = (self.blocks + u64::from(self.xattr_block > 0)) * 8;
        put32(&mut bytes, ino::BLOCKS_LO, low32(sectors));
        put16(&mut bytes, ino::BLOCKS_HI, low16(high32(sectors)));
        let immutable = if *immutable { ino::IMMUTABLE_FLAG } else { 0 };
        put32(&mut bytes, ino::FLAGS, self.flags | immutable);
        bytes[ino::BLOCK..ino::BLOCK + ino::BLOCK_LENGTH].copy_from_slice(&self.block);
        put32(&mut bytes, ino::FILE_ACL_LO, low32(self.xattr_block));
        put16(&mut bytes, ino::FILE_ACL_HI, low16(high32(self.xattr_block)));
        put16(&mut bytes, ino::EXTRA_ISIZE, EXTRA_ISIZE);
        let created = Timestamp { seconds: self.created, nanoseconds: 0 };
        for (at, extra_at, time) in [
            (ino::ATIME, ino::ATIME_EXTRA, mtime),
            (ino::CTIME, ino::CTIME_EXTRA, mtime),
            (ino::MTIME, ino::MTIME_EXTRA, mtime),
            (ino::CRTIME, ino::CRTIME_EXTRA, &created),
        ] {
            let (seconds, extra) = encode_time(*time);
            put32(&mut bytes, at, seconds);
            put32(&mut bytes, extra_at, extra);
        }
        bytes[ino::XATTRS..][..self.in_inode.len()].copy_from_slice(self.in_inode);
        // Zero: i_dtime, i_generation, i_version, i_projid, i_faddr; and the checksum until it is known.
        let crc = checksum::crc32c(seed, &bytes);
        put16(&mut bytes, ino::CHECKSUM_LO, low16(crc));
        put16(&mut bytes, ino::CHECKSUM_HI, high16(crc));
        bytes
    }
}

/// Seconds, and nanoseconds over two more bits of seconds (Linux, ext4 "Inode Timestamps").
fn encode_time(time: Timestamp) -> (u32, u32) {
    let low = low32(time.seconds.cast_unsigned());
    // The low half is read with its sign; the epoch says what is missing then, in 2^32 seconds.
    let epoch = low32((time.seconds - i64::from(low.cast_signed())).cast_unsigned() >> 32) & 3;
    (low, time.nanoseconds << 2 | epoch)
}

/// `i_block` of a device: the old form where it fits (`old_valid_dev`), else the new one.
pub(crate) fn device_block(major: u32, minor: u32) -> [u8; ino::BLOCK_LENGTH] {
    let mut block = [0; ino::BLOCK_LENGTH];
    if major < 256 && minor < 256 {
        put32(&mut block, 0, major << 8 | minor);
    } else {
        put32(&mut block, 4, (minor & 0xff) | major << 8 | (minor & !0xff) << 12);
    }
    block
}

#[cfg(test)]
mod tests {
    use builder_tree::Timestamp;

    use super::encode_time;

    #[test]
    fn times_have_34_bits() {
        // Linux, Documentation/filesystems/ext4/inodes.rst, the table of encodings.
        for (seconds, low, epoch) in [
            (-0x8000_0000, 0x8000_0000, 0),
            (-1, 0xffff_ffff, 0),
            (0, 0, 0),
            (0x7fff_ffff, 0x7fff_ffff, 0),
            (0x8000_0000, 0x8000_0000, 1),
            (0xffff_ffff, 0xffff_ffff, 1),
            (0x1_0000_0000, 0, 1),
            (0x1_8000_0000, 0x8000_0000, 2),
            (0x2_8000_0000, 0x8000_0000, 3),
            (0x3_7fff_ffff, 0x7fff_ffff, 3),
        ] {
            let time = Timestamp { seconds, nanoseconds: 999_999_999 };
            assert_eq!(encode_time(time), (low, 999_999_999 << 2 | epoch), "{seconds}");
        }
    }
}
