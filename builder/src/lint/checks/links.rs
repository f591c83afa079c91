//! Symbolic links that lead nowhere.

use builder_systemd::Manager;
use builder_tree::{Directory, DisplayPath, FileTree, InodeKind, Node};

use crate::lint::check::{Check, Entry, Origin, Run, Severity, Visitor, is_below};
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
    run: Run::Visit(|| Box::new(Links::new(is_of_libraries))),
};

pub(crate) static DANGLING_UNIT_LINKS: Check = Check {
    name: "dangling-unit-links",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A symbolic link in a directory of systemd's units leads to nothing",
    reason: "A unit that is not there is not started, and all that systemd says of it is a line in the journal",
    fix: "RUN systemctl disable UNIT\n# or, where the unit was removed\nRUN rm /etc/systemd/system/TARGET.wants/UNIT",
    run: Run::Visit(|| Box::new(Links::new(is_of_units))),
};

const LIBRARIES: [&str; 3] = ["usr/lib", "usr/lib64", "usr/libexec"];

/// Links that are known to lead nowhere without harm: to debug symbols, and to a kernel's sources.
const HARMLESS: [&str; 2] = ["usr/lib/.build-id", "usr/lib/debug"];

/// Directories that the running system fills: what is to be there cannot be known.
const FILLED_LATER: [&str; 11] = ["boot", "dev", "efi", "media", "mnt", "proc", "run", "sys", "sysroot", "tmp", "var"];

fn is_of_libraries(path: &[u8]) -> bool {
    is_below(path, &LIBRARIES) && !is_of_units(path) && !is_below(path, &HARMLESS) && !is_of_kernel(path)
}

fn is_of_units(path: &[u8]) -> bool {
    [Manager::System, Manager::User].iter().any(|manager| is_below(path, manager.directories()))
}

/// Whether `dangling-unit-links` tells of what is at `path`.
pub(crate) fn is_told(tree: &FileTree, path: &[u8]) -> bool {
    let node = tree.get(path).and_then(Node::as_leaf);
    is_of_units(path)
        && node.is_some_and(|inode| matches!(inode.kind, InodeKind::Symlink(_)))
        && match follow(tree, path, &mut { u64::MAX }) {
            Destination::There => false,
            Destination::Missing(path) => !is_in(&path, &FILLED_LATER),
            Destination::Loop | Destination::TooFar => true,
        }
}

/// Whether `path` leads to what a running system may bring.
pub(crate) fn is_filled_later(tree: &FileTree, path: &[u8]) -> bool {
    matches!(follow(tree, path, &mut { u64::MAX }), Destination::Missing(path) if is_in(&path, &FILLED_LATER))
}

/// Whether `path` leads to what is made at every boot, such as the units of generators.
pub(crate) fn is_made_at_boot(tree: &FileTree, path: &[u8]) -> bool {
    matches!(follow(tree, path, &mut { u64::MAX }), Destination::Missing(path) if is_in(&path, &["run"]))
}

/// `build` and `source` beside a kernel's modules.
fn is_of_kernel(path: &[u8]) -> bool {
    path.strip_prefix(b"usr/lib/modules/")
        .and_then(|rest| rest.iter().position(|&byte| byte == b'/').map(|end| &rest[end + 1..]))
        .is_some_and(|name| name == b"build" || name == b"source")
}

/// Names on the ways of all links that one check follows. The links of a large image have less than a million.
const NAMES_LIMIT: u64 = 16 << 20;

/// For links that would take too long.
const SHORTER: &str = "# let links lead to their targets without detours\nRUN ln -sfn TARGET LINK";

/// Follows the links that a check is about.
struct Links {
    is_concerned: fn(&[u8]) -> bool,
    /// Names that may still be gone through.
    left: u64,
    /// The first link that was not followed, and how many came behind it.
    passed_over: Option<(Vec<u8>, u64)>,
}

impl Links {
    fn new(is_concerned: fn(&[u8]) -> bool) -> Self {
        Self { is_concerned, left: NAMES_LIMIT, passed_over: None }
    }
}

impl Visitor for Links {
    fn visit(&mut self, subject: &Subject, entry: &Entry<'_>, findings: &mut Findings<'_>) {
        let Node::Leaf(inode) = entry.node else { return };
        let InodeKind::Symlink(target) = &inode.kind else { return };
        if !(self.is_concerned)(entry.path) {
            return;
        }
        if self.left == 0 {
            let (_, behind) = self.passed_over.get_or_insert_with(|| (entry.path.to_vec(), 0));
            *behind += 1;
            return;
        }
        let shown = String::from_utf8_lossy(target).escape_debug().to_string();
        match follow(&subject.tree, entry.path, &mut self.left) {
            Destination::There => {}
            Destination::Missing(path) if is_in(&path, &FILLED_LATER) => {}
            Destination::Missing(path) => {
                findings.at(entry.path, format!("a link to {shown}, but there is no {}", DisplayPath(&path)));
            }
            Destination::Loop => findings.at(entry.path, format!("a link to {shown}, which leads in circles")),
            Destination::TooFar => {
                let message = format!(
                    "a link to {shown}, which leads through links whose targets have more than {MAX_TARGETS} bytes"
                );
                findings.at_with_fix(entry.path, message, SHORTER);
            }
        }
    }

