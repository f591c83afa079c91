//! Equal attribute blocks are stored once, for up to 1024 inodes each.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use builder_tree::Xattrs;

use crate::xattr::{self, REFCOUNT_LIMIT, XattrError};

/// An attribute block and how many inodes have it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SharedBlock<'a> {
    /// The attributes of one of the inodes; encoded again when the block is written.
    pub(crate) xattrs: &'a Xattrs,
    pub(crate) users: u32,
}

/// All attribute blocks. Their contents are not kept.
#[derive(Debug, Default)]
pub(crate) struct SharedBlocks<'a> {
    blocks: Vec<SharedBlock<'a>>,
    /// The block to share, by the hash of its bytes.
    open: HashMap<u64, u32>,
}

impl<'a> SharedBlocks<'a> {
    /// The number of the block for an inode with these attributes, from 1; 0 where it needs none.
    pub(crate) fn add(&mut self, xattrs: &'a Xattrs) -> Result<u32, XattrError> {
        if xattrs.is_empty() {
            return Ok(0);
        }
        let Some(bytes) = xattr::encode(xattrs)?.block else { return Ok(0) };
        // Without random keys, and only a way to find candidates: what is shared does not depend on the hash.
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        let hash = hasher.finish();
        if let Some(&number) = self.open.get(&hash)
            && let Some(block) = self.blocks.get_mut(number as usize - 1)
            && block.users < REFCOUNT_LIMIT
            && (block.xattrs == xattrs || xattr::encode(block.xattrs)?.block.as_ref() == Some(&bytes))
        {
            block.users += 1;
            return Ok(number);
        }
        self.blocks.push(SharedBlock { xattrs, users: 1 });
        // There are not more blocks than inodes, and inode numbers have 32 bits.
        let number = u32::try_from(self.blocks.len()).expect("not more blocks than inodes");
        self.open.insert(hash, number);
        Ok(number)
    }

    /// The blocks; number 1 is the first.
    pub(crate) fn into_blocks(self) -> Vec<SharedBlock<'a>> {
        self.blocks
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::Xattrs;

    use super::SharedBlocks;

    #[test]
    fn equal_blocks_are_shared_by_1024_inodes() {
        let large = Xattrs::from([(b"user.a".to_vec(), vec![1; 300])]);
        let small = Xattrs::from([(b"user.a".to_vec(), vec![1; 3])]);
        // The small attribute goes to the inode, so the block is the same.
        let both = Xattrs::from([(b"user.a".to_vec(), vec![1; 300]), (b"security.selinux".to_vec(), vec![1; 3])]);
        let mut shared = SharedBlocks::default();
        assert_eq!(shared.add(&small), Ok(0));
        for _ in 0..512 {
            assert_eq!(shared.add(&large), Ok(1));
            assert_eq!(shared.add(&both), Ok(1));
        }
        assert_eq!(shared.add(&large), Ok(2));
        assert_eq!(shared.into_blocks().iter().map(|block| block.users).collect::<Vec<_>>(), [1024, 1]);
    }
}
