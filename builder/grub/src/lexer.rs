//! From lines to tokens (GRUB, `grub-core/script/yylex.l`).

use crate::limits::WORD_BYTES;
use crate::lines::Lines;
use crate::syntax::{Part, SyntaxError, Word};

/// Words that begin or end something where a command may stand; elsewhere they are words as any other.
const RESERVED: [&str; 15] = [
    "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then", "until",
    "while",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// Line feed.
    Newline,
    /// `;`
    Semicolon,
    /// `{`
    Open,
    /// `}`
    Close,
    /// What the lexer knows and no rule uses: `&&`, `||`, `|`, `&`, `;;`, `<`, `>`, `[[`, `]]`.
    Operator(&'static str),
    /// A reserved word.
    Reserved(&'static str),
    /// A word that may name a function or a variable.
    Name(String),
    /// Any other word.
    Word(Word),
    /// The lines so far are used up.
    End,
}

/// Takes lines only when asked to: GRUB runs each command before it reads on.
pub(crate) struct Lexer<'l, 't> {
    lines: &'l mut Lines<'t>,
    buffer: String,
    at: usize,
    /// Where the lines in the buffer begin, and their numbers.
    starts: Vec<(usize, usize)>,
}

impl<'l, 't> Lexer<'l, 't> {
    pub(crate) fn new(lines: &'l mut Lines<'t>) -> Self {
        Self { lines, buffer: String::new(), at: 0, starts: Vec::new() }
    }

    /// Appends the next line; false where there is none.
    pub(crate) fn more(&mut self) -> bool {
        let Some((number, line)) = self.lines.next() else { return false };
        self.starts.push((self.buffer.len(), number));
        self.buffer.push_str(line);
        self.buffer.push('\n');
        true
    }

    fn line_at(&self, offset: usize) -> usize {
        let behind = self.starts.partition_point(|&(start, _)| start <= offset);
        behind.checked_sub(1).and_then(|index| self.starts.get(index)).map_or(0, |&(_, number)| number)
    }

    pub(crate) fn error<T>(&self, reason: impl Into<String>) -> Result<T, SyntaxError> {
        let offset = self.at.min(self.buffer.len().saturating_sub(1));
        Err(SyntaxError { line: self.line_at(offset), reason: reason.into() })
    }

    fn byte(&self, offset: usize) -> Option<u8> {
        self.buffer.as_bytes().get(offset).copied()
    }

    /// The next token and its line. Where the lines are used up: `inside` something that is not closed more are taken,
    /// else that is the end.
    pub(crate) fn token(&mut self, inside: bool) -> Result<(Token, usize), SyntaxError> {
        loop {
            while matches!(self.byte(self.at), Some(b' ' | b'\t')) {
                self.at += 1;
            }
            let Some(byte) = self.byte(self.at) else {
                if !inside {
                    return Ok((Token::End, self.lines.number()));
                }
                if !self.more() {
                    return self.error("the file ends before what begins here is closed");
                }
                continue;
            };
            let line = self.line_at(self.at);
            let two = self.byte(self.at + 1) == Some(byte);
            let (token, length) = match byte {
                b'#' => {
                    let comment = self.buffer[self.at..].find('\n').unwrap_or(self.buffer.len() - self.at);
                    // GRUB's lexer looks at the line's end and one more before it takes the comment.
                    self.check_length(self.at + comment + 2)?;
                    self.at += comment;
                    continue;
                }
                b'\n' => (Token::Newline, 1),
                b'|' if two => (Token::Operator("||"), 2),
                b'|' => (Token::Operator("|"), 1),
                b'&' if two => (Token::Operator("&&"), 2),
                b'&' => (Token::Operator("&"), 1),
                b';' if two => (Token::Operator(";;"), 2),
                b';' => (Token::Semicolon, 1),
                b'<' => (Token::Operator("<"), 1),
                b'>' => (Token::Operator(">"), 1),
                b'{' => (Token::Open, 1),
                b'}' => (Token::Close, 1),
                _ => return Ok((self.word()?, line)),
            };
            self.at += length;
            return Ok((token, line));
        }
    }

    fn check_length(&self, end: usize) -> Result<(), SyntaxError> {
        let length = end - self.at;
        if length > WORD_BYTES {
            return self
                .error(format!("a word or comment of {length} bytes, and GRUB stops at more than {WORD_BYTES}"));
        }
        Ok(())
    }

    /// A word, from where the lexer is.
    fn word(&mut self) -> Result<Token, SyntaxError> {
        let mut parts = Word::new();
        let mut plain = String::new();
        let mut at = self.at;
        while let Some(byte) = self.byte(at) {
            match byte {
                b' ' | b'\t' | b'\n' | b'{' | b'}' | b'|' | b'&' | b';' | b'<' | b'>' => break,
                b'\\' if self.byte(at + 1) == Some(b'\n') => {
                    at += 2;
                    if at == self.buffer.len() && !self.more() {
                        return self.error("the file ends behind a backslash");
                    }
                }
                b'\\' => {
                    let end = self.character_end(at + 1);
                    plain.push_str(&self.buffer[at..end]);
                    at = end;
                }
                b'\'' => {
                    flush(&mut plain, &mut parts);
                    let end = self.closing_quote(at)?;
                    parts.push(Part::Quoted(self.buffer[at + 1..end].to_owned()));
                    at = end + 1;
                }
                b'"' => {
                    flush(&mut plain, &mut parts);
                    let end = self.closing_quote(at)?;
                    double_quoted(&self.buffer[at + 1..end], &mut parts).or_else(|reason| self.error(reason))?;
                    at = end + 1;
                }
                b'$' if self.byte(at + 1) == Some(b'"') => {
                    flush(&mut plain, &mut parts);
                    let end = self.closing_quote(at + 1)?;
                    parts.push(Part::Translated(translatable(&self.buffer[at + 2..end])));
                    at = end + 1;
                }
                b'$' => {
                    let Some((name, length)) = variable(&self.buffer[at + 1..]) else { break };
                    flush(&mut plain, &mut parts);
                    parts.push(Part::Variable { name: name.to_owned(), quoted: false });
                    at += 1 + length;
                }
                _ => {
                    let end = self.character_end(at);
                    plain.push_str(&self.buffer[at..end]);
                    at = end;
                }
            }
        }
        if at == self.at {
            return self.error("`$` without the name of a variable");
        }
        self.check_length(at)?;
        let raw = &self.buffer[self.at..at];
        let token = if let Some(&word) = RESERVED.iter().find(|&&word| word == raw) {
            Token::Reserved(word)
        } else if raw == "[[" {
            Token::Operator("[[")
        } else if raw == "]]" {
            Token::Operator("]]")
        } else if is_name(raw) {
            Token::Name(raw.to_owned())
        } else {
            flush(&mut plain, &mut parts);
            Token::Word(parts)
        };
        self.at = at;
        Ok(token)
    }

    /// End of the character that begins at `offset`.
    fn character_end(&self, offset: usize) -> usize {
        self.buffer[offset..].chars().next().map_or(self.buffer.len(), |character| offset + character.len_utf8())
    }

    /// Where the quote at `open` is closed. Takes more lines as long as it is not.
    fn closing_quote(&mut self, open: usize) -> Result<usize, SyntaxError> {
        let quote = self.byte(open);
        let mut at = open + 1;
        loop {
            match self.byte(at) {
                None => {
                    // A whole file behind a quote that is never closed is not worth collecting.
                    self.check_length(at)?;
                    if !self.more() {
                        return self.error("a quote that is never closed");
                    }
                }
                Some(b'\\') if quote == Some(b'"') => at += 2,
                byte if byte == quote => return Ok(at),
                Some(_) => at += 1,
            }
        }
    }
}

fn flush(plain: &mut String, parts: &mut Word) {
    if !plain.is_empty() {
        parts.push(Part::Plain(std::mem::take(plain)));
    }
}

/// The parts of a text in double quotes. An empty text at both ends makes it a word even where a variable is empty.
fn double_quoted(text: &str, parts: &mut Word) -> Result<(), String> {
    let mut quoted = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        let next = rest[length..].chars().next();
        match (character, next) {
            ('\\', Some('\n')) => length += 1,
            ('\\', Some(next @ ('$' | '\\' | '"'))) => {
                quoted.push(next);
                length += 1;
            }
            ('$', _) => {
                let (name, behind) =
                    variable(&rest[1..]).ok_or("`$` in double quotes without the name of a variable")?;
                parts.push(Part::Quoted(std::mem::take(&mut quoted)));
                parts.push(Part::Variable { name: name.to_owned(), quoted: true });
                length += behind;
            }
            _ => quoted.push(character),
        }
        rest = &rest[length..];
    }
    parts.push(Part::Quoted(quoted));
    Ok(())
}

/// The text of `$"..."`, in which only the quote is unprotected.
fn translatable(text: &str) -> String {
    let mut translatable = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some('\n')) => _ = characters.next(),
            ('\\', Some('"')) => {
                translatable.push('"');
                characters.next();
            }
            ('\\', Some('\\')) => {
                translatable.push_str("\\\\");
                characters.next();
            }
            _ => translatable.push(character),
        }
    }
    translatable
}

/// The variable at the start of what follows a `$`: its name, and how many bytes belong to it.
pub(crate) fn variable(text: &str) -> Option<(&str, usize)> {
    if let Some(inner) = text.strip_prefix('{') {
        let length = name_length(inner);
        return (length > 0 && inner[length..].starts_with('}')).then(|| (&inner[..length], length + 2));
    }
    let length = name_length(text);
    (length > 0).then(|| (&text[..length], length))
}

/// Bytes of the longest name at the start: letters, digits and `_`; only digits; or one of `?#*@`.
fn name_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let count = |wanted: fn(&u8) -> bool| bytes.iter().take_while(|byte| wanted(byte)).count();
    match bytes.first() {
        Some(b'?' | b'#' | b'*' | b'@') => 1,
        Some(byte) if byte.is_ascii_digit() => count(u8::is_ascii_digit),
        Some(byte) if byte.is_ascii_alphabetic() || *byte == b'_' => {
            count(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        }
        _ => 0,
    }
}

/// Whether a word may name a function or a variable of `for`.
fn is_name(word: &str) -> bool {
    let mut bytes = word.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
