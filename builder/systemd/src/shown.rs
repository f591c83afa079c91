//! Bytes of a file in a message.

use std::fmt;

/// Bytes for people: text as it is, with `\xHH` for what is not printable UTF-8. Long ones are cut.
pub(crate) struct Shown<'a>(pub(crate) &'a [u8]);

/// Most bytes of a value that a message repeats.
const SHOWN_LIMIT: usize = 512;

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = self.0.len() > SHOWN_LIMIT;
        let bytes = if cut { &self.0[..SHOWN_LIMIT] } else { self.0 };
        for chunk in bytes.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() {
                    let mut encoded = [0; 4];
                    for byte in c.encode_utf8(&mut encoded).bytes() {
                        write!(f, "\\x{byte:02x}")?;
                    }
                } else {
                    write!(f, "{c}")?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        if cut { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn what_is_not_text_is_escaped_and_what_is_long_is_cut() {
        assert_eq!(Shown(b"a b\\ \xc3\xa4\x01\xff\n").to_string(), "a b\\ ä\\x01\\xff\\x0a");
        assert_eq!(Shown(&[b'x'; 600]).to_string(), "x".repeat(512) + "…");
    }
}
