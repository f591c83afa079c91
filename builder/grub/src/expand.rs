//! From the words of a script to the arguments of a command (GRUB, `grub-core/script/execute.c`).

use crate::syntax::Part;

/// Arguments in the making: text is put behind the last, and an argument that got none is not one.
#[derive(Debug, Default)]
pub(crate) struct Arguments(Vec<Option<String>>);

impl Arguments {
    /// Begins the next argument, unless the last is still without text.
    pub(crate) fn next(&mut self) {
        if !matches!(self.0.last(), Some(None)) {
            self.0.push(None);
        }
    }

    /// Puts text behind the last argument; even an empty one makes it an argument.
    pub(crate) fn push(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(last) => last.get_or_insert_default().push_str(text),
            None => self.0.push(Some(text.to_owned())),
        }
    }

    /// Puts words behind the last argument, which are separated by white space.
    fn push_split(&mut self, text: &str) {
        for (index, word) in text.split([' ', '\t', '\n', '\r']).filter(|word| !word.is_empty()).enumerate() {
            if index > 0 {
                self.next();
            }
            self.push(&escape_value(word));
        }
    }

    pub(crate) fn finish(self) -> Vec<String> {
        self.0.into_iter().flatten().collect()
    }
}

/// Where the values of variables come from.
pub(crate) trait Values {
    /// The value of a variable; `?` is one.
    fn value(&self, name: &str) -> Option<String>;
    /// The arguments of the function or entry that is run; `None` outside of one.
    fn parameters(&self) -> Option<&[String]>;
}

/// Appends a word's parts to the arguments. Characters that are no wildcards are protected by a backslash then.
pub(crate) fn expand_word(word: &[Part], values: &dyn Values, arguments: &mut Arguments) {
    arguments.next();
    for part in word {
        match part {
            Part::Plain(text) => arguments.push(text),
            Part::Quoted(text) => arguments.push(&escape(text)),
            Part::Translated(text) => arguments.push(&escape(&translated(text, values))),
            Part::Variable { name, quoted } => variable(name, *quoted, values, arguments),
        }
    }
}

fn variable(name: &str, quoted: bool, values: &dyn Values, arguments: &mut Arguments) {
    let parameters = values.parameters().unwrap_or_default();
    match name {
        "#" => {
            if values.parameters().is_some() {
                arguments.push(&parameters.len().to_string());
            }
        }
        "*" if quoted => arguments.push(&escape(&parameters.join(" "))),
        "*" | "@" => {
            for (index, parameter) in parameters.iter().enumerate() {
                if index > 0 {
                    arguments.next();
                }
                append(parameter, quoted, arguments);
            }
        }
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => {
            // There is no `$0`.
            let index = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            if let Some(parameter) = index.and_then(|index| parameters.get(index)) {
                append(parameter, quoted, arguments);
            }
        }
        _ => {
            if let Some(value) = values.value(name).filter(|value| !value.is_empty()) {
                append(&value, quoted, arguments);
            }
        }
    }
}

fn append(value: &str, quoted: bool, arguments: &mut Arguments) {
    if quoted {
        arguments.push(&escape(value));
    } else {
        arguments.push_split(value);
    }
}

/// The text of `$"..."` with its variables; nobody translates it here.
fn translated(text: &str, values: &dyn Values) -> String {
    let mut translated = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        match character {
            '\\' => match rest[1..].chars().next() {
                Some(next @ ('\\' | '$')) => {
                    translated.push(next);
                    length += 1;
                }
                _ => translated.push('\\'),
            },
            '$' => match crate::lexer::variable(&rest[1..]) {
                Some((name, behind)) => {
                    translated.push_str(&values.value(name).unwrap_or_default());
                    length += behind;
                }
                None => translated.push('$'),
            },
            other => translated.push(other),
        }
        rest = &rest[length..];
    }
    translated
}

/// Protects all characters that would mean something in a pattern.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A value outside of quotes keeps its wildcards, but not its backslashes.
fn escape_value(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\' {
            escaped.push('\\');
            if matches!(characters.peek(), Some('?' | '*')) {
                escaped.push('\\');
            }
        }
        escaped.push(character);
    }
    escaped
}

/// A GRUB with Red Hat's changes leaves `\x2d` as it is, as systemd writes it into names of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HexEscapes {
    Kept,
    Unescaped,
}

/// Takes away the backslashes that protected something.
pub(crate) fn unescape(text: &str, hex_escapes: HexEscapes) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        if character != '\\' || (hex_escapes == HexEscapes::Kept && is_hex_escape(rest)) {
            plain.push(character);
        } else if let Some(next) = rest.chars().next() {
            plain.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    plain
}

/// Whether `x` and two hexadecimal digits stand there.
pub(crate) fn is_hex_escape(text: &str) -> bool {
    matches!(text.as_bytes(), [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}
