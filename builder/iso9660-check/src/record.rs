//! A record of a directory: ECMA-119, section 9.1.

use crate::bytes::Both;

/// Bytes before the identifier.
pub(crate) const HEAD: usize = 33;
/// Section 9.1.6.
const DIRECTORY: u8 = 2;
const MORE: u8 = 0x80;

/// A record whose bytes are all there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record at the begin of `bytes`, the rest of a block; `None` where its lengths contradict each other.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let bytes = bytes.get(..usize::from(*bytes.first()?))?;
        (bytes.len() > HEAD && bytes.len() >= HEAD + usize::from(bytes[32])).then_some(Self { bytes })
    }

    /// Bytes of the record.
    pub(crate) fn len(self) -> usize {
        self.bytes.len()
    }

    /// Where the data begins, before the extended attributes.
    pub(crate) fn location(self) -> Both {
        Both::of_32(self.bytes, 2)
    }

    /// Bytes of the data.
    pub(crate) fn data_length(self) -> Both {
        Both::of_32(self.bytes, 10)
    }

    pub(crate) fn sequence(self) -> Both {
        Both::of_16(self.bytes, 28)
    }

    /// Blocks of extended attributes before the data.
    pub(crate) fn attribute_blocks(self) -> u8 {
        self.bytes[1]
    }

    pub(crate) fn is_directory(self) -> bool {
        self.bytes[25] & DIRECTORY != 0
    }

    /// Whether the next record goes on with the same file.
    pub(crate) fn goes_on(self) -> bool {
        self.bytes[25] & MORE != 0
    }

    /// Whether the data has gaps: section 9.1.7.
    pub(crate) fn is_interleaved(self) -> bool {
        self.bytes[26] != 0 || self.bytes[27] != 0
    }

    pub(crate) fn identifier(self) -> &'a [u8] {
        &self.bytes[HEAD..HEAD + usize::from(self.bytes[32])]
    }

    /// The system use field, which begins at an even offset: section 9.1.13.
    pub(crate) fn system_use(self) -> &'a [u8] {
        let end = HEAD + usize::from(self.bytes[32]);
        self.bytes.get(end + end % 2..).unwrap_or_default()
    }
}
