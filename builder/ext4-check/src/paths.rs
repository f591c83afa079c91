//! Paths of the inodes that findings name; nobody else's are ever made.

use std::collections::{BTreeMap, BTreeSet};

use crate::findings::Findings;
use crate::format::special;
use crate::inode::Inode;
use crate::mapping::Runs;
use crate::records::{Records, State};
use crate::report::CheckError;
use crate::structure::{InodeName, Structure};
use crate::tree::{for_each_entry, shown};
use crate::volume::Volume;

/// Directories above an inode that a path shows.
const MOST_LEVELS: usize = 200;

/// Fills in the paths of all findings.
pub(crate) fn fill(volume: &Volume<'_>, records: &Records, findings: &mut Findings) -> Result<(), CheckError> {
    let mut wanted = BTreeSet::new();
    for finding in findings.list_mut() {
        for name in [Some(&mut finding.structure), finding.other.as_mut()].into_iter().flatten() {
            wanted.extend(name.inode_name().map(|name| name.number));
        }
    }
    let names = names(volume, records, &wanted)?;
    let path = |number| path(volume, records, &names, number);
    let fill = |structure: Option<&mut Structure>| {
        if let Some(InodeName { number, path: place }) = structure.and_then(Structure::inode_name) {
            *place = path(*number);
        }
    };
    for finding in findings.list_mut() {
        fill(Some(&mut finding.structure));
        fill(finding.other.as_mut());
    }
    Ok(())
}

/// The names of the wanted inodes, and of all directories above them. Each directory is read once.
fn names(volume: &Volume<'_>, records: &Records, wanted: &BTreeSet<u32>) -> Result<BTreeMap<u32, String>, CheckError> {
    let mut by_parent: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for &number in wanted {
        let mut at = number;
        while let Some(record) = records.get(at).filter(|record| record.parent != 0 && at != special::ROOT) {
            // A child that is known has all above it known as well.
            if !by_parent.entry(record.parent).or_default().insert(at) {
                break;
            }
            at = record.parent;
        }
    }
    let mut names = BTreeMap::new();
    for (parent, children) in by_parent {
        if records.get(parent).is_none_or(|record| record.state == State::SharedMap) {
            continue;
        }
        let Some(bytes) = volume.inode(parent)? else { continue };
        let inode = Inode::new(parent, &bytes);
        let runs = Runs::of(volume, inode)?;
        for_each_entry(volume, inode, &runs, &mut |entry| {
            if children.contains(&entry.inode) {
                names.entry(entry.inode).or_insert_with(|| shown(entry.name).trim_matches('`').to_owned());
            }
        })?;
    }
    Ok(names)
}

fn path(volume: &Volume<'_>, records: &Records, names: &BTreeMap<u32, String>, number: u32) -> Option<String> {
    if number == special::ROOT {
        return Some("/".to_owned());
    }
    if let Some(use_of) = use_of(volume, number) {
        return Some(use_of.to_owned());
    }
    let (mut at, mut parts) = (number, Vec::new());
    while at != special::ROOT {
        if parts.len() >= MOST_LEVELS {
            parts.push("...");
            break;
        }
        parts.push(names.get(&at)?.as_str());
        at = records.get(at)?.parent;
    }
    let mut path = String::new();
    for part in parts.into_iter().rev() {
        path.push('/');
        path.push_str(part);
    }
    Some(path)
}

/// What an inode is for that has no name.
fn use_of(volume: &Volume<'_>, number: u32) -> Option<&'static str> {
    use crate::format::{compat, sb};
    let superblock = &volume.superblock;
    match number {
        special::BAD_BLOCKS => Some("bad blocks"),
        3 | 4 => Some("quota"),
        special::RESIZE => Some("resize inode"),
        special::JOURNAL => Some("journal"),
        _ if superblock.compat(compat::ORPHAN_FILE) && superblock.word(sb::ORPHAN_FILE_INODE) == number => {
            Some("orphan file")
        }
        _ if superblock.compat(compat::HAS_JOURNAL) && superblock.word(sb::JOURNAL_INODE) == number => Some("journal"),
        _ => None,
    }
}
