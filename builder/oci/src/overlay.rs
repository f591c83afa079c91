//! The tree as an entry finds it: what the layer has brought so far, over what lies below.

use std::sync::Arc;

use builder_tree::{Directory, Inode, InodeKind, Node};

use crate::entry::{NAME_LIMIT, PATH_LIMIT};
use crate::problem::EntryProblem;
use crate::whiteout;

/// Symbolic links followed on the way to one entry; the kernel's number (MAXSYMLINKS).
const LINK_LIMIT: usize = 40;
/// Bytes that the targets of these links have together. The kernel would go on, but through so many names at each link
/// that a small layer of such entries would take very long.
const TARGETS_LIMIT: usize = PATH_LIMIT;
/// Directories above an entry: whoever walks the tree may do so by recursion.
const DEPTH_LIMIT: usize = 512;

/// A directory as it looks with the layer on top: in the layer, below it, or in both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    upper: Option<&'a Directory>,
    lower: Option<&'a Directory>,
}

/// What a view has under a name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found<'a> {
    Directory(View<'a>),
    Leaf(&'a Arc<Inode>),
}

impl<'a> View<'a> {
    pub(crate) fn new(upper: Option<&'a Directory>, lower: Option<&'a Directory>) -> Self {
        let is_opaque = |upper: &Directory| upper.entries.contains_key(whiteout::OPAQUE);
        Self { upper, lower: lower.filter(|_| !upper.is_some_and(is_opaque)) }
    }

    pub(crate) fn get(self, name: &[u8]) -> Option<Found<'a>> {
        let upper = self.upper.and_then(|upper| upper.get(name));
        let lower = self.lower(name);
        match (upper, lower) {
            (Some(Node::Leaf(inode)), _) | (None, Some(Node::Leaf(inode))) => Some(Found::Leaf(inode)),
            (Some(Node::Directory(upper)), lower) => {
                Some(Found::Directory(View::new(Some(upper), lower.and_then(Node::as_directory))))
            }
            (None, Some(Node::Directory(lower))) => Some(Found::Directory(View::new(None, Some(lower)))),
            (None, None) => None,
        }
    }

    /// What the layers below have under a name, unless the layer hides it.
    pub(crate) fn lower(self, name: &[u8]) -> Option<&'a Node> {
        let lower = self.lower?.get(name)?;
        let hidden = self.upper.is_some_and(|upper| upper.entries.contains_key(&whiteout::marker(name)));
        (!hidden).then_some(lower)
    }
}

/// A directory that an entry's parents lead to.
#[derive(Debug)]
pub(crate) struct Resolved<'a> {
    /// Its path, free of links.
    pub(crate) path: Vec<u8>,
    /// `None` where it does not exist.
    pub(crate) view: Option<View<'a>>,
}

