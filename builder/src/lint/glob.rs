//! Patterns for paths in an allow list.

/// The longest pattern that is taken, in bytes.
const LONGEST: usize = 512;

/// A pattern: `*` stands for any part of a name, `?` for one byte of it, `**` for any part of a path, and `**/` for any
/// directories or none; all else for itself. A leading slash does not matter.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
}

/// A pattern that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path has {length} bytes, more than the {LONGEST} that are read")]
pub struct GlobError {
    /// Its length in bytes.
    pub length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// This byte.
    Byte(u8),
    /// Any byte but a slash.
    One,
    /// Any bytes but slashes.
    Name,
    /// Any bytes.
    Any,
    /// Nothing, or what [`Token::Directories`] takes: always before one.
    NoDirectories,
    /// Any bytes that end with a slash.
    Directories,
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Result<Self, GlobError> {
        if pattern.len() > LONGEST {
            return Err(GlobError { length: pattern.len() });
        }
        let mut rest = pattern.as_bytes();
        while let Some(shorter) = rest.strip_prefix(b"/") {
            rest = shorter;
        }
        let mut tokens = Vec::new();
        while let Some((&first, behind)) = rest.split_first() {
            let begins_a_name = matches!(tokens.last(), None | Some(Token::Byte(b'/') | Token::Directories));
            rest = if let Some(behind) = rest.strip_prefix(b"**/").filter(|_| begins_a_name) {
                tokens.extend([Token::NoDirectories, Token::Directories]);
                behind
            } else if let Some(behind) = rest.strip_prefix(b"**") {
                tokens.push(Token::Any);
                behind
            } else {
                tokens.push(match first {
                    b'*' => Token::Name,
                    b'?' => Token::One,
                    byte => Token::Byte(byte),
                });
                behind
            };
        }
        Ok(Self { tokens })
    }

    /// Whether it stands for `path`, which has no leading slash.
    ///
    /// All ways to match are followed at once, so the time is bound by the two lengths multiplied.
    pub(crate) fn matches(&self, path: &[u8]) -> bool {
        // Whether the path so far may have brought us in front of each token; the last one is the end.
        let mut here = vec![false; self.tokens.len() + 1];
        here[0] = true;
        self.skip_empty(&mut here);
        for &byte in path {
            let mut next = vec![false; here.len()];
            for (at, token) in self.tokens.iter().enumerate().filter(|(at, _)| here[*at]) {
                match token {
                    Token::Byte(wanted) => next[at + 1] |= *wanted == byte,
                    Token::One => next[at + 1] |= byte != b'/',
                    Token::Name => next[at] |= byte != b'/',
                    Token::Any => next[at] = true,
                    Token::NoDirectories => {}
                    Token::Directories => {
                        next[at] = true;
                        next[at + 1] |= byte == b'/';
                    }
                }
            }
            self.skip_empty(&mut next);
            if !next.contains(&true) {
                return false;
            }
            here = next;
        }
        here[self.tokens.len()]
    }

    /// Goes past what may stand for nothing.
    fn skip_empty(&self, here: &mut [bool]) {
        for (at, token) in self.tokens.iter().enumerate() {
            if here[at] {
                match token {
                    Token::Name | Token::Any => here[at + 1] = true,
                    Token::NoDirectories => (here[at + 1], here[at + 2]) = (true, true),
                    Token::Byte(_) | Token::One | Token::Directories => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, GlobError};

    #[test]
    fn patterns_match_names_and_paths() {
        for (pattern, yes, no) in [
            ("etc/hosts", &["etc/hosts"][..], &["etc/host", "etc/hostss", "usr/etc/hosts", ""][..]),
            ("/etc/hosts", &["etc/hosts"], &["hosts"]),
            ("etc/*", &["etc/hosts", "etc/"], &["etc/ssh/key", "etc"]),
            ("etc/*.key", &["etc/a.key", "etc/.key"], &["etc/a.key.pub", "etc/d/a.key"]),
            ("etc/**", &["etc/a", "etc/a/b/c"], &["etc", "usr/etc/a"]),
            ("**/*.pem", &["a.pem", "usr/lib/x/a.pem"], &["usr/lib/a.pe", "a.pem/b"]),
            ("usr/**/test/*", &["usr/test/a", "usr/lib/p/test/a"], &["usr/mytest/a", "usr/test/a/b"]),
            ("usr/lib**", &["usr/lib", "usr/lib64/x"], &["usr/li"]),
            ("var/log/?.log", &["var/log/a.log"], &["var/log/ab.log", "var/log//.log"]),
            ("**", &["", "a/b"], &[]),
            ("a**b", &["ab", "a/x/b"], &["a/x/bc"]),
            ("", &[""], &["a"]),
        ] {
            let glob = Glob::new(pattern).unwrap();
            for path in yes {
                assert!(glob.matches(path.as_bytes()), "{pattern} for {path}");
            }
            for path in no {
                assert!(!glob.matches(path.as_bytes()), "{pattern} for {path}");
            }
        }
    }

    #[test]
    fn a_pattern_made_to_be_slow_is_not() {
        let glob = Glob::new(&"**/*a".repeat(100)).unwrap();
        let begun = std::time::Instant::now();
        assert!(!glob.matches("a/".repeat(2000).as_bytes()));
        assert!(begun.elapsed().as_secs() < 2);
        assert_eq!(Glob::new(&"*".repeat(513)).unwrap_err(), GlobError { length: 513 });
    }
}
