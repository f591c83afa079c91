//! Metadata objects, read and put together again: only what comes out as it went in is taken (spec 2.1, 2.4 to 2.8).

use builder_tree::{Metadata, Xattrs};

use crate::Checksum;
use crate::gvariant::reader::{Member, array, text, tuple};
use crate::gvariant::{self, Array, Tuple};
use crate::object::{self, DirTree};

use Member::{Fixed, Variable};

/// What is wrong with an object; the end of a sentence that begins with its name.
pub(crate) type Problem = &'static str;

/// A commit, as far as it leads anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommitLinks {
    /// The commit this one follows.
    pub(crate) parent: Option<Checksum>,
    /// The root directory's names.
    pub(crate) dirtree: Checksum,
    /// The root directory's own metadata.
    pub(crate) dirmeta: Checksum,
}

/// The names of a directory.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Files with their objects.
    pub(crate) files: Vec<(Vec<u8>, Checksum)>,
    /// Directories with their dirtrees and dirmetas.
    pub(crate) directories: Vec<(Vec<u8>, Checksum, Checksum)>,
}

const NOT_XATTRS: Problem = "is not a list of extended attributes (a(ayay))";
const NOT_DIRMETA: Problem = "is not a directory's metadata (uuua(ayay))";
const NOT_DIRTREE: Problem = "is not a list of names (a(say)a(sayay))";
const NOT_COMMIT: Problem = "is not a commit (a{sv}aya(say)sstayay)";
const NOT_DICTIONARY: Problem = "is not a dictionary (a{sv})";
const NOT_NORMAL: Problem = "is not in the one form that GVariant calls normal";
const NOT_SORTED: Problem = "has names that are not sorted or not unique";

/// Extended attributes, `a(ayay)`.
pub(crate) fn xattrs(bytes: &[u8]) -> Result<Xattrs, Problem> {
    let mut xattrs = Xattrs::new();
    let mut last: Option<&[u8]> = None;
    for element in array(bytes, 1).ok_or(NOT_XATTRS)? {
        let [name, value] = tuple(element, [Variable(1), Variable(1)]).ok_or(NOT_XATTRS)?;
        let name = text(name).filter(|name| !name.is_empty()).ok_or(NOT_XATTRS)?;
        if last.is_some_and(|last| last >= name) {
            return Err("has extended attributes that are not sorted by name, or not unique");
        }
        last = Some(name);
        xattrs.insert(name.to_vec(), value.to_vec());
    }
    same(&gvariant::xattrs(&xattrs), bytes)?;
    Ok(xattrs)
}

/// A dirmeta.
pub(crate) fn dirmeta(bytes: &[u8]) -> Result<Metadata, Problem> {
    let [uid, gid, mode, attributes] = tuple(bytes, [Fixed(4), Fixed(4), Fixed(4), Variable(1)]).ok_or(NOT_DIRMETA)?;
    let number = |bytes: &[u8]| bytes.try_into().map(u32::from_be_bytes).map_err(|_| NOT_DIRMETA);
    let permissions = number(mode)?.checked_sub(object::DIRECTORY).filter(|mode| *mode <= 0o7777);
    let mode = permissions.and_then(|mode| u16::try_from(mode).ok()).ok_or("has a mode that is no directory's")?;
    let (uid, gid) = (number(uid)?, number(gid)?);
    let metadata = Metadata { mode, uid, gid, xattrs: xattrs(attributes)?, ..Metadata::default() };
    same(&object::dirmeta(&metadata), bytes)?;
    Ok(metadata)
}

/// A dirtree.
pub(crate) fn dirtree(bytes: &[u8]) -> Result<Names, Problem> {
    let [files, directories] = tuple(bytes, [Variable(1), Variable(1)]).ok_or(NOT_DIRTREE)?;
    let mut names = Names::default();
    let mut again = DirTree::default();
    for element in array(files, 1).ok_or(NOT_DIRTREE)? {
        let [name, file] = tuple(element, [Variable(1), Variable(1)]).ok_or(NOT_DIRTREE)?;
        let (name, file) = (text(name).ok_or(NOT_DIRTREE)?, checksum(file).ok_or(NOT_DIRTREE)?);
        again.file(name, &file);
        names.files.push((name.to_vec(), file));
    }
    for element in array(directories, 1).ok_or(NOT_DIRTREE)? {
        let [name, tree, meta] = tuple(element, [Variable(1), Variable(1), Variable(1)]).ok_or(NOT_DIRTREE)?;
        let name = text(name).ok_or(NOT_DIRTREE)?;
        let (tree, meta) = (checksum(tree).ok_or(NOT_DIRTREE)?, checksum(meta).ok_or(NOT_DIRTREE)?);
        again.directory(name, &tree, &meta);
        names.directories.push((name.to_vec(), tree, meta));
    }
    same(&again.finish(), bytes)?;
    // libostree looks names up by halving: out of order, it would not find them.
    if !names.files.is_sorted_by(|a, b| a.0 < b.0) || !names.directories.is_sorted_by(|a, b| a.0 < b.0) {
        return Err(NOT_SORTED);
    }
    Ok(names)
}

