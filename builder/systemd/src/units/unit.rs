//! A unit with its settings.

use std::sync::Arc;

use crate::units::Units;
use crate::units::name::{NameKind, UnitName};

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// `Unit`, `Install`, or the section of the type.
    pub section: &'static str,
    /// Its name.
    pub key: Vec<u8>,
    /// Its value, without whitespace at its ends; continued lines are joined by a space.
    pub value: Vec<u8>,
    /// The file it stands in, as a path of the tree without a leading slash.
    pub file: Arc<[u8]>,
    /// Line, counted from 1; of continued ones the last.
    pub line: usize,
}

/// A unit that has a file.
#[derive(Clone, Debug)]
pub struct Unit {
    pub(crate) name: UnitName,
    pub(crate) path: Vec<u8>,
    pub(crate) assignments: Arc<[Assignment]>,
    pub(crate) broken: bool,
}

/// A file `*.conf` of a directory `.d`.
#[derive(Clone, Debug)]
pub(crate) struct DropIn {
    /// Name of the file.
    pub(crate) name: Vec<u8>,
    /// How strong its directory is, 0 for the strongest.
    pub(crate) rank: usize,
    /// Its settings; `None` where it is masked or unreadable.
    pub(crate) assignments: Option<Arc<[Assignment]>>,
}

impl Unit {
    /// The name, which is that of the file.
    #[must_use]
    pub fn name(&self) -> &UnitName {
        &self.name
    }

    /// The file, or the link to it, as a path of the tree without a leading slash.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The settings of the file itself, without drop-ins.
    #[must_use]
    pub fn assignments(&self) -> &[Assignment] {
        &self.assignments
    }

    /// Whether systemd refuses to load the file.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The settings `Condition…=` and `Assert…=` of the file itself, which decide on the running machine whether it
    /// starts.
    pub fn conditions(&self) -> impl Iterator<Item = &Assignment> {
        self.assignments.iter().filter(|setting| is_condition(setting))
    }
}

pub(crate) fn is_condition(setting: &Assignment) -> bool {
    setting.section == "Unit" && (setting.key.starts_with(b"Condition") || setting.key.starts_with(b"Assert"))
}

impl Units {
    /// All settings of a unit in the order in which they count: those of its file, then those of its drop-ins by their
    /// file names.
    #[must_use]
    pub fn settings<'u>(&'u self, unit: &'u Unit) -> Vec<&'u Assignment> {
        let drop_ins = self.drop_ins(unit.name.as_bytes());
        let added = drop_ins.iter().filter_map(|drop_in| drop_in.assignments.as_deref()).flatten();
        unit.assignments.iter().chain(added).collect()
    }

    /// The values of a setting that is a list, with empty ones having emptied it.
    #[must_use]
    pub fn list<'u>(&'u self, unit: &'u Unit, section: &str, key: &str) -> Vec<&'u Assignment> {
        let mut values = Vec::new();
        for setting in self.settings(unit) {
            if setting.section == section && setting.key == key.as_bytes() {
                if setting.value.is_empty() {
                    values.clear();
                } else {
                    values.push(setting);
                }
            }
        }
        values
    }

    /// The drop-ins of the unit of this name, by their names; of equal names the one of the strongest directory, and
    /// there of the most special one.
    pub(crate) fn drop_ins(&self, name: &[u8]) -> Vec<&DropIn> {
        let Some(parsed) = UnitName::parse(name) else { return Vec::new() };
        let mut all: Vec<(usize, &DropIn)> = Vec::new();
        for (special, directory) in directories(&parsed).into_iter().enumerate() {
            all.extend(self.drop_ins.get(&directory).into_iter().flatten().map(|drop_in| (special, drop_in)));
        }
        all.sort_by(|(special, one), (other_special, other)| {
            (&one.name, one.rank, special).cmp(&(&other.name, other.rank, other_special))
        });
        all.dedup_by(|(_, later), (_, first)| later.name == first.name);
        all.into_iter().map(|(_, drop_in)| drop_in).collect()
    }
}

/// The names before `.d` under which a unit's drop-ins are, the most special first: its own, its template's, those of
/// the prefixes that end with a dash, and the type's.
fn directories(name: &UnitName) -> Vec<Vec<u8>> {
    let mut directories = vec![name.as_bytes().to_vec()];
    if name.kind() == NameKind::Instance {
        directories.extend(name.template());
    }
    let suffix = name.unit_type().suffix().as_bytes();
    let prefix = name.prefix();
    for (at, _) in prefix.iter().enumerate().rev().filter(|&(at, &byte)| byte == b'-' && at + 1 < prefix.len()) {
        // At most 255 of them.
        let at_sign: &[u8] = if name.kind() == NameKind::Plain { b"" } else { b"@" };
        directories.push([&prefix[..=at], at_sign, b".", suffix].concat());
    }
    directories.push(suffix.to_vec());
    directories
}
