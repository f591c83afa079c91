//! The frame of an .xz file: what is around its blocks. "The .xz File Format", 1.2.

use flate2::Crc;

/// Header of a stream whose blocks are checked with CRC64 (2.1.1): magic, flags, CRC32 of the flags.
pub(crate) const STREAM_HEADER: [u8; 12] =
    [0xfd, b'7', b'z', b'X', b'Z', 0, FLAGS[0], FLAGS[1], 0xe6, 0xd6, 0xb4, 0x46];

/// Stream flags: CRC64.
const FLAGS: [u8; 2] = [0, 4];

/// Length of the header and of the footer of a stream.
const FRAME: usize = 12;

/// What the index says of a block (4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Length without padding.
    pub(crate) unpadded: u64,
    /// Length of what it decompresses to.
    pub(crate) plain: u64,
}

/// The only block of a stream, with its padding, and its length without.
pub(crate) fn only_block(stream: &[u8]) -> Option<(Vec<u8>, u64)> {
    // Footer (2.1.2): CRC32, backward size, flags, magic.
    let index_end = stream.len().checked_sub(FRAME)?;
    let backward = stream.get(index_end + 4..index_end + 8)?;
    let index_length = (usize::try_from(u32::from_le_bytes(backward.try_into().ok()?)).ok()? + 1) * 4;
    let index_start = index_end.checked_sub(index_length)?;
    // Index (4): indicator, number of records, unpadded size, uncompressed size.
    let mut index = stream.get(index_start..index_end)?.strip_prefix(&[0, 1])?.iter();
    let mut unpadded = 0;
    for shift in (0..63).step_by(7) {
        let byte = *index.next()?;
        unpadded |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((stream.get(FRAME..index_start)?.to_vec(), unpadded));
        }
    }
    None
}

/// What follows the blocks.
pub(crate) fn index_and_footer(blocks: &[Block]) -> Vec<u8> {
    let mut bytes = vec![0];
    multibyte(&mut bytes, blocks.len() as u64);
    for block in blocks {
        multibyte(&mut bytes, block.unpadded);
        multibyte(&mut bytes, block.plain);
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let crc = crc32(&bytes);
    bytes.extend_from_slice(&crc);
    // An index of 16 GiB would belong to a disk larger than any.
    let backward = u32::try_from(bytes.len() / 4 - 1).unwrap_or(u32::MAX);
    let mut fields = backward.to_le_bytes().to_vec();
    fields.extend_from_slice(&FLAGS);
    bytes.extend_from_slice(&crc32(&fields));
    bytes.extend_from_slice(&fields);
    bytes.extend_from_slice(b"YZ");
    bytes
}

/// 1.2: seven bits a byte, the lowest first.
fn multibyte(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push((number & 0x7f) as u8);
}

fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::{FLAGS, STREAM_HEADER, crc32};

    #[test]
    fn the_header_has_its_checksum() {
        assert_eq!(STREAM_HEADER[8..], crc32(&FLAGS));
    }
}
