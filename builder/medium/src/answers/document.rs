//! TOML, looked through key by key, so that all that is wrong is told at once, each with its place.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use builder_block::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;
use super::password;

/// Problems that are told. Who has more will see the others when these are gone.
const MOST_PROBLEMS: usize = 20;
/// Characters of a text of the file that are repeated in a message.
const MOST_REPEATED: usize = 60;

/// The text and what is wrong with it.
pub(super) struct Document<'t> {
    text: &'t str,
    /// First byte of each line.
    lines: Vec<usize>,
    problems: RefCell<Vec<(usize, String)>>,
}

/// A table of the document, all of whose keys are known.
pub(super) struct Section<'s, 't> {
    document: &'s Document<'t>,
    /// As the file names it; empty for what stands above all tables.
    name: String,
    table: &'s DeTable<'t>,
    /// Its first byte.
    offset: usize,
}

impl<'t> Document<'t> {
    /// Reads `text` with `read`, if it is TOML; gives what it made of it, and all that is wrong.
    pub(super) fn read<T>(
        text: &'t str,
        known: &[&str],
        read: impl FnOnce(&Section<'_, 't>) -> T,
    ) -> (Option<T>, Vec<Problem>) {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let document = Self { text, lines, problems: RefCell::default() };
        // The parser bounds the depth of tables and arrays by itself.
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            let made = read(&document.section("", table.get_ref(), 0, known));
            return (Some(made), document.into_problems());
        }
        // What is read after an error may be the error's consequence, so one is told for each line.
        let mut lines = BTreeSet::new();
        for error in errors {
            let offset = error.span().map_or(text.len(), |span| span.start);
            if lines.insert(document.line(offset)) {
                document.wrong_at(offset, error.message());
            }
        }
        (None, document.into_problems())
    }

    /// The table `table`, called `name`, of which the keys `known` are known.
    fn section<'s>(&'s self, name: &str, table: &'s DeTable<'t>, offset: usize, known: &[&str]) -> Section<'s, 't> {
        let section = Section { document: self, name: name.to_owned(), table, offset };
        for key in table.keys() {
            let Range { start, .. } = key.span();
            let key: &str = key.get_ref();
            if !known.contains(&key) {
                let meant = nearest(key, known.iter().copied()).map(|meant| format!("; did you mean `{meant}`?"));
                let known = || format!("; known are {}", known.join(", "));
                let rest = password::advice(key).or(meant).unwrap_or_else(known);
                self.wrong_at(start, format!("unknown key `{}`{}{rest}", shown(key), section.place()));
            }
        }
        section
    }

    fn wrong_at(&self, offset: usize, text: impl fmt::Display) {
        self.problems.borrow_mut().push((offset, text.to_string()));
    }

    fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.take();
        problems.sort();
        problems.truncate(MOST_PROBLEMS);
        let problem = |(offset, text)| {
            let (line, column) = self.place(offset);
            Problem { line, column, text }
        };
        problems.into_iter().map(problem).collect()
    }

    /// Line and column of a byte, both from 1.
    fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let begin = self.lines.get(line - 1).copied().unwrap_or_default();
        (line, self.text.get(begin..offset).unwrap_or_default().chars().count() + 1)
    }

    fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|&begin| begin <= offset)
    }
}

impl<'s, 't> Section<'s, 't> {
    /// ` in [system]`, as messages say it.
    fn place(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) }
    }

    /// Whether `key` is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn get(&self, key: &str) -> Option<&'s Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    /// Says that the value of `key`, or where there is none the table, is wrong.
    pub(super) fn wrong(&self, key: &str, problem: impl fmt::Display) {
        let offset = self.get(key).map_or(self.offset, |value| value.span().start);
        self.wrong_at(offset, key, problem);
    }

    /// Says that a part of the value of `key` is wrong.
    fn wrong_at(&self, offset: usize, key: &str, problem: impl fmt::Display) {
        self.document.wrong_at(offset, format!("`{key}`{}: {problem}", self.place()));
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'t>>, wanted: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.wrong_at(value.span().start, key, format!("it is {found}, and must be {wanted}"));
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let value = self.get(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.wrong_type(key, value, "true or false");
        }
        boolean
    }

    /// A whole number.
    pub(super) fn number(&self, key: &str) -> Option<i64> {
        let value = self.get(key)?;
        let number = value.get_ref().as_integer();
        if number.is_none() {
            self.wrong_type(key, value, "a whole number");
        }
        let number = i64::from_str_radix(number?.as_str(), number?.radix());
        if number.is_err() {
            self.wrong(key, "the number is too large");
        }
        number.ok()
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<&'s str> {
        let value = self.get(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong_type(key, value, "a text in quotes");
        }
        text
    }

    /// What `parse` makes of a text.
    pub(super) fn parsed<T, E: fmt::Display>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        parse(self.text(key)?).map_err(|problem| self.wrong(key, problem)).ok()
    }

    /// What `parse` makes of a text that must be there.
    pub(super) fn needed<T, E: fmt::Display>(&self, key: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        if !self.has(key) {
            self.document.wrong_at(self.offset, format!("there is no `{key}`{}", self.place()));
        }
        self.parsed(key, parse)
    }

    /// One of the words `words`, as its number.
    pub(super) fn one_of<const N: usize>(&self, key: &str, words: [&str; N]) -> Option<usize> {
        let text = self.text(key)?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let meant = nearest(text, words).map(|meant| format!("; did you mean `{meant}`?"));
            let rest = meant.unwrap_or_else(|| format!(" of {}", words.join(", ")));
            self.wrong(key, format!("`{}` is none{rest}", shown(text)));
        }
        found
    }

    /// A list of texts, of which `parse` makes something; none twice.
    pub(super) fn list<T, E: fmt::Display>(&self, key: &str, parse: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong_type(key, value, "a list");
            return Vec::new();
        };
        let mut seen = BTreeSet::new();
        let mut made = Vec::new();
        for item in list.iter() {
            let offset = item.span().start;
            match item.get_ref().as_str() {
                None => self.wrong_type(key, item, "a list of texts"),
                Some(text) if !seen.insert(text) => {
                    self.wrong_at(offset, key, format!("`{}` is there twice", shown(text)))
                }
                Some(text) => match parse(text) {
                    Ok(one) => made.push(one),
                    Err(problem) => self.wrong_at(offset, key, problem),
                },
            }
        }
        made
    }

    /// The table `[key]`.
    pub(super) fn table(&self, key: &str, known: &[&str]) -> Option<Section<'s, 't>> {
        let value = self.get(key)?;
        let name = format!("[{key}]");
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(key, value, &format!("a table: {name}"));
        }
        Some(self.document.section(&name, table?, value.span().start, known))
    }

    /// The tables `[[key]]`.
    pub(super) fn tables(&self, key: &str, known: &[&str]) -> Vec<Section<'s, 't>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let name = format!("[[{key}]]");
        let mut sections = Vec::new();
        match value.get_ref().as_array() {
            None => self.wrong_type(key, value, &format!("in tables: {name}")),
            Some(list) => {
                for item in list.iter() {
                    match item.get_ref().as_table() {
                        Some(table) => sections.push(self.document.section(&name, table, item.span().start, known)),
                        None => self.wrong_type(key, item, &format!("a table: {name}")),
                    }
                }
            }
        }
        sections
    }
}

/// A text of the file, fit for a message.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST_REPEATED).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST_REPEATED).is_some() {
        shown.push('…');
    }
    shown
}
