//! A stateroot's `/var` (spec 4.5): filled once, from the first deployment, and the machine's own from then on.

use builder_tree::{Directory, FileTree, Node};

use crate::copy;
use crate::made::Maker;
use crate::sysroot::VarLabels;

/// The stateroot's `var` for a deployment of `tree`.
///
/// The directory itself is root's with 0755 whatever the image says, as libostree makes the stateroot before it
/// looks into a commit; only a label comes along.
pub(crate) fn fill(tree: &FileTree, labels: VarLabels, maker: Maker) -> Directory {
    let mut var = maker.directory(0o755);
    if let Some(image) = tree.directory(b"var") {
        var.metadata.xattrs = copy::label(&image.metadata);
        var.entries = copy::independent(image, maker).entries;
    }
    if tree.get(b"usr/lib/tmpfiles.d").is_none() {
        skeleton(&mut var, maker);
    }
    // Missing, it makes systemd's ConditionNeedsUpdate= true on the first boot.
    var.entries.remove(b".updated".as_slice());
    match labels {
        VarLabels::Written => var.insert(".ostree-selabeled", maker.file(0o644, [])),
        // libostree then labels all of /var when it first deploys an image that brings a policy, which is right:
        // a stamp on an unlabelled /var would keep it unlabelled for ever.
        VarLabels::Missing => {}
    }
    var
}

/// What an image without systemd-tmpfiles expects (`_ostree_sysroot_stateroot_legacy_var_init`).
fn skeleton(var: &mut Directory, maker: Maker) {
    for (name, mode) in [("tmp", 0o1777), ("lib", 0o755), ("log", 0o755)] {
        var.entries.entry(name.into()).or_insert_with(|| maker.directory(mode).into());
    }
    if let Some(tmp) = var.entries.get_mut(b"tmp".as_slice()).and_then(Node::as_directory_mut) {
        tmp.metadata.mode = 0o1777;
    }
    for (name, target) in [("run", "../run"), ("lock", "../run/lock")] {
        var.entries.entry(name.into()).or_insert_with(|| maker.symlink(target).into());
    }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, DumpOptions, FileTree, Inode, Metadata, dump};

    use super::fill;
    use crate::made::Maker;
    use crate::sysroot::VarLabels;

    fn lines(tree: &FileTree, labels: VarLabels) -> Vec<String> {
        let var = FileTree { root: fill(tree, labels, Maker::new(7)) };
        let text = dump(&var, DumpOptions::default()).unwrap();
        text.lines().map(|line| line.split(' ').take(7).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn var_comes_from_the_image_without_its_stamp() {
        let mut tree = FileTree::new();
        let file = || Inode::regular(Metadata { uid: 5, ..Metadata::root(0o640) }, Content::bytes(b"x".to_vec()));
        for path in ["var/lib/x/file", "var/.updated", "usr/lib/tmpfiles.d/a.conf"] {
            tree.insert(path.as_bytes(), file(), &Metadata::root(0o700)).unwrap();
        }
        let image = &mut tree.directory_mut(b"var").unwrap().metadata.xattrs;
        image.insert(b"security.selinux".to_vec(), b"label".to_vec());
        image.insert(b"user.other".to_vec(), b"x".to_vec());
        let root = fill(&tree, VarLabels::Written, Maker::new(7));
        let names: Vec<_> = root.metadata.xattrs.keys().cloned().collect();
        assert_eq!(names, [b"security.selinux"]);
        let expected = [
            "/ d 0755 0 0 - 7.0",
            "/.ostree-selabeled f 0644 0 0 0 7.0",
            "/lib d 0700 0 0 - 7.0",
            "/lib/x d 0700 0 0 - 7.0",
            "/lib/x/file f 0640 5 0 1 7.0",
        ];
        assert_eq!(lines(&tree, VarLabels::Written), expected);
        assert!(!lines(&tree, VarLabels::Missing).iter().any(|line| line.contains("selabeled")));
    }

    #[test]
    fn without_tmpfiles_var_has_the_old_skeleton() {
        let mut tree = FileTree::new();
        tree.make_directories(b"var/tmp", &Metadata::root(0o755)).unwrap();
        let expected = [
            "/ d 0755 0 0 - 7.0",
            "/lib d 0755 0 0 - 7.0",
            "/lock l 0777 0 0 11 7.0",
            "/log d 0755 0 0 - 7.0",
            "/run l 0777 0 0 6 7.0",
            "/tmp d 1777 0 0 - 7.0",
        ];
        assert_eq!(lines(&tree, VarLabels::Missing), expected);
    }
}
