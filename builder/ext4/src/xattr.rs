//! Extended attributes: in the inode what fits there, the rest in one block. Linux, ext4 "Extended Attributes".
//!
//! ```text
//!  inode  0xA0  magic │ entry … │ 0 │ free … │ … value │          96 bytes; values count from the first entry
//!  block        header (32 bytes) │ entry … │ 0 │ free … │ … value │    4096 bytes; values count from its start
//! ```
//!
//! Entries grow upwards and values downwards, as the kernel leaves them when attributes are set one after the other.

use builder_tree::Xattrs;

use crate::acl::{self, AclError};
use crate::checksum::crc32c;

/// Begins the attributes in an inode (`ext4_xattr_ibody_header`) and in a block (`ext4_xattr_header`).
const MAGIC: u32 = 0xEA02_0000;
/// Bytes behind the fixed part of an inode: 256 less 128 and less `i_extra_isize` of 32.
const IN_INODE_SIZE: usize = 96;
/// Size of `ext4_xattr_ibody_header`: the magic number.
const IN_INODE_HEADER: usize = 4;
/// Size of an attribute block.
const BLOCK_SIZE: usize = 4096;
/// Size of `ext4_xattr_header`.
const BLOCK_HEADER: usize = 32;
/// Size of `ext4_xattr_entry` without the name.
const ENTRY_SIZE: usize = 16;
/// Size of the zero that ends the entries.
const END_SIZE: usize = 4;
/// Longest name, without its prefix.
const NAME_LIMIT: usize = 255;
/// Offset in a block of `h_refcount`, u32.
const REFCOUNT_OFFSET: usize = 0x04;
/// Offset in a block of `h_hash`, u32.
const HASH_OFFSET: usize = 0x0C;
/// Offset in a block of `h_checksum`, u32.
const CHECKSUM_OFFSET: usize = 0x10;

/// `e_name_index` of `user.`.
const USER: u8 = 1;
/// `e_name_index` of `system.posix_acl_access`; the rest of the name is empty.
const ACL_ACCESS: u8 = 2;
/// `e_name_index` of `system.posix_acl_default`; the rest of the name is empty.
const ACL_DEFAULT: u8 = 3;
/// `e_name_index` of `trusted.`.
const TRUSTED: u8 = 4;
/// `e_name_index` of `security.`.
const SECURITY: u8 = 6;
/// `e_name_index` of `system.`.
const SYSTEM: u8 = 7;

/// The whole names and prefixes that have a number.
const PREFIXES: [(&[u8], u8); 4] =
    [(b"user.", USER), (b"trusted.", TRUSTED), (b"security.", SECURITY), (b"system.", SYSTEM)];

/// The most inodes that may share one attribute block (`EXT4_XATTR_REFCOUNT_MAX`).
pub(crate) const REFCOUNT_LIMIT: u32 = 1024;

/// Attributes as they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct EncodedXattrs {
    /// The last 96 bytes of the inode, from 0xA0; empty where no attribute is in there.
    pub(crate) in_inode: Vec<u8>,
    /// The attribute block with a reference count of 1 and without checksum, where one is needed. Blocks that are
    /// equal may be one block of several inodes.
    pub(crate) block: Option<Vec<u8>>,
}

