//! Labels of everything on the disk that no commit labels (specification 4.10).

use std::sync::Arc;

use builder_selinux::{Existing, FileKind, HardLinks, Place, Policy, RelabelRules, XATTR, relabel};
use builder_tree::{Directory, FileTree, Inode, Metadata, Node};

/// Labels the physical root, whose deployments are at the paths `deployments`; `/boot` may be a part of it.
///
/// Deployments and their objects have the labels of their commit, and where the policy gave none they have to stay
/// without: a label is a part of an object's checksum.
pub(crate) fn root(
    mut root: FileTree,
    policy: &Policy,
    stateroot: &str,
    deployments: &[String],
    created: i64,
) -> FileTree {
    add_lost_found(&mut root, created);
    let mut rules = RelabelRules::unlabelled()
        .with("/ostree", Place::As(b"/usr".to_vec()))
        .with(format!("/ostree/deploy/{stateroot}/var"), Place::At(b"/var".to_vec()));
    for object in unlabelled_objects(&root) {
        rules = rules.with(object, Place::Untouched);
    }
    // Deployments are labelled by themselves, and stay out of the way of the rest.
    let mut labelled = Vec::new();
    for path in deployments {
        rules = rules.with(format!("/{path}.origin"), Place::As(b"/etc/ostree/remotes.d/dummy.conf".to_vec()));
        if let Some(Node::Directory(mut directory)) = root.remove(path.as_bytes()) {
            deployment(&mut directory, policy);
            labelled.push((path, *directory));
        }
    }
    let mut root = relabel(&root, policy, &rules).tree;
    for (path, directory) in labelled {
        let parent = path.rfind('/').and_then(|end| root.directory_mut(&path.as_bytes()[..end]));
        if let (Some(parent), Some(name)) = (parent, path.rsplit('/').next()) {
            parent.insert(name, directory);
        }
    }
    root
}

/// Labels what is not of the commit in a deployment.
fn deployment(directory: &mut Directory, policy: &Policy) {
    // The copy of `usr/etc` comes with labels for `/usr/etc`, and is used as `/etc`.
    if let Some(Node::Directory(etc)) = directory.entries.remove(b"etc".as_slice()) {
        let rules = RelabelRules::unlabelled()
            .with_existing(Existing::Replace)
            .with_hard_links(HardLinks::Split)
            .with("/", Place::At(b"/etc".to_vec()));
        directory.insert("etc", relabel(&FileTree { root: *etc }, policy, &rules).tree.root);
    }
    if let Some(Node::Leaf(image)) = directory.entries.get_mut(b".ostree.cfs".as_slice())
        && let Some(label) = policy.label(b"/usr", FileKind::Regular)
    {
        let mut labelled = Inode::clone(image);
        labelled.metadata.xattrs.insert(XATTR.to_vec(), label.as_xattr().to_vec());
        *image = Arc::new(labelled);
    }
}

/// ext4 would make it, without a label.
fn add_lost_found(tree: &mut FileTree, created: i64) {
    let mut metadata = Metadata::root(0o700);
    metadata.mtime.seconds = created;
    tree.root.entries.entry(b"lost+found".to_vec()).or_insert_with(|| Directory::new(metadata).into());
}

/// Labels `/boot` where it is a file system of its own: kernels are copies there, and not links to objects.
pub(crate) fn boot(mut boot: FileTree, policy: &Policy, created: i64) -> FileTree {
    add_lost_found(&mut boot, created);
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
