//! Extended attributes: those of several inodes lie once in a table that all inodes share, the others behind their
//! inode. Linux, fs/erofs/xattr.h; composefs, libcomposefs/lcfs-writer-erofs.c.
//!
//! ```text
//!  behind the inode  filter │ n │ 0 … │ id × n │ entry …        12 bytes, ids and entries in order of names
//!  shared table      entry …                                    an id is a place in words, from a block's start
//!  entry             name length │ prefix │ value length │ name without prefix │ value │ up to a multiple of 4
//! ```

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::format::{BLOCK, NAME_MAX, XATTR_ENTRY_SIZE, XATTR_HEADER_SIZE};
use crate::xxh32::xxh32;
use crate::{ErofsError, XattrError};

/// Names and prefixes that have a number (`EROFS_XATTR_INDEX_*`); all other names have 0 and are written whole.
const PREFIXES: [(&[u8], u8); 5] = [
    (b"user.", 1),
    (b"system.posix_acl_access", 2),
    (b"system.posix_acl_default", 3),
    (b"trusted.", 4),
    (b"security.", 6),
];
/// The most shared attributes of an inode (`EROFS_XATTR_LONG_PREFIX` as libcomposefs uses it).
const MAX_SHARED: usize = 128;
/// `EROFS_XATTR_FILTER_SEED`.
const FILTER_SEED: u32 = 0x25BB_E08F;
/// `LCFS_INODE_EXTERNAL_XATTR_MAX`.
const SIZE_LIMIT: usize = 32_767;
/// Bytes that libcomposefs counts for an attribute besides name and value: twice the entry, for the worst padding.
const COUNTED_ENTRY: usize = 2 * XATTR_ENTRY_SIZE - 1;

/// A name with its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Attribute<'t> {
    /// Full name.
    pub(crate) name: Cow<'t, [u8]>,
    /// The value.
    pub(crate) value: Cow<'t, [u8]>,
}

impl<'t> Attribute<'t> {
    pub(crate) fn new(name: impl Into<Cow<'t, [u8]>>, value: impl Into<Cow<'t, [u8]>>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// The number of the prefix and the name behind it.
    fn split(&self) -> (u8, &[u8]) {
        PREFIXES
            .iter()
            .find_map(|&(prefix, number)| Some((number, self.name.strip_prefix(prefix)?)))
            .unwrap_or((0, &self.name))
    }

    /// Bytes of the entry.
    fn size(&self) -> usize {
        (XATTR_ENTRY_SIZE + self.split().1.len() + self.value.len()).next_multiple_of(4)
    }

    /// The bit of the name filter that stands for the name.
    fn filter_bit(&self) -> u32 {
        let (prefix, rest) = self.split();
        1 << (xxh32(rest, FILTER_SEED + u32::from(prefix)) % u32::BITS)
    }

    fn append(&self, image: &mut Vec<u8>) {
        let (prefix, rest) = self.split();
        // `check` let no name above 255 bytes in and no value above 32,767. Escaping adds 8 bytes to names that lose
        // the 8 of `trusted.` here.
        let name_length = u8::try_from(rest.len()).expect("names were checked");
        let value_length = u16::try_from(self.value.len()).expect("sizes were checked");
        let end = image.len() + self.size();
        image.extend([name_length, prefix]);
        image.extend(value_length.to_le_bytes());
        image.extend_from_slice(rest);
        image.extend_from_slice(&self.value);
        image.resize(end, 0);
    }
}

/// Whether libcomposefs would take the attributes of an inode.
///
/// # Errors
/// [`XattrError`].
pub(crate) fn check<'a>(attributes: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Result<(), XattrError> {
    let mut size = XATTR_HEADER_SIZE;
    let mut largest: (usize, &[u8]) = (0, b"");
    for (name, value) in attributes {
        if name.is_empty() || name.len() > NAME_MAX || name.contains(&0) {
            return Err(XattrError::Name { name: name.to_vec() });
        }
        let counted = COUNTED_ENTRY + name.len() + value.len();
        size += counted;
        largest = largest.max((counted, name));
    }
    if size > SIZE_LIMIT {
        return Err(XattrError::TooMany { largest: largest.1.to_vec(), size, limit: SIZE_LIMIT });
    }
    Ok(())
}

/// Stands for an [`Attribute`] in a [`Pool`] and the [`Table`] made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttributeId(usize);

/// Attributes of all inodes, each once.
#[derive(Debug, Default)]
pub(crate) struct Pool<'t> {
    ids: HashMap<Attribute<'t>, AttributeId>,
    /// By id, how many inodes have it.
    uses: Vec<usize>,
}

