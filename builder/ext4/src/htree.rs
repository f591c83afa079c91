//! Directories: one block of names, or an index by hash over many. Linux, ext4 "Hash Tree Directories".
//!
//! ```text
//!  block 0            root    .  ..  hash version, levels │ hash → block …
//!  blocks 1 to n      leaves  names, sorted by hash; about a fifth of each is left free for names to come
//!  blocks n+1 …       nodes   hash → block …; only where the root cannot hold all leaves
//! ```
//!
//! Order, filling and places are those of `e2fsck -D`, which rebuilds directories, so its result is the judge. It
//! differs in two ways for small ones only: it sorts a single block by inode instead of by name, and leaves two
//! blocks without index.

use std::ops::Range;

use crate::checksum::crc32c;
pub(crate) use crate::dirblock::DirEntry;
use crate::dirblock::{self, BLOCK_SIZE, ROOM, TYPE_DIRECTORY};
use crate::hash;

/// Longest name in bytes.
const NAME_LIMIT: usize = 255;
/// Free bytes below which a leaf is full: a fifth of its room (`indexed_dir_slack_percentage` of e2fsck).
const LEAF_SLACK: usize = ROOM / 5;
/// Size of `dx_entry`: hash u32, block u32.
const INDEX_ENTRY: usize = 8;
/// Size of `dx_tail`: reserved u32, checksum u32.
const INDEX_TAIL: usize = 8;
/// Offset of the index entries in the root: behind `.`, `..` and `dx_root_info` of 8 bytes.
const ROOT_ENTRIES: usize = 32;
/// Offset of the index entries in a node: behind an unused record.
const NODE_ENTRIES: usize = 8;
/// Size of the record of `.` in the root.
const DOT_SIZE: usize = 12;
/// Size of `dx_root_info`, which is also stored in it.
const ROOT_INFO: u8 = 8;
/// The most blocks below a root.
const ROOT_LIMIT: usize = (BLOCK_SIZE - INDEX_TAIL - ROOT_ENTRIES) / INDEX_ENTRY;
/// The most blocks below a node.
const NODE_LIMIT: usize = (BLOCK_SIZE - INDEX_TAIL - NODE_ENTRIES) / INDEX_ENTRY;
/// The most leaves without the feature `large_dir`: a root over one level of nodes.
const LEAF_LIMIT: usize = ROOT_LIMIT * NODE_LIMIT;

/// What a directory holds.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryEntries<'a> {
    /// Number of the directory's own inode. Its generation is zero.
    pub(crate) inode: u32,
    /// Number of the parent's inode; the root is its own parent.
    pub(crate) parent: u32,
    /// Seed of the file system's checksums: the checksum of its UUID.
    pub(crate) csum_seed: u32,
    /// The superblock's `s_hash_seed`.
    pub(crate) hash_seed: [u32; 4],
    /// The names, without `.` and `..`, in any order.
    pub(crate) entries: Vec<DirEntry<'a>>,
}

/// A directory as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EncodedDirectory {
    /// Whole blocks of 4096 bytes.
    pub(crate) blocks: Vec<u8>,
    /// There is an index: the inode needs the flag `EXT4_INDEX_FL` (0x1000).
    pub(crate) indexed: bool,
}

/// Why a directory cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    /// The name has a length that ext4 does not know.
    #[error("name `{}` has {} bytes; 1 to {NAME_LIMIT} are possible", .name.escape_ascii(), .name.len())]
    NameLength {
        /// The name.
        name: Vec<u8>,
    },
    /// The name holds a slash or a zero byte, or is `.` or `..`.
    #[error(
        "name `{}` cannot be represented: it is `.` or `..` or contains a slash or a zero byte",
        .name.escape_ascii()
    )]
    Name {
        /// The name.
        name: Vec<u8>,
    },
    /// Two entries have the same name.
    #[error("name `{}` is there twice", .name.escape_ascii())]
    Duplicate {
        /// The name.
        name: Vec<u8>,
    },
    /// More blocks of names than two levels of index can hold.
    #[error("directory with {names} names needs {leaves} blocks of names; its index has room for {LEAF_LIMIT}")]
    TooLarge {
        /// Number of names.
        names: usize,
        /// Number of blocks of names.
        leaves: usize,
    },
}

