//! Refs: names for commits (spec 1.5).

use std::collections::BTreeMap;
use std::ops::Bound;

use builder_tree::{Directory, Node};

use crate::made::Maker;
use crate::{Checksum, OstreeError};

/// The refs of a repository, below `refs/heads`.
#[derive(Debug, Default)]
pub(crate) struct Refs {
    heads: BTreeMap<String, Checksum>,
}

impl Refs {
    pub(crate) fn set(&mut self, name: &str, commit: &Checksum) -> Result<(), OstreeError> {
        if !is_valid(name) {
            return Err(OstreeError::RefName { name: name.to_owned() });
        }
        if let Some(other) = self.conflict(name) {
            return Err(OstreeError::RefConflict { name: name.to_owned(), other });
        }
        self.heads.insert(name.to_owned(), *commit);
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Checksum)> {
        self.heads.iter().map(|(name, commit)| (name.as_str(), commit))
    }

    /// A ref that lies above or below `name`.
    fn conflict(&self, name: &str) -> Option<String> {
        let above = name.match_indices('/').map(|(at, _)| &name[..at]).find(|above| self.heads.contains_key(*above));
        if let Some(above) = above {
            return Some(above.to_owned());
        }
        let below = format!("{name}/");
        let next = self.heads.range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded)).next();
        next.map(|(other, _)| other).filter(|other| other.starts_with(&below)).cloned()
    }

    /// The directory `refs`. `remotes` must exist, or listing refs fails.
    pub(crate) fn into_directory(self, maker: Maker) -> Directory {
        let mut heads = maker.directory(0o755);
        for (name, commit) in self.heads {
            let mut at = &mut heads;
            let mut names = name.split('/').peekable();
            while let Some(name) = names.next() {
                if names.peek().is_none() {
                    at.insert(name, maker.file(0o644, format!("{commit}\n")));
                    break;
                }
                let below = at.entries.entry(name.into()).or_insert_with(|| maker.directory(0o755).into());
                // `set` lets no ref be both: a leaf is never in the way.
                let Node::Directory(below) = below else { break };
                at = below;
            }
        }
        let mut refs = maker.directory(0o755);
        refs.insert("heads", heads);
        refs.insert("remotes", maker.directory(0o755));
        refs.insert("mirrors", maker.directory(0o755));
        refs
    }
}

/// Components of `[\w\d][-._\w\d]*`, joined by slashes.
fn is_valid(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.split('/')
        .all(|component| component.starts_with(word) && component.chars().all(|c| word(c) || matches!(c, '-' | '.')))
}

#[cfg(test)]
mod tests {
    use super::Refs;
    use crate::{Checksum, OstreeError};

    #[test]
    fn names_follow_the_grammar_and_exclude_each_other() {
        let commit = Checksum::of(b"");
        let mut refs = Refs::default();
        for good in ["ostree/1/1/0", "a", "ostree/container/blob/sha256_3A_ab", "_x/y-.z", "ab/c"] {
            refs.set(good, &commit).unwrap();
            refs.set(good, &commit).unwrap();
        }
        for bad in ["", "/", "a//b", "-a", ".a", "a/.b", "a/-b", "a b", "a:b", "é"] {
            assert!(matches!(refs.set(bad, &commit), Err(OstreeError::RefName { .. })), "{bad}");
        }
        for (bad, other) in [("a/b/c", "a"), ("ostree/1", "ostree/1/1/0"), ("ostree/1/1/0/x", "ostree/1/1/0")] {
            let error = refs.set(bad, &commit).unwrap_err();
            assert!(matches!(error, OstreeError::RefConflict { other: found, .. } if found == other), "{bad}");
        }
        assert_eq!(refs.len(), 5);
    }
}