/// Why attributes cannot be stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XattrError {
    /// ext4 has a number for each prefix, and none for this one.
    #[error(
        "attribute `{}` cannot be represented: only user., trusted., security. and system. can be stored",
        .name.escape_ascii()
    )]
    Prefix {
        /// Full name.
        name: Vec<u8>,
    },
    /// Nothing after the prefix, a zero byte, or more than 255 bytes.
    #[error(
        "attribute `{}` cannot be represented: {length} bytes after the prefix, 1 to {NAME_LIMIT} without a zero byte \
         are possible",
        .name.escape_ascii()
    )]
    Name {
        /// Full name.
        name: Vec<u8>,
        /// Bytes after the prefix.
        length: usize,
    },
    /// `system.data` is how ext4 keeps file bodies in the inode; the kernel would read the value as that.
    #[error("attribute `system.data` cannot be represented: the name is the file system's own")]
    Reserved,
    /// The value is larger than an empty attribute block has room for.
    #[error("attribute `{}` has {size} bytes but the attribute block has room for {limit}", .name.escape_ascii())]
    TooLarge {
        /// Full name.
        name: Vec<u8>,
        /// Bytes of the value.
        size: usize,
        /// The most that a value of that name can have.
        limit: usize,
    },
    /// What is left for the attribute block is together too large for it.
    #[error(
        "attributes need {size} bytes of the attribute block, which has {limit}; the largest is `{}`",
        .largest.escape_ascii()
    )]
    TooMany {
        /// Full name of the attribute that takes most room.
        largest: Vec<u8>,
        /// Bytes of all entries and values that are not in the inode.
        size: usize,
        /// Bytes there are.
        limit: usize,
    },
    /// The access control list is not valid.
    #[error("attribute `{}` cannot be represented", .name.escape_ascii())]
    Acl {
        /// Full name.
        name: Vec<u8>,
        /// What is wrong with it.
        #[source]
        source: AclError,
    },
}

impl XattrError {
    /// What to do now.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::TooMany { .. } => {
                "shorten or remove attributes of the file; ext4 keeps all that do not fit in the inode in one block"
            }
            _ => "remove the attribute from the file in the image",
        }
    }
}

/// One attribute as it goes to the disk. The order is that of the entries in a block.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Attribute<'a> {
    /// `e_name_index`: the prefix as a number.
    prefix: u8,
    /// `e_name_len`; the kernel's search expects short names before long ones.
    name_length: u8,
    /// Name without the prefix.
    name: &'a [u8],
    /// Full name.
    full_name: &'a [u8],
    value: Vec<u8>,
}

impl Attribute<'_> {
    /// Bytes of entry and value, both up to a multiple of 4.
    fn size(&self) -> usize {
        entry_size(self.name) + self.value.len().next_multiple_of(4)
    }

    /// The order in which attributes may take room in the inode: the label first, since the kernel reads it whenever
    /// it reads the inode; then access control lists, which are needed to open the file; then the others.
    fn rank(&self) -> (u8, u8, &[u8]) {
        let class = match (self.prefix, self.name) {
            (SECURITY, b"selinux") => 0,
            (ACL_ACCESS | ACL_DEFAULT, _) => 1,
            (SECURITY, _) => 2,
            _ => 3,
        };
        (class, self.prefix, self.name)
    }
}

/// Bytes of an entry with its name.
fn entry_size(name: &[u8]) -> usize {
    ENTRY_SIZE + name.len().next_multiple_of(4)
}

/// Places `xattrs` in the inode and in a block.
///
/// Each attribute, in the order of its rank, goes to the inode if it still fits there; the block takes the rest.
/// Access control lists are expected in the form of the system calls.
///
/// # Errors
/// An attribute whose name or list cannot be represented, or more of them than fit; see [`XattrError`].
pub(crate) fn encode(xattrs: &Xattrs) -> Result<EncodedXattrs, XattrError> {
    let mut attributes = xattrs.iter().map(|(name, value)| attribute(name, value)).collect::<Result<Vec<_>, _>>()?;
    attributes.sort_unstable_by(|a, b| a.rank().cmp(&b.rank()));
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    let mut room = IN_INODE_SIZE - IN_INODE_HEADER - END_SIZE;
    for attribute in attributes {
        if let Some(left) = room.checked_sub(attribute.size()) {
            room = left;
            inside.push(attribute);
        } else {
            outside.push(attribute);
        }
    }
    outside.sort_unstable();
    check_room(&outside)?;

    let mut encoded = EncodedXattrs::default();
    if !inside.is_empty() {
        encoded.in_inode = vec![0; IN_INODE_SIZE];
        put_u32(&mut encoded.in_inode, 0, MAGIC);
        // The kernel leaves e_hash zero here, e2fsck takes zero as "none".
        place(&mut encoded.in_inode[IN_INODE_HEADER..], 0, &inside, EntryHash::Zero);
    }
    if !outside.is_empty() {
        encoded.block = Some(block(&outside));
    }
    Ok(encoded)
}

