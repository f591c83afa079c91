//! Files that are neither files nor links.

use builder_tree::{InodeKind, Node};

use crate::lint::check::{Check, Entry, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

/// Directories that the system fills at every boot: what an image has there is left out.
pub(crate) const RUN_TIME: [&str; 5] = ["dev", "proc", "run", "sys", "tmp"];

pub(crate) static DEVICE_NODES: Check = Check {
    name: "device-nodes",
    severity: Severity::Fatal,
    origin: Origin::Diskwright,
    summary: "There is a device, a FIFO or a socket outside of `/dev`, `/proc`, `/run`, `/sys` and `/tmp`",
    reason: "An ostree commit holds directories, regular files and symbolic links, and nothing else",
    fix: "RUN find / -xdev \\( -type b -o -type c -o -type p -o -type s \\) -not -path '/dev/*' -delete",
    run: Run::Walk(device_nodes),
};

fn device_nodes(_: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    if let Node::Leaf(inode) = entry.node
        && !matches!(inode.kind, InodeKind::Regular(_) | InodeKind::Symlink(_))
        && !entry.is_below(&RUN_TIME)
    {
        findings.at(entry.path, format!("a {}", inode.kind.name()));
    }
}
