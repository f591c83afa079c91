//! The lines of a configuration file, as GRUB's reader hands them to its parser.

/// Text of `bytes` as GRUB sees it: no carriage returns, and nothing of a line behind a NUL. What is not UTF-8 is
/// replaced, which GRUB would not do; it has no meaning for the parser.
pub(crate) fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut clean = String::with_capacity(text.len());
    let mut cut = false;
    for character in text.chars() {
        match character {
            '\r' => {}
            '\n' => {
                clean.push('\n');
                cut = false;
            }
            '\0' => cut = true,
            other if !cut => clean.push(other),
            _ => {}
        }
    }
    clean
}

/// What happens to a line that begins with `#`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HashLines {
    /// The reader of files drops it, even inside a quoted text.
    Dropped,
    /// The parser sees it.
    Kept,
}

/// Lines of a text, with their numbers.
pub(crate) struct Lines<'t> {
    rest: Option<&'t str>,
    number: usize,
    hash_lines: HashLines,
    fixed: bool,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str, hash_lines: HashLines) -> Self {
        Self { rest: (!text.is_empty()).then_some(text), number: 0, hash_lines, fixed: false }
    }

    /// Lines that were put together from one line of another file: all have its number.
    pub(crate) fn of_line(text: &'t str, number: usize) -> Self {
        Self { number, fixed: true, ..Self::new(text, HashLines::Kept) }
    }

    /// Number of the line that was read last.
    pub(crate) fn number(&self) -> usize {
        self.number
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.rest?;
            let line = match rest.split_once('\n') {
                Some((line, after)) => {
                    self.rest = (!after.is_empty()).then_some(after);
                    line
                }
                None => {
                    self.rest = None;
                    rest
                }
            };
            if !self.fixed {
                self.number += 1;
            }
            if self.hash_lines == HashLines::Kept || !line.starts_with('#') {
                return Some((self.number, line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HashLines, Lines, clean};

    #[test]
    fn lines_have_the_numbers_of_the_file() {
        let text = clean(b"a\r\n# c\n\nb\0gone\n#\nlast");
        let lines: Vec<_> = Lines::new(&text, HashLines::Dropped).collect();
        assert_eq!(lines, [(1, "a"), (3, ""), (4, "b"), (6, "last")]);
        assert_eq!(Lines::new(&text, HashLines::Kept).count(), 6);
        assert_eq!(Lines::new("", HashLines::Kept).count(), 0);
        assert_eq!(Lines::of_line("a\nb", 7).collect::<Vec<_>>(), [(7, "a"), (7, "b")]);
    }
}