/// Sets the number of inodes that share the attribute block, 1 to [`REFCOUNT_LIMIT`]. The checksum comes after.
pub(crate) fn set_refcount(block: &mut [u8], count: u32) {
    put_u32(block, REFCOUNT_OFFSET, count);
}

/// Sets the checksum of the attribute block that will be block number `block_number`, last of all.
///
/// `csum_seed` is the file system's: the checksum of its UUID.
pub(crate) fn set_block_checksum(block: &mut [u8], csum_seed: u32, block_number: u64) {
    put_u32(block, CHECKSUM_OFFSET, 0);
    let checksum = crc32c(crc32c(csum_seed, &block_number.to_le_bytes()), block);
    put_u32(block, CHECKSUM_OFFSET, checksum);
}

/// Checks one attribute and brings its value into the form on disk.
fn attribute<'a>(full_name: &'a [u8], value: &[u8]) -> Result<Attribute<'a>, XattrError> {
    let (prefix, name) = match full_name {
        b"system.posix_acl_access" => (ACL_ACCESS, &[][..]),
        b"system.posix_acl_default" => (ACL_DEFAULT, &[][..]),
        b"system.data" => return Err(XattrError::Reserved),
        _ => split(full_name)?,
    };
    let value = if matches!(prefix, ACL_ACCESS | ACL_DEFAULT) {
        acl::to_disk(value).map_err(|source| XattrError::Acl { name: full_name.to_vec(), source })?
    } else {
        value.to_vec()
    };
    let limit = BLOCK_SIZE - BLOCK_HEADER - END_SIZE - entry_size(name);
    if value.len() > limit {
        return Err(XattrError::TooLarge { name: full_name.to_vec(), size: value.len(), limit });
    }
    let too_long = |_| XattrError::Name { name: full_name.to_vec(), length: name.len() };
    Ok(Attribute { prefix, name_length: u8::try_from(name.len()).map_err(too_long)?, name, full_name, value })
}

/// Splits a name into the number of its prefix and the rest.
fn split(full_name: &[u8]) -> Result<(u8, &[u8]), XattrError> {
    let (prefix, name) = PREFIXES
        .iter()
        .find_map(|&(prefix, number)| Some((number, full_name.strip_prefix(prefix)?)))
        .ok_or_else(|| XattrError::Prefix { name: full_name.to_vec() })?;
    if name.is_empty() || name.len() > NAME_LIMIT || name.contains(&0) {
        return Err(XattrError::Name { name: full_name.to_vec(), length: name.len() });
    }
    Ok((prefix, name))
}