impl DirectoryError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "spread the files over several directories",
            _ => "rename the file in the image",
        }
    }
}

/// The bytes of a directory.
///
/// # Errors
/// A name that cannot be stored, or too many of them; see [`DirectoryError`].
pub(crate) fn encode(directory: &DirectoryEntries<'_>) -> Result<EncodedDirectory, DirectoryError> {
    let entries = &directory.entries;
    let layout = Layout::new(entries.iter().map(|entry| entry.name), directory.hash_seed)?;
    let seed = dirblock::directory_seed(directory.csum_seed, directory.inode, 0);
    let own = [(&b"."[..], directory.inode), (b"..", directory.parent)];
    let [dot, dot_dot] = own.map(|(name, inode)| DirEntry { name, inode, file_type: TYPE_DIRECTORY });

    let mut blocks = Vec::new();
    match &layout {
        Layout::Linear { order } => {
            dirblock::append(&mut blocks, [dot, dot_dot].into_iter().chain(order.iter().map(|&i| entries[i])), seed);
        }
        Layout::Indexed { names, leaves } => {
            let index = Index::new(leaves);
            // To readers without index, `..` takes the rest of the block.
            dirblock::begin_record(&mut blocks, dot, DOT_SIZE);
            dirblock::begin_record(&mut blocks, dot_dot, BLOCK_SIZE - DOT_SIZE);
            blocks.extend([0, 0, 0, 0, hash::HASH_VERSION, ROOT_INFO, index.levels(), 0]);
            append_index(&mut blocks, &index.root, ROOT_ENTRIES, seed);
            for leaf in leaves {
                let names = names[leaf.names.clone()].iter();
                dirblock::append(&mut blocks, names.map(|name| entries[name.entry]), seed);
            }
            for node in &index.nodes {
                // To readers without index, the whole block is free.
                dirblock::begin_record(&mut blocks, dirblock::UNUSED, BLOCK_SIZE);
                append_index(&mut blocks, node, NODE_ENTRIES, seed);
            }
        }
    }
    Ok(EncodedDirectory { blocks, indexed: matches!(layout, Layout::Indexed { .. }) })
}

/// The number of blocks that [`encode`] makes of a directory with these names, without `.` and `..`.
///
/// # Errors
/// Those of [`encode`].
pub(crate) fn block_count<'a>(
    names: impl Iterator<Item = &'a [u8]>,
    hash_seed: [u32; 4],
) -> Result<u64, DirectoryError> {
    Ok(match Layout::new(names, hash_seed)? {
        Layout::Linear { .. } => 1,
        Layout::Indexed { leaves, .. } => u64::from(u32_from(1 + leaves.len() + Index::node_count(leaves.len()))),
    })
}

/// A name by its hash. The order is that of the leaves.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct HashedName<'a> {
    major: u32,
    minor: u32,
    name: &'a [u8],
    /// Number of the entry in the order in which the caller gave them.
    entry: usize,
}

/// A block of names.
#[derive(Debug)]
struct Leaf {
    /// Which of the sorted names.
    names: Range<usize>,
    /// Lowest hash; odd where the leaf before ends with names of that hash, so that a search looks there as well.
    hash: u32,
}

/// Which names come to lie in which block.
enum Layout<'a> {
    /// All in one, by name.
    Linear { order: Vec<usize> },
    /// In leaves, by hash.
    Indexed { names: Vec<HashedName<'a>>, leaves: Vec<Leaf> },
}

