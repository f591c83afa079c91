//! Metadata objects, cut into their members and put together again: what libostree calls not normal is refused (spec 2.1,
//! 2.4 to 2.8).

use builder_tree::{Metadata, Xattrs};

use crate::Checksum;
use crate::gvariant::reader::{Member, array, text, tuple};
use crate::gvariant::{self, Array, Tuple};
use crate::object::{self, DirTree};

use Member::{Fixed, Variable};

/// What an object is found to be, the end of a sentence.
pub(super) type Problem = &'static str;

/// A commit, as far as it leads anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommitLinks {
    /// The commit this one follows.
    pub(super) parent: Option<Checksum>,
    /// The root directory's names.
    pub(super) dirtree: Checksum,
    /// The root directory's own metadata.
    pub(super) dirmeta: Checksum,
}

/// The names of a directory, in the bytes of its dirtree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names<'a> {
    /// Files with their objects.
    pub(super) files: Vec<(&'a [u8], Checksum)>,
    /// Directories with their dirtrees and dirmetas.
    pub(super) directories: Vec<(&'a [u8], Checksum, Checksum)>,
}

const NOT_COMMIT: Problem = "no commit (a{sv}aya(say)sstayay)";
const NOT_DIRTREE: Problem = "no list of names (a(say)a(sayay))";
const NOT_DIRMETA: Problem = "no directory's metadata (uuua(ayay))";
const NOT_NORMAL: Problem = "not in the one form that GVariant calls normal";

/// A commit.
pub(super) fn commit(bytes: &[u8]) -> Result<CommitLinks, Problem> {
    let members = [Variable(8), Variable(1), Variable(1), Variable(1), Variable(1), Fixed(8), Variable(1), Variable(1)];
    let [metadata, parent, related, subject, body, time, tree, meta] = tuple(bytes, members).ok_or(NOT_COMMIT)?;
    let mut pairs = Array::default();
    for element in array(metadata, 8).ok_or(NOT_COMMIT)? {
        let [key, value] = tuple(element, [Variable(1), Variable(8)]).ok_or(NOT_COMMIT)?;
        if text(key).is_none_or(<[u8]>::is_empty) || !value.contains(&0) {
            return Err(NOT_COMMIT);
        }
        pairs.push(8, &Tuple::default().variable(1, key).variable(8, value).finish());
    }
    let is_text = |bytes: &[u8]| text(bytes).is_some_and(|text| std::str::from_utf8(text).is_ok());
    if !is_text(subject) || !is_text(body) {
        return Err(NOT_COMMIT);
    }
    let again = Tuple::default()
        .variable(8, &pairs.finish())
        .variable(1, parent)
        .variable(1, related)
        .variable(1, subject)
        .variable(1, body)
        .fixed(8, time)
        .variable(1, tree)
        .variable(1, meta);
    same(&again.finish(), bytes)?;
    let parent = if parent.is_empty() { None } else { Some(checksum(parent).ok_or(NOT_COMMIT)?) };
    let (dirtree, dirmeta) = (checksum(tree).ok_or(NOT_COMMIT)?, checksum(meta).ok_or(NOT_COMMIT)?);
    Ok(CommitLinks { parent, dirtree, dirmeta })
}

/// A dirtree.
pub(super) fn dirtree(bytes: &[u8]) -> Result<Names<'_>, Problem> {
    let [files, directories] = tuple(bytes, [Variable(1), Variable(1)]).ok_or(NOT_DIRTREE)?;
    let (mut names, mut again) = (Names::default(), DirTree::default());
    for element in array(files, 1).ok_or(NOT_DIRTREE)? {
        let [name, file] = tuple(element, [Variable(1), Variable(1)]).ok_or(NOT_DIRTREE)?;
        let (name, file) = (file_name(name)?, checksum(file).ok_or(NOT_DIRTREE)?);
        again.file(name, &file);
        names.files.push((name, file));
    }
    for element in array(directories, 1).ok_or(NOT_DIRTREE)? {
        let [name, tree, meta] = tuple(element, [Variable(1), Variable(1), Variable(1)]).ok_or(NOT_DIRTREE)?;
        let name = file_name(name)?;
        let (tree, meta) = (checksum(tree).ok_or(NOT_DIRTREE)?, checksum(meta).ok_or(NOT_DIRTREE)?);
        again.directory(name, &tree, &meta);
        names.directories.push((name, tree, meta));
    }
    same(&again.finish(), bytes)?;
    // libostree finds names by halving.
    if !names.files.is_sorted_by(|a, b| a.0 < b.0) || !names.directories.is_sorted_by(|a, b| a.0 < b.0) {
        return Err("a list of names that is not sorted, or has one twice");
    }
    Ok(names)
}

