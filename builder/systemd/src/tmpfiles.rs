//! tmpfiles.d: what is made in `/var`, `/run` and elsewhere when a machine boots.
//!
//! Source: tmpfiles.d(5), systemd-tmpfiles(8).

mod cover;
mod line;
mod parse;
mod problem;
mod write;

pub use cover::MadeKind;
pub use line::{Age, LineKind, LinePath, Mode, Modifiers, Owner, TmpfilesLine};
pub use problem::TmpfilesProblem;
pub use write::line_for;

use std::collections::BTreeMap;

use builder_tree::FileTree;

use crate::config_files::{below_roots, config_files};
use crate::lines::{LINE_LIMIT, lines, strip};
use crate::os_release::OsRelease;
use crate::place::{LastLink, follow};
use crate::read::Reader;
use crate::specifier::Specifiers;
use crate::{FileProblem, Finding, ReadError};

/// All lines of tmpfiles.d of an image that count.
#[derive(Clone, Debug, Default)]
pub struct TmpfilesConfig {
    lines: Vec<TmpfilesLine>,
    findings: Vec<Finding<TmpfilesProblem>>,
    /// By the place a line is about, links of the tree followed but for the last: numbers of lines.
    places: BTreeMap<Vec<u8>, Vec<usize>>,
    /// Of each place, as a path and as a pattern, the first line that excludes others.
    owners: BTreeMap<(Vec<u8>, bool), usize>,
}

impl TmpfilesConfig {
    /// Reads the files `*.conf` of `/etc/tmpfiles.d`, `/usr/etc/tmpfiles.d`, `/run/tmpfiles.d`,
    /// `/usr/local/lib/tmpfiles.d` and `/usr/lib/tmpfiles.d`.
    ///
    /// Lines are read as `systemd-tmpfiles --boot` does, which is what a booting system runs.
    ///
    /// # Errors
    /// [`ReadError`] for files that are too large or cannot be read. Malformed lines are findings.
    pub fn read(tree: &FileTree) -> Result<Self, ReadError> {
        Self::read_from(tree, &below_roots("tmpfiles.d"))
    }

    /// Reads the files `*.conf` of `/usr/lib/tmpfiles.d` alone, whatever replaces or masks them elsewhere, as bootc's lint
    /// `var-tmpfiles` does.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn read_vendor(tree: &FileTree) -> Result<Self, ReadError> {
        Self::read_from(tree, &[b"usr/lib/tmpfiles.d".to_vec()])
    }

    fn read_from(tree: &FileTree, directories: &[Vec<u8>]) -> Result<Self, ReadError> {
        let mut reader = Reader::new();
        let specifiers = Specifiers { os: OsRelease::read(tree, &mut reader)? };
        let mut config = Self::default();
        for file in config_files(tree, directories, b".conf") {
            match file.body {
                Err(problem) => config.findings.push(Finding::of(&file.path, TmpfilesProblem::File(problem))),
                Ok(content) => config.add(tree, &specifiers, &file.path, &reader.read(&file.path, content)?),
            }
        }
        Ok(config)
    }

    /// The lines, in the order in which systemd reads them; malformed ones are left out, and so are those that repeat
    /// another one's path with other settings.
    #[must_use]
    pub fn lines(&self) -> &[TmpfilesLine] {
        &self.lines
    }

    /// What systemd would complain about, in the order of the files.
    #[must_use]
    pub fn findings(&self) -> &[Finding<TmpfilesProblem>] {
        &self.findings
    }

    fn add(&mut self, tree: &FileTree, specifiers: &Specifiers, file: &[u8], text: &[u8]) {
        for (number, line) in lines(text) {
            if line.len() > LINE_LIMIT {
                let problem = TmpfilesProblem::File(FileProblem::LongLine { limit: LINE_LIMIT });
                self.findings.push(Finding::at(file, number, problem));
                return;
            }
            let line = strip(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let mut told = Vec::new();
            let parsed = parse::parse(specifiers, line, &mut told);
            self.findings.extend(told.into_iter().map(|problem| Finding::at(file, number, problem)));
            match parsed {
                Ok(mut line) => {
                    line.file = file.to_vec();
                    line.number = number;
                    self.keep(tree, line);
                }
                Err(problem) => self.findings.push(Finding::at(file, number, problem)),
            }
        }
    }

    /// Adds a line unless it contradicts an earlier one about the same path.
    fn keep(&mut self, tree: &FileTree, mut line: TmpfilesLine) {
        line.copied = cover::copied(tree, &line);
        if let LinePath::Known(path) = &line.path {
            // A loop in the tree leaves the path as it is written.
            let place = follow(tree, path, LastLink::Keep).map_or_else(|_| path[1..].to_vec(), |place| place.path);
            if line.excludes_others() {
                let first = *self.owners.entry((place.clone(), line.kind.is_pattern())).or_insert(self.lines.len());
                // What is kept agrees with the first one, so that one stands for all.
                if self.lines.get(first).is_some_and(|first| line.contradicts(first)) {
                    let problem = TmpfilesProblem::Duplicate(path.clone());
                    self.findings.push(Finding::at(&line.file, line.number, problem));
                    return;
                }
            }
            self.places.entry(place).or_default().push(self.lines.len());
        }
        self.lines.push(line);
    }
}
