//! fs-verity: the Merkle tree over a file, and the digest that stands for it. SHA-256, blocks of 4096 bytes, no salt.
//!
//! ```text
//!  level 2 (root)                    ┌ hash hash … 0 ┐                    one block; its hash is the root hash
//!  level 1          ┌ hash × 128 ┐ ┌ hash × 128 ┐ ┌ hash … 0 ┐            each is the hash of a block below
//!  body             4096 bytes │ 4096 bytes │ …                │ … 0      the last block filled up with zeros
//! ```
//!
//! Source: Linux, Documentation/filesystems/fsverity.rst, "Merkle tree" and "fs-verity descriptor".

use std::io::{self, Read};

use builder_tree::{Content, ContentStore, Seal};
use sha2::{Digest, Sha256};

/// Bytes of a block, of the body as of the tree.
pub const BLOCK: usize = 4096;
/// Bytes of the descriptor.
pub const DESCRIPTOR_SIZE: usize = 256;

/// Bytes of a hash.
const HASH: usize = 32;
/// Bytes read at a time.
const READ: usize = 64 * BLOCK;

/// The hashes over a file, as they lie behind it on an ext4 disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerkleTree {
    /// All levels, the root's first and the one over the body last, each filled up to a multiple of [`BLOCK`]; empty
    /// for a body of one block or less.
    pub bytes: Vec<u8>,
    /// Hash of the root's block; all zeros for an empty body.
    pub root: [u8; HASH],
    /// Length of the body in bytes.
    pub size: u64,
}

impl MerkleTree {
    /// The tree over the `size` bytes that `reader` gives.
    ///
    /// # Errors
    /// I/O of `reader`; `UnexpectedEof` or `InvalidData` if it gives fewer or more bytes.
    pub fn of(reader: impl Read, size: u64) -> io::Result<Self> {
        let (root, levels) = Levels::read(reader, size, Keep::All)?;
        let bytes = levels.into_iter().rev().flat_map(|level| level.kept).collect();
        Ok(Self { bytes, root, size })
    }

    /// The descriptor, which lies behind the tree.
    #[must_use]
    pub fn descriptor(&self) -> [u8; DESCRIPTOR_SIZE] {
        descriptor(self.size, &self.root)
    }

    /// The fs-verity digest: what `fsverity digest` prints.
    #[must_use]
    pub fn digest(&self) -> [u8; HASH] {
        Sha256::digest(self.descriptor()).into()
    }
}

/// The seal of a body, its Merkle tree in `store`. In memory is the tree of this one body, a 127th of it.
///
/// # Errors
/// I/O of the body or of the store.
pub fn seal(content: &Content, store: &mut ContentStore) -> io::Result<Seal> {
    let tree = MerkleTree::of(content.reader(), content.size())?;
    Ok(Seal { tree: store.add(b"", &tree.bytes)?, descriptor: tree.descriptor(), digest: tree.digest() })
}

/// The fs-verity digest of the `size` bytes that `reader` gives, in memory that does not grow with them.
///
/// # Errors
/// I/O of `reader`; `UnexpectedEof` or `InvalidData` if it gives fewer or more bytes.
pub fn digest(reader: impl Read, size: u64) -> io::Result<[u8; HASH]> {
    let (root, _) = Levels::read(reader, size, Keep::Nothing)?;
    Ok(Sha256::digest(descriptor(size, &root)).into())
}

/// `fsverity_descriptor` for a body of `size` bytes with the root hash `root`.
///
/// Zero stay the salt and its size, the size of a built-in signature and the reserved fields.
#[must_use]
pub fn descriptor(size: u64, root: &[u8; HASH]) -> [u8; DESCRIPTOR_SIZE] {
    let mut descriptor = [0; DESCRIPTOR_SIZE];
    descriptor[0x00] = 1; // version
    descriptor[0x01] = 1; // hash_algorithm: FS_VERITY_HASH_ALG_SHA256
    descriptor[0x02] = 12; // log_blocksize
    descriptor[0x08..0x10].copy_from_slice(&size.to_le_bytes()); // data_size
    descriptor[0x10..0x10 + HASH].copy_from_slice(root); // root_hash, 64 bytes
    descriptor
}

