//! What is wrong with answers.

use std::fmt;

use super::MOST_ANSWERS;

/// Answers that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswersError {
    /// They are too long.
    #[error("{name} has {length} bytes, and answers have {MOST_ANSWERS} at most")]
    Length {
        /// The file.
        name: String,
        /// In bytes.
        length: usize,
    },
    /// Something in them is wrong.
    #[error("{}", Lines(.name, .problems))]
    Wrong {
        /// The file.
        name: String,
        /// What is wrong, in the order of the file; one at least.
        problems: Vec<Problem>,
    },
}

/// What is wrong at a place of the file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong there, with the key.
    pub text: String,
}

impl AnswersError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Length { .. } => "give files that are so long to the image",
            Self::Wrong { .. } => "templates/answers.example.toml explains every key",
        }
    }
}

/// A line for each problem, with the file's name as compilers write it.
struct Lines<'e>(&'e str, &'e [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.1.iter().enumerate() {
            let Problem { line, column, text } = problem;
            let end = if number == 0 { "" } else { "\n" };
            write!(f, "{end}{}:{line}:{column}: {text}", self.0)?;
        }
        Ok(())
    }
}
