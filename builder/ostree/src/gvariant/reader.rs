//! Cutting containers into their members (GLib, "GVariant Specification", 2.3 and 2.4).
//!
//! Every bound is checked; normal form is not. Whoever reads puts the members together again and compares.

/// How a member of a tuple lies in its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Member {
    /// Of a fixed size in bytes, which is also its alignment.
    Fixed(usize),
    /// Of any size, with this alignment in bytes.
    Variable(usize),
}

/// The members of a tuple or dictionary entry; `None` where its framing leads outside.
pub(crate) fn tuple<const N: usize>(bytes: &[u8], members: [Member; N]) -> Option<[&[u8]; N]> {
    let size = offset_size(bytes.len());
    let variable = |member: &Member| matches!(member, Member::Variable(_));
    // A last member's end is that of what precedes the offsets.
    let recorded = members.split_last().map_or(0, |(_, rest)| rest.iter().filter(|member| variable(member)).count());
    let body = bytes.get(..bytes.len().checked_sub(recorded.checked_mul(size)?)?)?;
    let mut ends = bytes[body.len()..].rchunks_exact(size);
    let mut cut = [&[][..]; N];
    let mut at = 0_usize;
    for (index, (member, cut)) in members.iter().zip(&mut cut).enumerate() {
        let (start, end) = match member {
            Member::Fixed(size) => {
                let start = at.checked_next_multiple_of(*size)?;
                (start, start.checked_add(*size)?)
            }
            Member::Variable(alignment) => {
                let end = if index + 1 == N { body.len() } else { number(ends.next()?)? };
                // An empty member needs no padding ahead of it that would lie behind the end.
                (at.checked_next_multiple_of(*alignment)?, end)
            }
        };
        *cut = body.get(start..end)?;
        at = end;
    }
    Some(cut)
}

/// The elements of an array whose elements have no fixed size; `None` where its framing leads outside.
pub(crate) fn array(bytes: &[u8], alignment: usize) -> Option<Vec<&[u8]>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let size = offset_size(bytes.len());
    let last = bytes.len().checked_sub(size)?;
    let (body, ends) = bytes.split_at_checked(number(&bytes[last..])?)?;
    if ends.is_empty() || ends.len() % size != 0 {
        return None;
    }
    let mut elements = Vec::new();
    let mut at = 0_usize;
    for end in ends.chunks_exact(size) {
        let end = number(end)?;
        elements.push(body.get(at.checked_next_multiple_of(alignment)?..end)?);
        at = end;
    }
    Some(elements)
}

/// A string, or the name of an extended attribute, without the zero at its end.
pub(crate) fn text(bytes: &[u8]) -> Option<&[u8]> {
    let (end, text) = bytes.split_last()?;
    (*end == 0 && !text.contains(&0)).then_some(text)
}

/// Bytes of a framing offset in a container of this length.
fn offset_size(length: usize) -> usize {
    match length {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ if u32::try_from(length).is_ok() => 4,
        _ => 8,
    }
}

/// A framing offset: 1 to 8 bytes, little-endian.
fn number(bytes: &[u8]) -> Option<usize> {
    let mut wide = [0; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    usize::try_from(u64::from_le_bytes(wide)).ok()
}

#[cfg(test)]
mod tests {
    use super::{Member, array, text, tuple};
    use crate::gvariant::{Array, Tuple};

    #[test]
    fn what_was_put_together_comes_apart_again() {
        // The sizes at which framing offsets grow to two and to four bytes.
        for length in [0, 1, 5, 200, 246, 247, 248, 249, 250, 260, 65_520, 65_526, 65_530, 70_000] {
            let long = vec![7; length];
            let bytes = Tuple::default()
                .variable(8, b"ab")
                .fixed(4, &[1, 2, 3, 4])
                .variable(1, &long)
                .variable(1, b"")
                .fixed(8, &[9; 8])
                .variable(1, b"end")
                .finish();
            let members =
                [Member::Variable(8), Member::Fixed(4), Member::Variable(1), Member::Variable(1), Member::Fixed(8)];
            let [a, b, c, d, e, f] =
                tuple(&bytes, [members[0], members[1], members[2], members[3], members[4], Member::Variable(1)])
                    .unwrap();
            assert_eq!((a, b, d, e, f), (&b"ab"[..], &[1, 2, 3, 4][..], &b""[..], &[9; 8][..], &b"end"[..]));
            assert_eq!(c, long);

            let mut made = Array::default();
            for element in [&long[..], b"x", b"", b"yz"] {
                made.push(8, element);
            }
            // An empty element behind padding begins where its end says.
            let made = made.finish();
            assert_eq!(array(&made, 8).unwrap(), [&long[..], b"x", b"", b"yz"], "{length}");
        }
        assert_eq!(array(b"", 1), Some(Vec::new()));
    }

    #[test]
    fn framing_that_leads_outside_is_none() {
        for bytes in [&[1, 9][..], &[5], &[1, 2, 3, 4, 5], &[b'a', b'b', 3, 2], &[b'a', 9, 1]] {
            assert_eq!(array(bytes, 1), None, "{bytes:?}");
        }
        for bytes in [&[][..], &[9], &[b'a', 5]] {
            assert_eq!(tuple(bytes, [Member::Variable(1), Member::Variable(1)]), None, "{bytes:?}");
        }
        assert_eq!(tuple(&[0; 3], [Member::Fixed(4)]), None);
        assert_eq!(
            (text(b"a\0"), text(b"\0"), text(b""), text(b"a"), text(b"a\0b\0")),
            (Some(&b"a"[..]), Some(&b""[..]), None, None, None)
        );
    }

    #[test]
    fn no_bytes_make_it_panic() {
        // All arrays of up to three bytes, and long ones with every last offset.
        for number in 0..(1_u32 << 24) {
            if number.is_multiple_of(97) {
                let bytes = number.to_le_bytes();
                for length in 1..=3 {
                    let _ = array(&bytes[..length], 8);
                    let _ = tuple(&bytes[..length], [Member::Variable(8), Member::Fixed(8), Member::Variable(1)]);
                }
            }
        }
        for end in 0..=u16::MAX {
            let mut bytes = vec![0xff; 300];
            bytes[298..].copy_from_slice(&end.to_le_bytes());
            let _ = array(&bytes, 8);
            let _ = tuple(&bytes, [Member::Variable(8), Member::Variable(1), Member::Variable(1)]);
        }
    }
}
