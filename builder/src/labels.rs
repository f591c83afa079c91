//! Labels of everything on the disk that no commit labels (specification 4.10).

use builder_selinux::{Existing, HardLinks, Place, Policy, RelabelRules, XATTR, relabel};
use builder_tree::{Directory, FileTree, Metadata, Node};

/// Labels the physical root, whose deployments are at the paths `deployments`; `/boot` may be a part of it.
///
/// Deployments and their objects have the labels of their commit, and where the policy gave none they have to stay
/// without: a label is a part of an object's checksum.
pub(crate) fn root(
    root: &FileTree,
    policy: &Policy,
    stateroot: &str,
    deployments: &[String],
    created: i64,
) -> FileTree {
    let mut root = root.clone();
    // ext4 would make it, without a label.
    let mut lost_found = Metadata::root(0o700);
    lost_found.mtime.seconds = created;
    root.root.entries.entry(b"lost+found".to_vec()).or_insert_with(|| Directory::new(lost_found).into());

    // A copy of `usr/etc` comes with labels for `/usr/etc`, and is used as `/etc`.
    let mut etc = RelabelRules::unlabelled()
        .with_existing(Existing::Replace)
        .with_hard_links(HardLinks::Split)
        .with("/", Place::Untouched);
    let mut rest = RelabelRules::unlabelled()
        .with("/ostree", Place::As(b"/usr".to_vec()))
        .with(format!("/ostree/deploy/{stateroot}/var"), Place::At(b"/var".to_vec()));
    for path in deployments {
        etc = etc.with(format!("/{path}/etc"), Place::At(b"/etc".to_vec()));
        rest = rest
            .with(format!("/{path}"), Place::Untouched)
            .with(format!("/{path}/.ostree.cfs"), Place::As(b"/usr".to_vec()))
            .with(format!("/{path}.origin"), Place::As(b"/etc/ostree/remotes.d/dummy.conf".to_vec()));
    }
    for object in unlabelled_objects(&root) {
        rest = rest.with(object, Place::Untouched);
    }
    let root = relabel(&root, policy, &etc).tree;
    relabel(&root, policy, &rest).tree
}

/// Labels `/boot` where it is a file system of its own: kernels are copies there, and not links to objects.
pub(crate) fn boot(boot: &FileTree, policy: &Policy, created: i64) -> FileTree {
    let mut boot = boot.clone();
    let mut lost_found = Metadata::root(0o700);
    lost_found.mtime.seconds = created;
    boot.root.entries.entry(b"lost+found".to_vec()).or_insert_with(|| Directory::new(lost_found).into());
    let mut rules = RelabelRules::unlabelled()
        .with_existing(Existing::Replace)
        .with_hard_links(HardLinks::Split)
        .with("/", Place::At(b"/boot".to_vec()));
    if let Some(kernels) = boot.directory(b"ostree") {
        for (folder, node) in &kernels.entries {
            for name in node.as_directory().into_iter().flat_map(|folder| folder.entries.keys()) {
                rules = rules
                    .with([b"/ostree/", &folder[..], b"/", name].concat(), Place::As([b"/boot/", &name[..]].concat()));
            }
        }
    }
    relabel(&boot, policy, &rules).tree
}

/// Paths of file objects for which the policy has no label.
fn unlabelled_objects(root: &FileTree) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    let Some(objects) = root.directory(b"ostree/repo/objects") else { return paths };
    for (fan, node) in &objects.entries {
        for (name, node) in node.as_directory().into_iter().flat_map(|directory| &directory.entries) {
            let is_plain = matches!(node, Node::Leaf(inode) if !inode.metadata.xattrs.contains_key(XATTR));
            if is_plain && name.ends_with(b".file") {
                paths.push([b"/ostree/repo/objects/", &fan[..], b"/", name].concat());
            }
        }
    }
    paths
}
