//! What to wait for on the console: a literal, one of several, or a test of one's own.

use std::fmt;
use std::ops::Range;

/// Words that say a Linux boot has gone wrong for good, for [`crate::Running::expect_or_fail`].
pub const BOOT_FAILURES: &[&str] = &[
    // the kernel
    "Kernel panic",
    "Unable to mount root fs",
    // systemd and dracut
    "You are in emergency mode",
    "Entering emergency mode",
    // ostree-prepare-root: the boot entry names a deployment that is not there
    "Couldn't find specified OSTree root",
    // GRUB without a configuration, and GRUB without its modules
    "grub> ",
    "grub rescue>",
    // UEFI: nothing to start, and Secure Boot refusing what is there
    "UEFI Interactive Shell",
    "No bootable option or device was found",
    "Security Violation",
];

type Test<'a> = Box<dyn Fn(&str) -> Option<Range<usize>> + 'a>;

/// What to look for in the console's text. Text is plain: no escape sequences, no carriage returns.
pub struct Pattern<'a>(Kind<'a>);

enum Kind<'a> {
    AnyOf(Vec<&'a str>),
    Test { name: &'a str, test: Test<'a> },
}

impl<'a> Pattern<'a> {
    /// This text, as it stands.
    #[must_use]
    pub fn literal(text: &'a str) -> Self {
        Self(Kind::AnyOf(vec![text]))
    }

    /// Whichever of these texts comes first.
    #[must_use]
    pub fn any_of(texts: &[&'a str]) -> Self {
        Self(Kind::AnyOf(texts.to_vec()))
    }

    /// A test of one's own: given all unread text, it returns the byte range that matched. `name` appears in
    /// errors. It is asked again whenever text arrives.
    #[must_use]
    pub fn test(name: &'a str, test: impl Fn(&str) -> Option<Range<usize>> + 'a) -> Self {
        Self(Kind::Test { name, test: Box::new(test) })
    }

    /// First match in `text`, of which the first `searched` bytes are known to hold none.
    pub(crate) fn find(&self, text: &str, searched: usize) -> Option<Range<usize>> {
        match &self.0 {
            Kind::AnyOf(literals) => {
                let matches = literals.iter().filter_map(|literal| {
                    // A match may have begun in the searched part and been cut off by its end.
                    let from = floor_char_boundary(text, searched.saturating_sub(literal.len()));
                    let start = from + text[from..].find(literal)?;
                    Some(start..start + literal.len())
                });
                matches.min_by_key(|range| range.start)
            }
            Kind::Test { test, .. } => test(text).filter(|range| text.get(range.clone()).is_some()),
        }
    }
}

impl<'a> From<&'a str> for Pattern<'a> {
    fn from(text: &'a str) -> Self {
        Self::literal(text)
    }
}

impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::AnyOf(literals) => {
                for (index, literal) in literals.iter().enumerate() {
                    write!(f, "{}{literal:?}", if index == 0 { "" } else { " or " })?;
                }
                Ok(())
            }
            Kind::Test { name, .. } => f.write_str(name),
        }
    }
}

impl fmt::Debug for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({self})")
    }
}

/// A pattern was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Text since the previous match, up to this one.
    pub text_before: String,
    /// The text that matched.
    pub matched: String,
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_literal_wins_whatever_its_place_in_the_list() {
        let pattern = Pattern::any_of(&["zebra", "ant"]);
        assert_eq!(pattern.find("an ant, a zebra", 0), Some(3..6));
        assert_eq!(pattern.find("zebra ant", 0), Some(0..5));
        assert_eq!(pattern.find("neither", 0), None);
    }

    #[test]
    fn a_literal_cut_by_the_searched_part_is_still_found() {
        let text = "\u{fc}\u{fc}login: ";
        for searched in 0..=text.len() - 1 {
            assert_eq!(Pattern::literal("login: ").find(text, searched), Some(4..11), "searched {searched}");
        }
    }

    #[test]
    fn a_test_that_answers_nonsense_is_no_match() {
        let beyond = Pattern::test("beyond the end", |text| Some(0..text.len() + 1));
        assert_eq!(beyond.find("abc", 0), None);
        let inside = Pattern::test("inside a character", |_| Some(0..1));
        assert_eq!(inside.find("\u{fc}", 0), None);
    }

    #[test]
    fn display_names_every_choice() {
        assert_eq!(Pattern::any_of(&["# ", "$ "]).to_string(), "\"# \" or \"$ \"");
        assert_eq!(Pattern::test("a prompt", |_| None).to_string(), "a prompt");
    }
}
