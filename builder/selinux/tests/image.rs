//! Policies found in trees, and trees labelled by them.

use std::sync::Arc;

use builder_selinux::{Existing, FileKind, HardLinks, Place, Policy, RelabelRules, relabel};
use builder_tree::{Content, FileTree, Inode, Metadata, Node};

const CONTEXTS: &str = "\
/.* u:r:default
/ -d u:r:root
/proc <<none>>
/proc/.* <<none>>
/mnt -d u:r:mnt
/usr(/.*)? u:r:usr
/usr/bin/.* -- u:r:bin
/etc(/.*)? u:r:etc
/boot(/.*)? u:r:boot
/secret(/.*)? <<none>>
";

fn put(tree: &mut FileTree, path: &str, text: &str) {
    let inode = Inode::regular(Metadata::root(0o644), Content::bytes(text.as_bytes()));
    tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
}

fn link(tree: &mut FileTree, path: &str, to: &str) {
    tree.insert(path.as_bytes(), Inode::symlink(to), &Metadata::root(0o755)).unwrap();
}

fn with_policy(home: &str) -> FileTree {
    let mut tree = FileTree::new();
    put(&mut tree, &format!("{home}/config"), "SELINUX=enforcing\nSELINUXTYPE=mine\n");
    put(&mut tree, &format!("{home}/mine/contexts/files/file_contexts"), CONTEXTS);
    tree
}

fn label(tree: &FileTree, path: &str) -> Option<String> {
    let metadata = if path == "/" { &tree.root.metadata } else { tree.get(path.as_bytes()).unwrap().metadata() };
    let value = metadata.xattrs.get(b"security.selinux".as_slice())?;
    Some(String::from_utf8(value.strip_suffix(b"\0").expect("a label ends with NUL").to_vec()).unwrap())
}

fn inode<'a>(tree: &'a FileTree, path: &str) -> &'a Arc<Inode> {
    tree.get(path.as_bytes()).and_then(Node::as_leaf).unwrap()
}

#[test]
fn the_policy_lies_beside_the_configuration() {
    for home in ["etc/selinux", "usr/etc/selinux"] {
        let mut tree = with_policy(home);
        put(&mut tree, &format!("{home}/mine/contexts/files/file_contexts.local"), "/usr/bin/x u:r:local\n");
        put(&mut tree, &format!("{home}/mine/contexts/files/file_contexts.subs_dist"), "/opt/bin /usr/bin\n");
        let policy = Policy::find(&tree).unwrap().unwrap();
        assert_eq!(policy.name(), b"mine");
        for (path, kind, expected) in [
            ("/usr/bin/x", FileKind::Symlink, Some("u:r:local")),
            ("/opt/bin/y", FileKind::Regular, Some("u:r:bin")),
            ("/usr/bin/y", FileKind::Directory, Some("u:r:usr")),
            ("/secret/y", FileKind::Directory, None),
            ("/proc", FileKind::Directory, None),
        ] {
            let found = policy.label(path.as_bytes(), kind).map(ToString::to_string);
            assert_eq!(found.as_deref(), expected, "{path}");
        }
        assert_eq!(policy.label_in_image(b"/proc", FileKind::Directory).unwrap().as_xattr(), b"u:r:mnt\0");
    }
}

#[test]
fn links_on_the_way_to_the_policy_stay_in_the_tree() {
    let mut tree = with_policy("usr/share/selinux-home");
    link(&mut tree, "etc/selinux", "/usr/share/selinux-home");
    assert!(Policy::find(&tree).unwrap().is_some());
    link(&mut tree, "etc/selinux", "../../../../usr/share/selinux-home");
    assert!(Policy::find(&tree).unwrap().is_some());
}

#[test]
fn no_policy_is_found_where_selinux_is_off() {
    assert!(Policy::find(&FileTree::new()).unwrap().is_none());
    let mut tree = with_policy("usr/etc/selinux");
    // The file in `etc` goes before that in `usr/etc`.
    put(&mut tree, "etc/selinux/config", "SELINUX=disabled\nSELINUXTYPE=mine\n");
    assert!(Policy::find(&tree).unwrap().is_none());
}

