//! The indexes that `depmod` makes for `modprobe`: `modules.*.bin`.
//!
//! A trie: the key of a node is what its parents have, the byte of the child's place, and a prefix of its own. All
//! numbers are big-endian. Source: kmod, libkmod/libkmod-index.c and tools/depmod.c.
//!
//! ```text
//! file   magic u32 │ version u32 │ root: reference u32 │ nodes …
//! node   [prefix … NUL] [first u8 │ last u8 │ reference u32 for each of first..=last]
//!        [count u32 │ count × (priority u32 │ value … NUL)]
//! reference   bit 31: has prefix   bit 30: has values   bit 29: has children   bits 27–0: byte of the file
//! ```

/// Of the second form; the first is from before 2008.
const MAGIC: u32 = 0xB007_F457;
/// The upper half of the version; a lower half may only add to it.
const VERSION_MAJOR: u32 = 2;
const HEADER_BYTES: usize = 12;
const HAS_PREFIX: u32 = 1 << 31;
const HAS_VALUES: u32 = 1 << 30;
const HAS_CHILDREN: u32 = 1 << 29;
const OFFSET: u32 = 0x0FFF_FFFF;
/// Bytes that can lead to a child (`INDEX_CHILDMAX`).
const CHILD_BYTES: u8 = 128;
/// Longest key in bytes; kmod's is `PATH_MAX`. It bounds the depth of the trie too.
const MAX_KEY_BYTES: usize = 4096;
/// Bytes of all keys together, once for each value. The trie has shared begins once, so a small file could have very
/// much of them.
const MAX_KEYS_BYTES: usize = 64 << 20;

/// A key with what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// In the order of their priorities, as they are in the file.
    pub(crate) values: Vec<Value>,
}

/// One of the things that a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// Lower ones come first.
    pub(crate) priority: u32,
    pub(crate) text: String,
}

/// Where and how an index is damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IndexFault {
    pub(crate) offset: u64,
    pub(crate) problem: &'static str,
}

/// All keys, in the order of their bytes.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Entry>, IndexFault> {
    let mut index = Index { bytes, used: HEADER_BYTES, keys_bytes: 0, entries: Vec::new() };
    if index.number(0)? != MAGIC {
        return Err(fault(0, "has another magic than 0xb007f457"));
    }
    if index.number(4)? >> 16 != VERSION_MAJOR {
        return Err(fault(4, "has a version other than 2.x"));
    }
    let mut next = Some(index.number(8)?);
    let mut key = Vec::new();
    let mut open: Vec<Children> = Vec::new();
    loop {
        if let Some(reference) = next.take() {
            open.extend(index.node(reference, &mut key)?);
        }
        // Its depth is bound by the length of the keys.
        let Some(children) = open.last_mut() else { return Ok(index.entries) };
        key.truncate(children.key_bytes);
        let Some(byte) = children.take_next() else {
            open.pop();
            continue;
        };
        let reference = index.number(children.table + 4 * usize::from(byte - children.first))?;
        if reference & OFFSET != 0 {
            key.push(byte);
            next = Some(reference);
        }
    }
}

struct Index<'a> {
    bytes: &'a [u8],
    /// Bytes of all nodes that were read. No two nodes share a byte, so it cannot pass the file's size; that ends
    /// circles.
    used: usize,
    keys_bytes: usize,
    entries: Vec<Entry>,
}

/// The children of a node that is being read.
struct Children {
    /// Where their references begin.
    table: usize,
    first: u8,
    /// One more than the last.
    end: u8,
    /// The next one to read.
    at: u8,
    /// Length of the node's key.
    key_bytes: usize,
}

impl Children {
    fn take_next(&mut self) -> Option<u8> {
        let byte = self.at;
        // No child is above 127.
        self.at = byte.saturating_add(1);
        (byte < self.end).then_some(byte)
    }
}

