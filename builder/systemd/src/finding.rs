//! What is wrong with a file, and where.

use std::fmt;

use builder_tree::DisplayPath;

/// Something systemd would complain about, or that cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<P> {
    /// The file, as a path of the tree without a leading slash; of a symbolic link, the link.
    pub file: Vec<u8>,
    /// Line, counted from 1 as systemd counts them; `None` where the file as a whole is meant.
    pub line: Option<usize>,
    /// What is wrong.
    pub problem: P,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, and could be said better.
    Notice,
    /// The line counts, though not as it was meant.
    Warning,
    /// The line, or the whole file, has no effect.
    Error,
}

/// Why a file of a directory of configuration files is not read. It hides files of the same name all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum FileProblem {
    /// A symbolic link to nothing.
    #[error("the symbolic link leads nowhere: No such file or directory")]
    Dangling,
    /// A symbolic link that goes round in circles.
    #[error("Too many levels of symbolic links")]
    Loop,
    /// Something that is no regular file.
    #[error("it is a {0}, not a regular file")]
    NotAFile(
        /// What it is.
        &'static str,
    ),
    /// A line beyond what systemd reads; what follows it is not read.
    #[error("the line is longer than {limit} bytes: No buffer space available")]
    LongLine {
        /// The longest line in bytes.
        limit: usize,
    },
}

impl<P: fmt::Display> fmt::Display for Finding<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", DisplayPath(&self.file))?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl<P> Finding<P> {
    pub(crate) fn at(file: &[u8], line: usize, problem: P) -> Self {
        Self { file: file.to_vec(), line: Some(line), problem }
    }

    pub(crate) fn of(file: &[u8], problem: P) -> Self {
        Self { file: file.to_vec(), line: None, problem }
    }
}
