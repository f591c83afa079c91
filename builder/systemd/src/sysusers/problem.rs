//! What can be wrong with sysusers.d.

use crate::shown::Shown;
use crate::{FileProblem, Severity, Unresolved};

/// What is wrong with a line or file of sysusers.d, in systemd's words where it has any. Each one makes the line be
/// passed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SysusersProblem {
    /// The file is not read, or not to its end.
    #[error("{0}")]
    File(
        /// Why.
        FileProblem,
    ),
    /// A quote without its end.
    #[error("Syntax error.")]
    Quoting,
    /// A line of one field.
    #[error("Missing action and name columns.")]
    NoName,
    /// More than six fields.
    #[error("Trailing garbage.")]
    Trailing,
    /// An empty first field.
    #[error("Empty command specification.")]
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
    /// A specifier that does not exist, or too long a result.
    #[error("Failed to replace specifiers in '{}': {reason}", Shown(.text))]
    Specifiers {
        /// The text.
        text: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// A line whose meaning depends on the running machine. systemd would read it there.
    #[error("'{}' cannot be judged: {why}", Shown(.text))]
    Unresolved {
        /// The field.
        text: Vec<u8>,
        /// On what it depends.
        why: Unresolved,
    },
    /// A name that systemd makes no user or group of.
    #[error("'{}' is not a valid user or group name.", Shown(.0))]
    Name(
        /// The name.
        Vec<u8>,
    ),
    /// A comment with a colon or a control character.
    #[error("'{}' is not a valid GECOS field.", Shown(.0))]
    Gecos(
        /// The field.
        Vec<u8>,
    ),
    /// A home directory that is no absolute path.
    #[error("'{}' is not a valid home directory field.", Shown(.0))]
    Home(
        /// The field.
        Vec<u8>,
    ),
    /// A shell that is no absolute path.
    #[error("'{}' is not a valid login shell field.", Shown(.0))]
    Shell(
        /// The field.
        Vec<u8>,
    ),
    /// `!` on a line that makes no user.
    #[error("Flag '!' not permitted on lines of type '{0}'.")]
    Locked(
        /// The letter.
        char,
    ),
    /// A field that the line does not have.
    #[error("Lines of type '{kind}' don't take a {field} field.")]
    Field {
        /// The letter.
        kind: char,
        /// The field.
        field: &'static str,
    },
    /// A field that the line must have.
    #[error("Lines of type '{kind}' require {field} field.")]
    Missing {
        /// The letter.
        kind: char,
        /// The field, with its place.
        field: &'static str,
    },
    /// A user's number that is none.
    #[error("Failed to parse UID: '{}': {reason}", Shown(.id))]
    Uid {
        /// The field.
        id: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// A group's number that is none.
    #[error("Failed to parse GID: '{}': {reason}", Shown(.id))]
    Gid {
        /// The field.
        id: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// A range that is none.
    #[error("Invalid UID range {}.", Shown(.0))]
    Range(
        /// The field.
        Vec<u8>,
    ),
    /// An earlier line says something else of the same name, and counts.
    #[error("Conflict with earlier configuration for {kind} '{}'", Shown(.name))]
    Conflict {
        /// `user` or `group`.
        kind: &'static str,
        /// The name.
        name: Vec<u8>,
    },
}

impl SysusersProblem {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Unresolved { .. } => Severity::Notice,
            Self::Conflict { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }
}
