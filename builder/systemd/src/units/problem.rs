//! What can be wrong with units.

use builder_tree::DisplayPath;

use crate::shown::Shown;
use crate::units::name::{NeedsFile, UnitName};
use crate::{DependencyKind, FileProblem, Severity};

/// What is wrong with a unit file or a link, in systemd's words where it has any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[non_exhaustive]
pub enum UnitProblem {
    /// The file is not read, or not to its end.
    #[error("{0}")]
    File(
        /// Why.
        FileProblem,
    ),
    /// Text before the first section.
    #[error("Assignment outside of section. Ignoring.")]
    OutsideSection,
    /// A header without its end. The unit does not load.
    #[error("Invalid section header '{}'", Shown(.0))]
    BadHeader(
        /// The line.
        Vec<u8>,
    ),
    /// A section that this type of unit does not have; `X-` at its start would make it private.
    #[error("Unknown section '{}'. Ignoring.", Shown(.0))]
    UnknownSection(
        /// Its name.
        Vec<u8>,
    ),
    /// A line without `=`.
    #[error("Missing '=', ignoring line.")]
    NoEquals,
    /// A line that begins with `=`.
    #[error("Missing key name before '=', ignoring line.")]
    NoKey,
    /// A line that is not UTF-8.
    #[error("String is not UTF-8 clean, ignoring assignment: {}", Shown(.0))]
    NotUtf8(
        /// The line.
        Vec<u8>,
    ),
    /// A quote without its end in a command.
    #[error("Unbalanced quoting, ignoring: \"{}\"", Shown(.0))]
    Quoting(
        /// The value.
        Vec<u8>,
    ),
    /// A backslash that begins no escape; it stays.
    #[error("Ignoring unknown escape sequences: \"{}\"", Shown(.0))]
    Escapes(
        /// The word.
        Vec<u8>,
    ),
    /// Prefixes without a program.
    #[error("Empty path in command line")]
    NoProgram,
    /// `@` without the name the program is to be called by.
    #[error("Empty executable name or zeroeth argument")]
    NoName,
    /// A specifier that does not exist.
    #[error("Failed to resolve unit specifiers in '{}': {reason}", Shown(.text))]
    Specifiers {
        /// The text.
        text: Vec<u8>,
        /// Why.
        reason: String,
    },
    /// A relative path, or prefixes that do not go together.
    #[error("Neither a valid executable name nor an absolute path{}: {}",
        if *.ignored { ", ignoring" } else { "" }, Shown(.path))]
    ProgramPath {
        /// The path.
        path: Vec<u8>,
        /// Whether only the command is dropped, for its `-`, and not the unit.
        ignored: bool,
    },
    /// A path that ends with a slash.
    #[error("Executable path specifies a directory: {}", Shown(.0))]
    ProgramSlash(
        /// The path.
        Vec<u8>,
    ),
    /// A program that cannot be run from the image.
    #[error("Command {} is not executable: {why}{}",
        Shown(.program), if *.conditional { ", under conditions" } else { "" })]
    Program {
        /// The setting, as `ExecStart`.
        setting: &'static str,
        /// The program, with specifiers replaced.
        program: Vec<u8>,
        /// Why it cannot be run, in the kernel's words.
        why: &'static str,
        /// Whether the unit has settings `Condition…=` or `Assert…=`, so that it may be meant never to start here.
        conditional: bool,
    },
    /// A dependency on a unit that has no file.
    #[error("{} {kind} {}, which has no unit file", Shown(.unit), Shown(.wanted))]
    MissingUnit {
        /// The unit whose directory the link is in.
        unit: Vec<u8>,
        /// How.
        kind: DependencyKind,
        /// The unit that is missing.
        wanted: Vec<u8>,
    },
    /// A name in a directory of dependencies that is no unit's.
    #[error("'{}' is not a valid unit name, ignoring", Shown(.0))]
    InvalidName(
        /// The name.
        Vec<u8>,
    ),
    /// Something else than a link in a directory of dependencies.
    #[error("dependency dropin is not a symlink, but a {0}")]
    NotALink(
        /// What it is.
        &'static str,
    ),
    /// A dependency whose link leads to a unit of another name; the link's name counts.
    #[error("dependency dropin target {} has different name", Shown(.0))]
    OtherName(
        /// Where the link leads.
        Vec<u8>,
    ),
    /// A link that leads to nothing.
    #[error("the link leads to {}, which does not exist", DisplayPath(.0))]
    Dangling(
        /// Where it leads.
        Vec<u8>,
    ),
    /// Another name for a unit that has no file.
    #[error("it is another name for {}, which has no unit file", Shown(.0))]
    NoSuchUnit(
        /// That unit.
        Vec<u8>,
    ),
    /// A link that leads out of the image: it has more `..` than directories above it.
    #[error("the link's target '{}' leads out of the image", Shown(.0))]
    AboveRoot(
        /// The target as it stands there.
        Vec<u8>,
    ),
    /// Another name that systemd does not accept.
    #[error("symlink target \"{}\" does not match the link's name, rejecting", Shown(.0))]
    BadAlias(
        /// Where it leads.
        Vec<u8>,
    ),
    /// There is no unit to start.
    #[error("default.target is {0}, so the system starts rescue.target")]
    NoDefaultTarget(
        /// `missing` or `masked`.
        &'static str,
    ),
}

impl UnitProblem {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Program { conditional: true, .. } | Self::OtherName(_) => Severity::Notice,
            Self::MissingUnit { wanted, kind, .. } => {
                let generated = UnitName::parse(wanted)
                    .is_some_and(|name| name.unit_type().needs_file() == NeedsFile::UnlessGenerated);
                match kind {
                    _ if generated => Severity::Notice,
                    DependencyKind::Requires => Severity::Error,
                    DependencyKind::Wants | DependencyKind::Upholds => Severity::Warning,
                }
            }
            Self::OutsideSection
            | Self::UnknownSection(_)
            | Self::NoEquals
            | Self::NoKey
            | Self::NotUtf8(_)
            | Self::Escapes(_) => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What to do now.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::MissingUnit { .. } => {
                Some("remove the link, or add the unit; a package that is removed leaves the links of its units behind")
            }
            Self::UnknownSection(_) => Some("a section for other programs begins with `X-`"),
            Self::AboveRoot(_) => Some("make the link relative to its own directory, or absolute in the image"),
            _ => None,
        }
    }
}
