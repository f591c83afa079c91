//! PAX extended headers: POSIX.1-2017, `pax`, "pax Extended Header".
//!
//! Records are read by their length, so a value may hold any byte. tar-core's iterator ends silently at a record
//! without a valid length; here that is an error, since attributes would be lost.

use std::collections::BTreeMap;

use builder_tree::{Timestamp, Xattrs};

use crate::problem::EntryProblem;

/// Largest value of an attribute that Linux takes (XATTR_SIZE_MAX).
const XATTR_VALUE_LIMIT: usize = 65_536;
/// Longest name of an attribute (XATTR_NAME_MAX).
const XATTR_NAME_LIMIT: usize = 255;
/// All names of a file's attributes, each with a NUL (XATTR_LIST_MAX).
const XATTR_LIST_LIMIT: usize = 65_536;

/// What the extended headers before an entry say.
#[derive(Debug, Default)]
pub(crate) struct Pax {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) link_path: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) mtime: Option<Timestamp>,
    /// `GNU.sparse.*`, without that prefix, in order: version 0.0 repeats keys.
    pub(crate) sparse: Vec<(Vec<u8>, Vec<u8>)>,
    schily: Xattrs,
    libarchive: Xattrs,
}

impl Pax {
    /// Adds the records of a header's body; later ones win.
    pub(crate) fn add(&mut self, body: &[u8]) -> Result<(), EntryProblem> {
        let mut at = 0;
        while at < body.len() {
            let (key, value, length) = record(&body[at..]).map_err(|reason| EntryProblem::Pax { at, reason })?;
            self.set(key, value)?;
            at += length;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), EntryProblem> {
        // "If value is zero length, it shall delete any header block field": what the plain header says counts then.
        let present = !value.is_empty();
        match key {
            b"path" => self.path = present.then(|| value.to_vec()),
            b"linkpath" => self.link_path = present.then(|| value.to_vec()),
            b"size" => self.size = present.then(|| decimal("PAX size", value)).transpose()?,
            b"uid" => self.uid = present.then(|| id("PAX uid", value)).transpose()?,
            b"gid" => self.gid = present.then(|| id("PAX gid", value)).transpose()?,
            b"mtime" => self.mtime = present.then(|| time(value)).transpose()?,
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.schily.insert(name.to_vec(), checked(name, value)?.to_vec());
                } else if let Some(name) = key.strip_prefix(b"LIBARCHIVE.xattr.") {
                    let name = percent_decoded(name);
                    let bytes = base64(value)
                        .ok_or_else(|| EntryProblem::Xattr { name: name.clone(), reason: "is not in base64" })?;
                    checked(&name, &bytes)?;
                    self.libarchive.insert(name, bytes);
                } else if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
                    self.sparse.push((key.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }

    /// The attributes; libarchive writes each in both forms, of which the raw one cannot be misread.
    pub(crate) fn take_xattrs(&mut self) -> Result<Xattrs, EntryProblem> {
        let mut xattrs: BTreeMap<_, _> = std::mem::take(&mut self.libarchive);
        xattrs.append(&mut self.schily);
        let mut list = 0;
        for name in xattrs.keys() {
            list += name.len() + 1;
            if list > XATTR_LIST_LIMIT {
                return Err(EntryProblem::Xattr {
                    name: name.clone(),
                    reason: "is one too many: the names fill 64 KiB",
                });
            }
        }
        Ok(xattrs.into())
    }
}

/// Key, value and length of the first record.
pub(crate) fn record(bytes: &[u8]) -> Result<(&[u8], &[u8], usize), &'static str> {
    let space = bytes.iter().take(20).position(|&byte| byte == b' ').ok_or("a record has no length")?;
    let length = digits(&bytes[..space]).ok_or("a record's length is no number")?;
    let length = usize::try_from(length).ok().filter(|&length| length <= bytes.len());
    let record = &bytes[..length.ok_or("a record is longer than the header")?];
    let pair = record
        .strip_suffix(b"\n")
        .and_then(|record| record.get(space + 1..))
        .ok_or("a record does not end with a newline")?;
    let equals = pair.iter().position(|&byte| byte == b'=').ok_or("a record has no equals sign")?;
    Ok((&pair[..equals], &pair[equals + 1..], record.len()))
}

fn checked<'a>(name: &[u8], value: &'a [u8]) -> Result<&'a [u8], EntryProblem> {
    let wrong = |reason| Err(EntryProblem::Xattr { name: name.iter().take(300).copied().collect(), reason });
    if name.is_empty() {
        return wrong("has no name");
    }
    if name.len() > XATTR_NAME_LIMIT {
        return wrong("has a name longer than 255 bytes");
    }
    if name.contains(&0) {
        return wrong("has a name with a NUL byte");
    }
    if value.len() > XATTR_VALUE_LIMIT {
        return wrong("is larger than 64 KiB");
    }
    Ok(value)
}

