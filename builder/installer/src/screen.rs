//! Screens: at most 80 columns and 24 rows of plain ASCII.

use crate::console::Console;

/// Letters of a line; the last column is left free, where some terminals wrap.
pub(crate) const COLUMNS: usize = 79;
/// Rows for a page, with room for its title and for a question.
const ROWS: usize = 18;

/// Something to read, a page at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Screen {
    title: String,
    lines: Vec<String>,
}

impl Screen {
    pub(crate) fn new(title: &str) -> Self {
        Self { title: title.to_owned(), lines: Vec::new() }
    }

    /// Adds text, in as many lines as it needs; what follows the first is indented as it is.
    pub(crate) fn text(mut self, text: impl AsRef<str>) -> Self {
        self.lines.extend(text.as_ref().split('\n').flat_map(wrap));
        self
    }

    /// The pages.
    fn pages(&self) -> Vec<String> {
        let title = wrap(&self.title).swap_remove(0);
        let rule = "-".repeat(COLUMNS);
        let count = self.lines.len().div_ceil(ROWS).max(1);
        let page = |number: usize| {
            let lines = self.lines.iter().skip(number * ROWS).take(ROWS);
            let body: String = lines.map(|line| format!("{line}\n")).collect();
            format!("\n{rule}\n {title}\n{rule}\n{body}\n")
        };
        (0..count).map(page).collect()
    }

    /// Shows all pages; whoever reads goes from one to the next.
    pub(crate) fn show(&self, console: &mut Console) {
        let pages = self.pages();
        for (number, page) in (1..).zip(&pages) {
            console.write(page);
            if number < pages.len() && console.ask("Enter: go on, Esc: to the end ").is_none() {
                console.write(&pages[pages.len() - 1]);
                break;
            }
        }
    }
}

/// A line's text in lines that fit; letters that are not ASCII are shown as `?`.
pub(crate) fn wrap(text: &str) -> Vec<String> {
    let text = plain(text);
    let body = text.trim_start();
    let indent = (text.len() - body.len()).min(COLUMNS / 2);
    let room = COLUMNS - indent;
    let mut lines = vec![String::new()];
    // Two spaces keep columns apart, so spaces within the text are kept.
    for mut word in body.split_inclusive(' ') {
        while word.len() > room {
            let (now, later) = word.split_at(room);
            lines.push(now.to_owned());
            word = later;
        }
        match lines.last_mut() {
            Some(line) if line.len() + word.trim_end().len() <= room => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    if lines.len() > 1 && lines[0].is_empty() {
        lines.remove(0);
    }
    lines.iter().map(|line| format!("{:indent$}{}", "", line.trim_end()).trim_end().to_owned()).collect()
}

/// Text with `?` for what is no letter of ASCII.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if matches!(letter, ' '..='~') { letter } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, ROWS, Screen, wrap};

    #[test]
    fn every_line_fits_and_no_word_is_lost() {
        let long = "x".repeat(200);
        for text in [
            "",
            "short",
            "   indented",
            &"word ".repeat(60),
            &format!("    {}", "word ".repeat(60)),
            &long,
            &format!("a {long} b"),
            "tab\tand \u{1b}[31mcolour and gr\u{f6}\u{df}e",
        ] {
            let lines = wrap(text);
            for line in &lines {
                assert!(line.len() <= COLUMNS, "{line}");
                assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
            }
            let letters = |text: &str| text.chars().filter(|letter| *letter != ' ').count();
            assert_eq!(lines.iter().map(|line| letters(line)).sum::<usize>(), letters(text), "{text}");
        }
        assert_eq!(wrap("   indented"), ["   indented"]);
        assert_eq!(wrap("a  b"), ["a  b"]);
        assert!(wrap(&format!("    {}", "word ".repeat(60)))[1].starts_with("    word"));
    }

    #[test]
    fn pages_fit_a_screen_of_24_rows() {
        let mut screen = Screen::new("Title");
        for number in 0..50 {
            screen = screen.text(format!("line {number}"));
        }
        let pages = screen.pages();
        assert_eq!(pages.len(), 50_usize.div_ceil(ROWS));
        for page in &pages {
            // A question comes below.
            assert!(page.lines().count() < 24, "{page}");
        }
        assert!(pages[2].contains("line 49") && Screen::new("Empty").pages().len() == 1);
    }
}
