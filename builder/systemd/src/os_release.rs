//! The fields of `os-release` that specifiers stand for.
//!
//! Source: os-release(5): assignments of a shell, without expansions.

use std::collections::BTreeMap;

use builder_tree::FileTree;

use crate::ReadError;
use crate::lines::{lines, strip};
use crate::place::{LastLink, follow};
use crate::read::Reader;
use crate::words::{Backslash, Words};

/// Values by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct OsRelease(BTreeMap<Vec<u8>, Vec<u8>>);

impl OsRelease {
    /// Reads `/etc/os-release`, or `/usr/lib/os-release` where there is none. No file is an empty one.
    pub(crate) fn read(tree: &FileTree, reader: &mut Reader) -> Result<Self, ReadError> {
        for path in [&b"etc/os-release"[..], b"usr/etc/os-release", b"usr/lib/os-release"] {
            let found = follow(tree, path, LastLink::Follow).ok().and_then(|place| place.node);
            if let Some(content) = found.and_then(|node| node.as_leaf()).and_then(|inode| inode.content()) {
                return Ok(Self::parse(&reader.read(path, content)?));
            }
        }
        Ok(Self::default())
    }

    fn parse(text: &[u8]) -> Self {
        let mut fields = BTreeMap::new();
        for (_, line) in lines(text) {
            let line = strip(line);
            let Some(equals) = line.iter().position(|&byte| byte == b'=') else { continue };
            if line.starts_with(b"#") || line.starts_with(b";") {
                continue;
            }
            let mut words = Words::new(&line[equals + 1..], Backslash::Literal);
            let value = words.next_word().ok().flatten().map(|word| word.text).unwrap_or_default();
            fields.insert(line[..equals].to_vec(), value);
        }
        Self(fields)
    }

    /// The value of a field; empty where it is missing.
    pub(crate) fn field(&self, name: &str) -> &[u8] {
        self.0.get(name.as_bytes()).map_or(b"", Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::OsRelease;

    #[test]
    fn values_lose_their_quotes() {
        let release = OsRelease::parse(b"# x=1\nID=fedora\nVERSION_ID=\"4 1\"\nVARIANT_ID='a'\nBUILD_ID=\"x\nNAME\n");
        for (name, value) in
            [("ID", "fedora"), ("VERSION_ID", "4 1"), ("VARIANT_ID", "a"), ("BUILD_ID", ""), ("NAME", ""), ("# x", "")]
        {
            assert_eq!(release.field(name), value.as_bytes(), "{name}");
        }
    }
}
