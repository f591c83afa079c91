//! Extended attributes of an inode, in it and in its block. Linux, ext4 "Extended Attributes".

use std::collections::BTreeMap;

use super::acl;
use super::volume::{Fault, RawInode, Volume, le16, le32};

/// Begins attributes in an inode and in a block.
const MAGIC: u32 = 0xea02_0000;
/// Bytes ahead of the entries in a block.
const BLOCK_HEADER: usize = 32;
/// Bytes of an entry ahead of its name.
const ENTRY: usize = 16;

/// Full names with values.
pub(super) type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

/// The attributes of an inode as the kernel lists them for root.
pub(super) fn attributes(volume: &Volume, inode: &RawInode) -> Result<Attributes, Fault> {
    let mut found = Attributes::new();
    let inside = inode.attributes();
    if le32(inside, 0) == MAGIC {
        let area = &inside[4..];
        // Values are counted from the first entry.
        collect(area, 0, &mut found)?;
    }
    let number = u64::from(inode.half(0x76)) << 32 | u64::from(inode.word(0x68));
    if number != 0 {
        let block = volume.block(number)?;
        if le32(&block, 0) != MAGIC {
            return Err(Fault::Problem("has a block of attributes that does not begin as one"));
        }
        collect(&block, BLOCK_HEADER, &mut found)?;
    }
    Ok(found)
}

/// Takes the entries of `area` that begin at `at`; values are counted from the start of `area`.
fn collect(area: &[u8], mut at: usize, found: &mut Attributes) -> Result<(), Fault> {
    let outside = || Fault::Problem("has an attribute that leads out of the place for attributes");
    // Values that overlap would make more of the bytes than there are.
    let mut room = area.len();
    // The last entry is followed by a zero, or by the end.
    while at + 4 <= area.len() && le32(area, at) != 0 {
        let head = area.get(at..at + ENTRY).ok_or_else(outside)?;
        let (name_length, index) = (usize::from(head[0]), head[1]);
        let name = area.get(at + ENTRY..at + ENTRY + name_length).ok_or_else(outside)?;
        let start = usize::from(le16(head, 2));
        let (value_inode, size) = (le32(head, 4), usize::try_from(le32(head, 8)).map_err(|_| outside())?);
        at = (at + ENTRY + name_length).next_multiple_of(4);
        let Some(name) = full_name(index, name) else { continue };
        if value_inode != 0 {
            return Err(Fault::ValueInode(name));
        }
        room = room.checked_sub(size).ok_or(Fault::Problem("has attributes that lie on each other"))?;
        let value = if size == 0 { &[] } else { area.get(start..start.saturating_add(size)).ok_or_else(outside)? };
        let value = match index {
            2 | 3 => acl::to_interface(value).map_err(Fault::Problem)?,
            _ => value.to_vec(),
        };
        // Of two, the kernel gives the one in the inode.
        found.entry(name).or_insert(value);
    }
    Ok(())
}

/// The whole name; `None` for those that the kernel keeps to itself.
fn full_name(index: u8, name: &[u8]) -> Option<Vec<u8>> {
    let prefix: &[u8] = match index {
        1 => b"user.",
        // The whole name.
        2 => return name.is_empty().then(|| b"system.posix_acl_access".to_vec()),
        3 => return name.is_empty().then(|| b"system.posix_acl_default".to_vec()),
        4 => b"trusted.",
        6 => b"security.",
        10 => b"gnu.",
        _ => return None,
    };
    Some([prefix, name].concat())
}

#[cfg(test)]
mod tests {
    use super::{Attributes, Fault, collect};

    fn entry(name: &[u8], index: u8, offset: u16, inode: u32, size: u32) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(name.len()).unwrap(), index];
        bytes.extend(offset.to_le_bytes());
        bytes.extend(inode.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(name);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn entries_are_not_believed() {
        let area = |entries: &[Vec<u8>]| {
            let mut area = entries.concat();
            area.resize(96, 7);
            area
        };
        let end = vec![0; 4];
        let mut found = Attributes::new();
        collect(&area(&[entry(b"a", 1, 90, 0, 6), entry(b"data", 7, 0, 9, 9), end.clone()]), 0, &mut found).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(b"user.a".to_vec(), vec![7; 6])]);
        for (entries, words) in [
            (vec![entry(b"a", 1, 90, 0, 7), end.clone()], "leads out"),
            (vec![entry(b"a", 1, 0xffff, 0, u32::MAX), end.clone()], "lie on each other"),
            (vec![entry(b"a", 1, 40, 0, 50), entry(b"b", 1, 40, 0, 50), end.clone()], "lie on each other"),
            (vec![entry(b"a", 2, 90, 0, 6)], "leads out"),
            (vec![entry(b"", 2, 90, 0, 6), end.clone()], "access control list"),
        ] {
            match collect(&area(&entries), 0, &mut Attributes::new()) {
                Err(Fault::Problem(problem)) => assert!(problem.contains(words), "{entries:02x?}: {problem}"),
                other => panic!("{entries:02x?}: {other:?}"),
            }
        }
        let far = collect(&area(&[entry(b"a", 1, 0, 12, 6), end]), 0, &mut Attributes::new());
        assert!(matches!(far, Err(Fault::ValueInode(name)) if name == b"user.a"));
    }
}
