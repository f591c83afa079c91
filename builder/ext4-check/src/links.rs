//! After both walks: whether every inode is as linked as it says, and hangs on the root.

use crate::findings::Findings;
use crate::format::{ro_compat, special};
use crate::inode::Kind;
use crate::records::{Record, Records, State};
use crate::report::Finding;
use crate::structure::Structure;
use crate::volume::Volume;

/// A directory with more links than that says it has one.
const MOST_LINKS: u32 = 65_000;

/// Compares link counts, and looks for what the root does not lead to.
pub(crate) fn check(volume: &Volume<'_>, records: &Records, findings: &mut Findings) {
    let reached = reach(records);
    for (record, reached) in records.all().iter().zip(reached) {
        if volume.superblock.is_hidden(record.number, &volume.geometry) || record.state == State::Value {
            continue;
        }
        let structure = || Structure::inode(record.number);
        if record.kind == Kind::Directory {
            if record.number != special::ROOT && record.parent == 0 && record.state != State::Orphan {
                findings.push(
                    Finding::error(structure(), "name", "none", "an entry in some directory")
                        .hint("e2fsck puts it into lost+found"),
                );
                continue;
            }
            let parent = if record.number == special::ROOT { special::ROOT } else { record.parent };
            if record.dotdot != 0 && record.dotdot != parent && record.state != State::Orphan {
                let (found, expected) = (format!("inode {}", record.dotdot), format!("inode {parent}"));
                findings.push(Finding::error(structure(), "entry `..`", found, expected));
            }
            if reached == Reached::No {
                findings.push(Finding::error(structure(), "way to the root", "a circle of directories", "the root"));
            }
        } else if record.counted == 0 && record.state != State::Orphan {
            let finding = Finding::error(structure(), "name", "none", "an entry in some directory");
            findings.push(finding.hint("e2fsck puts it into lost+found"));
            continue;
        }
        // A directory that was not read may lead to itself or not.
        if record.state != State::SharedMap {
            links(volume, record, findings);
        }
    }
}

fn links(volume: &Volume<'_>, record: &Record, findings: &mut Findings) {
    if u32::from(record.links) == record.counted {
        return;
    }
    let structure = Structure::inode(record.number);
    if record.kind == Kind::Directory && record.links == 1 && volume.superblock.ro_compat(ro_compat::DIR_NLINK) {
        if record.counted <= MOST_LINKS {
            findings.push(Finding::warning(structure, "links", "1 (too many to count)", record.counted));
        }
        return;
    }
    findings.push(Finding::error(structure, "links", record.links, record.counted));
}

/// Whether the way up from a directory ends at the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    NotYet,
    OnTheWay,
    Yes,
    No,
    /// The way ends at a directory that has no name, which is told there.
    Cut,
}

/// Walks up from every directory. Each is passed once.
fn reach(records: &Records) -> Vec<Reached> {
    let all = records.all();
    let mut reached = vec![Reached::NotYet; all.len()];
    let mut way = Vec::new();
    for start in 0..all.len() {
        let mut at = start;
        let end = loop {
            match reached[at] {
                Reached::NotYet => {}
                Reached::OnTheWay => break Reached::No,
                known => break known,
            }
            let record = &all[at];
            if record.number == special::ROOT {
                way.push(at);
                break Reached::Yes;
            }
            reached[at] = Reached::OnTheWay;
            way.push(at);
            match records.index(record.parent) {
                Some(parent) => at = parent,
                None => break Reached::Cut,
            }
        };
        for index in way.drain(..) {
            reached[index] = end;
        }
    }
    reached
}
