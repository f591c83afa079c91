//! Licence expressions from what package managers record.
//!
//! Source: SPDX 2.3, annex D (expressions) and clause 10 (what is not on the list).

use std::collections::BTreeMap;

use spdx::{Expression, ParseMode};

use crate::identifier::Identifiers;
use crate::names;
use crate::text::one_line;

/// Nothing is said.
pub(crate) const NO_ASSERTION: &str = "NOASSERTION";
/// What names of licences begin with that are not on the list.
const PREFIX: &str = "LicenseRef-";

/// Deprecated names are of the list too.
const MODE: ParseMode = ParseMode { allow_deprecated: true, ..ParseMode::STRICT };

/// The licences of a document.
#[derive(Debug, Default)]
pub(crate) struct Licenses {
    identifiers: Identifiers,
    /// Identifier by recorded text.
    extracted: BTreeMap<String, String>,
}

impl Licenses {
    /// The expression for what is recorded.
    ///
    /// Names are translated to those of the list. What is not on the list becomes a reference to its text: a single
    /// name where the rest can be understood, else all of it.
    pub(crate) fn declare(&mut self, recorded: Option<&str>) -> String {
        let recorded = one_line(recorded.unwrap_or_default());
        if recorded.is_empty() || recorded.eq_ignore_ascii_case(NO_ASSERTION) {
            return NO_ASSERTION.to_owned();
        }
        if let Some(terms) = terms(&recorded) {
            let expression = join(&terms, |term| known(term).unwrap_or_else(|| "MIT".to_owned()));
            // The parser has the last word, before any reference is made.
            if Expression::parse_mode(&expression, MODE).is_ok() {
                return join(&terms, |term| known(term).unwrap_or_else(|| self.reference(term)));
            }
        }
        self.reference(&recorded)
    }

    /// Identifier and text of each licence that is not on the list, in the order of the identifiers.
    pub(crate) fn into_extracted(self) -> Vec<(String, String)> {
        let mut list: Vec<_> = self.extracted.into_iter().map(|(text, identifier)| (identifier, text)).collect();
        list.sort();
        list
    }

    fn reference(&mut self, text: &str) -> String {
        if let Some(identifier) = self.extracted.get(text) {
            return identifier.clone();
        }
        let identifier = self.identifiers.make(PREFIX, text.strip_prefix(PREFIX).unwrap_or(text));
        self.extracted.insert(text.to_owned(), identifier.clone());
        identifier
    }
}

/// A piece of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    And,
    Or,
    /// Words between the others.
    Term(&'a str),
}

/// The pieces of `recorded`; `None` where they do not follow each other as in an expression.
fn terms(recorded: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut term: Option<(usize, usize)> = None;
    let mut at = 0;
    for piece in recorded.split_inclusive([' ', '(', ')']) {
        let word = piece.trim_end_matches([' ', '(', ')']);
        let (start, end) = (at, at + word.len());
        at += piece.len();
        let operator = match word.to_ascii_lowercase().as_str() {
            "and" => Some(Token::And),
            "or" => Some(Token::Or),
            "" => None,
            _ => {
                term = Some((term.map_or(start, |(start, _)| start), end));
                None
            }
        };
        let bracket = match piece.as_bytes().last() {
            Some(b'(') => Some(Token::Open),
            Some(b')') => Some(Token::Close),
            _ => None,
        };
        if operator.is_some() || bracket.is_some() {
            tokens.extend(term.take().map(|(start, end)| Token::Term(&recorded[start..end])));
        }
        tokens.extend(operator);
        tokens.extend(bracket);
    }
    tokens.extend(term.map(|(start, end)| Token::Term(&recorded[start..end])));
    is_expression(&tokens).then_some(tokens)
}

