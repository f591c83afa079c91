//! Why a package database cannot be read.

use std::io;

use builder_tree::ResolveError;

use crate::{HeaderError, Malformed, SqliteError};

/// Why a package database cannot be read. Paths are below the image's root, without a leading slash.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackagesError {
    /// The way to a file goes round in circles.
    #[error("the package database cannot be looked up")]
    Lookup(#[from] ResolveError),
    /// The body of a file.
    #[error("/{path} cannot be read")]
    Read {
        /// The file.
        path: String,
        /// What happened.
        #[source]
        source: io::Error,
    },
    /// Text that is not made of fields.
    #[error("/{path} is damaged")]
    Text {
        /// The file.
        path: String,
        /// Where and how.
        #[source]
        source: Malformed,
    },
    /// A package without what every package has.
    #[error("/{path}: the package at line {line} has no {field}")]
    NoField {
        /// The file.
        path: String,
        /// The first line of the package, counted from 1.
        line: usize,
        /// The field in the manager's words.
        field: &'static str,
    },
    /// A number that is none.
    #[error("/{path}: {field} of {package} is `{}`, not a number of {unit} below 2^64 bytes", .value.escape_debug())]
    Number {
        /// The file.
        path: String,
        /// The package.
        package: String,
        /// The field in the manager's words.
        field: &'static str,
        /// The unit it is counted in.
        unit: &'static str,
        /// What it says.
        value: String,
    },
    /// A damaged SQLite file.
    #[error("/{path} is damaged")]
    Sqlite {
        /// The file.
        path: String,
        /// Where and how.
        #[source]
        source: SqliteError,
    },
    /// A damaged header of an rpm.
    #[error("/{path}: package {number} is damaged")]
    Header {
        /// The file.
        path: String,
        /// The number of the header in the database (`hnum`).
        number: i64,
        /// Where and how.
        #[source]
        source: HeaderError,
    },
    /// A database of another kind.
    #[error("/{path} is an rpm database in the format {format}, and only rpmdb.sqlite is read")]
    Format {
        /// The file.
        path: String,
        /// The name of the format.
        format: &'static str,
    },
    /// Changes that were left half done.
    #[error("/{path} holds a change that was not finished")]
    Journal {
        /// SQLite's rollback journal.
        path: String,
    },
    /// More than any system has.
    #[error("/{path} has more than {limit} packages")]
    TooMany {
        /// The file.
        path: String,
        /// The limit.
        limit: usize,
    },
}

impl PackagesError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Format { .. } => {
                "convert it in the image with `rpmdb --rebuilddb`, where its rpm is 4.16 or later and has the backend \
                 sqlite"
            }
            Self::Journal { .. } => "let rpm finish it in the image: `rpm -qa` opens the database and puts it right",
            Self::Text { .. } | Self::NoField { .. } | Self::Number { .. } => {
                "see what the image's own package manager says to it, and build the image again"
            }
            Self::Sqlite { .. } | Self::Header { .. } => {
                "`rpmdb --verifydb` in the image says whether rpm can read it; build the image again if not"
            }
            Self::Lookup(_) | Self::Read { .. } | Self::TooMany { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
