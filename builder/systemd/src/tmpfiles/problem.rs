//! What can be wrong with tmpfiles.d.

use crate::shown::Shown;
use crate::{FileProblem, Severity};

/// What is wrong with a line or file of tmpfiles.d, in systemd's words where it has any.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TmpfilesProblem {
    /// The file is not read, or not to its end.
    #[error("{0}")]
    File(
        /// Why.
        FileProblem,
    ),
    /// A quote without its end, or an unknown escape.
    #[error("Failed to parse line: Invalid argument")]
    Quoting,
    /// A line of one field.
    #[error("Syntax error.")]
    NoPath,
    /// An empty first field.
    #[error("Command too short ''.")]
    NoCommand,
    /// A sign behind the letter that has no meaning, or stands there twice.
    #[error("Unknown modifiers in command '{}'", Shown(.0))]
    UnknownModifiers(
        /// The first field.
        Vec<u8>,
    ),
    /// A letter without meaning.
    #[error("Unknown command type '{}'", Shown(&[*.0]))]
    UnknownKind(
        /// The letter.
        u8,
    ),
    /// `?` on a line that makes no symbolic link.
    #[error("the modifier '?' has no meaning for '{0}' lines, only for 'L'")]
    NotALink(
        /// The letter.
        char,
    ),
    /// A specifier that does not exist, or too long a result.
    #[error("Failed to replace specifiers in '{}': {reason}", Shown(.text))]
    Specifiers {
        /// The text.
        text: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// A path that does not begin with a slash.
    #[error("Path '{}' not absolute.", Shown(.0))]
    NotAbsolute(
        /// The path.
        Vec<u8>,
    ),
    /// A path with `..`.
    #[error("'{}': path not normalized.", Shown(.0))]
    NotNormalized(
        /// The path.
        Vec<u8>,
    ),
    /// A path below `/var/run`, which is a link to `/run`.
    #[error("Line references path below legacy directory /var/run/, updating {} → {}", Shown(.from), Shown(.to))]
    VarRun {
        /// As written.
        from: Vec<u8>,
        /// As understood.
        to: Vec<u8>,
    },
    /// An argument where none is taken.
    #[error("{0} lines don't take argument fields, ignoring.")]
    ArgumentIgnored(
        /// The letter.
        char,
    ),
    /// No argument where one is needed.
    #[error("{0} requires argument.")]
    ArgumentMissing(
        /// What it would be for.
        &'static str,
    ),
    /// `~` where it has no meaning.
    #[error("base64 decoding not supported for {0}.")]
    NoBase64(
        /// What it is given for.
        &'static str,
    ),
    /// A device number that is none.
    #[error("Can't parse device file major/minor '{}'", Shown(.0))]
    Device(
        /// The argument.
        Vec<u8>,
    ),
    /// An argument with an unknown escape or specifier.
    #[error("Failed to substitute specifiers in argument: {reason}")]
    Argument {
        /// Why.
        reason: String,
    },
    /// A source that does not begin with a slash.
    #[error("Source path '{}' is not absolute.", Shown(.0))]
    SourceNotAbsolute(
        /// The source.
        Vec<u8>,
    ),
    /// `^` without an argument.
    #[error("Reading from credential requested, but no credential name specified.")]
    NoCredential,
    /// `^` with an argument that is no file name.
    #[error("Credential name not valid: {}", Shown(.0))]
    Credential(
        /// The argument.
        Vec<u8>,
    ),
    /// `~` with an argument that is no Base64.
    #[error("Failed to base64 decode specified argument '{}'", Shown(.0))]
    Base64(
        /// The argument.
        Vec<u8>,
    ),
    /// A mode that is no octal number up to 7777.
    #[error("Invalid mode '{}'.", Shown(.0))]
    Mode(
        /// The field.
        Vec<u8>,
    ),
    /// Time stamps that do not exist.
    #[error("Invalid age-by '{}'.", Shown(.0))]
    AgeBy(
        /// The part of the field.
        Vec<u8>,
    ),
    /// An age that is no time span.
    #[error("Invalid age '{}'.", Shown(.0))]
    Age(
        /// The part of the field.
        Vec<u8>,
    ),
    /// An extended attribute that is not `NAME=VALUE`.
    #[error("Malformed extended attribute found, ignoring: {}", Shown(.0))]
    Xattr(
        /// The word.
        Vec<u8>,
    ),
    /// A letter that is no file attribute.
    #[error("Unknown file attribute '{}'", Shown(&[*.0]))]
    Attribute(
        /// The letter.
        u8,
    ),
    /// Another line about the same path says something else, and counts.
    #[error("Duplicate line for path \"{}\", ignoring.", Shown(.0))]
    Duplicate(
        /// The path.
        Vec<u8>,
    ),
}

impl TmpfilesProblem {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::VarRun { .. } | Self::Duplicate(_) => Severity::Notice,
            Self::ArgumentIgnored(_) | Self::Xattr(_) => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Quoting => Some("end every quote, and write a backslash as two"),
            Self::NoPath => Some("a line is a type and a path, then mode, user, group, age and argument"),
            Self::UnknownModifiers(_) => Some("the signs are + ! - = ~ ^ $ ?, each once, right behind the type"),
            Self::Specifiers { .. } => Some("write a percent sign as two"),
            Self::NotNormalized(_) => Some("write the path without `..`"),
            Self::Mode(_) => Some("a mode is an octal number up to 7777, after `~` or `:`"),
            _ => None,
        }
    }
}
