//! Units: which there are, how they hang together, and what they start.
//!
//! Source: systemd.unit(5), "Unit File Load Path"; systemd.service(5), "Command Lines".

mod check;
mod command;
mod file;
mod links;
mod name;
mod preset;
mod problem;
mod search;
mod unit;

pub use command::Command;
pub use links::{DependencyKind, DependencyLink};
pub use name::{NameKind, UnescapeError, UnitName, UnitType, escape, escape_path, unescape, unescape_path};
pub use preset::{Decision, PresetProblem, PresetRule, Presets};
pub use problem::UnitProblem;
pub use search::Manager;
pub use unit::{Assignment, Unit};

use std::collections::BTreeMap;

use builder_tree::FileTree;

use crate::os_release::OsRelease;
use crate::read::Reader;
use crate::specifier::Specifiers;
use crate::{Finding, ReadError};

/// Aliases followed before a name is given up; systemd's number.
const MAX_ALIASES: usize = 8;

/// The units of one manager.
#[derive(Clone, Debug)]
pub struct Units {
    manager: Manager,
    names: BTreeMap<Vec<u8>, Entry>,
    units: Vec<Unit>,
    /// By unit, type or prefix, its drop-ins: the strongest directory first, each one's files by name.
    drop_ins: BTreeMap<Vec<u8>, Vec<unit::DropIn>>,
    links: Vec<DependencyLink>,
    presets: Presets,
    findings: Vec<Finding<UnitProblem>>,
}

/// What a name stands for.
#[derive(Clone, Debug)]
enum Entry {
    /// Another name.
    Alias {
        /// That name.
        to: Vec<u8>,
        /// The link.
        path: Vec<u8>,
    },
    /// A file, by its number.
    File(usize),
    /// Nothing, and on purpose: a link to `/dev/null`, or an empty file.
    Masked(Vec<u8>),
    /// A file that cannot be read.
    Unusable,
}

/// What systemd finds under a name.
#[derive(Clone, Copy, Debug)]
pub enum Found<'u> {
    /// A unit file; for an instance perhaps its template's.
    Unit(&'u Unit),
    /// A mask: the unit cannot be started. With the path of the mask.
    Masked(&'u [u8]),
    /// Nothing.
    Missing,
}

impl Units {
    /// Reads all units of a manager: fragments, aliases, masks, drop-ins, the links of `.wants`, `.requires` and
    /// `.upholds`, and presets. What generators would add is not known here.
    ///
    /// # Errors
    /// [`ReadError`] for files that are too large or cannot be read, or for drop-ins that multiply without measure.
    /// Malformed files and links to nothing are findings.
    pub fn read(tree: &FileTree, manager: Manager) -> Result<Self, ReadError> {
        let mut reader = Reader::new();
        let specifiers = Specifiers { os: OsRelease::read(tree, &mut reader)? };
        let mut units = Self {
            manager,
            names: BTreeMap::new(),
            units: Vec::new(),
            drop_ins: BTreeMap::new(),
            links: Vec::new(),
            presets: Presets::read_with(tree, manager, &mut reader)?,
            findings: Vec::new(),
        };
        search::Search::new(tree, &mut reader).collect(&mut units)?;
        check::links(&mut units);
        check::default_target(&mut units);
        check::programs(&mut units, tree, &specifiers)?;
        Ok(units)
    }

    /// Whose units they are.
    #[must_use]
    pub fn manager(&self) -> Manager {
        self.manager
    }

    /// What systemd finds under `name`, aliases followed. Instances are looked for under their own name first, then
    /// under their template's.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Found<'_> {
        match self.lookup(name) {
            Found::Missing => UnitName::parse(name)
                .filter(|name| name.kind() == NameKind::Instance)
                .and_then(|name| name.template())
                .map_or(Found::Missing, |template| self.lookup(&template)),
            found => found,
        }
    }

    fn lookup(&self, name: &[u8]) -> Found<'_> {
        let mut entry = self.names.get(name);
        for _ in 0..MAX_ALIASES {
            match entry {
                None | Some(Entry::Unusable) => return Found::Missing,
                Some(Entry::File(number)) => return Found::Unit(&self.units[*number]),
                Some(Entry::Masked(path)) => return Found::Masked(path),
                Some(Entry::Alias { to, .. }) => {
                    entry = self.names.get(to).or_else(|| self.names.get(&UnitName::parse(to)?.template()?));
                }
            }
        }
        Found::Missing
    }

    /// All names of units there are: files, aliases and masks, sorted.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.names.keys().map(Vec::as_slice)
    }

    /// The units with a file of their own, by no particular order but always the same.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Whether the name is another name of a unit.
    #[must_use]
    pub fn is_alias(&self, name: &[u8]) -> bool {
        matches!(self.names.get(name), Some(Entry::Alias { .. }))
    }

    /// The links in the directories `.wants`, `.requires` and `.upholds`, sorted by unit, kind and name.
    #[must_use]
    pub fn links(&self) -> &[DependencyLink] {
        &self.links
    }

    /// What the system starts: the unit behind `default.target`; `None` where it is missing or masked.
    #[must_use]
    pub fn default_target(&self) -> Option<&Unit> {
        match self.find(b"default.target") {
            Found::Unit(unit) => Some(unit),
            _ => None,
        }
    }

    /// Which units are enabled where nobody said otherwise.
    #[must_use]
    pub fn presets(&self) -> &Presets {
        &self.presets
    }

    /// What systemd would complain about, and what cannot work.
    #[must_use]
    pub fn findings(&self) -> &[Finding<UnitProblem>] {
        &self.findings
    }
}
