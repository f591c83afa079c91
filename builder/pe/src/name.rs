//! Names of certificates' subjects and issuers.

use std::fmt;

use crate::der::{DerError, Element, tag};
use crate::oid;

/// A distinguished name. RFC 5280, section 4.1.2.4.
///
/// Shown in its order: `C=US, O=Microsoft Corporation, CN=Microsoft UEFI CA 2023`, with `\` before what would be
/// ambiguous, and control characters escaped. Two names are equal where OpenSSL would find them so: letters' case, the
/// amount of white space and the kind of string make no difference.
#[derive(Debug, Clone)]
pub struct Name {
    text: String,
    common_name: Option<String>,
    /// Type and folded value of each attribute, by the set that it is in.
    folded: Vec<Vec<(Vec<u8>, String)>>,
}

impl Name {
    pub(crate) fn read(sequence: &Element<'_>) -> Result<Self, DerError> {
        let mut name = Self { text: String::new(), common_name: None, folded: Vec::new() };
        let mut sets = sequence.inside();
        while !sets.is_empty() {
            let set = sets.expect(tag::SET, "a part of a name")?;
            let mut attributes = set.inside();
            let mut folded = Vec::new();
            while !attributes.is_empty() {
                let attribute = attributes.expect(tag::SEQUENCE, "an attribute of a name")?;
                let mut inside = attribute.inside();
                let kind = inside.expect(tag::OBJECT_IDENTIFIER, "the type of a name's attribute")?.body;
                let value = decoded(&inside.element("the value of a name's attribute")?);
                inside.end("an attribute of a name")?;
                name.text.push_str(match (name.text.is_empty(), folded.is_empty()) {
                    (true, _) => "",
                    (_, true) => ", ",
                    (_, false) => "+",
                });
                name.text.push_str(&oid::name(kind));
                name.text.push('=');
                escape(&value, &mut name.text);
                if kind == oid::COMMON_NAME {
                    let mut shown = String::new();
                    escape(&value, &mut shown);
                    name.common_name = Some(shown);
                }
                folded.push((kind.to_vec(), fold(&value)));
            }
            name.folded.push(folded);
        }
        Ok(name)
    }

    /// The whole name.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its `CN` where it has one, which is what people call it.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The common name, or the whole name where there is none.
    #[must_use]
    pub fn short(&self) -> &str {
        self.common_name().unwrap_or(&self.text)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text of a string, whatever kind it is of; what is none in it becomes U+FFFD.
fn decoded(value: &Element<'_>) -> String {
    match value.tag {
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING | tag::VISIBLE_STRING => {
            String::from_utf8_lossy(value.body).into_owned()
        }
        // As everybody reads it, whatever the standard says.
        tag::TELETEX_STRING => value.body.iter().copied().map(char::from).collect(),
        tag::BMP_STRING => {
            let (units, _) = value.body.as_chunks::<2>();
            char::decode_utf16(units.iter().map(|unit| u16::from_be_bytes(*unit)))
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        _ => format!("#{}", crate::digest::hexadecimal(value.whole)),
    }
}

fn escape(value: &str, text: &mut String) {
    for character in value.chars() {
        if character.is_control() || is_invisible(character) {
            text.extend(character.escape_default());
        } else {
            if matches!(character, ',' | '+' | '\\' | '=') {
                text.push('\\');
            }
            text.push(character);
        }
    }
}

/// Characters that turn around or hide what stands beside them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn fold(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::Reader;

    fn attribute(kind: u8, tag: u8, value: &[u8]) -> Vec<u8> {
        let inside = [&[6, 3, 0x55, 4, kind, tag, u8::try_from(value.len()).unwrap()][..], value].concat();
        [&[0x30, u8::try_from(inside.len()).unwrap()][..], inside.as_slice()].concat()
    }

    fn name(sets: &[Vec<u8>]) -> Name {
        let sets = sets.iter().map(|set| [&[0x31, u8::try_from(set.len()).unwrap()][..], set.as_slice()].concat());
        let inside = sets.collect::<Vec<_>>().concat();
        let bytes = [&[0x30, u8::try_from(inside.len()).unwrap()][..], inside.as_slice()].concat();
        Name::read(&Reader::new(&bytes).element("a name").unwrap()).unwrap()
    }

    #[test]
    fn names_are_shown_in_their_order() {
        let shown = name(&[
            attribute(6, tag::PRINTABLE_STRING, b"DE"),
            [attribute(10, tag::UTF8_STRING, b"A, B"), attribute(11, tag::BMP_STRING, &[0, b'x', 0x26, 0x03])].concat(),
            attribute(3, tag::TELETEX_STRING, b"M\xfcller\x1b[2J"),
        ]);
        assert_eq!(shown.text(), r"C=DE, O=A\, B+OU=x☃, CN=Müller\u{1b}[2J");
        assert_eq!(shown.short(), r"Müller\u{1b}[2J");
        assert_eq!(name(&[]).short(), "");
        assert_eq!(name(&[attribute(10, 5, b"")]).short(), "O=#0500");
    }

    #[test]
    fn case_space_and_kind_make_no_difference() {
        let ours = name(&[attribute(3, tag::PRINTABLE_STRING, b"Debian  Secure Boot CA")]);
        for (other, equal) in [
            (attribute(3, tag::UTF8_STRING, b" debian secure boot ca "), true),
            (attribute(10, tag::PRINTABLE_STRING, b"Debian Secure Boot CA"), false),
            (attribute(3, tag::PRINTABLE_STRING, b"DebianSecure Boot CA"), false),
        ] {
            assert_eq!(ours == name(&[other]), equal);
        }
        let parts = [attribute(3, tag::UTF8_STRING, b"a"), attribute(10, tag::UTF8_STRING, b"b")];
        assert_ne!(name(&parts), name(&[parts.concat()]));
    }
}
