//! The root of an ostree system.

use builder_tree::{Directory, InodeKind, Node, join};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

/// Where bootc's base images keep what the root of an image should be like.
pub(crate) const BASE: &str = "usr/share/doc/bootc/baseimage/base";

pub(crate) static BASEIMAGE_ROOT: Check = Check {
    name: "baseimage-root",
    severity: Severity::Fatal,
    origin: Origin::Bootc,
    summary: "`/sysroot` is no directory, or `/ostree` is no symbolic link to `sysroot/ostree`",
    reason: "The physical root is mounted at /sysroot, and ostree finds its repository and its deployments by way \
             of /ostree",
    fix: "RUN mkdir -p /sysroot && ln -sfn sysroot/ostree /ostree",
    run: Run::Once(baseimage_root),
};

/// What `/ostree` has to be.
const TARGET: &[u8] = b"sysroot/ostree";

fn baseimage_root(subject: &Subject, findings: &mut Findings<'_>) {
    root(b"", &subject.tree.root, findings);
    if let Some(base) = subject.directory(BASE) {
        root(BASE.as_bytes(), base, findings);
    }
}

fn root(path: &[u8], root: &Directory, findings: &mut Findings<'_>) {
    let sysroot = join(path, b"sysroot");
    match root.get(b"sysroot") {
        Some(Node::Directory(_)) => {}
        Some(node) => findings.at(&sysroot, format!("a {}, not a directory", node.kind_name())),
        None => findings.at(&sysroot, "there is no such directory"),
    }
    let ostree = join(path, b"ostree");
    match root.get(b"ostree") {
        Some(Node::Leaf(inode)) if matches!(&inode.kind, InodeKind::Symlink(target) if target == TARGET) => {}
        Some(Node::Leaf(inode)) => match &inode.kind {
            InodeKind::Symlink(target) => {
                findings.at(&ostree, format!("a symbolic link to {}, not to sysroot/ostree", target.escape_ascii()));
            }
            kind => findings.at(&ostree, format!("a {}, not a symbolic link to sysroot/ostree", kind.name())),
        },
        Some(Node::Directory(_)) => findings.at(&ostree, "a directory, not a symbolic link to sysroot/ostree"),
        None => findings.at(&ostree, "there is no such symbolic link to sysroot/ostree"),
    }
}
