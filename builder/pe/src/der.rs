//! ASN.1 in DER, as far as certificates and signatures need it.
//!
//! A reader of our own, since what is signed is bytes: the elements stay slices of what was read, and nothing is
//! encoded again. X.690; only tags of one byte and definite lengths, which is all that DER has here. Nothing recurses.

/// The tags in use. X.690, section 8.1.2, with the bit for "constructed".
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0c;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const TELETEX_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const VISIBLE_STRING: u8 = 0x1a;
    pub(crate) const BMP_STRING: u8 = 0x1e;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;
    /// Context-specific and primitive.
    pub(crate) const PLAIN_1: u8 = 0x81;
    /// Context-specific and primitive.
    pub(crate) const PLAIN_2: u8 = 0x82;
    /// Context-specific and constructed.
    pub(crate) const CONTEXT_0: u8 = 0xa0;
    /// Context-specific and constructed.
    pub(crate) const CONTEXT_1: u8 = 0xa1;
    /// Context-specific and constructed.
    pub(crate) const CONTEXT_3: u8 = 0xa3;
}

/// Why a certificate or signature is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}, {offset} bytes from its begin: {fault}")]
pub struct DerError {
    /// What was read.
    pub what: &'static str,
    /// Where, counted from the begin of the certificate or signature.
    pub offset: u64,
    /// What is wrong with it.
    pub fault: DerFault,
}

/// What is wrong with a piece of DER.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DerFault {
    /// It ends too early.
    #[error("{missing} bytes are missing")]
    Short {
        /// At least so many.
        missing: u64,
    },
    /// Something else is there.
    #[error("its tag is {found:#04x}, expected {expected:#04x}")]
    Tag {
        /// The tag that should be there.
        expected: u8,
        /// The tag that is.
        found: u8,
    },
    /// A length that DER does not have, or of more than 4 GiB.
    #[error("its length is in a form that DER does not have")]
    Length,
    /// Something follows that does not belong there.
    #[error("{bytes} bytes too many follow")]
    Trailing {
        /// How many.
        bytes: u64,
    },
    /// A value that is none.
    #[error("{0}")]
    Value(&'static str),
}

/// One element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    /// With tag and length.
    pub(crate) whole: &'a [u8],
    pub(crate) body: &'a [u8],
    what: &'static str,
    /// Where `whole` begins.
    offset: usize,
}

impl<'a> Element<'a> {
    /// Reads what is inside of it.
    pub(crate) fn inside(&self) -> Reader<'a> {
        Reader { rest: self.body, offset: self.offset + (self.whole.len() - self.body.len()) }
    }

    /// Offset of `whole` in what the first reader read.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The error that its value is not one.
    pub(crate) fn fault(&self, text: &'static str) -> DerError {
        DerError { what: self.what, offset: self.offset as u64, fault: DerFault::Value(text) }
    }

    /// The value of a bit string of whole bytes.
    pub(crate) fn bits(&self) -> Result<&'a [u8], DerError> {
        match self.body {
            [0, bytes @ ..] => Ok(bytes),
            _ => Err(self.fault("it is a string of bits that are no whole bytes")),
        }
    }

    /// The value of an integer that is not negative, big-endian and without zeros before it.
    pub(crate) fn unsigned(&self) -> Result<&'a [u8], DerError> {
        match self.body {
            [] => Err(self.fault("it is an integer without a value")),
            [first, ..] if first & 0x80 != 0 => Err(self.fault("it is negative")),
            body => {
                let zeros = body.iter().take_while(|&&byte| byte == 0).count();
                Ok(body.get(zeros..).unwrap_or_default())
            }
        }
    }
}

