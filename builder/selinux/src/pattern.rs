//! Patterns of contexts files: PCRE in, the syntax of the `regex` crate out.
//!
//! libselinux compiles `^pattern$` with PCRE2 and the flag `DOTALL`, nothing else: bytes, not UTF-8; `$` also before
//! a final newline. Everything here is either translated with that meaning or refused by name; nothing is handed on
//! in the hope that both read it alike.

use crate::error::PatternProblem;

/// libselinux: the longest pattern is shorter than 4,096 bytes (`compile_regex`).
const PATTERN_LIMIT: usize = 4095;

/// PCRE's `$` without `DOLLAR_ENDONLY`.
const END: &str = r"(?:\n?\z)";

/// A pattern that can be compiled.
#[derive(Debug)]
pub(crate) struct Translated {
    /// It in the syntax of the `regex` crate.
    pub(crate) regex: String,
    /// About how large it is with its `{n,m}` written out, in bytes; never too small.
    pub(crate) cost: u64,
}

/// The pattern in the syntax of the `regex` crate, anchored as libselinux anchors it: textually, so that a `|` outside
/// parentheses leaves each side anchored at one end only.
pub(crate) fn translate(pattern: &[u8]) -> Result<Translated, PatternProblem> {
    if pattern.len() > PATTERN_LIMIT {
        return Err(PatternProblem::TooLong { length: pattern.len(), limit: PATTERN_LIMIT });
    }
    let mut translator = Translator { pattern, at: 0, out: String::from("^"), repeatable: false, repeats: 1 };
    translator.run()?;
    translator.out.push_str(END);
    let cost = translator.repeats.saturating_mul(pattern.len() as u64);
    Ok(Translated { regex: translator.out, cost })
}

struct Translator<'a> {
    pattern: &'a [u8],
    at: usize,
    out: String,
    /// Whether a quantifier may follow.
    repeatable: bool,
    /// All repetition counts so far multiplied, as if each were inside the one before.
    repeats: u64,
}

/// One member of a class.
enum Member {
    /// A byte, which may begin or end a range.
    Byte(u8),
    /// Several bytes, already translated.
    Set(String),
}

