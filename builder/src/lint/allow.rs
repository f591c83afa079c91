//! What is found and allowed: by the command line, by a file beside it, by the image itself.
//!
//! ```text
//! # NAME [PATH]  # why
//! setuid          usr/bin/sudo     # the one way to become root
//! private-keys    etc/pki/tls/**   # made at first boot, these are samples
//! var-log
//! ```
//!
//! A line allows what the check finds at the paths that the pattern stands for, or without a pattern all that it finds.
//! In a pattern `*` stands for a part of a name, `?` for one byte of it, `**` for a part of a path. A comment begins
//! with a `#` at the beginning of the line or behind white space.

use std::cell::Cell;
use std::fmt;

use builder_block::nearest;

use crate::lint::glob::{Glob, GlobError};
use crate::lint::registry;

/// Where an image has a list of its own.
pub const IMAGE_ALLOW_FILE: &str = "usr/lib/diskwright/lint.allow";

/// Lines of one file that are read. Each costs time at every finding.
const MOST_LINES: usize = 256;

/// What is allowed.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    entries: Vec<AllowEntry>,
}

/// A line of a list.
#[derive(Clone, Debug)]
pub(crate) struct AllowEntry {
    /// The check that it allows.
    pub(crate) check: &'static str,
    paths: Option<Glob>,
    /// Why, where that is said.
    pub(crate) why: Option<String>,
    file: String,
    /// Its line, from 1; zero where it is no line of a file.
    line: usize,
    used: Cell<bool>,
}

/// A name that no check has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no check `{}`", .name.escape_debug())]
pub struct UnknownCheck {
    /// What was given.
    pub name: String,
    /// The name that is most like it.
    pub nearest: Option<&'static str>,
}

/// A line of an allow list that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} line {line}: {problem}")]
pub struct AllowError {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: AllowProblem,
}

/// What is wrong with a line of an allow list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowProblem {
    /// It names no check.
    #[error(transparent)]
    Unknown(#[from] UnknownCheck),
    /// Its pattern is not taken.
    #[error(transparent)]
    Path(#[from] GlobError),
    /// It has more words.
    #[error("{words} words, expected a check and at most one path")]
    Words {
        /// How many.
        words: usize,
    },
    /// There are more lines than are read.
    #[error("more than the {MOST_LINES} lines that are read")]
    Lines,
}

impl UnknownCheck {
    fn new(name: &str) -> Self {
        let nearest = nearest(name, registry::checks().iter().map(|check| check.name));
        Self { name: name.to_owned(), nearest }
    }

    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> String {
        match self.nearest {
            Some(nearest) => format!("the most similar one is `{nearest}`; all are named by: diskwright lint --list"),
            None => "all checks are named by: diskwright lint --list".to_owned(),
        }
    }
}

impl AllowError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            AllowProblem::Unknown(unknown) => Some(unknown.hint()),
            AllowProblem::Words { .. } => Some("write `?` for a blank in a path, and ` # ` before a reason".to_owned()),
            AllowProblem::Path(_) | AllowProblem::Lines => None,
        }
    }
}

impl AllowList {
    /// A list that allows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows all that the check `name` finds, because of an option `option`.
    ///
    /// # Errors
    /// No check has that name.
    pub fn allow(&mut self, option: &str, name: &str) -> Result<(), UnknownCheck> {
        let check = registry::find(name).ok_or_else(|| UnknownCheck::new(name))?.name;
        let used = Cell::new(false);
        self.entries.push(AllowEntry { check, paths: None, why: None, file: option.to_owned(), line: 0, used });
        Ok(())
    }

    /// Adds the lines of the file `file`, whose text is `text`.
    ///
    /// # Errors
    /// The first line that cannot be understood.
    pub fn read(&mut self, file: &str, text: &str) -> Result<(), AllowError> {
        let mut problems = Vec::new();
        self.read_lines(file, text, &mut problems);
        problems.into_iter().next().map_or(Ok(()), Err)
    }

