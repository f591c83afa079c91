//! From the commits to all that they need. Nothing recurses, and every object is looked at once.

use std::collections::BTreeSet;
use std::io;

use builder_block::Severity;

use super::files::{RepoFiles, checksum_of_file};
use super::index::{Index, Kind, NONE, Object, words};
use super::names::names;
use super::report::{RepoFinding, RepoReport};
use crate::Checksum;
use crate::object::MAX_METADATA_SIZE;
use crate::parse::{self, CommitLinks, Problem};

/// Directories above a file of which the names are looked for.
const DEPTH_LIMIT: usize = 256;
/// Missing objects that are told apart.
const MISSING_LIMIT: usize = 1 << 16;

/// What to do about a damaged object.
const HINT_DAMAGED: &str =
    "write the disk again; on a running system, `ostree fsck --delete` and a new pull replace it";
const HINT_MISSING: &str = "write the disk again; on a running system, a new pull of the commit brings it back";

/// A walk through a repository.
pub(super) struct Walk<'a> {
    pub(super) files: &'a dyn RepoFiles,
    pub(super) index: Index,
    pub(super) report: &'a mut RepoReport,
    missing: BTreeSet<Object>,
    /// Dirtrees that are read only for the sake of a path: no finding may cost more than it is worth.
    climbs: usize,
    /// Dirtrees that are reached and not read.
    waiting: Vec<u32>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(files: &'a dyn RepoFiles, index: Index, report: &'a mut RepoReport) -> Self {
        Self { files, index, report, missing: BTreeSet::new(), climbs: 1 << 14, waiting: Vec::new() }
    }

    /// Looks at all commits, those that refs name first.
    pub(super) fn commits(&mut self, named: &BTreeSet<u32>) {
        let mut story: Vec<u32> = named.iter().copied().collect();
        let mut seen = named.clone();
        let mut next = 0;
        let all = self.index.numbers().filter(|&number| self.index.object(number).kind == Kind::Commit);
        let mut unnamed = all.collect::<Vec<_>>().into_iter();
        loop {
            let number = match story.get(next) {
                Some(&number) => number,
                None => match unnamed.find(|number| !seen.contains(number)) {
                    Some(number) => {
                        seen.insert(number);
                        story.push(number);
                        self.report.counts.unnamed_commits += 1;
                        number
                    }
                    None => break,
                },
            };
            next += 1;
            if let Some(parent) = self.commit(number) {
                match self.index.find(Object::new(parent, Kind::Commit)) {
                    Some(parent) if seen.insert(parent) => story.push(parent),
                    Some(_) => {}
                    None => self.report.counts.missing_parents += 1,
                }
            }
        }
    }

    /// Looks at a commit and all that only it needs; gives its parent.
    fn commit(&mut self, number: u32) -> Option<Checksum> {
        let object = self.index.object(number);
        self.report.counts.commits += 1;
        self.index.reach(number, NONE);
        let marker = format!("state/{}.commitpartial", object.checksum);
        let partial = matches!(self.files.metadata(marker.as_bytes()), Ok(Some(_)));
        let bytes = self.metadata_object(number)?;
        let CommitLinks { parent, dirtree, dirmeta } = self.parsed(number, parse::commit(&bytes))?;
        if partial {
            self.report.counts.partial_commits += 1;
            self.report.add(RepoFinding {
                severity: Severity::Warning,
                what: "a commit is marked as partial: not all that belongs to it was pulled",
                object: Some(object.to_string()),
                path: marker.into_bytes(),
                commit: Some(object.checksum),
                found: "a marker".to_owned(),
                expected: "none".to_owned(),
                hint: Some("pull the commit to its end"),
            });
            return parent;
        }
        self.need(Object::new(dirmeta, Kind::DirMeta), number);
        self.need(Object::new(dirtree, Kind::DirTree), number);
        while let Some(number) = self.waiting.pop() {
            self.dirtree(number);
        }
        parent
    }

    fn dirtree(&mut self, number: u32) {
        let Some(bytes) = self.metadata_object(number) else { return };
        let Some(names) = self.parsed(number, names(&bytes)) else { return };
        for (_, file) in names.files {
            self.need(Object::new(file, Kind::File), number);
        }
        for (_, tree, meta) in names.directories {
            self.need(Object::new(meta, Kind::DirMeta), number);
            self.need(Object::new(tree, Kind::DirTree), number);
        }
    }

    /// Notes that `parent` needs `object`.
    fn need(&mut self, object: Object, parent: u32) {
        // Files of another mode have another name.
        let packed =
            || (object.kind == Kind::File).then(|| self.index.find(Object { kind: Kind::PackedFile, ..object }))?;
        let Some(number) = self.index.find(object).or_else(packed) else {
            if self.missing.len() < MISSING_LIMIT && self.missing.insert(object) {
                self.find(
                    object,
                    parent,
                    "an object is missing",
                    "no such file".to_owned(),
                    "the object",
                    HINT_MISSING,
                );
            }
            return;
        };
        if !self.index.reach(number, parent) {
            return;
        }
        match object.kind {
            Kind::DirTree => self.waiting.push(number),
            Kind::DirMeta => {
                if let Some(bytes) = self.metadata_object(number) {
                    self.parsed(number, parse::dirmeta(&bytes));
                }
            }
            _ => {}
        }
    }

    /// The bytes of an object, even where they are not those that its name promises.
    fn metadata_object(&mut self, number: u32) -> Option<Vec<u8>> {
        let object = self.index.object(number);
        let bytes = match self.files.read(&object.path(), MAX_METADATA_SIZE) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.unreadable(number, &error);
                return None;
            }
        };
        let found = Checksum::of(&bytes);
        if found != object.checksum {
            self.other_checksum(number, found);
        }
        Some(bytes)
    }

    /// Hashes the files that commits need.
    pub(super) fn contents(&mut self) {
        for number in self.index.numbers() {
            let object = self.index.object(number);
            if object.kind != Kind::File || !self.index.is_reached(number) {
                continue;
            }
            match self.content(object) {
                Ok(Some(found)) if found == object.checksum => {}
                Ok(Some(found)) => self.other_checksum(number, found),
                Ok(None) => {
                    let (found, expected) = ("another type".to_owned(), "a regular file or a symbolic link");
                    let parent = self.index.parent(number);
                    self.find(object, parent, "an object is of the wrong type", found, expected, HINT_DAMAGED);
                }
                Err(error) => self.unreadable(number, &error),
            }
            self.report.counts.hashed_files += 1;
        }
    }

    fn content(&self, object: Object) -> io::Result<Option<Checksum>> {
        let path = object.path();
        let facts = self.files.metadata(&path)?.ok_or(io::ErrorKind::NotFound)?;
        if !facts.is_regular() && !facts.is_symlink() {
            return Ok(None);
        }
        checksum_of_file(self.files, &path, &facts).map(Some)
    }

    /// Counts the objects that no commit needs, and those of each kind.
    pub(super) fn count(&mut self) {
        let counts = &mut self.report.counts;
        for number in self.index.numbers() {
            let kind = self.index.object(number).kind;
            match kind {
                Kind::File | Kind::PackedFile => counts.files += 1,
                Kind::DirTree => counts.dirtrees += 1,
                Kind::DirMeta => counts.dirmetas += 1,
                Kind::Tombstone => counts.tombstones += 1,
                _ => {}
            }
            let needed = matches!(kind, Kind::File | Kind::PackedFile | Kind::DirTree | Kind::DirMeta);
            counts.unreachable += u64::from(needed && !self.index.is_reached(number));
        }
    }

    fn parsed<T>(&mut self, number: u32, parsed: Result<T, Problem>) -> Option<T> {
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(problem) => {
                let (object, parent) = (self.index.object(number), self.index.parent(number));
                let what = "an object is not of the form of its kind";
                self.find(object, parent, what, format!("it {problem}"), "a well-formed object", HINT_DAMAGED);
                None
            }
        }
    }

    fn unreadable(&mut self, number: u32, error: &io::Error) {
        let (object, parent) = (self.index.object(number), self.index.parent(number));
        self.find(object, parent, "an object cannot be read", words(error), "the object", HINT_DAMAGED);
    }

    fn other_checksum(&mut self, number: u32, found: Checksum) {
        let (object, parent) = (self.index.object(number), self.index.parent(number));
        let what = match object.kind {
            Kind::File => "a file object's owner, mode, attributes or content are not those it is named for",
            _ => "an object's content is not what it is named for",
        };
        let expected = object.checksum.to_string();
        self.find(object, parent, what, found.to_string(), &expected, HINT_DAMAGED);
    }

    fn find(
        &mut self,
        object: Object,
        parent: u32,
        what: &'static str,
        found: String,
        expected: &str,
        hint: &'static str,
    ) {
        let (commit, path) = if self.report.is_full() { (None, Vec::new()) } else { self.place(object, parent) };
        self.report.add(RepoFinding {
            severity: Severity::Error,
            what,
            object: Some(object.to_string()),
            path,
            commit,
            found,
            expected: expected.to_owned(),
            hint: Some(hint),
        });
    }

    /// The commit and the path at which `parent` was seen to need `object`: from the leaf to the root, as each dirtree
    /// was reached from one that had been reached before.
    fn place(&mut self, object: Object, mut parent: u32) -> (Option<Checksum>, Vec<u8>) {
        if object.kind == Kind::Commit {
            return (Some(object.checksum), Vec::new());
        }
        let mut child = object;
        let mut path: Vec<Vec<u8>> = Vec::new();
        while parent != NONE {
            let above = self.index.object(parent);
            if above.kind == Kind::Commit {
                path.reverse();
                return (Some(above.checksum), [b"/".as_slice(), &path.join(&b'/')].concat());
            }
            if path.len() == DEPTH_LIMIT || self.climbs == 0 {
                break;
            }
            self.climbs -= 1;
            let Ok(bytes) = self.files.read(&above.path(), MAX_METADATA_SIZE) else { break };
            let Ok(list) = names(&bytes) else { break };
            let name = if child.kind == Kind::File {
                list.files.iter().find(|(_, file)| *file == child.checksum).map(|(name, _)| name)
            } else {
                let is = |tree, meta| child.checksum == if child.kind == Kind::DirTree { tree } else { meta };
                list.directories.iter().find(|(_, tree, meta)| is(*tree, *meta)).map(|(name, ..)| name)
            };
            let Some(name) = name else { break };
            path.push(name.clone());
            (child, parent) = (above, self.index.parent(parent));
        }
        path.push(b"...".to_vec());
        path.reverse();
        (None, path.join(&b'/'))
    }
}
