//! Permissions that give more than they seem to.

use builder_tree::{InodeKind, Metadata, Node};

use crate::lint::check::{Check, Entry, Origin, Run, Severity};
use crate::lint::checks::devices::RUN_TIME;
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static WORLD_WRITABLE: Check = Check {
    name: "world-writable",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "Everybody may write to a file, or to a directory without the sticky bit",
    reason: "In /etc and /var any user and any service can change it, or put something else in its place; in /usr, \
             which is read-only, it shows that modes were lost on the way into the image",
    fix: "RUN chmod o-w PATH\n# or, for a directory that is meant for everybody\nRUN chmod +t PATH",
    run: Run::Walk(world_writable),
};

const OTHERS_WRITE: u16 = 0o002;
const STICKY: u16 = 0o1000;

fn world_writable(_: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    let mode = entry.node.metadata().mode;
    let counts = match entry.node {
        Node::Directory(_) => mode & STICKY == 0,
        Node::Leaf(inode) => matches!(inode.kind, InodeKind::Regular(_)),
    };
    // What is below the directories that are made at every boot is left out of the disk.
    if counts && mode & OTHERS_WRITE != 0 && !entry.is_below(&RUN_TIME) {
        findings.at(entry.path, format!("a {} with mode {mode:04o}", entry.node.kind_name()));
    }
}

pub(crate) static SETUID: Check = Check {
    name: "setuid",
    severity: Severity::Info,
    origin: Origin::Diskwright,
    summary: "A program runs with the rights of its owner or its group, or has capabilities",
    reason: "Each is a way to more rights, so the list should be short and known",
    fix: "# where users do not need it\nRUN chmod u-s,g-s PROGRAM",
    run: Run::Walk(setuid),
};

fn setuid(_: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    let Node::Leaf(inode) = entry.node else { return };
    if inode.content().is_none() {
        return;
    }
    let Metadata { mode, uid, gid, xattrs, .. } = &inode.metadata;
    let rights = [
        (mode & 0o4000 != 0).then(|| format!("user {uid}")),
        (mode & 0o2000 != 0).then(|| format!("group {gid}")),
        xattrs.contains_key(&b"security.capability"[..]).then(|| "its capabilities".to_owned()),
    ];
    let rights: Vec<String> = rights.into_iter().flatten().collect();
    if !rights.is_empty() {
        findings.at(entry.path, format!("runs with the rights of {} (mode {mode:04o})", rights.join(" and ")));
    }
}