/// Reads elements that follow each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn error(&self, what: &'static str, fault: DerFault) -> DerError {
        DerError { what, offset: self.offset as u64, fault }
    }

    /// The next element, whatever it is.
    pub(crate) fn element(&mut self, what: &'static str) -> Result<Element<'a>, DerError> {
        let short = |missing: usize| self.error(what, DerFault::Short { missing: missing as u64 });
        let (&tag, behind_tag) = self.rest.split_first().ok_or_else(|| short(2))?;
        if tag & 0x1f == 0x1f {
            return Err(self.error(what, DerFault::Value("its tag has more than one byte")));
        }
        let (&first, behind_first) = behind_tag.split_first().ok_or_else(|| short(1))?;
        let (length, behind_length) = match first {
            0..=0x7f => (usize::from(first), behind_first),
            0x81..=0x84 => {
                let digits = usize::from(first & 0x7f);
                let (bytes, rest) =
                    behind_first.split_at_checked(digits).ok_or_else(|| short(digits - behind_first.len()))?;
                let length = bytes.iter().fold(0_u32, |length, &byte| length << 8 | u32::from(byte));
                // Saturated it is more than there is.
                (usize::try_from(length).unwrap_or(usize::MAX), rest)
            }
            _ => return Err(self.error(what, DerFault::Length)),
        };
        let (body, rest) = behind_length.split_at_checked(length).ok_or_else(|| short(length - behind_length.len()))?;
        let whole = self.rest.get(..self.rest.len() - rest.len()).unwrap_or_default();
        let element = Element { tag, whole, body, what, offset: self.offset };
        self.offset += whole.len();
        self.rest = rest;
        Ok(element)
    }

    /// The next element, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8, what: &'static str) -> Result<Element<'a>, DerError> {
        let before = *self;
        let element = self.element(what)?;
        if element.tag != tag {
            return Err(before.error(what, DerFault::Tag { expected: tag, found: element.tag }));
        }
        Ok(element)
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8, what: &'static str) -> Result<Option<Element<'a>>, DerError> {
        if self.rest.first() == Some(&tag) { self.element(what).map(Some) } else { Ok(None) }
    }

    /// Nothing may follow.
    pub(crate) fn end(&self, what: &'static str) -> Result<(), DerError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(self.error(what, DerFault::Trailing { bytes: self.rest.len() as u64 }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_slices_of_what_was_read() {
        let bytes = [0x30, 0x06, 0x02, 0x01, 0x05, 0x04, 0x01, 0xff, 0x05, 0x00];
        let mut reader = Reader::new(&bytes);
        let sequence = reader.expect(tag::SEQUENCE, "a sequence").unwrap();
        assert_eq!((sequence.whole, sequence.body), (&bytes[..8], &bytes[2..8]));
        let mut inside = sequence.inside();
        assert_eq!(inside.optional(tag::SET, "a set").unwrap().map(|set| set.tag), None);
        assert_eq!(inside.expect(tag::INTEGER, "a number").unwrap().unsigned().unwrap(), [5]);
        let octets = inside.element("octets").unwrap();
        assert_eq!((octets.offset(), octets.body), (5, &[0xff][..]));
        inside.end("the sequence").unwrap();
        let error = reader.end("all").unwrap_err();
        assert_eq!(error.to_string(), "all, 8 bytes from its begin: 2 bytes too many follow");
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for (bytes, fault) in [
            (&[][..], DerFault::Short { missing: 2 }),
            (&[0x30], DerFault::Short { missing: 1 }),
            (&[0x30, 0x05, 1], DerFault::Short { missing: 4 }),
            (&[0x30, 0x82, 1], DerFault::Short { missing: 1 }),
            (&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], DerFault::Short { missing: 0xffff_ffff }),
            (&[0x30, 0x80, 0, 0], DerFault::Length),
            (&[0x30, 0x85, 0, 0, 0, 0, 0], DerFault::Length),
            (&[0x30, 0xff], DerFault::Length),
            (&[0x3f, 0x01, 0x00], DerFault::Value("its tag has more than one byte")),
        ] {
            assert_eq!(Reader::new(bytes).element("it").unwrap_err().fault, fault, "{bytes:?}");
        }
    }

    #[test]
    fn integers_have_a_sign() {
        for (bytes, value) in [
            (&[2, 1, 0][..], Some(&[][..])),
            (&[2, 3, 0, 0x80, 1], Some(&[0x80, 1])),
            (&[2, 1, 0x80], None),
            (&[2, 0], None),
        ] {
            let element = Reader::new(bytes).element("a number").unwrap();
            assert_eq!(element.unsigned().ok(), value, "{bytes:?}");
        }
    }
}
