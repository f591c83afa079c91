//! Patterns for what a drive says of itself.

use std::fmt;

use super::document::shown;

/// Longest pattern in characters.
const LONGEST: usize = 256;

/// A pattern: `*` stands for any text, `?` for one character, all else for itself in either case.
///
/// Sets in brackets and escapes are not taken, since shells differ in them, and nobody should have to try it out here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

/// A pattern that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It stands for nothing.
    #[error("the pattern is empty")]
    Empty,
    /// It is too long.
    #[error("the pattern has {length} characters, more than the {LONGEST} that are read")]
    Length {
        /// In characters.
        length: usize,
    },
    /// It has a character with a meaning in shells that it has not here.
    #[error("`{}` has a `{character}`, and patterns have only `*` and `?`", shown(.text))]
    Character {
        /// The pattern.
        text: String,
        /// The character.
        character: char,
    },
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`].
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let length = text.chars().count();
        if text.is_empty() {
            Err(PatternError::Empty)
        } else if length > LONGEST {
            Err(PatternError::Length { length })
        } else if let Some(character) = text.chars().find(|&c| matches!(c, '[' | ']' | '\\') || c.is_control()) {
            Err(PatternError::Character { text: text.to_owned(), character })
        } else {
            Ok(Self { text: text.to_owned() })
        }
    }

    /// Whether it stands for the whole of `text`. It takes at most pattern times text steps.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let folded = |text: &str| -> Vec<char> { text.chars().flat_map(char::to_lowercase).collect() };
        let (pattern, text) = (folded(&self.text), folded(text));
        let (mut at, mut seen) = (0, 0);
        // Behind the last star, and what it has taken so far: where to go on if the rest does not fit.
        let mut star: Option<(usize, usize)> = None;
        while seen < text.len() {
            match pattern.get(at) {
                Some('*') => {
                    at += 1;
                    star = Some((at, seen));
                }
                Some(&c) if c == '?' || c == text[seen] => {
                    at += 1;
                    seen += 1;
                }
                _ => match &mut star {
                    Some((behind, taken)) => {
                        *taken += 1;
                        (at, seen) = (*behind, *taken);
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|&c| c == '*')
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
