//! Certificates in text form. RFC 7468.

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Why a text holds no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PemFault {
    /// It begins and does not end.
    Unfinished,
    /// Something that is no digit of Base64.
    Character,
}

/// Whether some bytes are a text with certificates in it.
pub(crate) fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.contains(BEGIN))
}

/// The bytes of the certificates in a text; what stands between them is left out.
pub(crate) fn certificates(text: &str) -> impl Iterator<Item = Result<Vec<u8>, PemFault>> {
    text.split(BEGIN).skip(1).map(|rest| {
        let (body, _) = rest.split_once(END).ok_or(PemFault::Unfinished)?;
        decode(body).ok_or(PemFault::Character)
    })
}

/// RFC 4648, section 4.
fn decode(body: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3);
    let (mut group, mut digits) = (0_u32, 0);
    let mut characters = body.bytes().filter(|byte| !byte.is_ascii_whitespace());
    for character in characters.by_ref() {
        let digit = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        group = group << 6 | u32::from(digit);
        digits += 1;
        if digits == 4 {
            let [_, first, second, third] = group.to_be_bytes();
            bytes.extend([first, second, third]);
            (group, digits) = (0, 0);
        }
    }
    // The digits of the last group are in its lower bits; those that no byte needs are zero or ignored.
    match digits {
        0 => {}
        2 => bytes.extend([(group >> 4).to_be_bytes()[3]]),
        3 => bytes.extend_from_slice(&(group >> 2).to_be_bytes()[2..]),
        _ => return None,
    }
    characters.all(|character| character == b'=').then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        for (text, bytes) in [
            ("", Some("")),
            ("Zg==", Some("f")),
            ("Zm8=", Some("fo")),
            ("Zm9v", Some("foo")),
            (" Zm9v\r\nYmFy\n", Some("foobar")),
            ("Zm8", Some("fo")),
            ("Zm9vY", None),
            ("Zm9v=Y", None),
            ("Zm9*", None),
            ("Zm9\u{e9}", None),
        ] {
            assert_eq!(decode(text).as_deref(), bytes.map(str::as_bytes), "{text:?}");
        }
    }

    #[test]
    fn certificates_are_found_in_a_text() {
        let one = format!("subject=x\n{BEGIN}\nZm9v\n{END}\n");
        let two = format!("{one}{one}");
        let found: Vec<_> = certificates(&two).collect();
        assert_eq!(found, [Ok(b"foo".to_vec()), Ok(b"foo".to_vec())]);
        assert!(text(one.as_bytes()).is_some());
        assert!(text(b"\xff").is_none() && text(b"Zm9v").is_none());
        assert_eq!(certificates(BEGIN).collect::<Vec<_>>(), [Err(PemFault::Unfinished)]);
        assert_eq!(certificates(&format!("{BEGIN}!{END}")).collect::<Vec<_>>(), [Err(PemFault::Character)]);
    }
}
