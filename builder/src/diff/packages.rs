//! Packages that came, went or have another version.

use std::collections::{BTreeMap, BTreeSet};

use builder_packages::{Package, PackageSet};
use serde::Serialize;

use crate::diff::inventory::Inventory;

/// A package that one side has alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageName {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: Option<String>,
    /// Its version.
    pub version: String,
}

/// A package that both have, in different versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageChange {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: Option<String>,
    /// The version of A.
    pub before: String,
    /// The version of B.
    pub after: String,
}

/// The packages that are not the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PackageChanges {
    /// How many A has.
    pub before: usize,
    /// How many B has.
    pub after: usize,
    /// Those that B has alone.
    pub added: Vec<PackageName>,
    /// Those that A has alone.
    pub removed: Vec<PackageName>,
    /// Those with another version.
    pub changed: Vec<PackageChange>,
}

impl PackageChanges {
    /// Whether all are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Compares what both sides' package managers list; where one has none, its list is empty.
pub(crate) fn compare(a: &Inventory, b: &Inventory, notes: &mut Vec<String>) -> Option<PackageChanges> {
    let mut readable = true;
    for (name, side) in [("A", a), ("B", b)] {
        if let Err(problem) = &side.packages {
            notes.push(format!("packages are not compared, as those of {name} cannot be read: {problem}"));
            readable = false;
        }
    }
    let (Ok(a), Ok(b)) = (&a.packages, &b.packages) else { return None };
    if !readable || (a.is_none() && b.is_none()) {
        return None;
    }
    if let (Some(a), Some(b)) = (a, b)
        && a.manager != b.manager
    {
        notes.push(format!("the packages of A are {}'s, those of B {}'s", a.manager, b.manager));
    }
    Some(changes(list(a.as_ref()), list(b.as_ref())))
}

fn list(set: Option<&PackageSet>) -> &[Package] {
    set.map_or(&[], |set| &set.packages)
}

/// Versions by name and architecture: of kernels and the like there may be several.
type Versions<'a> = BTreeMap<(&'a str, Option<&'a str>), BTreeSet<&'a str>>;

fn versions(packages: &[Package]) -> Versions<'_> {
    let mut versions = Versions::new();
    for package in packages {
        let key = (package.name.as_str(), package.architecture.as_deref());
        versions.entry(key).or_default().insert(&package.version);
    }
    versions
}

fn changes(a: &[Package], b: &[Package]) -> PackageChanges {
    let mut changes = PackageChanges { before: a.len(), after: b.len(), ..PackageChanges::default() };
    let (a, b) = (versions(a), versions(b));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).copied().collect();
    let none = BTreeSet::new();
    for key in names {
        let (before, after) = (a.get(&key).unwrap_or(&none), b.get(&key).unwrap_or(&none));
        let gone: Vec<&str> = before.difference(after).copied().collect();
        let came: Vec<&str> = after.difference(before).copied().collect();
        let (name, architecture) = (key.0.to_owned(), key.1.map(str::to_owned));
        if let ([gone], [came]) = (&gone[..], &came[..]) {
            let (before, after) = ((*gone).to_owned(), (*came).to_owned());
            changes.changed.push(PackageChange { name, architecture, before, after });
            continue;
        }
        let alone = |version: &str| PackageName {
            name: name.clone(),
            architecture: architecture.clone(),
            version: version.to_owned(),
        };
        changes.removed.extend(gone.into_iter().map(alone));
        changes.added.extend(came.into_iter().map(alone));
    }
    changes
}
