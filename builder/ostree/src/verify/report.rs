//! What is found.

use builder_block::Severity;

use crate::Checksum;

/// Something that is wrong with a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoFinding {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, a sentence without a full stop.
    pub what: &'static str,
    /// The object, as its file is called without the directory: `CHECKSUM.dirtree`.
    pub object: Option<String>,
    /// What has it: a file of the repository, or a path from the root of [`commit`](Self::commit).
    pub path: Vec<u8>,
    /// The first commit that was seen to have it at `path`.
    pub commit: Option<Checksum>,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
    /// What to do.
    pub hint: Option<&'static str>,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepoCounts {
    /// Refs that name a commit that is there.
    pub refs: u64,
    /// Commits.
    pub commits: u64,
    /// Commits that no ref leads to, directly or as a parent.
    pub unnamed_commits: u64,
    /// Commits that are marked as partial; what belongs to them was not looked at.
    pub partial_commits: u64,
    /// Notes that a commit was here once.
    pub tombstones: u64,
    /// Parents that are not there, which is as it is after a shallow pull.
    pub missing_parents: u64,
    /// Lists of names.
    pub dirtrees: u64,
    /// Metadata of directories.
    pub dirmetas: u64,
    /// Regular files and symbolic links.
    pub files: u64,
    /// Objects that no commit needs.
    pub unreachable: u64,
    /// Names among the objects that are none.
    pub foreign: u64,
    /// Files in `tmp`, left behind by something that did not end well.
    pub temporary: u64,
    /// Files that were hashed.
    pub hashed_files: u64,
}

/// The state of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoReport {
    /// What is wrong, at most 1000.
    pub findings: Vec<RepoFinding>,
    /// More that is wrong and not in the list.
    pub more: u64,
    /// `core.mode`.
    pub mode: Option<String>,
    /// Refs with the commits they name.
    pub refs: Vec<(String, Checksum)>,
    /// How many of what.
    pub counts: RepoCounts,
}

/// Most findings that are kept.
const LIMIT: usize = 1000;

impl RepoReport {
    /// Whether nothing is damaged or missing.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.more == 0 && self.findings.iter().all(|finding| finding.severity < Severity::Error)
    }

    /// Adds a finding.
    pub(super) fn add(&mut self, finding: RepoFinding) {
        if self.is_full() { self.more += 1 } else { self.findings.push(finding) }
    }

    /// Whether further findings are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.findings.len() >= LIMIT
    }

    /// Adds what is wrong with a file of the repository.
    pub(super) fn file(&mut self, severity: Severity, what: &'static str, path: &[u8], found: String, expected: &str) {
        self.add(RepoFinding {
            severity,
            what,
            object: None,
            path: path.to_vec(),
            commit: None,
            found,
            expected: expected.to_owned(),
            hint: None,
        });
    }
}
