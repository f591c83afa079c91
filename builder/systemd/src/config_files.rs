//! Directories of configuration files that replace and mask one another by name.
//!
//! Source: tmpfiles.d(5), "Configuration Directories and Precedence".

use std::collections::{BTreeMap, BTreeSet};

use builder_tree::{Content, FileTree, InodeKind, join};

use crate::FileProblem;
use crate::place::{LastLink, directory, follow};

/// Where configuration lies, the strongest first. `/usr/etc` is where an image for ostree keeps `/etc`.
pub(crate) const CONFIG_ROOTS: [&str; 5] = ["etc", "usr/etc", "run", "usr/local/lib", "usr/lib"];

/// A file that counts.
#[derive(Debug)]
pub(crate) struct ConfigFile<'t> {
    /// Path of the file, or of the link to it.
    pub(crate) path: Vec<u8>,
    /// Its body, or why there is none.
    pub(crate) body: Result<&'t Content, FileProblem>,
}

/// The files whose name ends with `suffix` in the directories, by name: of each name the one in the first directory
/// that has it, unless that is a link to `/dev/null`.
pub(crate) fn config_files<'t>(tree: &'t FileTree, directories: &[Vec<u8>], suffix: &[u8]) -> Vec<ConfigFile<'t>> {
    let mut files: BTreeMap<&[u8], Option<ConfigFile<'t>>> = BTreeMap::new();
    let mut searched = BTreeSet::new();
    for path in directories {
        let Some((place, entries)) = directory(tree, path) else { continue };
        if !searched.insert(place) {
            continue;
        }
        for name in entries.entries.keys() {
            if name.ends_with(suffix) && !name.starts_with(b".") {
                files.entry(name).or_insert_with(|| file(tree, join(path, name)));
            }
        }
    }
    files.into_values().flatten().collect()
}

/// Where the files `DIRECTORY/*` of all roots lie.
pub(crate) fn below_roots(directory: &str) -> Vec<Vec<u8>> {
    CONFIG_ROOTS.iter().map(|root| format!("{root}/{directory}").into_bytes()).collect()
}

/// `None` where it is masked.
fn file(tree: &FileTree, path: Vec<u8>) -> Option<ConfigFile<'_>> {
    let body = match follow(tree, &path, LastLink::Follow) {
        Err(_) => Err(FileProblem::Loop),
        Ok(place) if place.path == b"dev/null" => return None,
        Ok(place) => match place.node {
            None => Err(FileProblem::Dangling),
            Some(node) => match node.as_leaf().map(|inode| &inode.kind) {
                Some(InodeKind::Regular(content)) => Ok(content),
                _ => Err(FileProblem::NotAFile(node.kind_name())),
            },
        },
    };
    Some(ConfigFile { path, body })
}

#[cfg(test)]
mod tests {
    use builder_tree::{Content, FileTree, Inode, Metadata};

    use super::{below_roots, config_files};
    use crate::FileProblem;

    #[test]
    fn the_first_directory_wins_and_dev_null_masks() {
        let mut tree = FileTree::new();
        let parents = Metadata::root(0o755);
        let file = |text: &str| Inode::regular(Metadata::root(0o644), Content::bytes(text.as_bytes()));
        for path in [
            "etc/x.d/a.conf",
            "usr/etc/x.d/a.conf",
            "usr/etc/x.d/b.conf",
            "run/x.d/c.conf",
            "usr/lib/x.d/b.conf",
            "usr/lib/x.d/masked.conf",
            "usr/lib/x.d/also.conf",
            "usr/lib/x.d/d.conf",
            "usr/lib/x.d/.hidden.conf",
            "usr/lib/x.d/README",
            "usr/lib/x.d/dangling.conf",
            "usr/share/linked",
        ] {
            tree.insert(path.as_bytes(), file(path), &parents).unwrap();
        }
        for (path, target) in [
            ("etc/x.d/masked.conf", "/dev/null"),
            ("etc/x.d/also.conf", "../../dev/null"),
            ("etc/x.d/link.conf", "../../usr/share/linked"),
            ("etc/x.d/dangling.conf", "/none"),
            ("etc/x.d/loop.conf", "loop.conf"),
        ] {
            tree.insert(path.as_bytes(), Inode::symlink(target), &parents).unwrap();
        }
        tree.make_directories(b"etc/x.d/dir.conf", &parents).unwrap();
        let found: Vec<_> = config_files(&tree, &below_roots("x.d"), b".conf")
            .into_iter()
            .map(|file| (String::from_utf8(file.path).unwrap(), file.body.err()))
            .collect();
        let expected = [
            ("etc/x.d/a.conf", None),
            ("usr/etc/x.d/b.conf", None),
            ("run/x.d/c.conf", None),
            ("usr/lib/x.d/d.conf", None),
            ("etc/x.d/dangling.conf", Some(FileProblem::Dangling)),
            ("etc/x.d/dir.conf", Some(FileProblem::NotAFile("directory"))),
            ("etc/x.d/link.conf", None),
            ("etc/x.d/loop.conf", Some(FileProblem::Loop)),
        ];
        assert_eq!(found, expected.map(|(path, problem)| (path.to_owned(), problem)));
    }
}
