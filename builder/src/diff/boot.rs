//! Boot entries, kernels and kernel arguments that are not the same.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::diff::entry::LoaderEntry;
use crate::diff::fields::{self, FieldChange};
use crate::diff::inventory::Inventory;

/// Arguments that came and went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ArgumentChanges {
    /// Those that B has more often.
    pub added: Vec<String>,
    /// Those that A has more often.
    pub removed: Vec<String>,
    /// Whether the same ones stand in another order.
    pub reordered: bool,
}

/// A boot entry that is not the same, or that one disk has alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryChange {
    /// The directory of its file.
    pub place: String,
    /// The name of its file.
    pub file: String,
    /// Its title on A, where A has it.
    pub before: Option<String>,
    /// Its title on B, where B has it.
    pub after: Option<String>,
    /// Its fields that are not the same, where both have it.
    pub fields: Vec<FieldChange>,
    /// Its arguments, where both have it.
    pub arguments: ArgumentChanges,
}

/// What boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BootChanges {
    /// Boot entries, where both sides have some.
    pub entries: Option<Vec<EntryChange>>,
    /// Kernel releases that B has alone.
    pub kernels_added: Vec<String>,
    /// Kernel releases that A has alone.
    pub kernels_removed: Vec<String>,
    /// Kernel arguments: of the default boot entry, of an image those that it sets.
    pub arguments: ArgumentChanges,
}

impl ArgumentChanges {
    /// Whether all are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && !self.reordered
    }

    fn compare(a: &[String], b: &[String]) -> Self {
        let missing = |from: &[String], of: &[String]| {
            let mut left: BTreeMap<&str, usize> = BTreeMap::new();
            for argument in from {
                *left.entry(argument).or_default() += 1;
            }
            of.iter()
                .filter(|argument| match left.get_mut(argument.as_str()) {
                    Some(count) if *count > 0 => {
                        *count -= 1;
                        false
                    }
                    _ => true,
                })
                .cloned()
                .collect::<Vec<_>>()
        };
        let (added, removed) = (missing(a, b), missing(b, a));
        let reordered = added.is_empty() && removed.is_empty() && a != b;
        Self { added, removed, reordered }
    }
}

impl BootChanges {
    /// Whether all is the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.as_ref().is_none_or(Vec::is_empty)
            && self.kernels_added.is_empty()
            && self.kernels_removed.is_empty()
            && self.arguments.is_empty()
    }
}

pub(crate) fn compare(a: &Inventory, b: &Inventory, notes: &mut Vec<String>) -> BootChanges {
    let both = a.disk.is_some() && b.disk.is_some();
    let arguments = |side: &Inventory| -> Vec<String> {
        let all = side.arguments.iter();
        all.filter(|argument| both || side.disk.is_none() || !is_of_installation(argument)).cloned().collect()
    };
    if !both && (a.disk.is_some() || b.disk.is_some()) {
        notes.push(
            "of the disk's kernel arguments, root=, rw, boot= and ostree= are not compared: an image sets none of them"
                .to_owned(),
        );
    }
    let alone = |from: &[String], of: &[String]| from.iter().filter(|name| !of.contains(name)).cloned().collect();
    BootChanges {
        entries: both.then(|| entries(&a.entries, &b.entries)),
        kernels_added: alone(&b.kernels, &a.kernels),
        kernels_removed: alone(&a.kernels, &b.kernels),
        arguments: ArgumentChanges::compare(&arguments(a), &arguments(b)),
    }
}

/// Whether an installer sets the argument, whatever the image is.
fn is_of_installation(argument: &str) -> bool {
    argument == "rw" || ["root=", "boot=", "ostree="].iter().any(|key| argument.starts_with(key))
}

fn entries(a: &[LoaderEntry], b: &[LoaderEntry]) -> Vec<EntryChange> {
    let by_name = |list| -> BTreeMap<_, _> {
        <[LoaderEntry]>::iter(list).map(|entry| ((entry.place, entry.file.clone()), entry)).collect()
    };
    let (a, b) = (by_name(a), by_name(b));
    let keys: BTreeSet<_> = a.keys().chain(b.keys()).cloned().collect();
    let mut changes = Vec::new();
    for wanted in keys {
        let (before, after) = (a.get(&wanted).copied(), b.get(&wanted).copied());
        let title = |entry: &LoaderEntry| entry.field("title").unwrap_or_default();
        let mut change = EntryChange {
            place: wanted.0.to_owned(),
            file: wanted.1,
            before: before.map(title),
            after: after.map(title),
            fields: Vec::new(),
            arguments: ArgumentChanges::default(),
        };
        if let (Some(before), Some(after)) = (before, after) {
            let all = |entry: &LoaderEntry| {
                let names = entry.fields.iter().map(|(name, _)| name);
                names.map(|name| (name.clone(), entry.field(name).unwrap_or_default())).collect()
            };
            change.fields = fields::compare(&all(before), &all(after));
            change.arguments = ArgumentChanges::compare(&before.options, &after.options);
            if change.fields.is_empty() && change.arguments.is_empty() {
                continue;
            }
        }
        changes.push(change);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::ArgumentChanges;

    #[test]
    fn arguments_are_counted_and_their_order_is_seen() {
        for (a, b, added, removed, reordered) in [
            ("a b", "a b", "", "", false),
            ("a b", "b a", "", "", true),
            ("console=1 console=1", "console=1", "", "console=1", false),
            ("a", "b c", "b c", "a", false),
        ] {
            let list = |text: &str| text.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let expected = ArgumentChanges { added: list(added), removed: list(removed), reordered };
            assert_eq!(ArgumentChanges::compare(&list(a), &list(b)), expected, "{a} | {b}");
        }
    }
}
