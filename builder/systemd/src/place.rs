//! Where a path leads in a tree.

use builder_tree::{Directory, FileTree, InodeKind, Node};

/// Symbolic links followed before a path is called a loop; the kernel's number (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// Bytes that the targets of all links of one path have together, before it is called a loop too: as much as the longest
/// path has (PATH_MAX). The kernel would go on, but through so many names that many such paths would take very long.
const MAX_TARGETS: usize = 4096;

/// What to do with a symbolic link at the very end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastLink {
    /// Go on to what it leads to.
    Follow,
    /// It is what is asked for.
    Keep,
}

/// Where a path leads.
#[derive(Clone, Debug)]
pub(crate) struct Place<'t> {
    /// The path without symbolic links, `.`, `..` and leading slash; empty for the root. It goes on where there is
    /// nothing.
    pub(crate) path: Vec<u8>,
    /// What is there; `None` for nothing, and for the root.
    pub(crate) node: Option<&'t Node>,
    /// Whether `..` was met at the root, so that outside of the tree the path leads elsewhere.
    pub(crate) above_root: bool,
}

/// A path through too many symbolic links, or too long ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkLoop;

/// Where `path` leads, with the links of the tree followed as a system running from it would.
pub(crate) fn follow<'t>(tree: &'t FileTree, path: &[u8], last: LastLink) -> Result<Place<'t>, LinkLoop> {
    let mut links = 0;
    let mut targets: usize = 0;
    // Names still to go, the next one last.
    let mut rest: Vec<&[u8]> = names(path).rev().collect();
    // The directories passed that exist, the root first, with their nodes.
    let mut passed: Vec<(&'t Directory, Option<&'t Node>)> = vec![(&tree.root, None)];
    // All names passed; the last `beyond` of them are below no directory that exists, or no directories.
    let mut walked: Vec<&[u8]> = Vec::new();
    let mut beyond = 0_usize;
    let mut leaf = None;
    let mut above_root = false;
    while let Some(name) = rest.pop() {
        if name == b"." {
            continue;
        }
        if name == b".." {
            leaf = None;
            if beyond > 0 {
                beyond -= 1;
            } else if passed.len() > 1 {
                passed.pop();
            } else {
                above_root = true;
            }
            walked.pop();
            continue;
        }
        // `passed` always holds at least the root.
        let here = if beyond > 0 { None } else { passed.last().and_then(|(directory, _)| directory.get(name)) };
        match here {
            Some(node @ Node::Directory(directory)) => {
                passed.push((directory, Some(node)));
                walked.push(name);
            }
            Some(node @ Node::Leaf(inode)) => match &inode.kind {
                InodeKind::Symlink(target) if last == LastLink::Follow || !rest.is_empty() => {
                    links += 1;
                    targets = targets.saturating_add(target.len());
                    if links > MAX_LINKS || targets > MAX_TARGETS {
                        return Err(LinkLoop);
                    }
                    if target.starts_with(b"/") {
                        passed.truncate(1);
                        walked.clear();
                    }
                    rest.extend(names(target).rev());
                }
                _ => {
                    walked.push(name);
                    beyond = 1;
                    leaf = Some(node);
                }
            },
            None => {
                walked.push(name);
                beyond += 1;
                leaf = None;
            }
        }
    }
    let node = if beyond > 0 { leaf } else { passed.last().and_then(|&(_, node)| node) };
    Ok(Place { path: walked.join(&b'/'), node, above_root })
}

/// The directory that `path` leads to, with its true path.
pub(crate) fn directory<'t>(tree: &'t FileTree, path: &[u8]) -> Option<(Vec<u8>, &'t Directory)> {
    let place = follow(tree, path, LastLink::Follow).ok()?;
    Some((place.path, place.node?.as_directory()?))
}

/// The names of a path; empty ones are skipped.
pub(crate) fn names(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|name| !name.is_empty())
}

/// The path without doubled slashes, `.` and a slash at the end; `..` stays, and so does the leading slash.
pub(crate) fn simplify(path: &[u8]) -> Vec<u8> {
    let mut simple = Vec::with_capacity(path.len());
    for name in names(path).filter(|name| name != b".") {
        if !simple.is_empty() || path.starts_with(b"/") {
            simple.push(b'/');
        }
        simple.extend_from_slice(name);
    }
    if simple.is_empty() && path.starts_with(b"/") {
        simple.push(b'/');
    }
    simple
}

/// Whether `..` is one of the path's names.
pub(crate) fn goes_up(path: &[u8]) -> bool {
    names(path).any(|name| name == b"..")
}

/// Last name of a path.
pub(crate) fn base_name(path: &[u8]) -> &[u8] {
    names(path).next_back().unwrap_or(b"")
}

/// The path without its last name.
pub(crate) fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|&byte| byte == b'/').map_or(b"", |slash| &path[..slash])
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{LastLink, LinkLoop, follow, simplify};

    #[test]
    fn paths_lead_through_links_and_beyond_what_exists() {
        let mut tree = FileTree::new();
        let parents = Metadata::root(0o755);
        let file = Inode::regular(Metadata::root(0o644), Content::empty());
        tree.insert(b"usr/lib/file", file, &parents).unwrap();
        for (path, target) in [
            ("lib", "usr/lib"),
            ("root", "/var/roothome"),
            ("loop", "loop"),
            ("usr/up", "../../../x"),
            ("dangling", "none/../usr/lib"),
        ] {
            tree.insert(path.as_bytes(), Inode::symlink(target), &parents).unwrap();
        }
        for (path, last, expected, exists, above) in [
            ("/lib/file", LastLink::Follow, "usr/lib/file", true, false),
            ("lib", LastLink::Keep, "lib", true, false),
            ("lib/.", LastLink::Keep, "usr/lib", true, false),
            ("lib", LastLink::Follow, "usr/lib", true, false),
            ("lib/file/x", LastLink::Follow, "usr/lib/file/x", false, false),
            ("lib/file/x/../..", LastLink::Follow, "usr/lib", true, false),
            ("root/.ssh", LastLink::Follow, "var/roothome/.ssh", false, false),
            ("usr/up", LastLink::Follow, "x", false, true),
            ("dangling/file", LastLink::Follow, "usr/lib/file", true, false),
            ("..", LastLink::Follow, "", false, true),
            ("none/../lib/file", LastLink::Follow, "usr/lib/file", true, false),
        ] {
            let place = follow(&tree, path.as_bytes(), last).unwrap();
            let found = (String::from_utf8(place.path).unwrap(), place.node.is_some(), place.above_root);
            assert_eq!(found, (expected.to_owned(), exists, above), "{path}");
        }
        assert_eq!(follow(&tree, b"loop/x", LastLink::Keep).unwrap_err(), LinkLoop);
        for (name, target, is_followed) in [
            ("far", format!("{}lib", "../usr/".repeat(290)), true),
            ("farther", format!("{}far", "../usr/".repeat(295)), false),
        ] {
            tree.insert(format!("usr/{name}").as_bytes(), Inode::symlink(target.as_str()), &parents).unwrap();
            assert_eq!(
                follow(&tree, format!("usr/{name}").as_bytes(), LastLink::Follow).is_ok(),
                is_followed,
                "{name}"
            );
        }
    }

    #[test]
    fn simplifying_keeps_what_goes_up() {
        for (path, expected) in
            [("/a//b/./c/", "/a/b/c"), ("//", "/"), ("/a/../b", "/a/../b"), ("a//b/", "a/b"), ("", ""), ("/.", "/")]
        {
            assert_eq!(simplify(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }
}