#[test]
fn what_is_wrong_with_a_policy_is_said() {
    let contexts = "etc/selinux/mine/contexts/files/file_contexts";
    let wrong = |change: &dyn Fn(&mut FileTree)| {
        let mut tree = with_policy("etc/selinux");
        change(&mut tree);
        let error = Policy::find(&tree).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        error.to_string()
    };
    assert_eq!(
        wrong(&|tree| drop(tree.remove(contexts.as_bytes()))),
        "/etc/selinux/config switches SELinux on with the policy mine, but \
         /etc/selinux/mine/contexts/files/file_contexts is missing"
    );
    assert_eq!(
        wrong(&|tree| put(tree, contexts, "/a u:r:a\n\n/b[ u:r:b\n")),
        "/etc/selinux/mine/contexts/files/file_contexts line 3: the pattern /b[ cannot be used"
    );
    // Found only when all are compiled, in the midst of good ones.
    let many: String =
        (0..600).map(|n| if n == 432 { "/x/[b-a] u:r:b\n".into() } else { format!("/x/{n}.* u:r:a\n") }).collect();
    assert_eq!(
        wrong(&|tree| put(tree, &format!("{contexts}.homedirs"), &many)),
        "/etc/selinux/mine/contexts/files/file_contexts.homedirs line 433: the pattern /x/[b-a] cannot be used"
    );
    assert_eq!(
        wrong(&|tree| put(tree, &format!("{contexts}.local"), "/(((a{99}){99}){99}){99} u:r:b\n")),
        "/etc/selinux/mine/contexts/files/file_contexts.local line 1: with its repetitions written out, the policy has \
         more than 4194304 bytes of patterns"
    );
    assert_eq!(
        wrong(&|tree| put(tree, contexts, &"/a[^/]{500}[0-9]{2,} u:r:a\n".repeat(1000))),
        "/etc/selinux/mine/contexts/files/file_contexts line 210: with its repetitions written out, the policy has \
         more than 4194304 bytes of patterns"
    );
    assert_eq!(
        wrong(&|tree| put(tree, contexts, "/a -z u:r:a\n")),
        "/etc/selinux/mine/contexts/files/file_contexts line 1: \"-z\" is no file type; known are -- -d -l -c -b -p -s"
    );
    assert_eq!(
        wrong(&|tree| put(tree, "etc/selinux/config", "SELINUX=enforcing\nSELINUXTYPE=../x\n")),
        "/etc/selinux/config has SELINUXTYPE=../x, which is no name of a policy"
    );
    assert_eq!(
        wrong(&|tree| put(tree, contexts, &" ".repeat((16 << 20) + 1))),
        "/etc/selinux/mine/contexts/files/file_contexts has 16777217 bytes, more than the 16777216 a SELinux policy \
         file may have"
    );
    assert_eq!(
        wrong(&|tree| put(tree, contexts, &"/a u:r:a\n".repeat(65_537))),
        "/etc/selinux/mine/contexts/files/file_contexts line 65537: the policy has more than 65536 file context \
         specifications"
    );
    assert_eq!(
        wrong(&|tree| put(tree, &format!("{contexts}.subs/x"), "")),
        "/etc/selinux/mine/contexts/files/file_contexts.subs is a directory, but a file of the SELinux policy is \
         expected there"
    );
    assert_eq!(
        wrong(&|tree| link(tree, "etc/selinux/config", "config")),
        "cannot find the SELinux policy file /etc/selinux/config"
    );
}

#[test]
fn every_path_of_a_commit_has_its_label() {
    let mut tree = with_policy("usr/etc/selinux");
    put(&mut tree, "usr/bin/tool", "x");
    link(&mut tree, "usr/bin/link", "tool");
    put(&mut tree, "secret/key", "x");
    put(&mut tree, "proc/x", "x");
    let old = Metadata { xattrs: [(b"security.selinux".to_vec(), b"old\0".to_vec())].into(), ..Metadata::root(0o644) };
    for path in ["usr/bin/old", "secret/old"] {
        tree.insert(path.as_bytes(), Inode::regular(old.clone(), Content::empty()), &old).unwrap();
    }
    let policy = Policy::find(&tree).unwrap().unwrap();
    let done = relabel(&tree, &policy, &RelabelRules::commit());
    for (path, expected) in [
        ("/", Some("u:r:root")),
        ("/usr", Some("u:r:usr")),
        ("/usr/bin/tool", Some("u:r:bin")),
        ("/usr/bin/link", Some("u:r:usr")),
        ("/usr/bin/old", Some("u:r:bin")),
        ("/usr/etc/selinux/config", Some("u:r:usr")),
        ("/proc", Some("u:r:mnt")),
        ("/proc/x", None),
        ("/secret/key", None),
        ("/secret/old", Some("old")),
    ] {
        assert_eq!(label(&done.tree, path).as_deref(), expected, "{path}");
    }
    assert!(done.conflicts.is_empty());
    // Nothing else changes, and a second time nothing at all.
    let again = relabel(&done.tree, &policy, &RelabelRules::commit());
    assert!(Arc::ptr_eq(inode(&done.tree, "usr/bin/tool"), inode(&again.tree, "usr/bin/tool")));
    assert!(Arc::ptr_eq(inode(&tree, "secret/key"), inode(&done.tree, "secret/key")));
    let kept = relabel(&tree, &policy, &RelabelRules::commit().with_existing(Existing::Keep));
    assert_eq!(label(&kept.tree, "/usr/bin/old").as_deref(), Some("old"));
}