impl Translator<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.pattern.get(self.at + ahead).copied()
    }

    fn refuse(&self, what: &'static str) -> PatternProblem {
        PatternProblem::Construct { at: self.at, what }
    }

    fn run(&mut self) -> Result<(), PatternProblem> {
        while let Some(byte) = self.peek(0) {
            let repeatable = std::mem::replace(&mut self.repeatable, true);
            match byte {
                b'\\' => self.escape()?,
                b'[' => self.class()?,
                b'$' => self.take(END),
                b'.' => self.take("."),
                b'^' => self.take("^"),
                b')' => self.take(")"),
                b'|' => {
                    self.take("|");
                    self.repeatable = false;
                }
                b'(' => self.group()?,
                b'*' | b'+' | b'?' => self.quantifier(1, repeatable)?,
                b'{' => match self.braces()? {
                    Some(length) => self.quantifier(length, repeatable)?,
                    None => self.byte(b'{'),
                },
                _ => self.byte(byte),
            }
        }
        Ok(())
    }

    /// Passes over one byte and writes `text`.
    fn take(&mut self, text: &str) {
        self.at += 1;
        self.out.push_str(text);
    }

    /// Passes over one byte and writes `byte` as itself.
    fn byte(&mut self, byte: u8) {
        self.at += 1;
        push_byte(&mut self.out, byte);
    }

    fn group(&mut self) -> Result<(), PatternProblem> {
        self.repeatable = false;
        if self.peek(1) == Some(b'*') {
            return Err(self.refuse("a control verb, (*…)"));
        }
        if self.peek(1) != Some(b'?') {
            self.take("(");
        } else if self.peek(2) == Some(b':') {
            self.at += 2;
            self.take("(?:");
        } else {
            return Err(self.refuse("a look-around, option or special group, (?…)"));
        }
        Ok(())
    }

    /// The length of `{n}`, `{n,}` or `{n,m}`; `None` where the brace is an ordinary byte.
    fn braces(&self) -> Result<Option<usize>, PatternProblem> {
        let rest = &self.pattern[self.at + 1..];
        let Some(end) = rest.iter().position(|&byte| byte == b'}') else { return Ok(None) };
        let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        let (low, high) = match rest[..end].iter().position(|&byte| byte == b',') {
            Some(comma) => (&rest[..comma], Some(&rest[comma + 1..end])),
            None => (&rest[..end], None),
        };
        match high {
            Some(high) if low.is_empty() && digits(high) => {
                Err(self.refuse("{,n}, which releases of PCRE2 read differently"))
            }
            Some(high) => Ok((digits(low) && (high.is_empty() || digits(high))).then_some(end + 2)),
            None => Ok(digits(low).then_some(end + 2)),
        }
    }

    /// A quantifier of `length` bytes, with the `?` that makes it lazy.
    fn quantifier(&mut self, length: usize, repeatable: bool) -> Result<(), PatternProblem> {
        if !repeatable {
            return Err(self.refuse("a quantifier with nothing before it"));
        }
        let text = &self.pattern[self.at..self.at + length];
        let counts = text.split(|byte| !byte.is_ascii_digit()).filter(|digits| !digits.is_empty());
        if let Some(count) = counts.map(decimal).max() {
            self.repeats = self.repeats.saturating_mul(count.max(1));
        }
        self.out.extend(text.iter().copied().map(char::from));
        self.at += length;
        match self.peek(0) {
            Some(b'+') => return Err(self.refuse("a possessive quantifier")),
            Some(b'?') => self.take("?"),
            _ => {}
        }
        self.repeatable = false;
        Ok(())
    }

    /// The byte after a backslash, and `\xHH`, which both sides of a class know; passes over it.
    fn escaped_byte(&mut self) -> Result<Option<u8>, PatternProblem> {
        let Some(byte) = self.peek(1) else { return Err(self.refuse("a backslash at the end")) };
        let (byte, length) = match byte {
            b't' => (b'\t', 2),
            b'n' => (b'\n', 2),
            b'r' => (b'\r', 2),
            b'f' => (0x0c, 2),
            b'a' => (0x07, 2),
            b'e' => (0x1b, 2),
            b'x' => {
                let digit = |byte: Option<u8>| {
                    let digit = char::from(byte?).to_digit(16)?;
                    u8::try_from(digit).ok()
                };
                let (Some(high), Some(low)) = (digit(self.peek(2)), digit(self.peek(3))) else {
                    return Err(self.refuse("\\x without two hexadecimal digits"));
                };
                (high << 4 | low, 4)
            }
            _ if byte.is_ascii_alphanumeric() => return Ok(None),
            _ => (byte, 2),
        };
        self.at += length;
        Ok(Some(byte))
    }

    fn escape(&mut self) -> Result<(), PatternProblem> {
        if let Some(byte) = self.escaped_byte()? {
            push_byte(&mut self.out, byte);
            return Ok(());
        }
        let text = match self.peek(1) {
            Some(b'd') => r"\d",
            Some(b'D') => r"\D",
            Some(b's') => r"\s",
            Some(b'S') => r"\S",
            Some(b'w') => r"\w",
            Some(b'W') => r"\W",
            Some(b'b') => r"\b",
            Some(b'B') => r"\B",
            Some(b'A') => r"\A",
            Some(b'z') => r"\z",
            Some(b'Z') => END,
            _ => return Err(self.refuse("a back reference or an escape that only PCRE knows")),
        };
        self.at += 1;
        self.take(text);
        Ok(())
    }

    fn class(&mut self) -> Result<(), PatternProblem> {
        let begin = self.at;
        self.take("[");
        if self.peek(0) == Some(b'^') {
            self.take("^");
        }
        let first = self.at;
        loop {
            match self.peek(0) {
                None => return Err(PatternProblem::Construct { at: begin, what: "a class without its end" }),
                Some(b']') if self.at > first => break,
                Some(_) => {}
            }
            let low = self.member()?;
            let range = self.peek(0) == Some(b'-') && self.peek(1).is_some_and(|byte| byte != b']');
            match low {
                Member::Byte(low) if range => {
                    self.at += 1;
                    let Member::Byte(high) = self.member()? else {
                        return Err(self.refuse("a range that ends in a set"));
                    };
                    push_byte(&mut self.out, low);
                    self.out.push('-');
                    push_byte(&mut self.out, high);
                }
                Member::Byte(byte) => push_byte(&mut self.out, byte),
                Member::Set(_) if range => return Err(self.refuse("a range that begins with a set")),
                Member::Set(set) => self.out.push_str(&set),
            }
        }
        self.take("]");
        Ok(())
    }

    fn member(&mut self) -> Result<Member, PatternProblem> {
        let Some(byte) = self.peek(0) else { return Err(self.refuse("a class without its end")) };
        match byte {
            b'\\' => {
                if let Some(byte) = self.escaped_byte()? {
                    return Ok(Member::Byte(byte));
                }
                let set = match self.peek(1) {
                    Some(b'd') => r"\d",
                    Some(b'D') => r"\D",
                    Some(b's') => r"\s",
                    Some(b'S') => r"\S",
                    Some(b'w') => r"\w",
                    Some(b'W') => r"\W",
                    Some(b'b') => r"\x08",
                    _ => return Err(self.refuse("an escape in a class that only PCRE knows")),
                };
                self.at += 2;
                Ok(Member::Set(set.to_owned()))
            }
            b'[' if matches!(self.peek(1), Some(b':' | b'.' | b'=')) => self.named_set(),
            _ => {
                self.at += 1;
                Ok(Member::Byte(byte))
            }
        }
    }

    /// `[:name:]`; a `[` that begins none is an ordinary byte.
    fn named_set(&mut self) -> Result<Member, PatternProblem> {
        let rest = &self.pattern[self.at + 2..];
        let end = rest.windows(2).position(|two| two[0] == self.pattern[self.at + 1] && two[1] == b']');
        let name = end.map(|end| &rest[..end]);
        match name {
            // A `]` or a backslash before its end: PCRE sees no named set here.
            Some(name) if !name.contains(&b']') && !name.contains(&b'\\') => {
                let length = name.len() + 4;
                let text = &self.pattern[self.at..self.at + length];
                let word = name.strip_prefix(b"^").unwrap_or(name);
                if text[1] != b':' || !NAMED_SETS.contains(&word) {
                    return Err(self.refuse("a named set that is not known"));
                }
                let set = text.iter().copied().map(char::from).collect();
                self.at += length;
                Ok(Member::Set(set))
            }
            _ => {
                self.at += 1;
                Ok(Member::Byte(b'['))
            }
        }
    }
}