/// Follows `names` from `root` with symbolic links followed inside the root, as container runtimes do
/// (filepath-securejoin): a link that leads above the root stops at it, and what does not exist is taken as
/// written.
pub(crate) fn resolve<'a>(root: View<'a>, names: &'a [Vec<u8>]) -> Result<Resolved<'a>, EntryProblem> {
    let mut links = 0;
    let mut targets: usize = 0;
    // Names still to go, the next one last; and the directories passed, with the way back for `..`.
    let mut rest: Vec<&'a [u8]> = names.iter().rev().map(Vec::as_slice).collect();
    let mut passed: Vec<(&'a [u8], Option<View<'a>>)> = Vec::with_capacity(names.len());
    while let Some(name) = rest.pop() {
        match name {
            b"" | b"." => continue,
            b".." => {
                passed.pop();
                continue;
            }
            _ => {}
        }
        let here = passed.last().map_or(Some(root), |(_, view)| *view);
        match here.and_then(|here| here.get(name)) {
            Some(Found::Directory(view)) => passed.push((name, Some(view))),
            None => passed.push((name, None)),
            Some(Found::Leaf(inode)) => {
                let InodeKind::Symlink(target) = &inode.kind else {
                    let parent = joined(passed.iter().map(|(name, _)| *name).chain([name]));
                    return Err(EntryProblem::NotADirectory { parent, kind: inode.kind.name() });
                };
                links += 1;
                if links > LINK_LIMIT {
                    return Err(EntryProblem::Loop { limit: LINK_LIMIT });
                }
                targets = targets.saturating_add(target.len());
                if targets > TARGETS_LIMIT {
                    return Err(EntryProblem::Name {
                        what: "name",
                        reason: "leads through links whose targets have more than 4,096 bytes",
                    });
                }
                if target.starts_with(b"/") {
                    passed.clear();
                }
                rest.extend(target.split(|&byte| byte == b'/').rev());
            }
        }
    }
    if passed.iter().any(|(name, _)| name.len() > NAME_LIMIT) {
        return Err(EntryProblem::Name {
            what: "name",
            reason: "leads through a link to a part longer than 255 bytes",
        });
    }
    if passed.iter().any(|(name, _)| whiteout::classify(name) != whiteout::Name::Plain) {
        return Err(EntryProblem::Name { what: "name", reason: "is below a whiteout" });
    }
    if passed.len() > DEPTH_LIMIT {
        return Err(EntryProblem::Name { what: "name", reason: "is more than 512 directories deep" });
    }
    let path = joined(passed.iter().map(|(name, _)| *name));
    if path.len() > PATH_LIMIT {
        return Err(EntryProblem::Name { what: "name", reason: "leads through links to more than 4,096 bytes" });
    }
    let view = passed.last().map_or(Some(root), |(_, view)| *view);
    Ok(Resolved { path, view })
}

fn joined<'n>(names: impl Iterator<Item = &'n [u8]>) -> Vec<u8> {
    let mut path = Vec::new();
    for name in names {
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name);
    }
    path
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{View, resolve};
    use crate::problem::EntryProblem;

    fn tree(entries: &[(&str, &str)]) -> FileTree {
        let mut tree = FileTree::new();
        for (path, target) in entries {
            let inode = match *target {
                "" => Inode::regular(Metadata::root(0o644), Content::empty()),
                target => Inode::symlink(target),
            };
            tree.insert(path.as_bytes(), inode, &Metadata::root(0o755)).unwrap();
        }
        tree
    }

    #[test]
    fn parents_are_followed_inside_the_root() {
        let lower =
            tree(&[("lib", "usr/lib"), ("usr/lib/x", ""), ("up", "../../lib"), ("a", "/b"), ("b", "a"), ("gone", "t")]);
        let far = [1, 2].map(|n| format!("{}L{}", "../usr/".repeat(300), n + 1));
        let upper = tree(&[
            ("usr/L1", &far[0]),
            ("usr/L2", &far[1]),
            ("usr/L3", "lib"),
            ("usr/.wh.bin", ""),
            (".wh.gone", ""),
            ("new", "/nowhere/../usr/./lib"),
        ]);
        let root = View::new(Some(&upper.root), Some(&lower.root));
        for (path, leads_to, exists) in [
            ("", "", true),
            ("usr/lib", "usr/lib", true),
            ("lib", "usr/lib", true),
            ("lib/below", "usr/lib/below", false),
            ("up", "usr/lib", true),
            ("new", "usr/lib", true),
            ("gone", "gone", false),
            ("usr/L2", "usr/lib", true),
        ] {
            let names: Vec<Vec<u8>> = path.split('/').map(|name| name.as_bytes().to_vec()).collect();
            let found = resolve(root, &names).unwrap();
            assert_eq!((found.path, found.view.is_some()), (leads_to.as_bytes().to_vec(), exists), "{path}");
        }
        let names = |path: &str| path.split('/').map(|name| name.as_bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!(resolve(root, &names("a/x")).unwrap_err(), EntryProblem::Loop { limit: 40 });
        assert!(matches!(resolve(root, &names("usr/L1")).unwrap_err(), EntryProblem::Name { .. }));
        assert_eq!(
            resolve(root, &names("lib/x")).unwrap_err(),
            EntryProblem::NotADirectory { parent: b"usr/lib/x".to_vec(), kind: "regular file" }
        );
    }
}