#[test]
fn linked_paths_share_the_first_label_or_part() {
    let mut tree = with_policy("usr/etc/selinux");
    // In byte order `a-b` is before `a/z`, though a walk comes to `a/z` first.
    let shared = Arc::new(Inode::regular(Metadata::root(0o644), Content::bytes(b"x".to_vec())));
    for path in ["boot/f", "boot-x", "usr/bin/f", "usr/bin/g", "secret/f"] {
        tree.insert(path.as_bytes(), Arc::clone(&shared), &Metadata::root(0o755)).unwrap();
    }
    let policy = Policy::find(&tree).unwrap().unwrap();

    let one = relabel(&tree, &policy, &RelabelRules::commit().with_hard_links(HardLinks::FirstPath));
    for path in ["boot/f", "boot-x", "usr/bin/f", "usr/bin/g", "secret/f"] {
        assert_eq!(label(&one.tree, path).as_deref(), Some("u:r:default"), "{path}");
        assert!(Arc::ptr_eq(inode(&one.tree, path), inode(&one.tree, "boot-x")), "{path}");
    }
    let conflicts: Vec<_> = one
        .conflicts
        .iter()
        .map(|found| {
            format!(
                "{} {} {} {}",
                found.path.escape_ascii(),
                found.label,
                found.first.escape_ascii(),
                found.first_label
            )
        })
        .collect();
    assert_eq!(
        conflicts,
        [
            "/boot/f u:r:boot /boot-x u:r:default",
            "/usr/bin/f u:r:bin /boot-x u:r:default",
            "/usr/bin/g u:r:bin /boot-x u:r:default"
        ]
    );

    let split = relabel(&tree, &policy, &RelabelRules::commit());
    assert_eq!(label(&split.tree, "boot/f").as_deref(), Some("u:r:boot"));
    assert_eq!(label(&split.tree, "secret/f"), None);
    assert!(Arc::ptr_eq(inode(&split.tree, "usr/bin/f"), inode(&split.tree, "usr/bin/g")));
    assert!(split.conflicts.is_empty(), "each path has its label");
}

#[test]
fn rules_move_and_spare_parts_of_the_tree() {
    let mut tree = with_policy("usr/etc/selinux");
    put(&mut tree, "ostree/deploy/x/var/lib/y", "1");
    put(&mut tree, "ostree/deploy/x/deploy/0/etc/passwd", "2");
    put(&mut tree, "ostree/deploy/x/deploy/0/usr/bin/z", "3");
    let object = Arc::new(Inode::regular(Metadata::root(0o644), Content::bytes(b"k".to_vec())));
    for path in ["boot/kernel", "ostree/deploy/x/deploy/0/kernel"] {
        tree.insert(path.as_bytes(), Arc::clone(&object), &Metadata::root(0o755)).unwrap();
    }
    let policy = Policy::find(&tree).unwrap().unwrap();
    let rules = RelabelRules::unlabelled()
        .with("/ostree", Place::As(b"/usr".to_vec()))
        .with("/ostree/deploy/x/var", Place::At(b"/usr/bin".to_vec()))
        .with("/ostree/deploy/x/deploy/0", Place::Untouched)
        .with("/ostree/deploy/x/deploy/0/etc", Place::At(b"/etc".to_vec()));
    let done = relabel(&tree, &policy, &rules);
    for (path, expected) in [
        ("/", Some("u:r:root")),
        ("/ostree", Some("u:r:usr")),
        ("/ostree/deploy", Some("u:r:default")),
        ("/ostree/deploy/x/var/lib", Some("u:r:usr")),
        ("/ostree/deploy/x/var/lib/y", Some("u:r:bin")),
        ("/ostree/deploy/x/deploy", Some("u:r:default")),
        ("/ostree/deploy/x/deploy/0", None),
        ("/ostree/deploy/x/deploy/0/etc", Some("u:r:etc")),
        ("/ostree/deploy/x/deploy/0/etc/passwd", Some("u:r:etc")),
        ("/ostree/deploy/x/deploy/0/usr/bin/z", None),
        ("/ostree/deploy/x/deploy/0/kernel", None),
        // The same inode: a label here would be one there.
        ("/boot/kernel", None),
        ("/boot", Some("u:r:boot")),
    ] {
        assert_eq!(label(&done.tree, path).as_deref(), expected, "{path}");
    }
    // The root itself may be elsewhere.
    let moved = relabel(&tree, &policy, &RelabelRules::commit().with("/", Place::At(b"/etc".to_vec())));
    assert_eq!(label(&moved.tree, "/").as_deref(), Some("u:r:etc"));
    assert_eq!(label(&moved.tree, "/usr/etc").as_deref(), Some("u:r:etc"));
}
