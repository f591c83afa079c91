//! The ostree repository of a disk's root file system, and the deployments that are made of it.
//!
//! ```text
//!  boot/loader ──► which boot version is active
//!  ostree/boot.N ──► boot.N.M/STATEROOT/BOOTCSUM/SERIAL ──► ostree/deploy/STATEROOT/deploy/CHECKSUM.SERIAL
//!  ostree/repo ──► commit CHECKSUM ──► file objects  ═ the same inodes as the deployment's files
//!                                                     CHECKSUM.SERIAL.origin   where it came from
//! ```

mod below;
mod boot_links;
mod deployed;
mod etc;
mod report;

use builder_block::Severity;
use builder_ext4::read::{Ext4Reader, FoundKind, ReadError};
use builder_ostree::Checksum;
use builder_ostree::verify::{RepoCounts, verify};
use builder_tree::{DisplayPath, join};

pub use report::{DeploymentState, EtcDifferences, RepositoryCounts, RepositoryFinding, RepositoryReport};

use below::Below;
use deployed::inodes_of_objects;

/// The repository, from the root of its file system.
const REPO: &[u8] = b"ostree/repo";
/// Where stateroots are.
const DEPLOY: &[u8] = b"ostree/deploy";
/// Most files of a deployment that are looked at, and most in `etc`.
const FILES_LIMIT: u64 = 1 << 22;
/// Most deployments, and most links to them.
const DEPLOYMENTS_LIMIT: usize = 1024;

/// Bytes that sparse files may have beyond twice the size of the file system.
const HOLES: u64 = 1 << 30;

const HINT_DEPLOY: &str = "write the disk again, or deploy again from the running system";

/// Looks at the repository and the deployments of a root file system; every file is hashed.
pub(crate) fn repository(root: &Ext4Reader) -> RepositoryReport {
    let mut check = Check { root, report: RepositoryReport::default() };
    match root.kind(REPO) {
        Ok(Some(FoundKind::Directory)) => {}
        Ok(_) => {
            check.add(Severity::Error, "there is no ostree repository", REPO, "no such directory", "a directory", None);
            return check.report;
        }
        Err(error) => {
            check.unreadable(REPO, &error);
            return check.report;
        }
    }
    // Files of the repository are hashed once, so what is in them cannot be much more than the file system.
    let repo = Below::new(root, REPO);
    check.objects(&repo);
    check.deployments(&repo);
    check.report
}

/// A deployment's place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    stateroot: Vec<u8>,
    commit: Checksum,
    serial: u32,
    path: Vec<u8>,
}

struct Check<'r> {
    root: &'r Ext4Reader,
    report: RepositoryReport,
}

