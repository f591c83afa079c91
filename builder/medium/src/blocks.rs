//! The table of blocks: a line for each block of the disk that has data.
//!
//! ```text
//! 0000000000100000 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//! ```
//!
//! That is the block's first byte and the SHA-256 of its bytes, both in hexadecimal digits. All lines are equally long, so
//! that the length of the table is known before the hashes are. The disk is zero everywhere else. The last block of a disk
//! may be shorter than the others.

use std::fmt::Write as _;

use crate::error::MediumError;

/// Bytes of a line.
const LINE: usize = 16 + 1 + 64 + 1;

/// A block that has data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// First byte on the disk, a multiple of the block size.
    pub offset: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
}

/// The blocks that have data, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockTable {
    blocks: Vec<Block>,
}

impl BlockTable {
    /// More bytes than the text of a table has: it is read whole. Blocks of 256 KiB with 838 GiB of data fit.
    pub const MOST_BYTES: u64 = 256 << 20;

    /// A table of these blocks, which ascend.
    #[must_use]
    pub fn new(blocks: Vec<Block>) -> Self {
        Self { blocks }
    }

    /// Length of the text of so many blocks in bytes.
    #[must_use]
    pub fn length(blocks: u64) -> u64 {
        blocks * LINE as u64
    }

    /// The blocks.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The text.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = String::with_capacity(self.blocks.len() * LINE);
        for block in &self.blocks {
            // Writing to a string cannot fail.
            let _ = write!(text, "{:016x} ", block.offset);
            for byte in block.sha256 {
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
        }
        text
    }

    /// Reads the text of a disk of `size` bytes in blocks of `block_size`.
    ///
    /// # Errors
    /// [`MediumError::Line`]: a line is not of that form, lies outside of the disk, or does not follow the one before.
    pub fn read(text: &[u8], size: u64, block_size: u64) -> Result<Self, MediumError> {
        let mut blocks: Vec<Block> = Vec::with_capacity(text.len() / LINE);
        for (number, line) in (1..).zip(text.chunks(LINE)) {
            let block = parse(line).filter(|block| {
                let follows = blocks.last().is_none_or(|last| last.offset < block.offset);
                follows && block.offset < size && block.offset.is_multiple_of(block_size)
            });
            blocks.push(block.ok_or(MediumError::Line { number })?);
        }
        Ok(Self { blocks })
    }
}

fn parse(line: &[u8]) -> Option<Block> {
    let (offset, rest) = line.split_at_checked(16)?;
    let (space, rest) = rest.split_first()?;
    let (digits, end) = rest.split_at_checked(64)?;
    if *space != b' ' || end != b"\n" {
        return None;
    }
    let mut sha256 = [0; 32];
    for (byte, pair) in sha256.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::try_from(number(pair)?).ok()?;
    }
    Some(Block { offset: number(offset)?, sha256 })
}

/// A number in lower-case hexadecimal digits.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, &digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        number.checked_mul(16)?.checked_add(value.into())
    })
}

#[cfg(test)]
mod tests {
    use super::{Block, BlockTable};

    #[test]
    fn damaged_lines_are_named() {
        let table = BlockTable::new((0..3).map(|n| Block { offset: n * 4096, sha256: [0xa5; 32] }).collect());
        let text = table.write().into_bytes();
        assert_eq!(text.len() as u64, BlockTable::length(3));
        assert_eq!(BlockTable::read(&text, 3 * 4096, 4096).unwrap(), table);
        let line = text.len() / 3;
        for (at, byte, number) in [
            (line - 1, b' ', 1),
            (3, b'g', 1),
            (16, b'_', 1),
            (line + 20, b'A', 2),
            // Not a multiple of the block size; not behind the one before; outside of the disk.
            (line + 15, b'1', 2),
            (line + 12, b'0', 2),
            (2 * line + 12, b'3', 3),
        ] {
            let mut damaged = text.clone();
            damaged[at] = byte;
            let error = BlockTable::read(&damaged, 3 * 4096, 4096).unwrap_err().to_string();
            assert_eq!(error, format!("line {number} of the medium's table of blocks is damaged"), "{at}");
        }
        assert!(BlockTable::read(&text[..text.len() - 1], 3 * 4096, 4096).is_err());
    }
}