/// A commit.
pub(crate) fn commit(bytes: &[u8]) -> Result<CommitLinks, Problem> {
    let members = [Variable(8), Variable(1), Variable(1), Variable(1), Variable(1), Fixed(8), Variable(1), Variable(1)];
    let [metadata, parent, related, subject, body, timestamp, tree, meta] = tuple(bytes, members).ok_or(NOT_COMMIT)?;
    dictionary(metadata)?;
    let is_text = |bytes: &[u8]| text(bytes).is_some_and(|text| std::str::from_utf8(text).is_ok());
    if !is_text(subject) || !is_text(body) {
        return Err(NOT_COMMIT);
    }
    let follows = if parent.is_empty() { None } else { Some(checksum(parent).ok_or(NOT_COMMIT)?) };
    let mut again = Array::default();
    for element in array(related, 1).ok_or(NOT_COMMIT)? {
        let [name, commit] = tuple(element, [Variable(1), Variable(1)]).ok_or(NOT_COMMIT)?;
        again.push(1, &Tuple::default().variable(1, name).variable(1, commit).finish());
    }
    same(&again.finish(), related)?;
    let again = Tuple::default()
        .variable(8, metadata)
        .variable(1, parent)
        .variable(1, related)
        .variable(1, subject)
        .variable(1, body)
        .fixed(8, timestamp)
        .variable(1, tree)
        .variable(1, meta);
    same(&again.finish(), bytes)?;
    let (dirtree, dirmeta) = (checksum(tree).ok_or(NOT_COMMIT)?, checksum(meta).ok_or(NOT_COMMIT)?);
    Ok(CommitLinks { parent: follows, dirtree, dirmeta })
}