    fn end(&mut self, _: &Subject, findings: &mut Findings<'_>) {
        let Some((first, links)) = self.passed_over.take() else { return };
        let message = format!(
            "from here on {links} links were not followed, as those before lead through more than {NAMES_LIMIT} names"
        );
        findings.at_with_fix(&first, message, SHORTER);
    }
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Destination {
    There,
    /// To this path, which is free of links up to the part that is missing.
    Missing(Vec<u8>),
    Loop,
    /// Somewhere, but through longer targets than are followed.
    TooFar,
}

/// Links followed before a path is called a loop; the kernel's number (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// Bytes that the targets of the links of one path have together, before it is not followed further: as much as the
/// longest path has (PATH_MAX).
const MAX_TARGETS: usize = 4096;

/// Follows `path` inside the tree, as a system running from it would; what it goes through is taken from `left`.
fn follow(tree: &FileTree, path: &[u8], left: &mut u64) -> Destination {
    // Names still to go, the next one last; and those passed, with the directories that they led to.
    let mut rest: Vec<&[u8]> = backwards(path).collect();
    let mut passed: Vec<(&[u8], &Directory)> = Vec::new();
    let mut links = 0;
    let mut targets: usize = 0;
    while let Some(name) = rest.pop() {
        *left = left.saturating_sub(1);
        if name == b".." {
            passed.pop();
            continue;
        }
        let here = passed.last().map_or(&tree.root, |(_, directory)| *directory);
        match here.get(name) {
            Some(Node::Directory(directory)) => passed.push((name, directory)),
            Some(Node::Leaf(inode)) => {
                if let InodeKind::Symlink(target) = &inode.kind {
                    links += 1;
                    if links > MAX_LINKS {
                        return Destination::Loop;
                    }
                    targets = targets.saturating_add(target.len());
                    if targets > MAX_TARGETS {
                        return Destination::TooFar;
                    }
                    if target.starts_with(b"/") {
                        passed.clear();
                    }
                    rest.extend(backwards(target));
                } else if rest.is_empty() {
                    return Destination::There;
                } else {
                    return missing(&passed, name, &rest);
                }
            }
            None => return missing(&passed, name, &rest),
        }
    }
    Destination::There
}

/// The names of a path, the last one first.
fn backwards(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.rsplit(|&byte| byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

fn missing(passed: &[(&[u8], &Directory)], name: &[u8], rest: &[&[u8]]) -> Destination {
    let names: Vec<&[u8]> =
        passed.iter().map(|(name, _)| *name).chain([name]).chain(rest.iter().rev().copied()).collect();
    Destination::Missing(names.join(&b'/'))
}

/// Whether `path` is one of `directories`, or below one.
fn is_in(path: &[u8], directories: &[&str]) -> bool {
    is_below(path, directories) || directories.iter().any(|directory| path == directory.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::sync::Arc;

    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{DANGLING_LINKS, Destination, Links, follow, is_of_kernel, is_of_libraries};
    use crate::lint::allow::AllowList;
    use crate::lint::check::{Entry, Visitor as _};
    use crate::lint::finding::Findings;
    use crate::lint::subject::Subject;

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
            ("late", missing("run/late")),
            ("local", missing("var/usrlocal/bin/x")),
            ("a", Destination::Loop),
        ] {
            assert_eq!(follow(&tree, format!("usr/lib/{name}").as_bytes(), &mut { u64::MAX }), expected, "{name}");
        }
    }

    #[test]
    fn links_that_are_not_followed_are_told_of() {
        let mut tree = FileTree::new();
        for (name, target) in [("a", "nothing"), ("b", "nothing"), ("c", "nothing"), ("d", "a")] {
            tree.insert(format!("usr/lib/{name}").as_bytes(), Inode::symlink(target), &Metadata::root(0o755)).unwrap();
        }
        let platform = "linux/amd64".parse().unwrap();
        let subject = Subject::new(Arc::new(tree), platform, BTreeMap::new());
        for (left, expected) in [
            (u64::MAX, &["a: a link to", "b: a link to", "c: a link to", "d: a link to"][..]),
            // Each takes four names.
            (5, &["a: a link to", "b: a link to", "c: from here on 2 links were not followed"]),
            (4, &["a: a link to", "b: from here on 3 links were not followed"]),
        ] {
            let allow = AllowList::new();
            let mut findings = Findings::new(&DANGLING_LINKS, &allow, 10);
            let mut links = Links { left, ..Links::new(is_of_libraries) };
            let walked: Result<(), Infallible> = subject.tree.root.walk(&mut |path, node| {
                links.visit(&subject, &Entry { path, node }, &mut findings);
                Ok(())
            });
            walked.unwrap();
            links.end(&subject, &mut findings);
            let told: Vec<String> = findings
                .found
                .iter()
                .map(|found| format!("{}: {}", found.place().unwrap().replace("/usr/lib/", ""), found.message))
                .collect();
            assert_eq!(told.len(), expected.len(), "{left}: {told:?}");
            for (told, expected) in told.iter().zip(expected) {
                assert!(told.starts_with(expected), "{left}: {told}");
            }
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
