//! Links that make one unit depend on another.

use std::fmt;

/// How one unit depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DependencyKind {
    /// `.wants`: started with it.
    Wants,
    /// `.requires`: and it fails without.
    Requires,
    /// `.upholds`: and kept running.
    Upholds,
}

impl DependencyKind {
    /// All of them, with the end of their directories' names.
    pub(crate) const SUFFIXES: [(Self, &'static str); 3] =
        [(Self::Wants, ".wants"), (Self::Requires, ".requires"), (Self::Upholds, ".upholds")];
}

impl fmt::Display for DependencyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wants => "wants",
            Self::Requires => "requires",
            Self::Upholds => "upholds",
        })
    }
}

/// A link in a directory of dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyLink {
    /// The unit that depends.
    pub unit: Vec<u8>,
    /// How.
    pub kind: DependencyKind,
    /// The unit it depends on: the link's name.
    pub wanted: Vec<u8>,
    /// The link, as a path of the tree without a leading slash.
    pub path: Vec<u8>,
    /// Whether it leads to `/dev/null`, which takes back a link of a weaker directory.
    pub masked: bool,
}
