//! The ostree repository of a disk's root file system, and the deployments that are made of it.
//!
//! ```text
//!  boot/loader ──► which boot version is active
//!  ostree/boot.N ──► boot.N.M/STATEROOT/BOOTCSUM/SERIAL ──► ostree/deploy/STATEROOT/deploy/CHECKSUM.SERIAL
//!  ostree/repo ──► commit CHECKSUM ──► file objects  ═ the same inodes as the deployment's files
//!                                                     CHECKSUM.SERIAL.origin   where it came from
//! ```

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io;
use std::ops::ControlFlow;

use builder_block::Severity;
use builder_ext4::read::{Ext4Reader, FoundKind, InodeFacts, ReadError};
use builder_ostree::Checksum;
use builder_ostree::verify::{
    Attributes, FileFacts, KeyFile, RepoCounts, RepoFiles, RepoFinding, checksum_of_file, files_of_commit,
    path_of_commit, path_of_file, verify,
};
use builder_tree::{DisplayPath, join};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The repository, from the root of its file system.
const REPO: &[u8] = b"ostree/repo";
/// Where stateroots are.
const DEPLOY: &[u8] = b"ostree/deploy";
/// Largest origin file in bytes.
const ORIGIN_LIMIT: u64 = 1 << 20;
/// Most files of a deployment that are looked at, and most in `etc`.
const FILES_LIMIT: u64 = 1 << 22;
/// Most deployments, and most links to them.
const DEPLOYMENTS_LIMIT: usize = 1024;
/// Files of a deployment that are compared with their objects where not all are.
const SAMPLE: u64 = 100;
/// Bytes that sparse files may have beyond twice the size of the file system.
const HOLES: u64 = 1 << 30;
/// Findings of one kind about one deployment; more are only counted.
const SAME_LIMIT: u64 = 20;

const HINT_DEPLOY: &str = "write the disk again, or deploy again from the running system";

/// What is wrong with a repository or a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepositoryFinding {
    /// How bad it is.
    #[serde(serialize_with = "super::finding::word")]
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
        write!(f, "{severity}: {where_}: {what}: {found}, expected {expected}")?;
        hint.iter().try_for_each(|hint| write!(f, " (hint: {hint})"))
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
            let origin = origin.as_deref().unwrap_or("nothing");
            writeln!(f, "  {mark} deployment {stateroot} {commit}.{serial}, follows {origin}")?;
        }
        findings.iter().try_for_each(|finding| writeln!(f, "    {finding}"))?;
        if *more > 0 {
            writeln!(f, "    {more} more findings are not listed")?;
        }
        notes.iter().try_for_each(|note| writeln!(f, "    note: {note}"))
    }
}