impl Index<'_> {
    /// Reads a node, without its children. Adds its prefix to the key.
    fn node(&mut self, reference: u32, key: &mut Vec<u8>) -> Result<Option<Children>, IndexFault> {
        let start = usize::try_from(reference & OFFSET).unwrap_or(usize::MAX);
        if start < HEADER_BYTES || start > self.bytes.len() {
            return Err(fault(start, "should have a node and is outside of the nodes"));
        }
        let mut at = start;
        if reference & HAS_PREFIX != 0 {
            let prefix = self.text(at)?;
            key.extend_from_slice(prefix);
            at += prefix.len() + 1;
        }
        if key.len() > MAX_KEY_BYTES {
            return Err(fault(start, "has a key of more than 4096 bytes"));
        }
        let mut children = None;
        if reference & HAS_CHILDREN != 0 {
            let (first, last) = (self.byte(at)?, self.byte(at + 1)?);
            if first > last || last >= CHILD_BYTES {
                return Err(fault(at, "has a range of children that is none"));
            }
            children = Some(Children { table: at + 2, first, end: last + 1, at: first, key_bytes: key.len() });
            at += 2 + 4 * (usize::from(last - first) + 1);
            if at > self.bytes.len() {
                return Err(fault(start, "has a node that is cut off"));
            }
        }
        let mut values = Vec::new();
        if reference & HAS_VALUES != 0 {
            let count = self.number(at)?;
            at += 4;
            // Ends at the end of the file at the latest.
            for _ in 0..count {
                let priority = self.number(at)?;
                let text = self.text(at + 4)?;
                values.push(Value { priority, text: utf8(text, at + 4)? });
                at += 4 + text.len() + 1;
            }
        }
        self.used = self.used.saturating_add(at - start);
        if self.used > self.bytes.len() {
            return Err(fault(start, "has a node that shares bytes with another one"));
        }
        if !values.is_empty() {
            self.keys_bytes = self.keys_bytes.saturating_add(key.len().saturating_mul(values.len()));
            if self.keys_bytes > MAX_KEYS_BYTES {
                return Err(fault(start, "is where the keys pass 64 MiB"));
            }
            self.entries.push(Entry { key: utf8(key, start)?, values });
        }
        Ok(children)
    }

    fn byte(&self, at: usize) -> Result<u8, IndexFault> {
        self.bytes.get(at).copied().ok_or(fault(at, "is behind the end of the file"))
    }

    fn number(&self, at: usize) -> Result<u32, IndexFault> {
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        bytes.map(|bytes| u32::from_be_bytes(*bytes)).ok_or(fault(at, "is behind the end of the file"))
    }

    /// The bytes up to the next NUL.
    fn text(&self, at: usize) -> Result<&[u8], IndexFault> {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let end = rest.iter().position(|&byte| byte == 0);
        end.map(|end| &rest[..end]).ok_or(fault(at, "has a text without its NUL"))
    }
}

fn utf8(bytes: &[u8], at: usize) -> Result<String, IndexFault> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| fault(at, "has a text that is not UTF-8"))
}

fn fault(offset: usize, problem: &'static str) -> IndexFault {
    IndexFault { offset: offset as u64, problem }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn head(root: u32) -> Vec<u8> {
        [MAGIC, 0x0002_0001, root].iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    /// `ab` and `ac` with one value each, below a node with the prefix `a`.
    fn small() -> Vec<u8> {
        let mut bytes = head(HAS_PREFIX | HAS_CHILDREN | 33);
        bytes.extend(b"\0\0\0\x01\0\0\0\x07one\0"); // 12
        bytes.extend(b"\0\0\0\x01\0\0\0\x03\0"); // 24
        bytes.extend(b"a\0bc"); // 33
        bytes.extend((HAS_VALUES | 12).to_be_bytes());
        bytes.extend((HAS_VALUES | 24).to_be_bytes());
        bytes
    }

    #[test]
    fn keys_are_put_together_on_the_way_down() {
        let value = |priority, text: &str| vec![Value { priority, text: text.into() }];
        assert_eq!(
            read(&small()).unwrap(),
            [Entry { key: "ab".into(), values: value(7, "one") }, Entry { key: "ac".into(), values: value(3, "") }]
        );
        assert_eq!(read(&head(12)).unwrap(), []);
    }

    #[test]
    fn damage_is_named() {
        let with = |root: u32, nodes: &[u8]| [head(root), nodes.to_vec()].concat();
        let circle = with(HAS_CHILDREN | 12, &[b'a', b'a', 0x20, 0, 0, 12]);
        let many = [&[0xff, 0xff, 0xff, 0xff][..], &[0, 0, 0, 0, 0]].concat();
        let deep = {
            let count = 5000;
            let mut nodes = Vec::new();
            for at in 0_u32..count {
                nodes.extend(*b"aa");
                nodes.extend((HAS_CHILDREN | (12 + 6 * (at + 1))).to_be_bytes());
            }
            with(HAS_CHILDREN | 12, &nodes)
        };
        for (bytes, words) in [
            (vec![], "behind the end"),
            (b"\xb0\x07\xfa\x57\0\x02\0\x01\0\0\0\x0c".to_vec(), "another magic"),
            (b"\xb0\x07\xf4\x57\0\x03\0\x01\0\0\0\x0c".to_vec(), "a version"),
            (head(0), "outside of the nodes"),
            (head(13), "outside of the nodes"),
            (with(HAS_PREFIX | 12, b"abc"), "without its NUL"),
            (with(HAS_CHILDREN | 12, b"ba"), "range of children"),
            (with(HAS_CHILDREN | 12, b"a\x80"), "range of children"),
            (with(HAS_CHILDREN | 12, b"az\0\0"), "cut off"),
            (circle, "shares bytes"),
            (with(HAS_VALUES | 12, &many), "behind the end"),
            (with(HAS_VALUES | HAS_PREFIX | 12, b"\xff\0\0\0\0\x01\0\0\0\0x\0"), "not UTF-8"),
            (deep, "more than 4096"),
        ] {
            let found = read(&bytes).unwrap_err();
            assert!(found.problem.contains(words), "{found:?}, not {words}");
        }
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(at in 0..45_usize, byte: u8, cut in 1..46_usize) {
            let mut bytes = small();
            bytes[at] = byte;
            bytes.truncate(cut);
            let _ = read(&bytes);
        }

        #[test]
        fn no_bytes_make_it_panic(rest in proptest::collection::vec(any::<u8>(), 0..200), flags in 0..8_u32) {
            let _ = read(&[head(flags << 29 | 12), rest].concat());
        }
    }
}