fn is_expression(tokens: &[Token<'_>]) -> bool {
    let (mut depth, mut complete) = (0usize, false);
    for token in tokens {
        match token {
            Token::Open if !complete => depth += 1,
            // A comma binds less than the words around it, which brackets alone could say.
            Token::Term(text) if !complete && !text.contains([',', ';']) => complete = true,
            Token::Close if complete && depth > 0 => depth -= 1,
            Token::And | Token::Or if complete => complete = false,
            _ => return false,
        }
    }
    complete && depth == 0
}

fn join(tokens: &[Token<'_>], mut name: impl FnMut(&str) -> String) -> String {
    let mut expression = String::new();
    for token in tokens {
        match token {
            Token::Open => expression.push('('),
            Token::Close => expression.push(')'),
            Token::And => expression.push_str(" AND "),
            Token::Or => expression.push_str(" OR "),
            Token::Term(text) => expression.push_str(&name(text)),
        }
    }
    expression
}

/// A licence of the list, with an exception of the list or without.
fn known(term: &str) -> Option<String> {
    if let Some(license) = names::license(term) {
        return Some(license);
    }
    let words: Vec<_> = term.split(' ').collect();
    match words[..] {
        [license, with, exception] if with.eq_ignore_ascii_case("with") => {
            Some(format!("{} WITH {}", names::license(license)?, names::exception(exception)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Licenses;

    #[test]
    fn recorded_licenses_become_expressions() {
        let nested = format!("{}MIT{}", "(".repeat(5000), ")".repeat(5000));
        for (recorded, expected, references) in [
            ("MIT", "MIT", &[][..]),
            ("GPL-2.0-or-later AND (MIT OR Apache-2.0)", "GPL-2.0-or-later AND (MIT OR Apache-2.0)", &[]),
            // Fedora, before and after 2022.
            (
                "GPLv2+ and LGPLv2+ and (ASL 2.0 or MIT)",
                "GPL-2.0-or-later AND LGPL-2.0-or-later AND (Apache-2.0 OR MIT)",
                &[],
            ),
            (
                "MIT AND LicenseRef-Fedora-Public-Domain",
                "MIT AND LicenseRef-Fedora-Public-Domain",
                &["LicenseRef-Fedora-Public-Domain"],
            ),
            ("GPLv3+ with exceptions", "LicenseRef-GPLv3-with-exceptions", &["GPLv3+ with exceptions"]),
            // Debian.
            ("(GPL-1+ or Artistic) AND Expat", "(GPL-1.0-or-later OR LicenseRef-Artistic) AND MIT", &["Artistic"]),
            ("GPL-3+ with gcc-exception-3.1", "GPL-3.0-or-later WITH GCC-exception-3.1", &[]),
            ("GPL-2+ or Artistic, and BSD", "LicenseRef-GPL-2-or-Artistic-and-BSD", &["GPL-2+ or Artistic, and BSD"]),
            // Alpine.
            ("MIT BSD GPL2+", "LicenseRef-MIT-BSD-GPL2", &["MIT BSD GPL2+"]),
            // What is no expression.
            ("", "NOASSERTION", &[]),
            (" \n\t", "NOASSERTION", &[]),
            ("NOASSERTION", "NOASSERTION", &[]),
            ("see\n the file", "LicenseRef-see-the-file", &["see the file"]),
            ("GPL (>= 2)", "LicenseRef-GPL-2", &["GPL (>= 2)"]),
            ("(MIT", "LicenseRef-MIT", &["(MIT"]),
            ("MIT)", "LicenseRef-MIT", &["MIT)"]),
            ("MIT OR", "LicenseRef-MIT-OR", &["MIT OR"]),
            ("AND", "LicenseRef-AND", &["AND"]),
            ("()", "LicenseRef-unnamed", &["()"]),
            (
                "MIT WITH GCC-exception-3.1 WITH GCC-exception-3.1",
                "LicenseRef-MIT-WITH-GCC-exception-3.1-WITH-GCC-exception-3.1",
                &["MIT WITH GCC-exception-3.1 WITH GCC-exception-3.1"],
            ),
            ("自由", "LicenseRef-unnamed", &["自由"]),
            (&nested, &nested, &[]),
        ] {
            let mut licenses = Licenses::default();
            assert_eq!(licenses.declare(Some(recorded)), expected);
            let texts: Vec<_> = licenses.into_extracted().into_iter().map(|(_, text)| text).collect();
            assert_eq!(texts, references, "{recorded}");
        }
        assert_eq!(Licenses::default().declare(None), "NOASSERTION");
    }

    #[test]
    fn one_text_has_one_reference_and_two_texts_have_two() {
        let mut licenses = Licenses::default();
        let declared = ["BSD like", "BSD-like", "BSD like or MIT", "BSD_like"].map(|text| licenses.declare(Some(text)));
        assert_eq!(
            declared,
            ["LicenseRef-BSD-like", "LicenseRef-BSD-like-2", "LicenseRef-BSD-like OR MIT", "LicenseRef-BSD-like-3"]
        );
        assert_eq!(licenses.into_extracted().len(), 3);
    }
}
