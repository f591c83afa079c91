//! Extended attributes, in inodes and in blocks of their own.

use crate::bytes::{byte, is_zero, le16, le32};
use crate::format::xattr;

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) index: u8,
    pub(crate) name: &'a [u8],
    /// The inode that holds the value, or 0.
    pub(crate) inode: u32,
    /// Bytes of the value.
    pub(crate) size: u32,
    /// The value, where no inode holds it.
    pub(crate) value: &'a [u8],
    hash: u32,
}

impl Attribute<'_> {
    /// Whether the stored hash is one that a kernel computes: names were signed bytes once.
    fn hash_fits(&self) -> bool {
        let hash_of = |signed: bool| {
            let mut hash = self.name.iter().fold(0_u32, |hash, &byte| {
                let byte = if signed { i32::from(byte.cast_signed()).cast_unsigned() } else { u32::from(byte) };
                hash.rotate_left(5) ^ byte
            });
            for word in self.value.chunks(4) {
                hash = hash.rotate_left(16) ^ le32(word, 0);
            }
            hash
        };
        self.hash == hash_of(false) || self.hash == hash_of(true)
    }

    /// Whether it is the second part of a body in the inode.
    pub(crate) fn is_inline_body(&self) -> bool {
        self.index == xattr::SYSTEM && self.name == b"data"
    }
}

/// What is wrong with a list of attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) field: &'static str,
    pub(crate) found: String,
    pub(crate) expected: String,
}

fn wrong(field: &'static str, found: impl ToString, expected: impl ToString) -> Wrong {
    Wrong { field, found: found.to_string(), expected: expected.to_string() }
}

/// Where a list of attributes stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the fields of an inode. Old kernels wrote no hashes there.
    Inode,
    /// In a block.
    Block,
}

/// The attributes of `bytes`: all that an inode has behind its fields, or a whole block.
///
/// What is found before something wrong is returned with it.
pub(crate) fn parse(bytes: &[u8], place: Place) -> (Vec<Attribute<'_>>, Option<Wrong>) {
    let (start, base) = match place {
        Place::Inode => (4, 4),
        Place::Block => (xattr::BLOCK_HEADER, 0),
    };
    let mut list = Vec::new();
    if place == Place::Inode && le32(bytes, 0) != xattr::MAGIC {
        // Without the magic number there are no attributes, whatever the bytes are.
        return (list, None);
    }
    // Values lie behind the names, each in bytes of its own.
    let mut values: Vec<(usize, usize)> = Vec::new();
    let mut at = start;
    loop {
        if at + 4 > bytes.len() {
            return (list, Some(wrong("end of the names", "missing", "four bytes of zero")));
        }
        if le32(bytes, at) == 0 {
            break;
        }
        let name_length = usize::from(byte(bytes, at));
        let Some(name) = bytes.get(at + xattr::ENTRY..at + xattr::ENTRY + name_length) else {
            return (list, Some(wrong("length of a name", name_length, "a name within the attributes")));
        };
        let index = byte(bytes, at + 1);
        let (size, inode) = (le32(bytes, at + xattr::VALUE_SIZE), le32(bytes, at + xattr::VALUE_INODE));
        let offset = usize::from(le16(bytes, at + xattr::VALUE_OFFSET)) + base;
        let hash = le32(bytes, at + xattr::HASH);
        let value = if inode != 0 || size == 0 {
            Some(&bytes[..0])
        } else {
            usize::try_from(size).ok().and_then(|size| bytes.get(offset..offset.checked_add(size)?))
        };
        let Some(value) = value else {
            let found = format!("{size} bytes at {offset}");
            return (list, Some(wrong("place of a value", found, format_args!("within {} bytes", bytes.len()))));
        };
        if !value.is_empty() {
            values.push((offset, offset + value.len()));
        }
        let attribute = Attribute { index, name, inode, size, value, hash };
        let old = place == Place::Inode && hash == 0;
        if inode == 0 && !old && !attribute.hash_fits() {
            let expected = "the hash of its name and value";
            return (list, Some(wrong("hash of an attribute", format_args!("{hash:#010x}"), expected)));
        }
        list.push(attribute);
        at = (at + xattr::ENTRY + name_length).next_multiple_of(4);
    }
    let names_end = at + 4;
    values.sort_unstable();
    let apart = values.windows(2).all(|pair| pair[0].1 <= pair[1].0);
    let behind = values.first().is_none_or(|first| first.0 >= names_end);
    let problem = (!apart || !behind).then(|| wrong("place of a value", "over another one", "bytes of its own"));
    (list, problem)
}

/// What is wrong with the header of a block of attributes, but for its checksum and count of references.
pub(crate) fn header(block: &[u8]) -> Option<Wrong> {
    let magic = le32(block, 0);
    if magic != xattr::MAGIC {
        return Some(wrong("magic", format_args!("{magic:#010x}"), "0xea020000"));
    }
    let blocks = le32(block, xattr::BLOCKS);
    (blocks != 1).then(|| wrong("number of blocks", blocks, 1))
}

/// Whether an inode's attributes are more than unused bytes.
pub(crate) fn any(bytes: &[u8]) -> bool {
    !is_zero(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Place, parse};

    #[test]
    fn an_attribute_of_an_inode_is_found() {
        let mut bytes = vec![0; 96];
        bytes[..4].copy_from_slice(&0xEA02_0000_u32.to_le_bytes());
        bytes[4..8].copy_from_slice(&[1, 1, 60, 0]);
        bytes[12..16].copy_from_slice(&4_u32.to_le_bytes());
        bytes[20] = b'a';
        bytes[64..68].copy_from_slice(b"ABCD");
        let (list, problem) = parse(&bytes, Place::Inode);
        assert_eq!(problem, None);
        assert_eq!((list.len(), list[0].name, list[0].value), (1, &b"a"[..], &b"ABCD"[..]));
        // A value that leaves the bytes, a hash that does not fit, a value over the names.
        for (at, new, field) in
            [(6, 90, "place of a value"), (16, 1, "hash of an attribute"), (6, 0, "place of a value")]
        {
            let mut bytes = bytes.clone();
            bytes[at] = new;
            assert_eq!(parse(&bytes, Place::Inode).1.map(|wrong| wrong.field), Some(field));
        }
    }
}
