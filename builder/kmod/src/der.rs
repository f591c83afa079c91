//! As much of DER as it takes to find out who signed a module.
//!
//! Source: ITU-T X.690, section 8.1 and 10.1 (definite lengths only); RFC 5652, section 5 for `SignedData`.

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0]`, constructed: an explicit content, or the certificates of a `SignedData`.
const CONTEXT_0: u8 = 0xA0;
/// `[1]`, constructed: revocation lists of a `SignedData`.
const CONTEXT_1: u8 = 0xA1;
/// `BMPString`, whose characters have two bytes; everything else is read as UTF-8.
const BMP_STRING: u8 = 0x1E;
/// 2.5.4.3, X.520.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Takes elements off a sequence's content.
#[derive(Debug, Clone, Copy)]
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The next element: its tag and content.
    fn take(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match length {
            // An indefinite length is none in DER.
            0x80 => return None,
            0..0x80 => (usize::from(length), rest),
            _ => {
                let digits = rest.get(..usize::from(length & 0x7F)).filter(|digits| digits.len() <= 4)?;
                let length = digits.iter().fold(0_u64, |length, &digit| length << 8 | u64::from(digit));
                (usize::try_from(length).ok()?, &rest[digits.len()..])
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, which must have the tag.
    fn expect(&mut self, tag: u8) -> Option<Elements<'a>> {
        self.take().filter(|(found, _)| *found == tag).map(|(_, content)| Elements(content))
    }

    /// Takes the next element if it has the tag.
    fn skip(&mut self, tag: u8) {
        let mut ahead = *self;
        if ahead.expect(tag).is_some() {
            *self = ahead;
        }
    }
}

/// The common name of the issuer of the first signer's certificate, in a PKCS #7 message.
///
/// `None` where the message is none, or names its signer by the identifier of a key.
pub(crate) fn signer(message: &[u8]) -> Option<String> {
    let mut content_info = Elements(message).expect(SEQUENCE)?;
    content_info.expect(OBJECT_IDENTIFIER)?;
    let mut signed = content_info.expect(CONTEXT_0)?.expect(SEQUENCE)?;
    signed.expect(INTEGER)?; // version
    signed.expect(SET)?; // digestAlgorithms
    signed.expect(SEQUENCE)?; // encapContentInfo
    signed.skip(CONTEXT_0); // certificates
    signed.skip(CONTEXT_1); // crls
    let mut signer = signed.expect(SET)?.expect(SEQUENCE)?;
    signer.expect(INTEGER)?; // version
    let mut issuer = signer.expect(SEQUENCE)?.expect(SEQUENCE)?;
    while let Some(mut relative_name) = issuer.expect(SET) {
        while let Some(mut attribute) = relative_name.expect(SEQUENCE) {
            let kind = attribute.expect(OBJECT_IDENTIFIER)?;
            let (tag, value) = attribute.take()?;
            if kind.0 == COMMON_NAME && tag != BMP_STRING {
                return Some(String::from_utf8_lossy(value).into_owned());
            }
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod made {
    /// An element, with as short a length as there is.
    pub(crate) fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
        let content = contents.concat();
        let mut bytes = vec![tag];
        match u8::try_from(content.len()) {
            Ok(length @ ..0x80) => bytes.push(length),
            Ok(length) => bytes.extend([0x81, length]),
            Err(_) => {
                bytes.push(0x82);
                bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
            }
        }
        bytes.extend(content);
        bytes
    }

    /// A message whose signer's certificate is from `issuer`; `padding` more bytes are in it as a certificate.
    pub(crate) fn message(issuer: &str, padding: usize) -> Vec<u8> {
        let text = |oid: u8, text: &str| {
            let name = element(0x06, &[&[0x55, 0x04, oid]]);
            element(0x31, &[&element(0x30, &[&name, &element(0x0C, &[text.as_bytes()])])])
        };
        let names = element(0x30, &[&text(10, "Somewhere"), &text(3, issuer)]);
        let id = element(0x30, &[&names, &element(0x02, &[&[1]])]);
        let signers = element(0x31, &[&element(0x30, &[&element(0x02, &[&[1]]), &id])]);
        let certificates = element(0xA0, &[&vec![0; padding]]);
        let version = element(0x02, &[&[1]]);
        let signed = element(0x30, &[&version, &element(0x31, &[]), &element(0x30, &[]), &certificates, &signers]);
        element(0x30, &[&element(0x06, &[&[42]]), &element(0xA0, &[&signed])])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signer_is_the_common_name_of_the_issuer() {
        for padding in [0, 100, 200, 60_000] {
            assert_eq!(signer(&made::message("The key", padding)).as_deref(), Some("The key"), "{padding}");
        }
        assert_eq!(signer(b""), None);
        assert_eq!(signer(&[0x30, 0x80, 0, 0]), None);
        assert_eq!(signer(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]), None);
        assert_eq!(signer(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
    }

    proptest! {
        #[test]
        fn no_damage_makes_it_panic(at in 0..80_usize, byte: u8, cut in 0..120_usize) {
            let mut message = made::message("The key", 3);
            let at = at.min(message.len() - 1);
            message[at] = byte;
            message.truncate(cut);
            let _ = signer(&message);
        }
    }
}
