//! Paths inside an initramfs: how names and links lead to entries.

use crate::header::NAME_MAX;
use crate::ignored::IgnoredReason;
use crate::tree::{NodeId, ROOT, Tree};
use crate::{EntryKind, IgnoredReason as Reason};

/// Most symbolic links on the way. Linux, include/linux/namei.h: `MAXSYMLINKS`.
const MAX_LINKS: u32 = 40;

/// What to do with a link at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastLink {
    /// Go where it leads.
    Follow,
    /// Stay at the link.
    Keep,
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) struct Spot {
    /// The path without links, dots and double slashes; empty for the root.
    pub(crate) path: Vec<u8>,
    /// Directory that it is in.
    pub(crate) parent: NodeId,
    /// Name in that directory; none when the path ends with dots or is the root.
    pub(crate) name: Option<Vec<u8>>,
    /// What is there.
    pub(crate) node: Option<NodeId>,
}

/// Follows `path` from the root. Adds the names it looked at to `lookups`.
pub(crate) fn walk(tree: &Tree, path: &[u8], last: LastLink, lookups: &mut u64) -> Result<Spot, Reason> {
    let mut here: Vec<(NodeId, Vec<u8>)> = Vec::new();
    let mut ahead: Vec<Vec<u8>> = Vec::new();
    push(&mut ahead, path, lookups);
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        let parent = here.last().map_or(ROOT, |(id, _)| *id);
        if !tree.entry(parent).kind.is_directory() {
            return Err(Reason::ParentIsNotADirectory);
        }
        if name == b".." {
            here.pop();
            continue;
        }
        if name.len() > NAME_MAX {
            return Err(IgnoredReason::NameTooLong);
        }
        let is_last = ahead.is_empty();
        let Some(id) = tree.child(parent, &name) else {
            return if is_last { Ok(spot(&here, parent, name, None)) } else { Err(Reason::NoParent) };
        };
        match &tree.entry(id).kind {
            EntryKind::Symlink { target } if !is_last || last == LastLink::Follow => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Reason::TooManyLinks);
                }
                if target.starts_with(b"/") {
                    here.clear();
                }
                push(&mut ahead, target, lookups);
            }
            _ if is_last => return Ok(spot(&here, parent, name, Some(id))),
            _ => here.push((id, name)),
        }
    }
    let node = here.last().map_or(ROOT, |(id, _)| *id);
    Ok(Spot { path: joined(&here), parent: node, name: None, node: Some(node) })
}

fn push(ahead: &mut Vec<Vec<u8>>, path: &[u8], lookups: &mut u64) {
    let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && *name != b".");
    for name in names.rev() {
        *lookups = lookups.saturating_add(1);
        ahead.push(name.to_vec());
    }
}

fn spot(here: &[(NodeId, Vec<u8>)], parent: NodeId, name: Vec<u8>, node: Option<NodeId>) -> Spot {
    let mut path = joined(here);
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(&name);
    Spot { path, parent, name: Some(name), node }
}

fn joined(here: &[(NodeId, Vec<u8>)]) -> Vec<u8> {
    here.iter().map(|(_, name)| name.as_slice()).collect::<Vec<_>>().join(&b'/')
}
