//! A deployment: its commit, its files, its origin.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;

use builder_block::Severity;
use builder_ext4::read::{Ext4Reader, ReadError};
use builder_ostree::Checksum;
use builder_ostree::verify::{
    KeyFile, RepoFiles as _, checksum_of_file, files_of_commit, path_of_commit, path_of_file,
};
use builder_tree::join;

use super::below::Below;
use super::etc::differences;
use super::{Check, DeploymentState, EtcDifferences, FILES_LIMIT, HINT_DEPLOY, Place, REPO, chain, slash};

/// Largest origin file in bytes.
const ORIGIN_LIMIT: u64 = 1 << 20;
/// Findings of one kind about one deployment; more are only counted.
const SAME_LIMIT: u64 = 20;

impl Check<'_> {
    pub(super) fn deployment(
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
            match differences(self.root, &etc, &default) {
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
        let (mut copies, mut wrong) = (0_u64, 0_u64);
        let result = files_of_commit(repo, &place.commit, FILES_LIMIT, &mut |path, object| {
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
            ControlFlow::Continue(())
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
pub(super) fn inodes_of_objects(root: &Ext4Reader) -> HashMap<Checksum, u32> {
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
