//! GVariant serialisation, as far as ostree's objects need it (spec 2.1; GLib, "GVariant Specification").
//!
//! Framing offsets are always little-endian. Numbers inside are big-endian because ostree swaps them before it
//! packs them, so callers hand in the bytes.

pub(crate) mod reader;

use builder_tree::Xattrs;

/// A value of a commit's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variant {
    /// A string (`s`).
    Text(String),
    /// A byte array (`ay`).
    Bytes(Vec<u8>),
}

impl Variant {
    /// The value as the contents of a `v`: bytes, a zero, the type.
    fn boxed(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => [text.as_bytes(), b"\0\0s"].concat(),
            Self::Bytes(bytes) => [bytes, b"\0ay".as_slice()].concat(),
        }
    }
}

impl From<&str> for Variant {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Variant {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// A tuple or dictionary entry on its way into bytes; its members' alignments are in bytes.
#[derive(Default)]
pub(crate) struct Tuple {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    ends_with_variable: bool,
}

impl Tuple {
    /// Appends a member whose type has a fixed size.
    pub(crate) fn fixed(mut self, alignment: usize, member: &[u8]) -> Self {
        append(&mut self.bytes, alignment, member);
        self.ends_with_variable = false;
        self
    }

    /// Appends a member whose type has no fixed size.
    pub(crate) fn variable(mut self, alignment: usize, member: &[u8]) -> Self {
        append(&mut self.bytes, alignment, member);
        self.ends.push(self.bytes.len());
        self.ends_with_variable = true;
        self
    }

    /// The tuple: ends of all variable members but a last one, the last of them first.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.ends_with_variable {
            self.ends.pop();
        }
        self.ends.reverse();
        frame(self.bytes, &self.ends)
    }
}

/// An array of elements without a fixed size on its way into bytes.
#[derive(Default)]
pub(crate) struct Array {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Array {
    /// Appends an element.
    pub(crate) fn push(&mut self, alignment: usize, element: &[u8]) {
        append(&mut self.bytes, alignment, element);
        self.ends.push(self.bytes.len());
    }

    /// The array: the ends of all elements in order.
    pub(crate) fn finish(self) -> Vec<u8> {
        frame(self.bytes, &self.ends)
    }
}

/// Pads with zeros to `alignment`, counted from the start of the container, and appends `member`.
fn append(bytes: &mut Vec<u8>, alignment: usize, member: &[u8]) {
    bytes.resize(bytes.len().next_multiple_of(alignment), 0);
    bytes.extend_from_slice(member);
}

/// Appends the framing offsets in the smallest size with which the whole container, offsets included, stays
/// addressable.
fn frame(mut bytes: Vec<u8>, ends: &[usize]) -> Vec<u8> {
    let size = [(1, 0xff), (2, 0xffff), (4, 0xffff_ffff)]
        .into_iter()
        .find(|&(size, limit)| bytes.len() + ends.len() * size <= limit)
        .map_or(8, |(size, _)| size);
    bytes.reserve_exact(ends.len() * size);
    for end in ends {
        bytes.extend_from_slice(&end.to_le_bytes()[..size]);
    }
    bytes
}

/// A string (`s`), or an extended attribute's name: the bytes and a zero.
pub(crate) fn terminated(text: &[u8]) -> Vec<u8> {
    [text, b"\0"].concat()
}

/// `a(ayay)`: names with their terminating zero, values as they are, sorted by name as the map is.
pub(crate) fn xattrs(xattrs: &Xattrs) -> Vec<u8> {
    let mut array = Array::default();
    for (name, value) in xattrs {
        array.push(1, &Tuple::default().variable(1, &terminated(name)).variable(1, value).finish());
    }
    array.finish()
}

/// `a{sv}`, in the order given.
pub(crate) fn dictionary(entries: &[(String, Variant)]) -> Vec<u8> {
    let mut array = Array::default();
    for (key, value) in entries {
        let entry = Tuple::default().variable(1, &terminated(key.as_bytes())).variable(8, &value.boxed());
        array.push(8, &entry.finish());
    }
    array.finish()
}

#[cfg(test)]
mod tests {
    use super::{Array, Tuple, frame};

    #[test]
    fn offsets_grow_when_they_no_longer_fit_themselves() {
        // Spec 2.1: 250 + 5 one-byte offsets is 255 and stays; 251 + 5 does not.
        for (body, ends, size) in [
            (250_usize, 5_usize, 1_usize),
            (251, 5, 2),
            (254, 1, 1),
            (255, 1, 2),
            (65_525, 5, 2),
            (65_526, 5, 4),
            (70_000, 1, 4),
            (300, 0, 1),
        ] {
            assert_eq!(frame(vec![0; body], &vec![7; ends]).len(), body + ends * size, "{body} {ends}");
        }
    }

    #[test]
    fn empty_containers_are_as_short_as_they_get() {
        assert!(Array::default().finish().is_empty());
        assert_eq!(Tuple::default().variable(1, b"").variable(1, b"").finish(), [0]);
    }
}