impl Check<'_> {
    fn add(
        &mut self,
        severity: Severity,
        what: &str,
        where_: &[u8],
        found: impl Into<String>,
        expected: impl Into<String>,
        hint: Option<&str>,
    ) {
        self.report.findings.push(RepositoryFinding {
            severity,
            what: what.to_owned(),
            where_: slash(where_),
            found: found.into(),
            expected: expected.into(),
            hint: hint.map(str::to_owned),
        });
    }

    fn unreadable(&mut self, path: &[u8], error: &ReadError) {
        self.add(Severity::Error, "it cannot be read", path, chain(error), "something that can be read", None);
    }

    /// The names in a directory of the file system; none where it cannot be read, which is told.
    fn names(&mut self, path: &[u8]) -> Vec<Vec<u8>> {
        self.root.names(path).unwrap_or_else(|error| {
            self.unreadable(path, &error);
            Vec::new()
        })
    }

    fn is_directory(&mut self, path: &[u8]) -> bool {
        match self.root.kind(path) {
            Ok(kind) => kind == Some(FoundKind::Directory),
            Err(error) => {
                self.unreadable(path, &error);
                true
            }
        }
    }

    fn objects(&mut self, repo: &Below<'_>) {
        let found = verify(repo, true);
        self.report.findings.extend(found.findings.iter().map(RepositoryFinding::from));
        (self.report.more, self.report.mode) = (found.more, found.mode);
        let counts = found.counts;
        let RepoCounts { refs, commits, dirtrees, dirmetas, files, hashed_files, unreachable, .. } = counts;
        self.report.counts = RepositoryCounts { refs, commits, dirtrees, dirmetas, files, hashed_files, unreachable };
        for (count, text) in [
            (unreachable, "objects that no commit needs; `ostree prune` removes them"),
            (counts.unnamed_commits, "commits that no ref leads to"),
            (counts.partial_commits, "commits that were not pulled to their end"),
            (counts.tombstones, "tombstones of deleted commits"),
            (counts.missing_parents, "parents of commits that are not here, as after a shallow pull"),
            (counts.foreign, "names among the objects that are none"),
            (counts.temporary, "files in /ostree/repo/tmp, left behind by something that did not end well"),
        ] {
            if count > 0 {
                self.report.notes.push(format!("{count} {text}"));
            }
        }
    }

    fn deployments(&mut self, repo: &Below<'_>) {
        let mut places = Vec::new();
        if !self.is_directory(DEPLOY) {
            self.add(Severity::Error, "there are no deployments", DEPLOY, "no such directory", "a directory", None);
        }
        for stateroot in self.names(DEPLOY) {
            let path = join(DEPLOY, &stateroot);
            if !self.is_directory(&path) {
                continue;
            }
            let var = join(&path, b"var");
            if !self.is_directory(&var) {
                let what = "the stateroot has no var, which is mounted on /var of the running system";
                self.add(Severity::Error, what, &var, "no such directory", "a directory", Some(HINT_DEPLOY));
            }
            self.places(&stateroot, &join(&path, b"deploy"), &mut places);
        }
        if places.is_empty() {
            let expected = "CHECKSUM.SERIAL below STATEROOT/deploy";
            self.add(Severity::Error, "there is nothing to boot", DEPLOY, "no deployment", expected, Some(HINT_DEPLOY));
        }
        let bootable = self.boot_links(&places);
        let objects = inodes_of_objects(self.root);
        for place in places {
            let is_bootable = bootable.as_ref().is_none_or(|bootable| bootable.contains(&place.path));
            if !is_bootable {
                let what = "no link of the active boot version leads to the deployment, so it is not booted";
                let expected = "a link below /ostree/boot.N";
                self.add(Severity::Error, what, &place.path, "no link", expected, Some(HINT_DEPLOY));
            }
            let state = self.deployment(repo, &place, is_bootable, &objects);
            self.report.deployments.push(state);
        }
    }

    /// The deployments in a directory.
    fn places(&mut self, stateroot: &[u8], directory: &[u8], places: &mut Vec<Place>) {
        for name in self.names(directory) {
            let path = join(directory, &name);
            if name.ends_with(b".origin") {
                let deployment = &path[..path.len() - b".origin".len()];
                if !self.is_directory(deployment) {
                    let (what, found) = ("an origin file is there without its deployment", "no such directory");
                    self.add(Severity::Warning, what, deployment, found, "a deployment", None);
                }
                continue;
            }
            let parts = std::str::from_utf8(&name).ok().and_then(|name| name.split_once('.'));
            let parts = parts.and_then(|(commit, serial)| Some((commit.parse().ok()?, serial.parse().ok()?)));
            let Some((commit, serial)) = parts.filter(|_| self.is_directory(&path)) else {
                let what = "a name among the deployments is none, at which libostree stops to clean up";
                self.add(Severity::Error, what, &path, name.escape_ascii().to_string(), "CHECKSUM.SERIAL", None);
                continue;
            };
            if places.len() == DEPLOYMENTS_LIMIT {
                let (found, expected) = ("more".to_owned(), format!("at most {DEPLOYMENTS_LIMIT}"));
                let what = "there are more deployments than are looked at";
                self.add(Severity::Error, what, directory, found, expected, None);
                return;
            }
            places.push(Place { stateroot: stateroot.to_vec(), commit, serial, path });
        }
    }
}

fn slash(path: &[u8]) -> String {
    DisplayPath(path).to_string()
}

/// An error with all that is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut inner = error.source();
    while let Some(source) = inner {
        words.push_str(": ");
        words.push_str(&source.to_string());
        inner = source.source();
    }
    words
}
