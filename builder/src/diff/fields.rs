//! Values under names, and partitions under numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// A value that is another one, or that one side has alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What A has.
    pub before: Option<String>,
    /// What B has.
    pub after: Option<String>,
}

/// A partition as the table has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionFacts {
    /// Number, from 1.
    pub number: u32,
    /// Name in the table.
    pub name: String,
    /// Type GUID.
    pub type_guid: String,
    /// Partition GUID.
    pub guid: String,
    /// First byte.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
    /// Attribute bits, in hexadecimal digits.
    pub attributes: String,
}

/// A partition that is another one, or that one disk has alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartitionChange {
    /// Number, from 1.
    pub number: u32,
    /// That of A.
    pub before: Option<PartitionFacts>,
    /// That of B.
    pub after: Option<PartitionFacts>,
    /// What is different; empty where one side has none.
    pub changed: Vec<FieldChange>,
}

impl PartitionFacts {
    fn fields(&self) -> BTreeMap<String, String> {
        let Self { number: _, name, type_guid, guid, offset, size, attributes } = self;
        [
            ("name", name.clone()),
            ("type", type_guid.clone()),
            ("guid", guid.clone()),
            ("offset", offset.to_string()),
            ("size", size.to_string()),
            ("attributes", attributes.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// The fields that are not the same.
pub(crate) fn compare(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<FieldChange> {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names
        .into_iter()
        .filter(|&name| a.get(name) != b.get(name))
        .map(|name| FieldChange { field: name.clone(), before: a.get(name).cloned(), after: b.get(name).cloned() })
        .collect()
}

/// The partitions that are not the same.
pub(crate) fn partitions(a: &[PartitionFacts], b: &[PartitionFacts]) -> Vec<PartitionChange> {
    let find = |list: &[PartitionFacts], number| list.iter().find(|facts| facts.number == number).cloned();
    let numbers: BTreeSet<u32> = a.iter().chain(b).map(|facts| facts.number).collect();
    numbers
        .into_iter()
        .map(|number| {
            let (before, after) = (find(a, number), find(b, number));
            let changed = match (&before, &after) {
                (Some(before), Some(after)) => compare(&before.fields(), &after.fields()),
                _ => Vec::new(),
            };
            PartitionChange { number, before, after, changed }
        })
        .filter(|change| change.before != change.after)
        .collect()
}
