//! Refs: every file below `refs` names a commit (spec 1.5).

use std::collections::BTreeSet;

use builder_block::Severity;

use super::files::RepoFiles;
use super::index::{Index, Kind, Object, words};
use super::report::{RepoFinding, RepoReport};
use crate::Checksum;

/// Most refs, and most directories between `refs` and one.
const LIMIT: usize = 1 << 16;
const DEPTH_LIMIT: usize = 64;
/// Longest ref in bytes: the checksum and space around it.
const LENGTH_LIMIT: u64 = 256;

/// Reads the refs into `report`, and gives the commits that they name and that are there.
pub(super) fn check(files: &dyn RepoFiles, index: &Index, report: &mut RepoReport) -> BTreeSet<u32> {
    let mut commits = BTreeSet::new();
    let mut seen = 0;
    for root in ["refs/heads", "refs/remotes", "refs/mirrors"] {
        let mut waiting = vec![(root.as_bytes().to_vec(), 0)];
        while let Some((path, depth)) = waiting.pop() {
            let mut names = match files.list(&path) {
                Ok(Some(names)) => names,
                Ok(None) if depth > 0 || root == "refs/mirrors" => continue,
                Ok(None) => {
                    let found = "no such directory".to_owned();
                    let what = "a directory is missing without which libostree lists no refs";
                    report.file(Severity::Error, what, &path, found, "a directory");
                    continue;
                }
                Err(error) => {
                    let what = "a directory of refs cannot be read";
                    report.file(Severity::Error, what, &path, words(&error), "a directory");
                    continue;
                }
            };
            names.sort();
            for name in names {
                let path = [&path, b"/".as_slice(), &name].concat();
                seen += 1;
                if seen > LIMIT || depth > DEPTH_LIMIT {
                    let what = "there are more refs, or more directories around one, than are looked at";
                    let expected = format!("at most {LIMIT} refs, {DEPTH_LIMIT} directories deep");
                    report.file(Severity::Error, what, &path, "more".to_owned(), &expected);
                    return commits;
                }
                match files.metadata(&path) {
                    Ok(Some(facts)) if facts.is_directory() => waiting.push((path, depth + 1)),
                    _ => one(files, index, &path, &mut commits, report),
                }
            }
        }
    }
    commits
}

fn one(files: &dyn RepoFiles, index: &Index, path: &[u8], commits: &mut BTreeSet<u32>, report: &mut RepoReport) {
    const EXPECTED: &str = "the 64 hexadecimal digits of a commit";
    let bytes = match files.read(path, LENGTH_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) => {
            report.file(Severity::Error, "a ref cannot be read", path, words(&error), EXPECTED);
            return;
        }
    };
    let Ok(commit) = String::from_utf8_lossy(&bytes).trim().parse::<Checksum>() else {
        let start = &bytes[..bytes.len().min(80)];
        let found = format!("{} bytes: {}", bytes.len(), start.escape_ascii());
        report.file(Severity::Error, "a ref is no checksum", path, found, EXPECTED);
        return;
    };
    let name = path.strip_prefix(b"refs/heads/").or(path.strip_prefix(b"refs/")).unwrap_or(path);
    let object = Object::new(commit, Kind::Commit);
    let Some(number) = index.find(object) else {
        let tombstone = index.find(Object::new(commit, Kind::Tombstone)).is_some();
        report.add(RepoFinding {
            severity: Severity::Error,
            what: "a ref names a commit that is not there",
            object: Some(object.to_string()),
            path: path.to_vec(),
            commit: None,
            found: if tombstone { "a tombstone: it was deleted" } else { "no such object" }.to_owned(),
            expected: "a commit".to_owned(),
            hint: Some("pull the commit again, or delete the ref with `ostree refs --delete`"),
        });
        return;
    };
    report.counts.refs += 1;
    report.refs.push((String::from_utf8_lossy(name).into_owned(), commit));
    commits.insert(number);
}
