//! Symbolic links that lead nowhere.

use builder_tree::{Directory, DisplayPath, FileTree, InodeKind, Node, join};

use crate::lint::check::{Check, Entry, Origin, Run, Severity, is_below};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static DANGLING_LINKS: Check = Check {
    name: "dangling-links",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A symbolic link below `/usr/lib`, `/usr/lib64` or `/usr/libexec` leads to nothing",
    reason: "Whatever is to be loaded through it is not found; often it was made with the path of a build \
             directory, or its target was removed",
    fix: "# remove it, or install what it leads to\nRUN rm /usr/lib/LINK",
    run: Run::Walk(dangling_links),
};

pub(crate) static DANGLING_UNIT_LINKS: Check = Check {
    name: "dangling-unit-links",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A symbolic link in a directory of systemd's units leads to nothing",
    reason: "A unit that is not there is not started, and all that systemd says of it is a line in the journal",
    fix: "RUN systemctl disable UNIT\n# or, where the unit was removed\nRUN rm /etc/systemd/system/TARGET.wants/UNIT",
    run: Run::Walk(dangling_unit_links),
};

const LIBRARIES: [&str; 3] = ["usr/lib", "usr/lib64", "usr/libexec"];

/// Where units lie that are looked at.
pub(crate) const UNITS: [&str; 6] = [
    "etc/systemd/system",
    "etc/systemd/user",
    "usr/etc/systemd/system",
    "usr/etc/systemd/user",
    "usr/lib/systemd/system",
    "usr/lib/systemd/user",
];

/// Links that are known to lead nowhere without harm: to debug symbols, and to a kernel's sources.
const HARMLESS: [&str; 2] = ["usr/lib/.build-id", "usr/lib/debug"];

/// Directories that the running system fills: what is to be there cannot be known.
const FILLED_LATER: [&[u8]; 11] =
    [b"boot", b"dev", b"efi", b"media", b"mnt", b"proc", b"run", b"sys", b"sysroot", b"tmp", b"var"];

fn dangling_links(subject: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    if entry.is_below(&LIBRARIES) && !entry.is_below(&UNITS) && !entry.is_below(&HARMLESS) && !is_of_kernel(entry.path)
    {
        tell(subject, entry, findings);
    }
}

fn dangling_unit_links(subject: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    if entry.is_below(&UNITS) {
        tell(subject, entry, findings);
    }
}

/// Whether `path` is a link that `dangling-unit-links` judges for good: it leads nowhere, or to what comes later.
pub(crate) fn is_of_dangling_unit_links(tree: &FileTree, path: &[u8]) -> bool {
    let node = tree.get(path).and_then(Node::as_leaf);
    is_below(path, &UNITS)
        && node.is_some_and(|inode| matches!(inode.kind, InodeKind::Symlink(_)))
        && follow(tree, path) != Destination::There
}

/// `build` and `source` beside a kernel's modules.
fn is_of_kernel(path: &[u8]) -> bool {
    path.strip_prefix(b"usr/lib/modules/")
        .and_then(|rest| rest.iter().position(|&byte| byte == b'/').map(|end| &rest[end + 1..]))
        .is_some_and(|name| name == b"build" || name == b"source")
}