/// Decimal digits and nothing else.
fn digits(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    bytes.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

pub(crate) fn decimal(field: &'static str, value: &[u8]) -> Result<u64, EntryProblem> {
    // Sizes beyond what a file offset holds cannot be meant.
    digits(value).filter(|&number| i64::try_from(number).is_ok()).ok_or_else(|| bad(field, value))
}

fn id(field: &'static str, value: &[u8]) -> Result<u32, EntryProblem> {
    u32::try_from(decimal(field, value)?).map_err(|_| bad(field, value))
}

fn bad(field: &'static str, value: &[u8]) -> EntryProblem {
    let text = value[..value.len().min(60)].escape_ascii().to_string();
    EntryProblem::Number { field, text, reason: "no number that can be meant" }
}

/// Seconds with an optional sign and fraction; digits below nanoseconds are dropped, as Go's reader does.
fn time(value: &[u8]) -> Result<Timestamp, EntryProblem> {
    let wrong = || bad("PAX mtime", value);
    let (negative, rest) = value.strip_prefix(b"-").map_or((false, value), |rest| (true, rest));
    let mut parts = rest.splitn(2, |&byte| byte == b'.');
    let whole = parts.next().and_then(digits).and_then(|whole| i64::try_from(whole).ok()).ok_or_else(wrong)?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return Err(wrong());
    }
    let nanoseconds =
        (0..9).fold(0_u32, |value, at| value * 10 + u32::from(fraction.get(at).map_or(0, |digit| digit - b'0')));
    Ok(match (negative, nanoseconds) {
        (false, _) => Timestamp { seconds: whole, nanoseconds },
        (true, 0) => Timestamp { seconds: -whole, nanoseconds },
        (true, _) => Timestamp { seconds: -whole - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

/// `%HH` is a byte; anything else is itself (libarchive, `url_decode`).
fn percent_decoded(name: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut decoded = Vec::new();
    let mut rest = name;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%'
            && let [high, low, tail @ ..] = tail
            && let (Some(high), Some(low)) = (digit(*high), digit(*low))
        {
            decoded.push(high << 4 | low);
            rest = tail;
        } else {
            decoded.push(byte);
            rest = tail;
        }
    }
    decoded
}

/// RFC 4648 base64, with or without padding; libarchive writes it without.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|&byte| byte != b'=').map_or(0, |at| at + 1);
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for &byte in &text[..end] {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            // The mask leaves eight bits.
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use builder_tree::Timestamp;

    use super::{Pax, base64, percent_decoded, time};

    fn records(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (key, value) in pairs {
            let rest = key.len() + value.len() + 3;
            let length = (1..10).map(|n| rest + n).find(|n| n.to_string().len() + rest == *n).unwrap();
            body.extend_from_slice(&[length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat());
        }
        body
    }

    #[test]
    fn values_may_hold_any_byte() {
        let mut pax = Pax::default();
        let smuggled = b"\x01\n15 path=/etc/x\n=\0";
        pax.add(&records(&[
            (b"path", b"old"),
            (b"path", b"new\xff"),
            (b"SCHILY.xattr.security.capability", smuggled),
            (b"SCHILY.xattr.user.empty", b""),
            (b"LIBARCHIVE.xattr.user.a%20b", b"AAEC"),
            (b"LIBARCHIVE.xattr.security.capability", b"AAEC"),
            (b"comment", b"hello"),
            (b"uid", b"4000000000"),
        ]))
        .unwrap();
        let xattrs = pax.take_xattrs().unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"new\xff"[..]));
        assert_eq!(pax.uid, Some(4_000_000_000));
        assert_eq!(xattrs.len(), 3);
        assert_eq!(xattrs[&b"security.capability"[..]], smuggled);
        assert_eq!(xattrs[&b"user.empty"[..]], b"");
        assert_eq!(xattrs[&b"user.a b"[..]], [0, 1, 2]);
    }

    #[test]
    fn damaged_records_are_refused() {
        let cases: [&[u8]; 8] =
            [b"x", b"7 path=", b"99 path=a\n", b"0 a=b\n", b" a=b\n", b"-1 a=b\n", b"6 abc\n", b"11 uid=abc\n"];
        for body in cases {
            assert!(Pax::default().add(body).is_err(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn times_have_nanoseconds_and_signs() {
        for (text, seconds, nanoseconds) in [
            ("0", 0, 0),
            ("1700000000.123456789", 1_700_000_000, 123_456_789),
            ("1.5", 1, 500_000_000),
            ("1.0000000019", 1, 1),
            ("-1", -1, 0),
            ("-1.25", -2, 750_000_000),
            ("5.", 5, 0),
        ] {
            assert_eq!(time(text.as_bytes()), Ok(Timestamp { seconds, nanoseconds }), "{text}");
        }
        for text in ["", "-", ".5", "1.x", "1e3", "99999999999999999999"] {
            assert!(time(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn libarchive_s_forms_are_decoded() {
        for (text, bytes) in [("", &b""[..]), ("YQ", b"a"), ("YWI", b"ab"), ("YWJj", b"abc"), ("YQ==", b"a")] {
            assert_eq!(base64(text.as_bytes()).as_deref(), Some(bytes));
        }
        assert_eq!(base64(b"Y Q"), None);
        assert_eq!(percent_decoded(b"user.%3dx%2"), b"user.=x%2");
    }
}
