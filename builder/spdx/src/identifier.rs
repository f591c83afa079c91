//! Identifiers of elements and licences: `[A-Za-z0-9.-]`, each once in a document.

use std::collections::{BTreeMap, BTreeSet};

/// Longest part of an identifier that comes from outside, in bytes.
const LONGEST: usize = 120;

/// The identifiers with one prefix that a document has so far.
#[derive(Debug, Default)]
pub(crate) struct Identifiers {
    used: BTreeSet<String>,
    /// By identifier: the number that was last put behind it.
    numbers: BTreeMap<String, u64>,
}

impl Identifiers {
    /// `prefix` and `text` with a dash for each run of characters that cannot be; with a number behind it where that is
    /// taken. The same calls in the same order give the same identifiers.
    pub(crate) fn make(&mut self, prefix: &str, text: &str) -> String {
        let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
        let mut readable = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        // All that is left is ASCII.
        readable.truncate(LONGEST);
        let wanted = format!("{prefix}{}", if readable.is_empty() { "unnamed" } else { &readable });
        let mut identifier = wanted.clone();
        while self.used.contains(&identifier) {
            let number = self.numbers.entry(wanted.clone()).or_insert(1);
            *number += 1;
            identifier = format!("{wanted}-{number}");
        }
        self.used.insert(identifier.clone());
        identifier
    }
}

#[cfg(test)]
mod tests {
    use super::Identifiers;

    #[test]
    fn identifiers_are_unique_and_of_few_characters() {
        let mut identifiers = Identifiers::default();
        for (text, expected) in [
            ("libstdc++6-12.2.0-14", "X-libstdc-6-12.2.0-14"),
            ("libstdc 6-12.2.0-14", "X-libstdc-6-12.2.0-14-2"),
            ("a-2", "X-a-2"),
            ("a", "X-a"),
            ("a", "X-a-3"),
            ("ä/:_", "X-unnamed"),
            ("", "X-unnamed-2"),
        ] {
            assert_eq!(identifiers.make("X-", text), expected, "{text}");
        }
        assert_eq!(identifiers.make("X-", &"é1".repeat(1000)).len(), 122);
    }
}