/// Looks at the repository and the deployments of a root file system; with `deep`, every file is hashed.
pub(crate) fn repository(root: &Ext4Reader, deep: bool) -> RepositoryReport {
    let mut check = Check { root, deep, report: RepositoryReport::default() };
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
    deep: bool,
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
        let found = verify(repo, self.deep);
        self.report.findings.extend(found.findings.iter().map(from_repo));
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
        let objects = if self.deep { inodes_of_objects(self.root) } else { HashMap::new() };
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

    /// Follows the links of the boot versions; gives the deployments that the active one leads to, `None` where it
    /// cannot be told.
    fn boot_links(&mut self, places: &[Place]) -> Option<BTreeSet<Vec<u8>>> {
        let loader = self.root.target(b"boot/loader").unwrap_or_else(|error| {
            self.unreadable(b"boot/loader", &error);
            None
        });
        let active = match loader.as_deref() {
            Some(b"loader.0") => Some(0),
            Some(b"loader.1") => Some(1),
            Some(other) => {
                let found = other.escape_ascii().to_string();
                let what = "the link to the boot entries names no boot version";
                let hint = Some("libostree reads the text: it has to be exactly one of the two");
                self.add(Severity::Error, what, b"boot/loader", found, "loader.0 or loader.1", hint);
                None
            }
            None => {
                // Where /boot is a partition of its own, the link is there.
                let here = [&b"boot/loader.0"[..], b"boot/loader.1"].into_iter().find(|path| self.is_directory(path));
                if let Some(path) = here {
                    let what = "the link to the boot entries is gone, without which libostree knows of no deployment";
                    let (found, expected) = ("no such link".to_owned(), format!("a link beside {}", slash(path)));
                    self.add(Severity::Error, what, b"boot/loader", found, expected, Some(HINT_DEPLOY));
                }
                None
            }
        };
        let mut known: BTreeMap<u8, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for version in [0, 1] {
            let path = format!("ostree/boot.{version}").into_bytes();
            let target = match self.root.target(&path) {
                Ok(Some(target)) => target,
                Ok(None) => continue,
                Err(error) => {
                    self.unreadable(&path, &error);
                    continue;
                }
            };
            let severity =
                if active.is_none_or(|active| active == version) { Severity::Error } else { Severity::Warning };
            let expected = [format!("boot.{version}.0").into_bytes(), format!("boot.{version}.1").into_bytes()];
            if !expected.contains(&target) {
                let (found, expected) =
                    (target.escape_ascii().to_string(), format!("boot.{version}.0 or boot.{version}.1"));
                let what = "the link of a boot version leads elsewhere";
                self.add(severity, what, &path, found, expected, Some(HINT_DEPLOY));
                continue;
            }
            let found = self.links(severity, &join(b"ostree", &target), places);
            known.insert(version, found);
        }
        let active = active.or_else(|| (known.len() == 1).then(|| known.keys().next().copied()).flatten());
        let Some(active) = active else {
            if known.is_empty() && !places.is_empty() {
                let what = "there is no link from a boot version to a deployment, so nothing is booted";
                let (found, expected) = ("neither boot.0 nor boot.1", "one of them");
                self.add(Severity::Error, what, b"ostree", found, expected, Some(HINT_DEPLOY));
                return None;
            }
            self.report
                .notes
                .push("which boot version is active is not said in /boot/loader of this file system".to_owned());
            return (!known.is_empty()).then(|| known.into_values().flatten().collect());
        };
        Some(known.remove(&active).unwrap_or_else(|| {
            let path = format!("ostree/boot.{active}");
            let what = "the active boot version has no links to deployments";
            self.add(Severity::Error, what, path.as_bytes(), "no such link", "a link", Some(HINT_DEPLOY));
            BTreeSet::new()
        }))
    }

    /// The deployments that the links `STATEROOT/BOOTCSUM/SERIAL` below `directory` lead to.
    fn links(&mut self, severity: Severity, directory: &[u8], places: &[Place]) -> BTreeSet<Vec<u8>> {
        let mut found = BTreeSet::new();
        if !self.is_directory(directory) {
            let what = "the directory that a boot version stands for is missing";
            self.add(severity, what, directory, "no such directory", "a directory", Some(HINT_DEPLOY));
            return found;
        }
        let mut seen = 0;
        for stateroot in self.names(directory) {
            let path = join(directory, &stateroot);
            for kernel in self.names(&path) {
                let path = join(&path, &kernel);
                for serial in self.names(&path) {
                    seen += 1;
                    if seen > DEPLOYMENTS_LIMIT {
                        return found;
                    }
                    let path = join(&path, &serial);
                    if let Some(deployment) = self.link(severity, &path, &stateroot, places) {
                        found.insert(deployment);
                    }
                }
            }
        }
        found
    }

    fn link(&mut self, severity: Severity, path: &[u8], stateroot: &[u8], places: &[Place]) -> Option<Vec<u8>> {
        let target = match self.root.target(path).and_then(|target| Ok((target, self.root.find(path)?))) {
            Ok(target) => target,
            Err(error) => {
                self.unreadable(path, &error);
                return None;
            }
        };
        let (Some(target), found) = target else {
            let what = "what should lead to a deployment is no symbolic link";
            self.add(severity, what, path, "another type of file", "a symbolic link", Some(HINT_DEPLOY));
            return None;
        };
        let place = found.as_ref().and_then(|found| places.iter().find(|place| place.path == *found));
        let expected = format!("../../../deploy/{}/deploy/CHECKSUM.SERIAL", stateroot.escape_ascii());
        let Some(place) = place.filter(|place| place.stateroot == stateroot) else {
            let what = match found {
                Some(_) => "a boot link leads to something else than a deployment of its stateroot",
                None => "a boot link leads nowhere",
            };
            self.add(severity, what, path, target.escape_ascii().to_string(), expected, Some(HINT_DEPLOY));
            return None;
        };
        if !target.starts_with(b"../../../deploy/") {
            let what = "a boot link is not of the form that libostree reads";
            self.add(severity, what, path, target.escape_ascii().to_string(), expected, Some(HINT_DEPLOY));
        }
        Some(place.path.clone())
    }

    fn deployment(
        &mut self,
        repo: &Below<'_>,
        place: &Place,
        bootable: bool,
        objects: &HashMap<Checksum, u32>,
    ) -> DeploymentState {
        let mut state = DeploymentState {
            stateroot: String::from_utf8_lossy(&place.stateroot).into_owned(),
            commit: place.commit.to_string(),
            serial: place.serial,
            origin: self.origin(&place.path),
            bootable,
            compared_files: 0,
            hard_links: 0,
            etc: EtcDifferences::default(),
        };
        let commit = path_of_commit(&place.commit);
        match repo.metadata(&commit) {
            Ok(Some(_)) => self.files(repo, place, objects, &mut state),
            Ok(None) => {
                let what = "the commit of a deployment is not in the repository, so it cannot be upgraded";
                let (found, expected) = ("no such object", format!("{}.commit", place.commit));
                self.add(Severity::Error, what, &place.path, found, expected, Some(HINT_DEPLOY));
            }
            Err(error) => {
                let found = chain(&error);
                self.add(Severity::Error, "it cannot be read", &join(REPO, &commit), found, "a commit", None);
            }
        }
        let (etc, default) = (join(&place.path, b"etc"), join(&place.path, b"usr/etc"));
        if self.is_directory(&etc) {
            match differences(self.root, &etc, &default, self.deep) {
                Ok(differences) => state.etc = differences,
                Err(error) => self.unreadable(&etc, &error),
            }
        } else {
            let what = "the deployment has no etc, the copy of usr/etc that the system runs with";
            self.add(Severity::Error, what, &etc, "no such directory", "a directory", Some(HINT_DEPLOY));
        }
        let EtcDifferences { added, removed, changed } = state.etc;
        if added + removed + changed > 0 {
            self.report.notes.push(format!(
                "{} differs from usr/etc: {added} names added, {removed} removed, {changed} changed",
                slash(&etc)
            ));
        }
        state
    }

    /// What the origin file follows.
    fn origin(&mut self, deployment: &[u8]) -> Option<String> {
        let path = [deployment, b".origin"].concat();
        let expected = "[origin] with container-image-reference or refspec";
        let hint = Some("write the disk again; without it there are no upgrades");
        let bytes = match self.root.read(&path, ORIGIN_LIMIT) {
            Ok(bytes) => bytes,
            Err(ReadError::Missing { .. }) => {
                let what = "the deployment has no origin file, which says where upgrades come from";
                self.add(Severity::Error, what, &path, "no such file", expected, hint);
                return None;
            }
            Err(error) => {
                self.unreadable(&path, &error);
                return None;
            }
        };
        let file = match KeyFile::parse(&bytes) {
            Ok(file) => file,
            Err(error) => {
                self.add(Severity::Error, "the origin file is no key file", &path, error.to_string(), expected, hint);
                return None;
            }
        };
        let keys = ["container-image-reference", "refspec", "baserefspec"];
        let value = keys.into_iter().find_map(|key| file.get("origin", key)).filter(|value| !value.trim().is_empty());
        if value.is_none() {
            let found = if file.has_group("origin") { "neither of them in [origin]" } else { "no group [origin]" };
            self.add(Severity::Error, "the origin file names nothing to follow", &path, found, expected, hint);
        }
        value.map(str::to_owned)
    }

    /// Holds the deployment's files against their objects.
    fn files(
        &mut self,
        repo: &Below<'_>,
        place: &Place,
        objects: &HashMap<Checksum, u32>,
        state: &mut DeploymentState,
    ) {
        let deployment = Below::new(self.root, &place.path);
        let (mut visited, mut copies, mut wrong) = (0_u64, 0_u64, 0_u64);
        let deep = self.deep;
        let result = files_of_commit(repo, &place.commit, FILES_LIMIT, &mut |path, object| {
            visited += 1;
            // The first ones, and others as chance has distributed the checksums.
            if !deep && visited > SAMPLE / 2 && !object.bytes()[0].is_multiple_of(64) {
                return ControlFlow::Continue(());
            }
            state.compared_files += 1;
            let outcome = compare(&deployment, repo, objects, path, object);
            let where_ = join(&place.path, path);
            match outcome {
                Ok(Compared::Same) => state.hard_links += 1,
                Ok(Compared::Copy { empty }) => copies += u64::from(!empty),
                // What is wrong with the object is told elsewhere.
                Ok(Compared::NoObject) => state.compared_files -= 1,
                Ok(Compared::Missing) => {
                    wrong += 1;
                    if wrong <= SAME_LIMIT {
                        let what = "a file of the deployment's commit is not in the deployment";
                        let expected = format!("a hard link of {object}.file");
                        self.add(Severity::Error, what, &where_, "no such file", expected, Some(HINT_DEPLOY));
                    }
                }
                Ok(Compared::Other(found)) => {
                    wrong += 1;
                    if wrong <= SAME_LIMIT {
                        let what = "a file of the deployment is not the one of its commit";
                        let found = found.map_or("another type of file".to_owned(), |found| found.to_string());
                        self.add(Severity::Error, what, &where_, found, object.to_string(), Some(HINT_DEPLOY));
                    }
                }
                Err(error) => {
                    wrong += 1;
                    if wrong <= SAME_LIMIT {
                        self.add(Severity::Error, "it cannot be read", &where_, chain(&error), "a file", None);
                    }
                }
            }
            if !deep && state.compared_files >= SAMPLE { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if let Err(error) = result {
            let path = join(REPO, &path_of_commit(&place.commit));
            self.add(Severity::Error, "the commit's files cannot be listed", &path, chain(&error), "a commit", None);
        }
        if wrong > SAME_LIMIT {
            let more = wrong - SAME_LIMIT;
            let what = "more files of the deployment are missing or other than those of its commit";
            self.add(Severity::Error, what, &place.path, format!("{more} more"), "none", Some(HINT_DEPLOY));
        }
        if copies > 0 {
            let what = "files of the deployment are copies of their objects, which takes their room twice";
            let found = format!("{copies} of {} compared", state.compared_files);
            self.add(Severity::Warning, what, &place.path, found, "hard links", None);
        }
    }
}

/// How a file of a deployment stands to its object.
enum Compared {
    /// They are one inode.
    Same,
    /// They are two with the same checksum.
    Copy {
        /// libostree copies files without content on purpose.
        empty: bool,
    },
    /// It is not there.
    Missing,
    /// It has another checksum, or is something that has none.
    Other(Option<Checksum>),
    /// There is nothing to compare with.
    NoObject,
}

fn compare(
    deployment: &Below<'_>,
    repo: &Below<'_>,
    objects: &HashMap<Checksum, u32>,
    path: &[u8],
    object: &Checksum,
) -> io::Result<Compared> {
    let known = match objects.get(object) {
        Some(inode) => Some(u64::from(*inode)),
        None => repo.metadata(&path_of_file(object))?.map(|facts| facts.inode),
    };
    let Some(known) = known else { return Ok(Compared::NoObject) };
    let Some(facts) = deployment.metadata(path)? else { return Ok(Compared::Missing) };
    if facts.inode == known {
        return Ok(Compared::Same);
    }
    match checksum_of_file(deployment, path, &facts) {
        Ok(found) if found == *object => Ok(Compared::Copy { empty: facts.is_regular() && facts.size == 0 }),
        Ok(found) => Ok(Compared::Other(Some(found))),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(Compared::Other(None)),
        Err(error) => Err(error),
    }
}

/// The inodes of all file objects, read directory by directory. What cannot be read is left out: it is told elsewhere.
fn inodes_of_objects(root: &Ext4Reader) -> HashMap<Checksum, u32> {
    let mut inodes = HashMap::new();
    let objects = join(REPO, b"objects");
    for directory in root.names(&objects).unwrap_or_default() {
        let path = join(&objects, &directory);
        for name in root.names(&path).unwrap_or_default() {
            let Some(rest) = name.strip_suffix(b".file") else { continue };
            let digits = [&directory[..], rest].concat();
            let checksum = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
            if let (Some(checksum), Ok(Some(facts))) = (checksum, root.metadata(&join(&path, &name))) {
                inodes.insert(checksum, facts.inode);
            }
        }
    }
    inodes
}

/// Counts the names that differ between two directories.
fn differences(root: &Ext4Reader, etc: &[u8], default: &[u8], deep: bool) -> Result<EtcDifferences, ReadError> {
    let mut found = EtcDifferences::default();
    let mut waiting = vec![Vec::new()];
    let mut left = FILES_LIMIT;
    while let Some(below) = waiting.pop() {
        let (here, there) = (below_of(etc, &below), below_of(default, &below));
        let names: BTreeSet<_> = root.names(&here)?.into_iter().chain(root.names(&there)?).collect();
        for name in names {
            let Some(less) = left.checked_sub(1) else { return Ok(found) };
            left = less;
            let (ours, theirs) = (join(&here, &name), join(&there, &name));
            match (root.metadata(&ours)?, root.metadata(&theirs)?) {
                (Some(_), None) => found.added += 1,
                (None, Some(_)) => found.removed += 1,
                (Some(a), Some(b)) => {
                    let directory = |facts: &InodeFacts| facts.mode & 0o170_000 == 0o040_000;
                    if directory(&a) && directory(&b) {
                        let path = join(&below, &name);
                        if path.len() < 4096 {
                            waiting.push(path);
                        }
                    }
                    found.changed += u64::from(!same(root, (&ours, &a), (&theirs, &b), deep)?);
                }
                (None, None) => {}
            }
        }
    }
    Ok(found)
}

fn below_of(directory: &[u8], below: &[u8]) -> Vec<u8> {
    if below.is_empty() { directory.to_vec() } else { join(directory, below) }
}

/// Whether two files are the same for the merge of an upgrade: type, content, owner and mode.
fn same(
    root: &Ext4Reader,
    (path, a): (&[u8], &InodeFacts),
    (other, b): (&[u8], &InodeFacts),
    deep: bool,
) -> Result<bool, ReadError> {
    if (a.mode, a.uid, a.gid) != (b.mode, b.uid, b.gid) {
        return Ok(false);
    }
    match a.mode & 0o170_000 {
        0o120_000 => Ok(root.target(path)? == root.target(other)?),
        0o100_000 if a.size != b.size => Ok(false),
        0o100_000 if deep && a.inode != b.inode => Ok(digest(root, path)? == digest(root, other)?),
        _ => Ok(true),
    }
}

fn digest(root: &Ext4Reader, path: &[u8]) -> Result<[u8; 32], ReadError> {
    let mut hasher = Sha256::new();
    root.stream(path, HOLES, &mut |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hasher.finalize().into())
}

fn from_repo(finding: &RepoFinding) -> RepositoryFinding {
    let RepoFinding { severity, what, object, path, commit, found, expected, hint } = finding;
    let path = DisplayPath(path);
    let where_ = match (object, commit) {
        (Some(object), Some(commit)) => format!("/ostree/repo object {object}, {path} of commit {commit}"),
        (Some(object), None) => format!("/ostree/repo object {object}, {path}"),
        (None, _) => format!("/ostree/repo{path}"),
    };
    RepositoryFinding {
        severity: *severity,
        what: (*what).to_owned(),
        where_,
        found: found.clone(),
        expected: expected.clone(),
        hint: hint.map(str::to_owned),
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

/// A directory of the file system, as the repository's reader wants it.
struct Below<'r> {
    root: &'r Ext4Reader,
    directory: Vec<u8>,
    /// Bytes of bodies that are left to be read.
    left: Cell<u64>,
}

impl<'r> Below<'r> {
    fn new(root: &'r Ext4Reader, directory: &[u8]) -> Self {
        let left = Cell::new(root.size().bytes().saturating_mul(2).saturating_add(HOLES));
        Self { root, directory: directory.to_vec(), left }
    }

    fn at(&self, path: &[u8]) -> Vec<u8> {
        below_of(&self.directory, path)
    }
}

impl RepoFiles for Below<'_> {
    fn metadata(&self, path: &[u8]) -> io::Result<Option<FileFacts>> {
        let facts = self.root.metadata(&self.at(path)).map_err(io::Error::other)?;
        Ok(facts.map(|InodeFacts { inode, mode, uid, gid, size, .. }| FileFacts {
            mode: mode.into(),
            uid,
            gid,
            size,
            inode: inode.into(),
        }))
    }

    fn list(&self, path: &[u8]) -> io::Result<Option<Vec<Vec<u8>>>> {
        let path = self.at(path);
        match self.root.kind(&path).map_err(io::Error::other)? {
            Some(FoundKind::Directory) => self.root.names(&path).map(Some).map_err(io::Error::other),
            _ => Ok(None),
        }
    }

    fn read(&self, path: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        self.root.read(&self.at(path), limit).map_err(io::Error::other)
    }

    fn target(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let target = self.root.target(&self.at(path)).map_err(io::Error::other)?;
        target.ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    fn xattrs(&self, path: &[u8]) -> io::Result<Attributes> {
        self.root.xattrs(&self.at(path)).map_err(io::Error::other)
    }

    fn stream(&self, path: &[u8], take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let taken = self.root.stream(&self.at(path), self.left.get(), &mut |bytes| {
            take(bytes);
            Ok(())
        });
        self.left.set(self.left.get().saturating_sub(taken.map_err(io::Error::other)?));
        Ok(())
    }
}
