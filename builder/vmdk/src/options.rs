//! What the writer is told.

use builder_block::{ByteSize, SECTOR_SIZE};

use crate::VmdkError;

/// The largest virtual disk of VMware's products: 62 TiB.
pub const MAX_SIZE: ByteSize = ByteSize::gib(62 * 1024);

/// Longest name of the extent in bytes, as file systems have it.
const NAME_MAX: usize = 255;

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Size of the disk: 1 sector of 512 bytes to [`MAX_SIZE`], in whole sectors.
    pub size: ByteSize,
    /// Level of compression, from 0 (none) to 9 (best). What is above counts as 9.
    pub level: u32,
    /// The content ID (CID): a number that is another one when the content is another. Not `0xffff_fffe` or
    /// `0xffff_ffff`, which mean "no content".
    pub content_id: u32,
    /// The file name in the descriptor: 1 to 255 bytes without quotes, slashes and control characters.
    pub name: String,
}

impl Options {
    /// The size of the disk in sectors.
    pub(crate) fn sectors(&self) -> u64 {
        self.size.bytes() / SECTOR_SIZE
    }

    /// Whether there is such a file.
    pub(crate) fn check(&self) -> Result<(), VmdkError> {
        if self.size == ByteSize::ZERO || self.size > MAX_SIZE || !self.size.bytes().is_multiple_of(SECTOR_SIZE) {
            return Err(VmdkError::Size { size: self.size });
        }
        if self.content_id >= 0xffff_fffe {
            return Err(VmdkError::ContentId { id: self.content_id });
        }
        let bad = |c: char| c.is_control() || ['"', '/', '\\'].contains(&c);
        if self.name.is_empty() || self.name.len() > NAME_MAX || self.name.contains(bad) {
            return Err(VmdkError::Name { name: self.name.clone() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use builder_block::ByteSize;

    use super::{MAX_SIZE, Options};

    #[test]
    fn what_no_reader_would_take_is_refused() {
        let good = Options { size: ByteSize::new(512), level: 6, content_id: 1, name: "disk 1.vmdk".into() };
        let sized = |bytes| Options { size: ByteSize::new(bytes), ..good.clone() };
        let named = |name: &str| Options { name: name.into(), ..good.clone() };
        let numbered = |content_id| Options { content_id, ..good.clone() };
        for (options, expected) in [
            (good.clone(), true),
            (sized(MAX_SIZE.bytes()), true),
            (sized(0), false),
            (sized(513), false),
            (sized(MAX_SIZE.bytes() + 512), false),
            (numbered(0), true),
            (numbered(0xffff_fffe), false),
            (numbered(u32::MAX), false),
            (named(&"n".repeat(255)), true),
            (named(&"n".repeat(256)), false),
            (named(""), false),
            (named("a\"b"), false),
            (named("a\nb"), false),
            (named("../a"), false),
        ] {
            assert_eq!(options.check().is_ok(), expected, "{options:?}");
        }
    }
}
