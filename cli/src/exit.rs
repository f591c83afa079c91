//! Exit codes: one enum, one meaning each.

use std::process::ExitCode;

use builder::Category;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All was done.
    Success = 0,
    /// A defect of diskwright.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The image, or a file given, is damaged or not what it should be.
    InputInvalid = 3,
    /// The image is sound but would not make a working machine.
    ValidationFailed = 4,
    /// The image asks for something that diskwright cannot do.
    Unsupported = 5,
    /// The machine that builds lacks something: room, a directory, a permission.
    Environment = 6,
    /// Reading or writing failed.
    Io = 7,
    /// What was compared is not the same.
    Different = 8,
    /// Stopped by Ctrl-C or a termination signal.
    Interrupted = 130,
}

/// The table for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  success
    1  internal error: a defect of diskwright
    2  usage: the command line is wrong
    3  input invalid: the image or a given file is damaged or malformed
    4  validation failed: the image would not make a working machine
    5  unsupported: the image asks for something that diskwright cannot do
    6  environment: this machine lacks room, a directory or a permission
    7  I/O: reading or writing failed
    8  different: what was compared is not the same
  130  interrupted";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<Category> for Exit {
    fn from(category: Category) -> Self {
        match category {
            Category::Usage => Self::Usage,
            Category::Input => Self::InputInvalid,
            Category::Validation => Self::ValidationFailed,
            Category::Unsupported => Self::Unsupported,
            Category::Environment => Self::Environment,
            Category::Io => Self::Io,
            Category::Internal => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, HELP};

    #[test]
    fn help_names_every_code() {
        for exit in [
            Exit::Success,
            Exit::Internal,
            Exit::Usage,
            Exit::InputInvalid,
            Exit::ValidationFailed,
            Exit::Unsupported,
            Exit::Environment,
            Exit::Io,
            Exit::Different,
            Exit::Interrupted,
        ] {
            let code = exit as u8;
            assert!(HELP.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))), "{code}");
        }
    }
}
