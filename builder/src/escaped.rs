//! Words that quote what somebody else wrote, for a terminal.

use std::fmt::{self, Display, Write};

/// What `T` says, on one line and without anything that a terminal obeys.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<T>(pub T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((at, control)) = rest.char_indices().find(|(_, c)| c.is_control()) {
            self.0.write_str(&rest[..at])?;
            write!(self.0, "{}", control.escape_default())?;
            rest = &rest[at + control.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn terminals_are_told_nothing_and_text_stays_as_it_is() {
        for (text, expected) in [
            ("", ""),
            ("Ä \"quoted\" \\ 日本", "Ä \"quoted\" \\ 日本"),
            ("a\x1b[31mred\x1b]0;x\x07", "a\\u{1b}[31mred\\u{1b}]0;x\\u{7}"),
            ("one\n  ✓ two\r\t\u{9b}2J\u{7f}", "one\\n  ✓ two\\r\\t\\u{9b}2J\\u{7f}"),
        ] {
            assert_eq!(Escaped(text).to_string(), expected);
        }
    }
}
