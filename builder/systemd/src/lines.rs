//! Lines as systemd splits them.

/// What separates words and is cut off at both ends of a line.
pub(crate) const WHITESPACE: [u8; 4] = *b" \t\n\r";

/// The longest line in bytes: systemd's `LONG_LINE_MAX`.
pub(crate) const LINE_LIMIT: usize = 1 << 20;

/// The lines of a text, each with its number, counted from 1.
///
/// A line ends with `\n`, `\r`, NUL, or with several different ones of them in a row. No end follows a NUL: after it,
/// the next one ends another (empty) line. So text behind a NUL is a line of its own.
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

/// The lines of `text`.
pub(crate) fn lines(text: &[u8]) -> Lines<'_> {
    Lines { rest: text, number: 0 }
}

/// A bit for each of the three ends.
fn end(byte: u8) -> Option<u8> {
    match byte {
        0 => Some(1),
        b'\n' => Some(2),
        b'\r' => Some(4),
        _ => None,
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self.rest.iter().position(|&byte| end(byte).is_some()).unwrap_or(self.rest.len());
        let (line, mut rest) = self.rest.split_at(length);
        let mut seen = 0;
        while let Some((bit, behind)) = rest.split_first().and_then(|(&byte, behind)| Some((end(byte)?, behind))) {
            if seen & (bit | 1) != 0 {
                break;
            }
            seen |= bit;
            rest = behind;
        }
        self.rest = rest;
        self.number += 1;
        Some((self.number, line))
    }
}

/// The line without whitespace at its ends.
pub(crate) fn strip(line: &[u8]) -> &[u8] {
    let line = skip_space(line);
    let end = line.iter().rposition(|byte| !WHITESPACE.contains(byte)).map_or(0, |last| last + 1);
    &line[..end]
}

/// The line without whitespace at its start.
pub(crate) fn skip_space(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|byte| !WHITESPACE.contains(byte)).unwrap_or(line.len());
    &line[start..]
}

#[cfg(test)]
mod tests {
    use super::{lines, strip};

    #[test]
    fn any_mixture_of_ends_ends_a_line() {
        let rows: [(&[u8], &[&[u8]]); 9] = [
            (b"", &[]),
            (b"a", &[b"a"]),
            (b"a\n", &[b"a"]),
            (b"a\n\nb\n", &[b"a", b"", b"b"]),
            (b"a\r\nb\rc\n\rd", &[b"a", b"b", b"c", b"d"]),
            (b"a\0b", &[b"a", b"b"]),
            (b"a\0\n", &[b"a", b""]),
            (b"a\n\0b", &[b"a", b"b"]),
            (b"\n\r\n\r", &[b"", b""]),
        ];
        for (text, expected) in rows {
            let found: Vec<_> = lines(text).map(|(_, line)| line).collect();
            assert_eq!(found, expected, "{}", text.escape_ascii());
        }
        assert_eq!(lines(b"a\n\nb").last(), Some((3, &b"b"[..])));
    }

    #[test]
    fn stripping_leaves_inner_space() {
        for (line, expected) in [(&b" \ta b\r "[..], &b"a b"[..]), (b"  ", b""), (b"", b""), (b"a", b"a")] {
            assert_eq!(strip(line), expected);
        }
    }
}
