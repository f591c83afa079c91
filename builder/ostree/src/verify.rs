//! Is this repository whole? Reads one of anyone's, and writes nothing.
//!
//! ```text
//!  RepoFiles ──► config ──► Index    names of all objects, sorted        ┐ 38 bytes an object,
//!                           refs     name commits                        │ whatever their number
//!                           Walk     commits ─► dirtrees, dirmetas       ┘ read and hashed, each once
//!                           deep     file objects hashed as mode `bare` does
//! ```
//!
//! It finds what `ostree fsck` finds, and says where: the path of a file in a commit is looked up when there is something
//! to say about it, from the dirtree that was first seen to need it upwards.

mod deployed;
mod files;
mod index;
mod keyfile;
mod names;
mod refs;
mod report;
mod walk;

use std::io;

use builder_block::Severity;

pub use deployed::{files_of_commit, path_of_commit, path_of_file};
pub use files::{Attributes, FileFacts, RepoFiles, checksum_of_file};
pub use keyfile::{KeyFile, KeyFileError};
pub use report::{RepoCounts, RepoFinding, RepoReport};

use index::{Index, words};
use walk::Walk;

/// Largest `config` in bytes.
const CONFIG_LIMIT: u64 = 1 << 20;

/// Verifies a repository: its configuration, its refs, every commit and all that it needs. With `deep`, the content of
/// file objects is hashed, too; without, they only have to be there.
///
/// What cannot be read is a finding, so this never fails.
#[must_use]
pub fn verify(repo: &dyn RepoFiles, deep: bool) -> RepoReport {
    let mut report = RepoReport::default();
    let bare = config(repo, &mut report);
    let index = match Index::read(repo, &mut report) {
        Ok(index) => index,
        Err(error) => {
            let what = "the objects cannot be listed";
            report.file(Severity::Error, what, b"objects", words(&error), "a directory");
            return report;
        }
    };
    let named = refs::check(repo, &index, &mut report);
    temporary(repo, &mut report);
    let mut walk = Walk::new(repo, index, &mut report);
    walk.commits(&named);
    if deep && bare {
        walk.contents();
    }
    walk.count();
    report
}

/// Whether the mode is `bare`.
fn config(repo: &dyn RepoFiles, report: &mut RepoReport) -> bool {
    let error = Severity::Error;
    let expected = "[core] with repo_version=1 and mode=bare";
    let parsed = repo.read(b"config", CONFIG_LIMIT).and_then(|bytes| KeyFile::parse(&bytes).map_err(io::Error::other));
    let file = match parsed {
        Ok(file) => file,
        Err(problem) => {
            report.file(error, "the configuration cannot be read", b"config", words(&problem), expected);
            return true;
        }
    };
    let version = file.get("core", "repo_version").map(str::trim_end);
    if version != Some("1") {
        let found = version.unwrap_or("no such key").to_owned();
        report.file(error, "core.repo_version is one that libostree does not open", b"config", found, "1");
    }
    let mode = file.get("core", "mode").map_or("bare", str::trim_end).to_owned();
    report.mode = Some(mode.clone());
    match mode.as_str() {
        "bare" => true,
        "bare-user" | "bare-user-only" | "bare-split-xattrs" | "archive" | "archive-z2" => {
            let what = "the mode is not the one from which systems are deployed, and its files are not hashed";
            report.file(Severity::Warning, what, b"config", mode, "bare");
            false
        }
        _ => {
            report.file(error, "core.mode is one that does not exist", b"config", mode, "bare");
            true
        }
    }
}

fn temporary(repo: &dyn RepoFiles, report: &mut RepoReport) {
    // `cache` is there for good; staging directories and their locks are not.
    let names = repo.list(b"tmp").ok().flatten().unwrap_or_default();
    report.counts.temporary = names.iter().filter(|name| *name != b"cache").count() as u64;
}