/// The POSIX classes, which mean the same ASCII bytes on both sides.
const NAMED_SETS: [&[u8]; 14] = [
    b"alnum", b"alpha", b"ascii", b"blank", b"cntrl", b"digit", b"graph", b"lower", b"print", b"punct", b"space",
    b"upper", b"word", b"xdigit",
];

fn decimal(digits: &[u8]) -> u64 {
    digits.iter().fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

/// Writes `byte` so that it means itself, in and outside of classes.
fn push_byte(out: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || byte == b'/' || byte == b'_' {
        out.push(char::from(byte));
    } else {
        out.push_str(&format!("\\x{byte:02x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::translate;

    #[test]
    fn what_cannot_be_translated_is_refused_by_name() {
        for (pattern, expected) in [
            ("/a(?=b)", "at byte 2: a look-around, option or special group, (?…)"),
            ("/a(?i)b", "at byte 2: a look-around, option or special group, (?…)"),
            ("/(*ACCEPT)", "at byte 1: a control verb, (*…)"),
            ("/a++", "at byte 3: a possessive quantifier"),
            ("/a**", "at byte 3: a quantifier with nothing before it"),
            ("*", "at byte 0: a quantifier with nothing before it"),
            ("/a{,3}", "at byte 2: {,n}, which releases of PCRE2 read differently"),
            (r"/(a)\1", "at byte 4: a back reference or an escape that only PCRE knows"),
            (r"/[\h]", "at byte 2: an escape in a class that only PCRE knows"),
            ("/[a", "at byte 1: a class without its end"),
            ("/[[:nope:]]", "at byte 2: a named set that is not known"),
            (r"/a\", "at byte 2: a backslash at the end"),
            (r"/a\x1", "at byte 2: \\x without two hexadecimal digits"),
        ] {
            assert_eq!(translate(pattern.as_bytes()).unwrap_err().to_string(), expected, "{pattern}");
        }
        let long = vec![b'a'; 4096];
        assert_eq!(translate(&long).unwrap_err().to_string(), "it has 4096 bytes, more than the 4095 allowed");
    }
}
