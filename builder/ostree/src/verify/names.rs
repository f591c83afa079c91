//! The names in a dirtree.

use crate::object::check_name;
use crate::parse::{Names, Problem, dirtree};

/// The names of a dirtree, each one that a file can have: whoever follows them makes paths of them.
pub(super) fn names(bytes: &[u8]) -> Result<Names, Problem> {
    let names = dirtree(bytes)?;
    let files = names.files.iter().map(|(name, _)| name);
    let mut all = files.chain(names.directories.iter().map(|(name, ..)| name));
    if all.all(|name| check_name(name, name).is_ok()) { Ok(names) } else { Err("has a name that no file can have") }
}

#[cfg(test)]
mod tests {
    use super::names;
    use crate::Checksum;
    use crate::object::DirTree;

    #[test]
    fn names_are_those_of_files() {
        for name in ["", ".", "..", "a/b"] {
            let mut tree = DirTree::default();
            tree.file(name.as_bytes(), &Checksum::of(b""));
            assert!(names(&tree.finish()).unwrap_err().contains("no file can have"), "{name}");
        }
    }
}