/// Checks that the attributes fit together in one block.
fn check_room(attributes: &[Attribute<'_>]) -> Result<(), XattrError> {
    let limit = BLOCK_SIZE - BLOCK_HEADER - END_SIZE;
    let size = attributes.iter().map(Attribute::size).sum();
    match attributes.iter().max_by_key(|attribute| attribute.size()) {
        Some(largest) if size > limit => Err(XattrError::TooMany { largest: largest.full_name.to_vec(), size, limit }),
        _ => Ok(()),
    }
}

/// An attribute block of these attributes, which fit and are in order.
fn block(attributes: &[Attribute<'_>]) -> Vec<u8> {
    let mut block = vec![0; BLOCK_SIZE];
    put_u32(&mut block, 0x00, MAGIC);
    set_refcount(&mut block, 1);
    put_u32(&mut block, 0x08, 1); // h_blocks; ext4 knows no other
    place(&mut block, BLOCK_HEADER, attributes, EntryHash::NameAndValue);
    put_u32(&mut block, HASH_OFFSET, block_hash(attributes));
    // Zero: h_checksum, set when the block's place is known; h_reserved[3].
    block
}

/// What `e_hash` is.
#[derive(Clone, Copy)]
enum EntryHash {
    Zero,
    NameAndValue,
}

/// Writes entries to `area` from `first` on and values from its end downwards. Offsets count from the area's start.
fn place(area: &mut [u8], first: usize, attributes: &[Attribute<'_>], hash: EntryHash) {
    let (mut entry, mut values) = (first, area.len());
    for attribute in attributes {
        let size = attribute.value.len();
        area[entry] = attribute.name_length;
        area[entry + 1] = attribute.prefix;
        if size > 0 {
            values -= size.next_multiple_of(4);
            area[values..values + size].copy_from_slice(&attribute.value);
            put_u16(area, entry + 2, values);
        }
        // Zero: e_value_inum at 4, for values in inodes of their own; e_value_offs at 2 of an empty value.
        put_u32(area, entry + 8, fits_u32(size));
        if let EntryHash::NameAndValue = hash {
            put_u32(area, entry + 12, entry_hash(attribute));
        }
        let name = entry + ENTRY_SIZE;
        area[name..name + attribute.name.len()].copy_from_slice(attribute.name);
        entry += entry_size(attribute.name);
    }
}

/// `e_hash`: `ext4_xattr_hash_entry` of Linux 6.2 and later, which takes the characters of the name as unsigned.
/// Earlier kernels took them as signed on x86; nothing checks the hash of a value that is in the block.
fn entry_hash(attribute: &Attribute<'_>) -> u32 {
    let name = attribute.name.iter().fold(0_u32, |hash, &byte| hash.rotate_left(5) ^ u32::from(byte));
    attribute.value.chunks(4).fold(name, |hash, bytes| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        hash.rotate_left(16) ^ u32::from_le_bytes(word)
    })
}

/// `h_hash`: `ext4_xattr_rehash`; zero, which keeps the kernel from sharing the block, if an entry's hash is zero.
fn block_hash(attributes: &[Attribute<'_>]) -> u32 {
    let mut hash = 0_u32;
    for attribute in attributes {
        match entry_hash(attribute) {
            0 => return 0,
            entry => hash = hash.rotate_left(16) ^ entry,
        }
    }
    hash
}

/// Writes a little-endian number.
fn put_u32(area: &mut [u8], offset: usize, number: u32) {
    area[offset..offset + 4].copy_from_slice(&number.to_le_bytes());
}

/// Writes a little-endian offset in a block.
fn put_u16(area: &mut [u8], offset: usize, number: usize) {
    // Offsets in a block are below 4096.
    let number = u16::try_from(number).expect("an offset in a block");
    area[offset..offset + 2].copy_from_slice(&number.to_le_bytes());
}

/// A size in a block as it is stored.
fn fits_u32(size: usize) -> u32 {
    // Values are checked to be smaller than a block.
    u32::try_from(size).expect("a size in a block")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn xattrs(of: &[(&str, &[u8])]) -> Xattrs {
        of.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec())).collect()
    }

    #[test]
    fn bytes_are_those_the_kernel_writes() {
        // Linux 6.18, file system 0b5f2c8e-1f4d-4c1a-9a53-3f6f7f1c2d3e: setxattr in the order of the entries below,
        // then the inode from 0xA0 and block 2063, which i_file_acl named.
        let in_inode = hex("000002ea \
            0706400000000000 1b00000000000000 73656c696e757800 \
            01013c0000000000 0100000000000000 61000000 \
            00000000 0000000000000000 00000000 31000000 \
            73797374656d5f753a6f626a6563745f723a7573725f743a73300000");
        let head = hex("000002ea 01000000 01000000 4d8c1cdf c4c4012f 000000000000000000000000 \
            0501000000000000 00000000f94e6706 656d707479000000 \
            0a01f80f00000000 050000009074c7bf 7363686cc3bc7373656c0000 \
            0002dc0f00000000 1c0000002600fe03 \
            0104d40f00000000 060000007400ffff 74000000 \
            0a06c00f00000000 14000000aa8261ae 6361706162696c6974790000");
        let tail = hex("0100000200040000000000000000000000000000 ffffffffffff0000 \
            01000000010006000200070 0e8030000040004001000070020000400 3132333435000000");
        let access_list = hex("02000000 01000600ffffffff 02000700e8030000 04000400ffffffff 10000700ffffffff \
            20000400ffffffff");
        let encoded = encode(&xattrs(&[
            ("security.capability", &hex("0100000200040000000000000000000000000000")),
            ("security.selinux", b"system_u:object_r:usr_t:s0\0"),
            ("system.posix_acl_access", &access_list),
            ("trusted.t", &[0xFF; 6]),
            ("user.a", b"1"),
            ("user.empty", b""),
            ("user.schlüssel", b"12345"),
        ]));
        let EncodedXattrs { in_inode: own, block } = encoded.unwrap();
        assert_eq!(own, in_inode);
        let mut block = block.unwrap();
        let uuid = hex("0b5f2c8e1f4d4c1a9a533f6f7f1c2d3e");
        set_block_checksum(&mut block, crc32c(!0, &uuid), 2063);
        assert_eq!(block[..head.len()], head);
        assert_eq!(block[BLOCK_SIZE - tail.len()..], tail);
        assert!(block[head.len()..BLOCK_SIZE - tail.len()].iter().all(|&byte| byte == 0));
    }

    #[test]
    fn nothing_is_stored_of_nothing() {
        assert_eq!(encode(&Xattrs::new()), Ok(EncodedXattrs::default()));
    }

    #[test]
    fn the_label_stays_in_the_inode_when_others_leave() {
        let label = [b'l'; 60];
        let encoded = encode(&xattrs(&[("security.ima", &[1; 40]), ("security.selinux", &label), ("user.x", b"")]));
        let encoded = encoded.unwrap();
        assert!(encoded.in_inode.ends_with(&label));
        assert!(encoded.block.is_some());
    }

    #[test]
    fn the_block_is_filled_to_the_last_byte() {
        let limit = BLOCK_SIZE - BLOCK_HEADER - END_SIZE - ENTRY_SIZE - 4;
        let fits = encode(&xattrs(&[("user.big", &vec![7; limit])])).unwrap();
        assert_eq!(fits.in_inode, []);
        assert!(fits.block.is_some());
        let value = vec![7; limit + 1];
        let error = XattrError::TooLarge { name: b"user.big".to_vec(), size: limit + 1, limit };
        assert_eq!(encode(&xattrs(&[("user.big", &value)])), Err(error));
        let error = XattrError::TooMany { largest: b"user.big".to_vec(), size: limit + 20 + 120, limit: 4060 };
        assert_eq!(encode(&xattrs(&[("user.big", &value[1..]), ("user.two", &[0; 100])])), Err(error));
    }

    #[test]
    fn names_that_ext4_cannot_hold_are_refused() {
        let long = format!("user.{}", "n".repeat(256));
        let cases = [
            ("selinux", XattrError::Prefix { name: b"selinux".to_vec() }),
            ("os2.x", XattrError::Prefix { name: b"os2.x".to_vec() }),
            ("user.", XattrError::Name { name: b"user.".to_vec(), length: 0 }),
            ("user.\0", XattrError::Name { name: b"user.\0".to_vec(), length: 1 }),
            (&long, XattrError::Name { name: long.clone().into_bytes(), length: 256 }),
            ("system.data", XattrError::Reserved),
            (
                "system.posix_acl_default",
                XattrError::Acl { name: b"system.posix_acl_default".to_vec(), source: AclError::Length(1) },
            ),
        ];
        for (name, error) in cases {
            assert_eq!(encode(&xattrs(&[(name, b"v")])), Err(error));
        }
        assert!(encode(&xattrs(&[(&long[..260], b"v")])).is_ok());
    }
}