    /// Adds the lines of `text` that can be understood, and tells of the others.
    pub(crate) fn read_lines(&mut self, file: &str, text: &str, problems: &mut Vec<AllowError>) {
        let mut read = 0;
        for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
            let (words, why) = split_comment(line);
            if words.trim().is_empty() {
                continue;
            }
            read += 1;
            let problem = |problem| AllowError { file: file.to_owned(), line: number, problem };
            if read > MOST_LINES {
                return problems.push(problem(AllowProblem::Lines));
            }
            match parse(words) {
                Ok((check, paths)) => self.entries.push(AllowEntry {
                    check,
                    paths,
                    why: why.map(str::to_owned),
                    file: file.to_owned(),
                    line: number,
                    used: Cell::new(false),
                }),
                Err(found) => problems.push(problem(found)),
            }
        }
    }

    /// The line that allows what `check` found at `path`.
    pub(crate) fn covers(&self, check: &str, path: Option<&[u8]>) -> Option<&AllowEntry> {
        let entry = self.entries.iter().find(|entry| {
            entry.check == check
                && match (&entry.paths, path) {
                    (None, _) => true,
                    (Some(glob), Some(path)) => glob.matches(path),
                    (Some(_), None) => false,
                }
        })?;
        entry.used.set(true);
        Some(entry)
    }

    /// The lines that allowed nothing.
    pub(crate) fn unused(&self) -> impl Iterator<Item = &AllowEntry> {
        self.entries.iter().filter(|entry| !entry.used.get())
    }
}

impl AllowEntry {
    /// Who allows it.
    pub(crate) fn by(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{} line {}", self.file, self.line) }
    }
}

impl fmt::Display for AllowEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} allows {}", self.by(), self.check)
    }
}

/// What stands before a comment, and what it says.
fn split_comment(line: &str) -> (&str, Option<&str>) {
    let mut blank = true;
    for (at, c) in line.char_indices() {
        if c == '#' && blank {
            let why = line[at..].trim_start_matches('#').trim();
            return (&line[..at], (!why.is_empty()).then_some(why));
        }
        blank = c.is_whitespace();
    }
    (line, None)
}

fn parse(words: &str) -> Result<(&'static str, Option<Glob>), AllowProblem> {
    let mut each = words.split_whitespace();
    let (name, path) = (each.next().unwrap_or_default(), each.next());
    if each.next().is_some() {
        return Err(AllowProblem::Words { words: words.split_whitespace().count() });
    }
    let check = registry::find(name).ok_or_else(|| UnknownCheck::new(name))?;
    Ok((check.name, path.map(Glob::new).transpose()?))
}

#[cfg(test)]
mod tests {
    use super::AllowList;

    #[test]
    fn a_line_allows_a_check_at_paths() {
        let mut list = AllowList::new();
        let text = "# a list\n\nsetuid usr/bin/*  # needed\nvar-log\t# logs #1\nutf8 a#b\n";
        list.read("FILE", text).unwrap();
        list.allow("--allow", "kernel").unwrap();
        for (check, path, by, why) in [
            ("setuid", Some("usr/bin/sudo"), Some("FILE line 3"), Some("needed")),
            ("setuid", Some("usr/lib/helper"), None, None),
            ("setuid", None, None, None),
            ("var-log", Some("var/log/x"), Some("FILE line 4"), Some("logs #1")),
            ("var-log", None, Some("FILE line 4"), Some("logs #1")),
            ("utf8", Some("a#b"), Some("FILE line 5"), None),
            ("kernel", None, Some("--allow"), None),
            ("var-run", Some("var/run"), None, None),
        ] {
            let found = list.covers(check, path.map(str::as_bytes));
            assert_eq!(found.map(super::AllowEntry::by).as_deref(), by, "{check} {path:?}");
            assert_eq!(found.and_then(|entry| entry.why.as_deref()), why, "{check} {path:?}");
        }
        assert_eq!(list.unused().count(), 0);
        list.read("MORE", "var-run\n").unwrap();
        let unused: Vec<_> = list.unused().map(ToString::to_string).collect();
        assert_eq!(unused, ["MORE line 1 allows var-run"]);
    }

    #[test]
    fn a_wrong_line_is_told_with_its_number_and_the_nearest_name() {
        for (text, message, hint) in [
            ("var-log\nvar-logs\n", "F line 2: there is no check `var-logs`", Some("`var-log`")),
            ("var-log a b", "F line 1: 3 words, expected a check and at most one path", Some("write `?`")),
            (&format!("utf8 {}", "x".repeat(600))[..], "F line 1: the path has 600 bytes", None),
            (&"utf8\n".repeat(300)[..], "F line 257: more than the 256 lines", None),
        ] {
            let error = AllowList::new().read("F", text).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
            assert_eq!(error.hint().is_some(), hint.is_some());
            assert!(error.hint().unwrap_or_default().contains(hint.unwrap_or_default()));
        }
        let unknown = AllowList::new().allow("--allow", "no\nsuch").unwrap_err();
        assert_eq!(unknown.to_string(), "there is no check `no\\nsuch`");
    }
}