/// Whether `bytes` are an `a{sv}`. The values are only looked at as far as that each has a type.
pub(crate) fn dictionary(bytes: &[u8]) -> Result<(), Problem> {
    let mut again = Array::default();
    for element in array(bytes, 8).ok_or(NOT_DICTIONARY)? {
        let [key, value] = tuple(element, [Variable(1), Variable(8)]).ok_or(NOT_DICTIONARY)?;
        let named = text(key).is_some_and(|key| !key.is_empty() && std::str::from_utf8(key).is_ok());
        let typed = value.iter().rposition(|&byte| byte == 0).is_some_and(|zero| {
            let name = &value[zero + 1..];
            !name.is_empty() && name.iter().all(|byte| b"bynqiuxthdsogvam(){}".contains(byte))
        });
        if !(named && typed) {
            return Err(NOT_DICTIONARY);
        }
        again.push(8, &Tuple::default().variable(1, key).variable(8, value).finish());
    }
    same(&again.finish(), bytes)
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

    use super::{CommitLinks, commit, dictionary, dirmeta, dirtree, xattrs};
    use crate::object::DirTree;
    use crate::{Checksum, Commit, Variant, gvariant, object};

    #[test]
    fn objects_come_back_as_they_were_made() {
        let mut metadata = Metadata { uid: 7, gid: 8, ..Metadata::root(0o2750) };
        metadata.xattrs.insert(b"security.selinux".to_vec(), b"x\0".to_vec());
        metadata.xattrs.insert(b"user.long".to_vec(), vec![1; 300]);
        assert_eq!(dirmeta(&object::dirmeta(&metadata)), Ok(metadata.clone()));
        assert_eq!(xattrs(&gvariant::xattrs(&metadata.xattrs)), Ok(metadata.xattrs));
        assert!(xattrs(b"").unwrap().is_empty());

        let object = |name: &str| Checksum::of(name.as_bytes());
        // Lists of names across the sizes at which framing offsets grow.
        for count in [0, 1, 2, 5, 6, 7, 1500] {
            let mut made = DirTree::default();
            let names: Vec<String> = (0..count).map(|number| format!("n{number:05}")).collect();
            names.iter().for_each(|name| made.file(name.as_bytes(), &object(name)));
            names.iter().for_each(|name| made.directory(name.as_bytes(), &object(name), &object("meta")));
            let read = dirtree(&made.finish()).unwrap();
            assert_eq!((read.files.len(), read.directories.len()), (count, count));
            assert!(names.iter().zip(&read.files).all(|(name, file)| file.1 == object(name)));
        }

        let root = (object("tree"), object("meta"));
        for length in [0, 10, 300, 70_000] {
            let metadata = vec![
                ("k".to_owned(), Variant::Text("v".repeat(length))),
                ("ostree.digest".to_owned(), Variant::Bytes(vec![1; 32])),
            ];
            for parent in [None, Some(object("parent"))] {
                let (subject, body) = ("s".repeat(length), "b".to_owned());
                let made = Commit { metadata: metadata.clone(), parent, subject, body, timestamp: 5, root };
                let links = CommitLinks { parent, dirtree: root.0, dirmeta: root.1 };
                let bytes = made.serialise().unwrap();
                assert_eq!(commit(&bytes), Ok(links), "{length}");
            }
        }
    }

    #[test]
    fn parts_of_objects_are_refused() {
        let object = |name: &str| Checksum::of(name.as_bytes());
        let mut tree = DirTree::default();
        tree.file(b"a", &object("1"));
        tree.directory(b"d", &object("2"), &object("3"));
        let tree = tree.finish();
        let mut metadata = Metadata { uid: 7, ..Metadata::root(0o755) };
        metadata.xattrs.insert(b"user.a".to_vec(), b"x".to_vec());
        let meta = object::dirmeta(&metadata);
        for parent in [None, Some(object("p"))] {
            let root = (object("t"), object("m"));
            let metadata = vec![("k".to_owned(), "v".into())];
            let (subject, body) = ("s".to_owned(), String::new());
            let bytes = Commit { metadata, parent, subject, body, timestamp: 1, root }.serialise().unwrap();
            for length in 0..bytes.len() {
                assert!(commit(&bytes[..length]).is_err(), "{length}");
            }
        }
        for length in 1..tree.len() {
            assert!(dirtree(&tree[..length]).is_err(), "{length}");
        }
        // The first three numbers are a whole one, without attributes.
        for length in (0..meta.len()).filter(|length| *length != 12) {
            assert!(dirmeta(&meta[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn every_changed_byte_of_the_framing_is_seen() {
        let mut made = DirTree::default();
        made.file(b"a", &Checksum::of(b"1"));
        made.file(b"b", &Checksum::of(b"2"));
        made.directory(b"d", &Checksum::of(b"3"), &Checksum::of(b"4"));
        let good = made.finish();
        for (at, byte) in good.iter().enumerate() {
            for other in [byte ^ 1, 0, 0xff, byte.wrapping_add(1)] {
                let mut bad = good.clone();
                bad[at] = other;
                // What is read is what is in the bytes: put together, it gives the same.
                if let Ok(names) = dirtree(&bad) {
                    let mut again = DirTree::default();
                    names.files.iter().for_each(|(name, file)| again.file(name, file));
                    names.directories.iter().for_each(|(name, tree, meta)| again.directory(name, tree, meta));
                    assert_eq!(again.finish(), bad, "byte {at}");
                }
            }
            assert!(dirtree(&good[..at]).is_err() || at == 0, "cut at {at}");
        }
        assert!(dirtree(b"").is_err());
        let long = [&good[..], b"\0"].concat();
        assert!(dirtree(&long).is_err());
    }

    #[test]
    fn other_forms_are_refused() {
        let swapped = [&b"user.b\0x\x07"[..], b"user.a\0x\x07", &[9, 18]].concat();
        assert!(xattrs(&swapped).unwrap_err().contains("not sorted"));
        let twice = [&b"user.a\0x\x07"[..], b"user.a\0x\x07", &[9, 18]].concat();
        assert!(xattrs(&twice).unwrap_err().contains("not unique"));
        assert!(xattrs(&[b"\0x\x01".as_slice(), &[3]].concat()).is_err());
        let mut file = object::dirmeta(&Metadata::root(0o755));
        file[10] = 0x81;
        assert!(dirmeta(&file).unwrap_err().contains("no directory's"));
        let mut unsorted = DirTree::default();
        unsorted.file(b"b", &Checksum::of(b"1"));
        unsorted.file(b"a", &Checksum::of(b"1"));
        assert!(dirtree(&unsorted.finish()).unwrap_err().contains("not sorted"));
        let entries = gvariant::dictionary(&[("key".to_owned(), "value".into())]);
        assert_eq!(dictionary(&entries), Ok(()));
        let mut padded = entries.clone();
        padded[5] = 1;
        assert!(dictionary(&padded).is_err());
        let nameless = gvariant::dictionary(&[(String::new(), "value".into())]);
        assert!(dictionary(&nameless).is_err());
    }
}