impl<'a> Layout<'a> {
    fn new(names: impl Iterator<Item = &'a [u8]>, hash_seed: [u32; 4]) -> Result<Self, DirectoryError> {
        let names = names.enumerate().map(|(entry, name)| hashed(entry, name, hash_seed));
        let mut names = names.collect::<Result<Vec<_>, _>>()?;
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(DirectoryError::Duplicate { name: twice[0].name.to_vec() });
        }
        let own = dirblock::record_size(b".") + dirblock::record_size(b"..");
        if own + names.iter().map(|name| dirblock::record_size(name.name)).sum::<usize>() <= ROOM {
            names.sort_unstable_by_key(|name| name.name);
            return Ok(Self::Linear { order: names.iter().map(|name| name.entry).collect() });
        }
        let leaves = leaves(&names);
        check_leaves(names.len(), leaves.len())?;
        Ok(Self::Indexed { names, leaves })
    }
}

/// Checks a name and hashes it.
fn hashed(entry: usize, name: &[u8], hash_seed: [u32; 4]) -> Result<HashedName<'_>, DirectoryError> {
    if name.is_empty() || name.len() > NAME_LIMIT {
        return Err(DirectoryError::NameLength { name: name.to_vec() });
    }
    if matches!(name, b"." | b"..") || name.iter().any(|byte| matches!(byte, 0 | b'/')) {
        return Err(DirectoryError::Name { name: name.to_vec() });
    }
    let (major, minor) = hash::half_md4(name, hash_seed);
    Ok(HashedName { major, minor, name, entry })
}

