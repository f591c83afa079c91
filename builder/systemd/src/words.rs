//! Words of a line: quotes and backslashes.
//!
//! Source: systemd.syntax(7), "Quoting"; the table of escapes is in the same place.

use crate::lines::{WHITESPACE, skip_space};

/// What a backslash does outside and inside of quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backslash {
    /// It makes the next byte an ordinary one.
    Literal,
    /// It begins an escape of C; what is none is an error.
    Escape,
    /// It begins an escape of C; what is none stays as it is, backslash included, and is told.
    Lenient,
}

/// A line that does not split into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WordError {
    /// A quote without its end, or a backslash at the end of the line.
    #[error("Invalid argument")]
    Unbalanced,
    /// A backslash and what makes no escape.
    #[error("Invalid argument")]
    Escape,
}

/// A word, and whether escapes in it were unknown and kept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: Vec<u8>,
    pub(crate) unknown_escapes: bool,
}

/// The words of a line, taken one by one.
pub(crate) struct Words<'a> {
    rest: &'a [u8],
    backslash: Backslash,
}

impl<'a> Words<'a> {
    pub(crate) fn new(line: &'a [u8], backslash: Backslash) -> Self {
        Self { rest: line, backslash }
    }

    /// What follows the last word, without the whitespace between the two.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next word; `None` at the end of the line. An error ends the line.
    pub(crate) fn next_word(&mut self) -> Result<Option<Word>, WordError> {
        let mut rest = skip_space(self.rest);
        // An error leaves nothing to go on with.
        self.rest = b"";
        if rest.is_empty() {
            return Ok(None);
        }
        let mut word = Word { text: Vec::new(), unknown_escapes: false };
        let mut quote = None;
        while let Some((&byte, behind)) = rest.split_first() {
            rest = behind;
            match quote {
                Some(end) if byte == end => quote = None,
                _ if byte == b'\\' => {
                    rest = self.escaped(rest, quote.is_some(), &mut word)?;
                }
                None if byte == b'"' || byte == b'\'' => quote = Some(byte),
                None if WHITESPACE.contains(&byte) => {
                    self.rest = skip_space(rest);
                    return Ok(Some(word));
                }
                _ => word.text.push(byte),
            }
        }
        if quote.is_some() { Err(WordError::Unbalanced) } else { Ok(Some(word)) }
    }

    /// Takes what stands behind a backslash, gives what is left.
    fn escaped(&self, rest: &'a [u8], quoted: bool, word: &mut Word) -> Result<&'a [u8], WordError> {
        let Some((&byte, behind)) = rest.split_first() else {
            if self.backslash == Backslash::Lenient && !quoted {
                word.text.push(b'\\');
                return Ok(rest);
            }
            return Err(WordError::Unbalanced);
        };
        match self.backslash {
            Backslash::Literal => {
                word.text.push(byte);
                Ok(behind)
            }
            Backslash::Escape => escape(rest, &mut word.text).ok_or(WordError::Escape),
            Backslash::Lenient => Ok(match escape(rest, &mut word.text) {
                Some(behind) => behind,
                None => {
                    word.unknown_escapes = true;
                    word.text.extend_from_slice(&[b'\\', byte]);
                    behind
                }
            }),
        }
    }
}

/// Undoes all escapes of a text; `None` where one is unknown.
pub(crate) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = if byte == b'\\' {
            escape(behind, &mut out)?
        } else {
            out.push(byte);
            behind
        };
    }
    Some(out)
}

/// Undoes the escape whose backslash stands before `rest`; gives what is left. NUL cannot be written in any form.
fn escape<'a>(rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    let (&byte, behind) = rest.split_first()?;
    let simple = match byte {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' | b'"' | b'\'' => byte,
        b's' => b' ',
        b'x' => {
            let (value, behind) = number(behind, 2, 16)?;
            out.push(u8::try_from(value).ok().filter(|&value| value != 0)?);
            return Some(behind);
        }
        b'u' | b'U' => {
            let (value, behind) = number(behind, if byte == b'u' { 4 } else { 8 }, 16)?;
            let c = char::from_u32(value).filter(|&c| c != '\0')?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(behind);
        }
        b'0'..=b'7' => {
            let (value, behind) = number(rest, 3, 8)?;
            out.push(u8::try_from(value).ok().filter(|&value| value != 0)?);
            return Some(behind);
        }
        _ => return None,
    };
    out.push(simple);
    Some(behind)
}

/// A number of just so many digits, 8 at most.
fn number(text: &[u8], digits: usize, radix: u32) -> Option<(u32, &[u8])> {
    let (number, behind) = text.split_at_checked(digits)?;
    let mut value = 0_u32;
    for &byte in number {
        value = value.checked_mul(radix)?.checked_add(char::from(byte).to_digit(radix)?)?;
    }
    Some((value, behind))
}

#[cfg(test)]
mod tests {
    use super::{Backslash, WordError, Words, unescape};

    fn split(line: &[u8], backslash: Backslash) -> Result<Vec<Vec<u8>>, WordError> {
        let mut words = Words::new(line, backslash);
        let mut all = Vec::new();
        while let Some(word) = words.next_word()? {
            all.push(word.text);
        }
        Ok(all)
    }

    #[test]
    fn quotes_hold_words_together_and_vanish() {
        let rows: [(&[u8], &[&[u8]]); 6] = [
            (b"  a\tb  ", &[b"a", b"b"]),
            (b"a\"b c\"d 'e\"f'", &[b"ab cd", b"e\"f"]),
            (b"\"\" ''", &[b"", b""]),
            (b"a\\ b", &[b"a b"]),
            (b"\"a\\\"b\" 'c\\'d'", &[b"a\"b", b"c'd"]),
            (b"", &[]),
        ];
        for (line, expected) in rows {
            assert_eq!(split(line, Backslash::Literal).unwrap(), expected, "{}", line.escape_ascii());
        }
        for line in [&b"'a"[..], b"a\"b c", b"a\\", b"\"a\\"] {
            assert_eq!(split(line, Backslash::Literal), Err(WordError::Unbalanced), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn escapes_are_those_of_c() {
        let rows: [(&[u8], Option<&[u8]>); 18] = [
            (b"\\x41\\101\\u00e4\\U0001F600", Some("AAä😀".as_bytes())),
            (b"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\\'\\s", Some(b"\x07\x08\x0c\n\r\t\x0b\\\"' ")),
            (b"\\xff\\377", Some(b"\xff\xff")),
            (b"\\q", None),
            (b"\\x4", None),
            (b"\\x4g", None),
            (b"\\x00", None),
            (b"\\000", None),
            (b"\\400", None),
            (b"\\18", None),
            (b"\\u0000", None),
            (b"\\ud800", None),
            (b"\\U00110000", None),
            (b"\\Uffffffff", None),
            (b"\\u12", None),
            (b"a\\", None),
            (b"\\ ", None),
            (b"plain", Some(b"plain")),
        ];
        for (text, expected) in rows {
            assert_eq!(unescape(text).as_deref(), expected, "{}", text.escape_ascii());
        }
        assert_eq!(split(b"a\\x20b \\q", Backslash::Escape), Err(WordError::Escape));
        assert_eq!(split(b"a\\x20b \\q\\", Backslash::Lenient).unwrap(), [b"a b".to_vec(), b"\\q\\".to_vec()]);
    }

    #[test]
    fn the_rest_begins_behind_the_whitespace() {
        let mut words = Words::new(b"one   two  'three", Backslash::Literal);
        words.next_word().unwrap();
        assert_eq!(words.rest(), b"two  'three");
    }
}