/// Whether whole blocks of the tree are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    All,
    Nothing,
}

/// A level of the tree while it grows.
#[derive(Default)]
struct Level {
    /// Hashes of the block that is not full yet.
    partial: Vec<u8>,
    /// How many hashes there have been.
    hashes: u64,
    /// Whole blocks.
    kept: Vec<u8>,
}

/// The levels, the one over the body first.
struct Levels {
    list: Vec<Level>,
    keep: Keep,
}

impl Levels {
    /// Reads a body; gives the root hash and the levels that have more than one hash.
    fn read(mut reader: impl Read, size: u64, keep: Keep) -> io::Result<([u8; HASH], Vec<Level>)> {
        let mut levels = Self { list: Vec::new(), keep };
        let mut buffer = vec![0; READ];
        let mut left = size;
        while left > 0 {
            // At most the buffer, which fits.
            let now = usize::try_from(left).map_or(READ, |left| left.min(READ));
            reader.read_exact(&mut buffer[..now])?;
            left -= now as u64;
            let end = now.next_multiple_of(BLOCK);
            buffer[now..end].fill(0);
            for block in buffer[..end].chunks_exact(BLOCK) {
                levels.push(Sha256::digest(block).into());
            }
        }
        let mut byte = [0];
        match reader.read_exact(&mut byte) {
            Err(end) if end.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
            Ok(()) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {size} bytes")));
            }
        }
        Ok(levels.finish())
    }

    /// Adds the hash of a block of the body.
    fn push(&mut self, hash: [u8; HASH]) {
        let mut hash = hash;
        let mut at = 0;
        while let Some(above) = self.add(at, hash) {
            hash = above;
            at += 1;
        }
    }

    /// Adds a hash to the level `at`; gives the hash of the block that it fills.
    fn add(&mut self, at: usize, hash: [u8; HASH]) -> Option<[u8; HASH]> {
        if at == self.list.len() {
            self.list.push(Level::default());
        }
        let level = &mut self.list[at];
        level.partial.extend(hash);
        level.hashes += 1;
        (level.partial.len() == BLOCK).then(|| level.close(self.keep))
    }

    /// Closes all levels up to the one that has one hash only: that is the root hash.
    fn finish(mut self) -> ([u8; HASH], Vec<Level>) {
        let mut at = 0;
        while at < self.list.len() {
            let level = &mut self.list[at];
            if let (1, Ok(root)) = (level.hashes, <[u8; HASH]>::try_from(&level.partial[..])) {
                self.list.truncate(at);
                return (root, self.list);
            }
            if !level.partial.is_empty() {
                let mut hash = Some(level.close(self.keep));
                let mut above = at + 1;
                while let Some(now) = hash {
                    hash = self.add(above, now);
                    above += 1;
                }
            }
            at += 1;
        }
        ([0; HASH], Vec::new())
    }
}

impl Level {
    /// Fills up the block, gives its hash and begins the next.
    fn close(&mut self, keep: Keep) -> [u8; HASH] {
        self.partial.resize(BLOCK, 0);
        let hash = Sha256::digest(&self.partial).into();
        if keep == Keep::All {
            self.kept.extend_from_slice(&self.partial);
        }
        self.partial.clear();
        hash
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::{BLOCK, MerkleTree, digest};

    #[test]
    fn levels_are_as_many_as_hashes_need() {
        const HASHES: usize = BLOCK / 32;
        for (size, blocks) in [
            (0, 0),
            (1, 0),
            (BLOCK, 0),
            (BLOCK + 1, 1),
            (HASHES * BLOCK, 1),
            (HASHES * BLOCK + 1, 3),
            (2 * HASHES * BLOCK, 3),
            (HASHES * HASHES * BLOCK, HASHES + 1),
            (HASHES * HASHES * BLOCK + 1, HASHES + 1 + 3),
        ] {
            let tree = MerkleTree::of(std::io::Read::take(std::io::repeat(7), size as u64), size as u64).unwrap();
            assert_eq!(tree.bytes.len(), blocks * BLOCK, "{size} bytes");
        }
    }

    #[test]
    fn a_body_of_another_length_is_noticed() {
        assert_eq!(digest(&b"abc"[..], 4).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(digest(&b"abc"[..], 2).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