/// Divides the sorted names into leaves.
fn leaves(names: &[HashedName<'_>]) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = Vec::new();
    let mut room = 0;
    let mut last_hash = None;
    for (number, name) in names.iter().enumerate() {
        let size = dirblock::record_size(name.name);
        match leaves.last_mut() {
            Some(leaf) if size <= room => leaf.names.end = number + 1,
            _ => {
                let straddles = last_hash == Some(name.major);
                leaves.push(Leaf { names: number..number + 1, hash: name.major | u32::from(straddles) });
                room = ROOM;
            }
        }
        room -= size;
        if room < LEAF_SLACK {
            room = 0;
        }
        last_hash = Some(name.major);
    }
    leaves
}

/// Checks that an index can hold the leaves.
fn check_leaves(names: usize, leaves: usize) -> Result<(), DirectoryError> {
    if leaves > LEAF_LIMIT {
        return Err(DirectoryError::TooLarge { names, leaves });
    }
    Ok(())
}

/// Lowest hash below a block, and the block's number in the directory.
type IndexEntry = (u32, u32);

/// The blocks above the leaves.
struct Index {
    root: Vec<IndexEntry>,
    nodes: Vec<Vec<IndexEntry>>,
}

impl Index {
    /// The index over leaves that are not more than [`LEAF_LIMIT`].
    fn new(leaves: &[Leaf]) -> Self {
        // Block 0 is the root.
        let entries: Vec<IndexEntry> = leaves.iter().map(|leaf| leaf.hash).zip(1..).collect();
        if Self::node_count(leaves.len()) == 0 {
            return Self { root: entries, nodes: Vec::new() };
        }
        let nodes: Vec<_> = entries.chunks(NODE_LIMIT).map(<[_]>::to_vec).collect();
        let first_node = u32_from(1 + leaves.len());
        let root = nodes.iter().map(|node| node[0].0).zip(first_node..).collect();
        Self { root, nodes }
    }

    /// The number of nodes over so many leaves.
    fn node_count(leaves: usize) -> usize {
        if leaves <= ROOT_LIMIT { 0 } else { leaves.div_ceil(NODE_LIMIT) }
    }

    /// `indirect_levels` of the root: levels of nodes between it and the leaves.
    fn levels(&self) -> u8 {
        u8::from(!self.nodes.is_empty())
    }
}

/// Fills the last, begun block of `blocks` with index entries and the checksum. `header` is what is there already.
///
/// The hash of the first entry is not stored: `dx_countlimit` has its place, and it is no more than a lower bound
/// that the entry above states.
fn append_index(blocks: &mut Vec<u8>, entries: &[IndexEntry], header: usize, seed: u32) {
    let start = blocks.len() - header;
    let limit = (BLOCK_SIZE - INDEX_TAIL - header) / INDEX_ENTRY;
    let count_and_limit = u32_from(entries.len()) << 16 | u32_from(limit);
    for (number, &(hash, block)) in entries.iter().enumerate() {
        blocks.extend((if number == 0 { count_and_limit } else { hash }).to_le_bytes());
        blocks.extend(block.to_le_bytes());
    }
    // The checksum covers what is used, then the tail with zero in its own place.
    let checksum = crc32c(crc32c(seed, &blocks[start..]), &[0; INDEX_TAIL]);
    blocks.resize(start + BLOCK_SIZE - 4, 0);
    blocks.extend(checksum.to_le_bytes());
}

/// A number of blocks or entries of a directory.
fn u32_from(number: usize) -> u32 {
    // LEAF_LIMIT bounds them all.
    u32::try_from(number).expect("a directory has less than 2^32 blocks")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 7a1d9c34-55e2-4b8f-8d21-90aa3b17c6f5 as the superblock stores it.
    const SEED: [u32; 4] = [0x349C_1D7A, 0x8F4B_E255, 0xAA90_218D, 0xF5C6_173B];

    /// The file system 0b5f2c8e-1f4d-4c1a-9a53-3f6f7f1c2d3e.
    const UUID: u128 = 0x0b5f_2c8e_1f4d_4c1a_9a53_3f6f_7f1c_2d3e;

    /// A root directory with `names` of regular files, whose inodes begin with 12, and with `lost+found`.
    fn root(names: &[Vec<u8>]) -> DirectoryEntries<'_> {
        let files = names.iter().zip(12..).map(|(name, inode)| DirEntry { name, inode, file_type: 1 });
        let lost_found = DirEntry { name: b"lost+found", inode: 11, file_type: TYPE_DIRECTORY };
        DirectoryEntries {
            inode: 2,
            parent: 2,
            csum_seed: crc32c(!0, &UUID.to_be_bytes()),
            hash_seed: SEED,
            entries: files.chain([lost_found]).collect(),
        }
    }

    /// `n00000xxx…`, `n00001xxx…`, … of that length.
    fn numbered(count: usize, length: usize) -> Vec<Vec<u8>> {
        let name = |number| {
            let mut name = format!("n{number:05}").into_bytes();
            name.resize(length, b'x');
            name
        };
        (0..count).map(name).collect()
    }

    fn count(directory: &DirectoryEntries<'_>) -> Result<u64, DirectoryError> {
        block_count(directory.entries.iter().map(|entry| entry.name), directory.hash_seed)
    }

    #[test]
    fn bytes_are_those_of_e2fsck() {
        // `mke2fs -U … -E hash_seed=… -O 64bit,metadata_csum`, mount, create the files in the root, `e2fsck -fyD`
        // (1.47.0); the last column is the checksum, from !0, over all blocks of inode 2.
        for (names, length, blocks, checksum) in
            [(3, 20, 1, 0x427d_ca52), (600, 20, 7, 0xbc72_2eb4), (8200, 200, 516, 0x66a8_7498)]
        {
            let names = numbered(names, length);
            let mut directory = root(&names);
            let encoded = encode(&directory).unwrap();
            assert_eq!(encoded.blocks.len(), blocks * BLOCK_SIZE);
            assert_eq!(crc32c(!0, &encoded.blocks), checksum);
            assert_eq!(encoded.indexed, blocks > 1);
            assert_eq!(count(&directory).unwrap(), blocks as u64);
            directory.entries.reverse();
            assert_eq!(encode(&directory).unwrap(), encoded, "the order of the entries does not matter");
        }
    }

    #[test]
    fn a_directory_without_names_is_one_block() {
        let encoded = encode(&DirectoryEntries { entries: Vec::new(), ..root(&[]) }).unwrap();
        let own = dirblock::entries(&encoded.blocks);
        assert_eq!(
            own.iter().map(|(size, entry)| (*size, entry.name)).collect::<Vec<_>>(),
            [(12, &b"."[..]), (ROOM - 12, b"..")]
        );
        assert!(!encoded.indexed);
    }

    #[test]
    fn one_block_is_filled_to_the_last_byte() {
        // `.`, `..` and lost+found take 44 bytes, 101 names 40 each: all of 4084.
        for (names, indexed) in [(101, false), (102, true)] {
            let names = numbered(names, 32);
            assert_eq!(encode(&root(&names)).unwrap().indexed, indexed);
        }
    }

    #[test]
    fn a_hash_that_goes_on_in_the_next_leaf_is_marked() {
        // These two have the hash 9a4d527c; 31 records of 108 bytes fill a leaf.
        let mut names = numbered(200, 100);
        names.retain(|name| hash::half_md4(name, SEED).0 < 0x9a4d_527c);
        names.truncate(30);
        for number in ["0015471", "0211136"] {
            let mut name = number.as_bytes().to_vec();
            name.resize(100, b'c');
            names.push(name);
        }
        let mut directory = root(&names);
        directory.entries.retain(|entry| entry.name != b"lost+found");
        let mut more = numbered(400, 101);
        more.retain(|name| hash::half_md4(name, SEED).0 > 0x9a4d_527c);
        directory.entries.extend(more.iter().map(|name| DirEntry { name, inode: 1, file_type: 1 }));
        let blocks = encode(&directory).unwrap().blocks;
        assert_eq!(blocks[ROOT_ENTRIES + 8..][..8], [0x7D, 0x52, 0x4D, 0x9A, 2, 0, 0, 0]);
    }

    #[test]
    fn nodes_appear_when_the_root_is_full() {
        for (leaves, nodes, last) in
            [(ROOT_LIMIT, 0, 0), (ROOT_LIMIT + 1, 1, ROOT_LIMIT + 1), (511, 2, 1), (LEAF_LIMIT, ROOT_LIMIT, NODE_LIMIT)]
        {
            let leaves: Vec<_> = (0..leaves).map(|number| Leaf { names: 0..0, hash: u32_from(number * 2) }).collect();
            let index = Index::new(&leaves);
            assert_eq!(index.nodes.len(), nodes);
            assert_eq!(Index::node_count(leaves.len()), nodes);
            assert_eq!(index.nodes.last().map_or(0, Vec::len), last);
            assert_eq!(index.levels(), u8::from(nodes > 0));
            assert!(index.root.len() <= ROOT_LIMIT);
        }
        assert_eq!(check_leaves(9, LEAF_LIMIT), Ok(()));
        let error = check_leaves(9, LEAF_LIMIT + 1).unwrap_err();
        let text = "directory with 9 names needs 258571 blocks of names; its index has room for 258570";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn names_that_a_directory_cannot_hold_are_refused() {
        let long = vec![b'n'; 256];
        let name = |name: &[u8]| DirectoryError::Name { name: name.to_vec() };
        let cases = [
            (vec![&b""[..]], DirectoryError::NameLength { name: Vec::new() }),
            (vec![&long], DirectoryError::NameLength { name: long.clone() }),
            (vec![b"a/b"], name(b"a/b")),
            (vec![b"a\0"], name(b"a\0")),
            (vec![b"."], name(b".")),
            (vec![b".."], name(b"..")),
            (vec![b"x", b"y", b"x"], DirectoryError::Duplicate { name: b"x".to_vec() }),
        ];
        for (names, error) in cases {
            assert_eq!(block_count(names.into_iter(), SEED), Err(error));
        }
        assert_eq!(block_count([&long[1..]].into_iter(), SEED), Ok(1));
    }
}
