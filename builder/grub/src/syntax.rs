//! What a script is made of.

use std::rc::Rc;

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Outside of quotes; a backslash and what it protects are both still there.
    Plain(String),
    /// Inside of quotes, which are gone.
    Quoted(String),
    /// `$"..."`, whose variables are put in after the text was translated.
    Translated(String),
    /// `$name`, `${name}`.
    Variable {
        /// A name, a number, or one of `?#*@`.
        name: String,
        /// Inside of double quotes: the value is not split.
        quoted: bool,
    },
}

/// A word: its parts follow each other without a gap.
pub(crate) type Word = Vec<Part>;

/// Commands that follow each other.
pub(crate) type Body = Rc<Vec<Command>>;

/// A command, and the line on which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) line: usize,
    pub(crate) action: Action,
}

/// What a command does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Words, of which the first names the command, and perhaps a block.
    Simple { words: Vec<Word>, block: Option<Body> },
    /// `if` and every `elif` with what follows its `then`; then what follows `else`.
    If { branches: Vec<(Body, Body)>, otherwise: Option<Body> },
    /// `for`.
    For { name: String, words: Vec<Word>, body: Body },
    /// `while`, and `until` the other way round.
    While { until: bool, condition: Body, body: Body },
    /// `function`.
    Function { name: String, body: Body },
}

/// Why a text is not a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}
