//! What is said of a repository and its deployments.

use std::fmt;

use builder_block::Severity;
use builder_ostree::verify::RepoFinding;
use builder_tree::DisplayPath;
use serde::Serialize;

use crate::escaped::Escaped;

/// What is wrong with a repository or a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepositoryFinding {
    /// How bad it is.
    #[serde(serialize_with = "crate::check::finding::word")]
    pub severity: Severity,
    /// What is wrong, a sentence without a full stop.
    pub what: String,
    /// A path from the root of the file system, an object, or both; and the path in the commit that has it.
    #[serde(rename = "where")]
    pub where_: String,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// How many of what a repository has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RepositoryCounts {
    /// Refs that name a commit.
    pub refs: u64,
    /// Commits.
    pub commits: u64,
    /// Directories' names.
    pub dirtrees: u64,
    /// Directories' metadata.
    pub dirmetas: u64,
    /// Regular files and symbolic links.
    pub files: u64,
    /// Files whose checksum was computed.
    pub hashed_files: u64,
    /// Objects that no commit needs.
    pub unreachable: u64,
}

/// Names that differ between `etc` and `usr/etc` of a deployment: what was set up on this system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EtcDifferences {
    /// In `etc` only.
    pub added: u64,
    /// In `usr/etc` only.
    pub removed: u64,
    /// In both, and of another type, owner, mode, size or target; where all is looked at, of another content.
    pub changed: u64,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeploymentState {
    /// Its system.
    pub stateroot: String,
    /// Its commit.
    pub commit: String,
    /// Which of several of this commit.
    pub serial: u32,
    /// What its origin file follows.
    pub origin: Option<String>,
    /// Whether the active boot version has a link to it.
    pub bootable: bool,
    /// Files that were held against their objects.
    pub compared_files: u64,
    /// Of these, those that are the object itself.
    pub hard_links: u64,
    /// Differences between `etc` and `usr/etc`.
    pub etc: EtcDifferences,
}

/// The state of a disk's repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RepositoryReport {
    /// What is wrong.
    pub findings: Vec<RepositoryFinding>,
    /// More that is wrong with the repository and not in the list.
    pub more: u64,
    /// What is worth knowing and not wrong.
    pub notes: Vec<String>,
    /// `core.mode`.
    pub mode: Option<String>,
    /// How many of what.
    pub counts: RepositoryCounts,
    /// All deployments.
    pub deployments: Vec<DeploymentState>,
}

impl RepositoryReport {
    /// Whether something in it is damaged.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.more > 0 || self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

impl fmt::Display for RepositoryFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity, what, where_, found, expected, hint } = self;
        let said = format_args!("{severity}: {where_}: {what}: {found}, expected {expected}");
        write!(f, "{}", Escaped(said))?;
        hint.iter().try_for_each(|hint| write!(f, " (hint: {})", Escaped(hint)))
    }
}

impl fmt::Display for RepositoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { findings, more, notes, mode: _, counts, deployments } = self;
        let mark = if self.is_damaged() { '✗' } else { '✓' };
        let RepositoryCounts { refs, commits, files, hashed_files, .. } = counts;
        writeln!(f, "ostree")?;
        writeln!(
            f,
            "  {mark} repository: {commits} commits, {refs} refs, {files} files, of which {hashed_files} were hashed"
        )?;
        for DeploymentState { stateroot, commit, serial, origin, bootable, .. } in deployments {
            let mark = if *bootable { '✓' } else { '✗' };
            let origin = Escaped(origin.as_deref().unwrap_or("nothing"));
            writeln!(f, "  {mark} deployment {} {commit}.{serial}, follows {origin}", Escaped(stateroot))?;
        }
        findings.iter().try_for_each(|finding| writeln!(f, "    {finding}"))?;
        if *more > 0 {
            writeln!(f, "    {more} more findings are not listed")?;
        }
        notes.iter().try_for_each(|note| writeln!(f, "    note: {}", Escaped(note)))
    }
}

impl From<&RepoFinding> for RepositoryFinding {
    fn from(finding: &RepoFinding) -> Self {
        let RepoFinding { severity, what, object, path, commit, found, expected, hint } = finding;
        let path = DisplayPath(path);
        let where_ = match (object, commit) {
            (Some(object), Some(commit)) => format!("/ostree/repo object {object}, {path} of commit {commit}"),
            (Some(object), None) => format!("/ostree/repo object {object}, {path}"),
            (None, _) => format!("/ostree/repo{path}"),
        };
        Self {
            severity: *severity,
            what: (*what).to_owned(),
            where_,
            found: found.clone(),
            expected: expected.clone(),
            hint: hint.map(str::to_owned),
        }
    }
}