impl<'t> Pool<'t> {
    /// Takes note of one more inode that has the attribute.
    pub(crate) fn add(&mut self, attribute: Attribute<'t>) -> AttributeId {
        let id = match self.ids.entry(attribute) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                self.uses.push(0);
                *free.insert(AttributeId(self.uses.len() - 1))
            }
        };
        self.uses[id.0] += 1;
        id
    }

    /// Places those that several inodes have in the shared table.
    ///
    /// # Errors
    /// The table is larger than ids can count.
    pub(crate) fn place(self) -> Result<Table<'t>, ErofsError> {
        let mut attributes: Vec<_> = self.ids.into_iter().collect();
        attributes.sort_unstable_by_key(|&(_, id)| id.0);
        let mut placed: Vec<_> = attributes
            .into_iter()
            .map(|(attribute, _)| Placed { filter_bit: attribute.filter_bit(), attribute, shared: None })
            .collect();
        let mut order: Vec<usize> = (0..placed.len()).filter(|&id| self.uses[id] > 1).collect();
        // Names descending, then the longer value first, then values descending: as libcomposefs has it.
        order.sort_unstable_by(|&a, &b| {
            let key = |id: usize| {
                let Attribute { name, value } = &placed[id].attribute;
                (name, value.len(), value)
            };
            key(b).cmp(&key(a))
        });
        let mut size = 0;
        for &id in &order {
            placed[id].shared = Some(size);
            size += placed[id].attribute.size();
        }
        let table = Table { placed, order, size };
        // Ids count from the start of the block in which the table begins.
        let words = (BLOCK + size) as u64 / XATTR_ENTRY_SIZE as u64;
        let limit = u64::from(u32::MAX);
        if words > limit {
            return Err(ErofsError::TooLarge { unit: "words of shared attributes", needed: words, limit });
        }
        Ok(table)
    }
}

#[derive(Debug)]
struct Placed<'t> {
    attribute: Attribute<'t>,
    filter_bit: u32,
    /// Where it lies in the shared table, in bytes.
    shared: Option<usize>,
}

/// All attributes, with the places of the shared ones.
#[derive(Debug)]
pub(crate) struct Table<'t> {
    placed: Vec<Placed<'t>>,
    /// Which lie in the shared table, in this order.
    order: Vec<usize>,
    size: usize,
}

/// The attributes of an inode: the places of the shared ones in bytes, and those that lie behind the inode.
type Area<'a, 't> = (Vec<usize>, Vec<&'a Attribute<'t>>);

impl<'t> Table<'t> {
    /// Bytes of the shared table.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Writes the shared table.
    pub(crate) fn append(&self, image: &mut Vec<u8>) {
        for &id in &self.order {
            self.placed[id].attribute.append(image);
        }
    }

    fn area(&self, ids: &[AttributeId]) -> Area<'_, 't> {
        let (mut shared, mut own) = (Vec::new(), Vec::new());
        for placed in ids.iter().map(|id| &self.placed[id.0]) {
            match placed.shared {
                Some(place) if shared.len() < MAX_SHARED => shared.push(place),
                _ => own.push(&placed.attribute),
            }
        }
        (shared, own)
    }

    /// Bytes that the attributes of an inode take behind it.
    pub(crate) fn area_size(&self, ids: &[AttributeId]) -> usize {
        if ids.is_empty() {
            return 0;
        }
        let (shared, own) = self.area(ids);
        XATTR_HEADER_SIZE + shared.len() * XATTR_ENTRY_SIZE + own.into_iter().map(Attribute::size).sum::<usize>()
    }

    /// Writes the attributes of an inode; the shared table begins at byte `table` of the image.
    pub(crate) fn append_area(&self, image: &mut Vec<u8>, ids: &[AttributeId], table: usize) {
        if ids.is_empty() {
            return;
        }
        let (shared, own) = self.area(ids);
        let filter = ids.iter().fold(u32::MAX, |filter, id| filter & !self.placed[id.0].filter_bit);
        image.extend(filter.to_le_bytes());
        // `area` gives no more than 128.
        image.push(u8::try_from(shared.len()).expect("at most 128"));
        image.extend([0; 7]);
        for place in shared {
            // `place` let no larger table in.
            let id = u32::try_from((table % BLOCK + place) / XATTR_ENTRY_SIZE).expect("the table was checked");
            image.extend(id.to_le_bytes());
        }
        for attribute in own {
            attribute.append(image);
        }
    }
}