fn tell(subject: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
    let Node::Leaf(inode) = entry.node else { return };
    let InodeKind::Symlink(target) = &inode.kind else { return };
    let shown = String::from_utf8_lossy(target).escape_debug().to_string();
    match follow(&subject.tree, entry.path) {
        Destination::There | Destination::FilledLater => {}
        Destination::Missing(path) => {
            findings.at(entry.path, format!("a link to {shown}, but there is no {}", DisplayPath(&path)));
        }
        Destination::Loop => findings.at(entry.path, format!("a link to {shown}, which leads in circles")),
    }
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Destination {
    There,
    /// To a place that the running system fills.
    FilledLater,
    /// To this path, which is free of links up to the part that is missing.
    Missing(Vec<u8>),
    Loop,
}

/// Links followed before a path is called a loop; the kernel's number (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// Follows `path` inside the tree, as a system running from it would.
fn follow(tree: &FileTree, path: &[u8]) -> Destination {
    let names = |path: &[u8]| {
        let names = path.split(|&byte| byte == b'/').filter(|name| !name.is_empty() && *name != b".");
        names.map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    // Names still to go, the next one last; and those passed, with the directories that they led to.
    let mut rest = names(path);
    rest.reverse();
    let mut passed: Vec<(Vec<u8>, &Directory)> = Vec::new();
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == b".." {
            passed.pop();
            continue;
        }
        let here = passed.last().map_or(&tree.root, |(_, directory)| *directory);
        match here.get(&name) {
            Some(Node::Directory(directory)) => passed.push((name, directory)),
            Some(Node::Leaf(inode)) => {
                if let InodeKind::Symlink(target) = &inode.kind {
                    links += 1;
                    if links > MAX_LINKS {
                        return Destination::Loop;
                    }
                    if target.starts_with(b"/") {
                        passed.clear();
                    }
                    rest.extend(names(target).into_iter().rev());
                } else if rest.is_empty() {
                    return Destination::There;
                } else {
                    return missing(&passed, name, rest);
                }
            }
            None => return missing(&passed, name, rest),
        }
    }
    Destination::There
}

fn missing(passed: &[(Vec<u8>, &Directory)], name: Vec<u8>, rest: Vec<Vec<u8>>) -> Destination {
    let mut path = Vec::new();
    for name in passed.iter().map(|(name, _)| name).chain([&name]).chain(rest.iter().rev()) {
        path = join(&path, name);
    }
    let first = path.split(|&byte| byte == b'/').next().unwrap_or_default();
    if FILLED_LATER.contains(&first) { Destination::FilledLater } else { Destination::Missing(path) }
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{Destination, follow, is_of_kernel};

    #[test]
    fn a_link_leads_to_a_file_or_to_what_is_missing() {
        let mut tree = FileTree::new();
        for (path, target) in [
            ("usr/lib/file", ""),
            ("lib", "usr/lib"),
            ("usr/local", "../var/usrlocal"),
            ("usr/lib/here", "file"),
            ("usr/lib/chain", "/lib/../lib/here"),
            ("usr/lib/above", "../../../../lib/file"),
            ("usr/lib/directory", "."),
            ("usr/lib/gone", "nothing"),
            ("usr/lib/build", "/home/me/build/x"),
            ("usr/lib/through", "gone/x"),
            ("usr/lib/below", "file/x"),
            ("usr/lib/late", "/run/late"),
            ("usr/lib/local", "/usr/local/bin/x"),
            ("usr/lib/a", "b"),
            ("usr/lib/b", "a"),
        ] {
            let inode = match target {
                "" => Inode::regular(Metadata::root(0o644), Content::empty()),
                target => Inode::symlink(target),
            };
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        let missing = |path: &str| Destination::Missing(path.as_bytes().to_vec());
        for (name, expected) in [
            ("here", Destination::There),
            ("chain", Destination::There),
            ("above", Destination::There),
            ("directory", Destination::There),
            ("gone", missing("usr/lib/nothing")),
            ("build", missing("home/me/build/x")),
            ("through", missing("usr/lib/nothing/x")),
            ("below", missing("usr/lib/file/x")),
            ("late", Destination::FilledLater),
            ("local", Destination::FilledLater),
            ("a", Destination::Loop),
        ] {
            assert_eq!(follow(&tree, format!("usr/lib/{name}").as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn sources_of_kernels_may_be_absent() {
        assert!(is_of_kernel(b"usr/lib/modules/6.1/build"));
        assert!(is_of_kernel(b"usr/lib/modules/6.1/source"));
        assert!(!is_of_kernel(b"usr/lib/modules/6.1/updates/build"));
        assert!(!is_of_kernel(b"usr/lib/modules/build"));
    }
}
