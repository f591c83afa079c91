//! What can be wrong with an image's policy.

use std::io;

use builder_tree::{DisplayPath, ResolveError};

/// A policy that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SelinuxError {
    /// A path of the policy leads nowhere.
    #[error("cannot find the SELinux policy file {}", DisplayPath(.path))]
    Resolve {
        /// The path in the image.
        path: Vec<u8>,
        /// Why.
        #[source]
        source: ResolveError,
    },
    /// A path of the policy is no regular file.
    #[error("{} is a {kind}, but a file of the SELinux policy is expected there", DisplayPath(.path))]
    NotAFile {
        /// The path in the image.
        path: Vec<u8>,
        /// What it is.
        kind: &'static str,
    },
    /// A file of the policy is larger than any policy's.
    #[error("{} has {size} bytes, more than the {limit} a SELinux policy file may have", DisplayPath(.path))]
    TooLarge {
        /// The path in the image.
        path: Vec<u8>,
        /// Its length in bytes.
        size: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// A file of the policy cannot be read.
    #[error("cannot read {} of the image", DisplayPath(.path))]
    Read {
        /// The path in the image.
        path: Vec<u8>,
        /// I/O of the store.
        #[source]
        source: io::Error,
    },
    /// The configuration names a policy by what cannot be a directory's name.
    #[error("{} has SELINUXTYPE={}, which is no name of a policy", DisplayPath(.config), .name.escape_ascii())]
    PolicyName {
        /// The configuration file in the image.
        config: Vec<u8>,
        /// The value.
        name: Vec<u8>,
    },
    /// SELinux is on, but the policy has no contexts.
    #[error("{} switches SELinux on with the policy {}, but {} is missing",
        DisplayPath(.config), .name.escape_ascii(), DisplayPath(.path))]
    MissingContexts {
        /// The configuration file in the image.
        config: Vec<u8>,
        /// The policy's name.
        name: Vec<u8>,
        /// The file that is missing.
        path: Vec<u8>,
    },
    /// A line that is no specification.
    #[error("{} line {line}: {problem}", DisplayPath(.file))]
    Line {
        /// The file in the image.
        file: Vec<u8>,
        /// Line, counted from 1.
        line: usize,
        /// What is wrong.
        problem: LineProblem,
    },
    /// A pattern that cannot be matched.
    #[error("{} line {line}: the pattern {} cannot be used", DisplayPath(.file), .pattern.escape_ascii())]
    Pattern {
        /// The file in the image.
        file: Vec<u8>,
        /// Line, counted from 1.
        line: usize,
        /// The pattern as it stands there.
        pattern: Vec<u8>,
        /// Why.
        #[source]
        source: PatternProblem,
    },
    /// More specifications than any policy has.
    #[error("{} line {line}: the policy has more than {limit} file context specifications", DisplayPath(.file))]
    TooManySpecs {
        /// The file in the image.
        file: Vec<u8>,
        /// Line, counted from 1.
        line: usize,
        /// The most that are taken.
        limit: usize,
    },
    /// Patterns that together would take too much memory.
    #[error("{} line {line}: with its repetitions written out, the policy has more than {limit} bytes of patterns",
        DisplayPath(.file))]
    TooComplex {
        /// The file in the image.
        file: Vec<u8>,
        /// Line, counted from 1, at which the limit is passed.
        line: usize,
        /// The most that are taken, in bytes.
        limit: u64,
    },
}

/// What is wrong with a line of a contexts file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// Bytes above 0x7f, which libselinux refuses, or a NUL.
    #[error("byte 0x{0:02x} is not ASCII text")]
    NotText(u8),
    /// A path without a context.
    #[error("the context is missing")]
    NoContext,
    /// A type field that is none of the seven.
    #[error("{:?} is no file type; known are -- -d -l -c -b -p -s", String::from_utf8_lossy(.0))]
    UnknownType(Vec<u8>),
    /// A context that no kernel takes.
    #[error("the context has {length} bytes, more than the {limit} allowed")]
    LongContext {
        /// Its length in bytes.
        length: usize,
        /// The most there may be.
        limit: usize,
    },
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternProblem {
    /// Longer than libselinux takes.
    #[error("it has {length} bytes, more than the {limit} allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The most there may be.
        limit: usize,
    },
    /// A construct of PCRE that is not translated.
    #[error("at byte {at}: {what}")]
    Construct {
        /// Offset in the pattern in bytes.
        at: usize,
        /// What stands there.
        what: &'static str,
    },
    /// It is no regular expression, or one whose automaton is too large.
    #[error("it is no usable regular expression")]
    Regex(#[source] Box<regex::Error>),
}

impl SelinuxError {
    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Resolve { .. } | Self::NotAFile { .. } => {
                Some("look at the symbolic links on this path in the image".to_owned())
            }
            Self::Read { .. } => None,
            Self::PolicyName { config, .. } => {
                Some(format!("set SELINUXTYPE in {} to the name of a directory beside it", DisplayPath(config)))
            }
            Self::MissingContexts { config, .. } => Some(format!(
                "install the policy in the image, or set SELINUX=disabled in {} if it is not to use SELinux",
                DisplayPath(config)
            )),
            Self::Pattern { source: PatternProblem::Construct { .. }, .. } => Some(
                "write the pattern without this construct; groups, classes and the quantifiers * + ? {n,m} work".into(),
            ),
            Self::TooLarge { .. }
            | Self::Line { .. }
            | Self::Pattern { .. }
            | Self::TooManySpecs { .. }
            | Self::TooComplex { .. } => Some(
                "the policy in the image is damaged or was edited by hand; restore it, or add contexts with semanage"
                    .into(),
            ),
        }
    }
}