/// A dirmeta: owner, group and permissions of the directory are of no interest here.
pub(super) fn dirmeta(bytes: &[u8]) -> Result<(), Problem> {
    let [uid, gid, mode, attributes] = tuple(bytes, [Fixed(4), Fixed(4), Fixed(4), Variable(1)]).ok_or(NOT_DIRMETA)?;
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_be_bytes).map_err(|_| NOT_DIRMETA);
    let permissions = number(mode)?.checked_sub(object::DIRECTORY).filter(|mode| *mode <= 0o7777);
    let mode = permissions.and_then(|mode| u16::try_from(mode).ok());
    let mode = mode.ok_or("metadata with a mode that is no directory's")?;
    let mut xattrs = Xattrs::new();
    let mut pairs = Array::default();
    for element in array(attributes, 1).ok_or(NOT_DIRMETA)? {
        let [name, value] = tuple(element, [Variable(1), Variable(1)]).ok_or(NOT_DIRMETA)?;
        let known = text(name).filter(|name| !name.is_empty()).ok_or(NOT_DIRMETA)?;
        pairs.push(1, &Tuple::default().variable(1, name).variable(1, value).finish());
        xattrs.insert(known.to_vec(), value.to_vec());
    }
    let pairs = pairs.finish();
    same(&pairs, attributes)?;
    if gvariant::xattrs(&xattrs) != pairs {
        return Err("metadata with extended attributes that are not sorted, or with one twice");
    }
    let metadata = Metadata { mode, uid: number(uid)?, gid: number(gid)?, xattrs, ..Metadata::default() };
    same(&object::dirmeta(&metadata), bytes)
}

fn file_name(bytes: &[u8]) -> Result<&[u8], Problem> {
    let name = text(bytes).ok_or(NOT_DIRTREE)?;
    let usable = !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && std::str::from_utf8(name).is_ok();
    usable.then_some(name).ok_or("a list with a name that no file can have")
}

fn checksum(bytes: &[u8]) -> Option<Checksum> {
    <[u8; 32]>::try_from(bytes).ok().map(Checksum::from)
}

fn same(again: &[u8], bytes: &[u8]) -> Result<(), Problem> {
    if again == bytes { Ok(()) } else { Err(NOT_NORMAL) }
}

#[cfg(test)]
mod tests {
    use builder_tree::Metadata;

    use super::{CommitLinks, commit, dirmeta, dirtree};
    use crate::object::{self, DirTree};
    use crate::{Checksum, Commit};

    #[test]
    fn objects_come_back_and_their_parts_do_not() {
        let object = |name: &str| Checksum::of(name.as_bytes());
        let mut tree = DirTree::default();
        tree.file(b"a", &object("1"));
        tree.directory(b"d", &object("2"), &object("3"));
        let tree = tree.finish();
        let names = dirtree(&tree).unwrap();
        assert_eq!(names.files, [(&b"a"[..], object("1"))]);
        assert_eq!(names.directories, [(&b"d"[..], object("2"), object("3"))]);
        let mut metadata = Metadata { uid: 7, ..Metadata::root(0o755) };
        metadata.xattrs.insert(b"user.a".to_vec(), b"x".to_vec());
        let meta = object::dirmeta(&metadata);
        assert_eq!(dirmeta(&meta), Ok(()));
        for parent in [None, Some(object("p"))] {
            let root = (object("t"), object("m"));
            let metadata = vec![("k".to_owned(), "v".into())];
            let (subject, body) = ("s".to_owned(), String::new());
            let bytes = Commit { metadata, parent, subject, body, timestamp: 1, root }.serialise().unwrap();
            assert_eq!(commit(&bytes), Ok(CommitLinks { parent, dirtree: root.0, dirmeta: root.1 }));
            for length in 0..bytes.len() {
                assert!(commit(&bytes[..length]).is_err(), "{length}");
            }
        }
        for length in 1..tree.len() {
            assert!(dirtree(&tree[..length]).is_err(), "{length}");
        }
        for length in (0..meta.len()).filter(|length| *length != 12) {
            assert!(dirmeta(&meta[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn names_are_those_of_files() {
        for name in ["", ".", "..", "a/b"] {
            let mut tree = DirTree::default();
            tree.file(name.as_bytes(), &Checksum::of(b""));
            assert!(dirtree(&tree.finish()).unwrap_err().contains("no file can have"), "{name}");
        }
    }
}
