//! Records: the values of a row.
//!
//! Source: "Database File Format" of SQLite, section 2.1.

use super::SqliteError;

/// A value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Also for the column that is the row's number, and for those that were added when the row was there already.
    Null,
    /// A number.
    Int(i64),
    /// A number with a fraction; which does not matter here.
    Real,
    /// Bytes.
    Blob(&'a [u8]),
    /// Text in the encoding of the database.
    Text(&'a [u8]),
}

/// Value `index` (from 0 on) of `record`.
///
/// # Errors
/// [`SqliteError::Record`] where the record ends before the value or has a reserved type.
pub(crate) fn column(record: &[u8], index: usize) -> Result<Value<'_>, SqliteError> {
    let error = |problem| SqliteError::Record { problem };
    let (header_length, varint_length) = varint(record).ok_or(error("has no header"))?;
    let header = usize::try_from(header_length).ok().and_then(|end| record.split_at_checked(end));
    let (header, mut values) = header.ok_or(error("has a header longer than itself"))?;
    let mut types = header.get(varint_length..).ok_or(error("has a header shorter than its own length"))?;
    for at in 0.. {
        if types.is_empty() {
            break;
        }
        let kind = take_varint(&mut types).ok_or(error("has a header that ends in a type"))?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return Err(error("has a value of a reserved type")),
            _ => (kind - 12) / 2,
        };
        let value = usize::try_from(length).ok().and_then(|length| values.split_at_checked(length));
        let (value, rest) = value.ok_or(error("ends before its values do"))?;
        if at == index {
            return Ok(match kind {
                0 => Value::Null,
                1..=6 => Value::Int(integer(value)),
                7 => Value::Real,
                8 => Value::Int(0),
                9 => Value::Int(1),
                _ if kind % 2 == 0 => Value::Blob(value),
                _ => Value::Text(value),
            });
        }
        values = rest;
    }
    Ok(Value::Null)
}

/// A big-endian number of two's complement, of 1 to 8 bytes.
fn integer(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|&byte| byte >= 0x80);
    let start = if negative { -1 } else { 0 };
    bytes.iter().fold(start, |value, &byte| (value << 8) | i64::from(byte))
}

/// The number at the start of `bytes`, and its length in bytes: up to eight of 7 bits, the high ones first, each but
/// the last with its top bit set; a ninth has 8 bits.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(8).enumerate() {
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, index + 1));
        }
    }
    Some(((value << 8) | u64::from(*bytes.get(8)?), 9))
}

/// Takes the number off the start of `bytes`.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (value, length) = varint(bytes)?;
    *bytes = &bytes[length..];
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::{Value, column, varint};

    #[test]
    fn numbers_have_one_to_nine_bytes() {
        for (bytes, expected) in [
            (&[0x05][..], Some((5, 1))),
            (&[0x81, 0x00, 0xff], Some((128, 2))),
            (&[0xff; 9], Some((u64::MAX, 9))),
            (&[0x80; 10], Some((0x80, 9))),
            (&[0xff; 8], None),
            (&[], None),
        ] {
            assert_eq!(varint(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn values_of_all_types_are_found() {
        let record = [
            &[12, 0, 1, 2, 4, 6, 7, 8, 9, 15, 16, 12][..],
            &[0xff],
            &[0x01, 0x00],
            &[0x80, 0, 0, 0],
            &[0x7f, 255, 255, 255, 255, 255, 255, 255],
            &[0; 8],
            b"t",
            b"bb",
        ]
        .concat();
        for (index, expected) in [
            Value::Null,
            Value::Int(-1),
            Value::Int(256),
            Value::Int(-(1 << 31)),
            Value::Int(i64::MAX),
            Value::Real,
            Value::Int(0),
            Value::Int(1),
            Value::Text(b"t"),
            Value::Blob(b"bb"),
            Value::Blob(b""),
            // A column that was added later.
            Value::Null,
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(column(&record, index).unwrap(), expected, "{index}");
        }
    }

    #[test]
    fn hostile_records_are_refused() {
        for record in [
            &[][..],
            &[9, 1],
            &[0, 1],
            &[0xff; 9],
            &[2, 10],
            &[2, 0x80],
            &[2, 1],
            &[3, 0x81, 0x00, 1],
            &[10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(column(record, 0).is_err(), "{record:?}");
        }
    }
}
