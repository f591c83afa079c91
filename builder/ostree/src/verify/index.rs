//! Which objects there are: 33 bytes each, and 5 more for what is known of them.

use std::fmt;
use std::io;

use builder_block::Severity;

use super::files::RepoFiles;
use super::report::RepoReport;
use crate::Checksum;

/// Most objects.
const LIMIT: usize = 1 << 23;
/// No object has this number.
pub(super) const NONE: u32 = u32::MAX;

/// The type of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    File,
    DirTree,
    DirMeta,
    Commit,
    CommitMeta,
    Tombstone,
    PayloadLink,
    FileXattrs,
    FileXattrsLink,
    /// A file of a repository of mode `archive`.
    PackedFile,
}

const KINDS: [Kind; 10] = [
    Kind::File,
    Kind::DirTree,
    Kind::DirMeta,
    Kind::Commit,
    Kind::CommitMeta,
    Kind::Tombstone,
    Kind::PayloadLink,
    Kind::FileXattrs,
    Kind::FileXattrsLink,
    Kind::PackedFile,
];

impl Kind {
    fn suffix(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::DirTree => "dirtree",
            Self::DirMeta => "dirmeta",
            Self::Commit => "commit",
            Self::CommitMeta => "commitmeta",
            Self::Tombstone => "tombstone-commit",
            Self::PayloadLink => "payload-link",
            Self::FileXattrs => "file-xattrs",
            Self::FileXattrsLink => "file-xattrs-link",
            Self::PackedFile => "filez",
        }
    }
}

/// An object's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Object {
    pub(super) checksum: Checksum,
    pub(super) kind: Kind,
}

impl Object {
    pub(super) fn new(checksum: Checksum, kind: Kind) -> Self {
        Self { checksum, kind }
    }

    /// Its file in the repository.
    pub(super) fn path(self) -> Vec<u8> {
        let name = self.to_string();
        let (directory, rest) = name.split_at(2);
        format!("objects/{directory}/{rest}").into_bytes()
    }

    fn of_file(directory: &str, name: &[u8]) -> Option<Self> {
        let (rest, suffix) = std::str::from_utf8(name).ok()?.split_once('.')?;
        let kind = KINDS.into_iter().find(|kind| kind.suffix() == suffix)?;
        Some(Self { checksum: format!("{directory}{rest}").parse().ok()?, kind })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.checksum, self.kind.suffix())
    }
}

/// All objects, sorted.
#[derive(Default)]
pub(super) struct Index {
    objects: Vec<Object>,
    /// Whether a commit needs it.
    reached: Vec<bool>,
    /// What was first seen to need it: the number of a dirtree or commit.
    parents: Vec<u32>,
}

impl Index {
    /// Lists the objects.
    pub(super) fn read(files: &dyn RepoFiles, report: &mut RepoReport) -> io::Result<Self> {
        let mut objects = Vec::new();
        let Some(mut directories) = files.list(b"objects")? else {
            let found = "no such directory".to_owned();
            report.file(Severity::Error, "the repository has no objects", b"objects", found, "a directory");
            return Ok(Self::default());
        };
        directories.sort();
        for directory in directories {
            let path = [b"objects/".as_slice(), &directory].concat();
            let digits = directory.len() == 2 && directory.iter().all(|byte| b"0123456789abcdef".contains(byte));
            let names = match files.list(&path) {
                Ok(Some(names)) if digits => names,
                Ok(_) => {
                    report.counts.foreign += 1;
                    continue;
                }
                Err(error) => {
                    let (what, found) = ("a directory of objects cannot be read", words(&error));
                    report.file(Severity::Error, what, &path, found, "a directory");
                    continue;
                }
            };
            let directory = String::from_utf8_lossy(&directory).into_owned();
            for name in names {
                let Some(object) = Object::of_file(&directory, &name) else {
                    report.counts.foreign += 1;
                    continue;
                };
                if objects.len() == LIMIT {
                    let found = format!("more than {LIMIT} objects");
                    let expected = format!("at most {LIMIT} objects");
                    let what = "the repository has more objects than are looked at";
                    report.file(Severity::Error, what, b"objects", found, &expected);
                    return Ok(Self::of(objects));
                }
                objects.push(object);
            }
        }
        Ok(Self::of(objects))
    }

    fn of(mut objects: Vec<Object>) -> Self {
        objects.sort_unstable();
        objects.dedup();
        Self { reached: vec![false; objects.len()], parents: vec![NONE; objects.len()], objects }
    }

    pub(super) fn find(&self, object: Object) -> Option<u32> {
        // The limit is below.
        self.objects.binary_search(&object).ok().and_then(|at| u32::try_from(at).ok())
    }

    pub(super) fn object(&self, number: u32) -> Object {
        self.objects[place(number)]
    }

    pub(super) fn parent(&self, number: u32) -> u32 {
        self.parents[place(number)]
    }

    pub(super) fn is_reached(&self, number: u32) -> bool {
        self.reached[place(number)]
    }

    /// Notes that `parent` needs an object; whether that is new.
    pub(super) fn reach(&mut self, number: u32, parent: u32) -> bool {
        let at = place(number);
        if self.reached[at] {
            return false;
        }
        (self.reached[at], self.parents[at]) = (true, parent);
        true
    }

    /// Numbers of all objects, in order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        0..u32::try_from(self.objects.len()).unwrap_or(NONE)
    }
}

fn place(number: u32) -> usize {
    // Numbers are given out by `find` and `numbers`, and count what is in memory.
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// An error with all that is behind it.
pub(super) fn words(error: &io::Error) -> String {
    let mut words = error.to_string();
    let mut inner = std::error::Error::source(error);
    while let Some(source) = inner {
        words.push_str(": ");
        words.push_str(&source.to_string());
        inner = source.source();
    }
    words
}
