//! sysusers.d: the users and groups that systemd makes where they are missing.
//!
//! Source: sysusers.d(5), systemd-sysusers(8).

mod entry;
mod parse;
mod problem;
mod write;

pub use entry::{IdSource, PrimaryGroup, SysusersEntry, SysusersGroup, SysusersLine, SysusersUser};
pub use problem::SysusersProblem;
pub use write::{group_line, user_line};

use std::collections::{BTreeMap, BTreeSet};

use builder_tree::FileTree;

use crate::config_files::{below_roots, config_files};
use crate::lines::{LINE_LIMIT, lines, strip};
use crate::os_release::OsRelease;
use crate::read::Reader;
use crate::specifier::Specifiers;
use crate::{FileProblem, Finding, ReadError};

/// All lines of sysusers.d of an image that count.
#[derive(Clone, Debug, Default)]
pub struct SysusersConfig {
    lines: Vec<SysusersLine>,
    findings: Vec<Finding<SysusersProblem>>,
    users: BTreeMap<Vec<u8>, usize>,
    groups: BTreeMap<Vec<u8>, usize>,
    /// Of lines `m`, the users and groups.
    implied_users: BTreeSet<Vec<u8>>,
    implied_groups: BTreeSet<Vec<u8>>,
}

impl SysusersConfig {
    /// Reads the files `*.conf` of `/etc/sysusers.d`, `/usr/etc/sysusers.d`, `/run/sysusers.d`,
    /// `/usr/local/lib/sysusers.d` and `/usr/lib/sysusers.d`.
    ///
    /// # Errors
    /// [`ReadError`] for files that are too large or cannot be read. Malformed lines are findings.
    pub fn read(tree: &FileTree) -> Result<Self, ReadError> {
        Self::read_from(tree, &below_roots("sysusers.d"))
    }

    /// Reads the files `*.conf` of `/usr/lib/sysusers.d` alone, whatever replaces or masks them elsewhere, as bootc's lint
    /// `sysusers` does.
    ///
    /// # Errors
    /// As for [`Self::read`].
    pub fn read_vendor(tree: &FileTree) -> Result<Self, ReadError> {
        Self::read_from(tree, &[b"usr/lib/sysusers.d".to_vec()])
    }

    fn read_from(tree: &FileTree, directories: &[Vec<u8>]) -> Result<Self, ReadError> {
        let mut reader = Reader::new();
        let specifiers = Specifiers { os: OsRelease::read(tree, &mut reader)? };
        let mut config = Self::default();
        for file in config_files(tree, directories, b".conf") {
            match file.body {
                Err(problem) => config.findings.push(Finding::of(&file.path, SysusersProblem::File(problem))),
                Ok(content) => config.add(&specifiers, &file.path, &reader.read(&file.path, content)?),
            }
        }
        Ok(config)
    }

    /// The lines, in the order in which systemd reads them; malformed ones and those that contradict an earlier one
    /// are left out.
    #[must_use]
    pub fn lines(&self) -> &[SysusersLine] {
        &self.lines
    }

    /// What systemd would complain about, in the order of the files.
    #[must_use]
    pub fn findings(&self) -> &[Finding<SysusersProblem>] {
        &self.findings
    }

    /// The user a line `u` makes.
    #[must_use]
    pub fn user(&self, name: &[u8]) -> Option<&SysusersUser> {
        match &self.lines[*self.users.get(name)?].entry {
            SysusersEntry::User(user) => Some(user),
            _ => None,
        }
    }

    /// The group a line `g` makes.
    #[must_use]
    pub fn group(&self, name: &[u8]) -> Option<&SysusersGroup> {
        match &self.lines[*self.groups.get(name)?].entry {
            SysusersEntry::Group(group) => Some(group),
            _ => None,
        }
    }

    /// Whether systemd makes a user of this name: by a line `u`, or by a line `m` that makes it a member.
    #[must_use]
    pub fn creates_user(&self, name: &[u8]) -> bool {
        self.users.contains_key(name) || self.implied_users.contains(name)
    }

    /// Whether systemd makes a group of this name: by a line `g`, by a line `m` that puts a user in it, or as the
    /// group of a user of the same name whose line names no other.
    #[must_use]
    pub fn creates_group(&self, name: &[u8]) -> bool {
        self.groups.contains_key(name)
            || self.implied_groups.contains(name)
            || self.user(name).is_some_and(|user| user.group == PrimaryGroup::Own)
            || (self.implied_users.contains(name) && !self.users.contains_key(name))
    }

    /// The names of all users it makes, sorted.
    #[must_use]
    pub fn created_users(&self) -> BTreeSet<&[u8]> {
        self.users.keys().chain(&self.implied_users).map(Vec::as_slice).collect()
    }

    /// The names of all groups it makes, sorted.
    #[must_use]
    pub fn created_groups(&self) -> BTreeSet<&[u8]> {
        let named = self.groups.keys().chain(&self.implied_groups).map(Vec::as_slice);
        named.chain(self.created_users().into_iter().filter(|name| self.creates_group(name))).collect()
    }

    fn add(&mut self, specifiers: &Specifiers, file: &[u8], text: &[u8]) {
        for (number, line) in lines(text) {
            if line.len() > LINE_LIMIT {
                let problem = SysusersProblem::File(FileProblem::LongLine { limit: LINE_LIMIT });
                self.findings.push(Finding::at(file, number, problem));
                return;
            }
            let line = strip(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            match parse::parse(specifiers, line).and_then(|entry| self.keep(file, number, entry)) {
                Ok(()) => {}
                Err(problem) => self.findings.push(Finding::at(file, number, problem)),
            }
        }
    }

    /// Adds an entry unless it contradicts an earlier one of the same name.
    fn keep(&mut self, file: &[u8], number: usize, entry: SysusersEntry) -> Result<(), SysusersProblem> {
        let (known, name, kind) = match &entry {
            SysusersEntry::User(user) => (&mut self.users, &user.name, "user"),
            SysusersEntry::Group(group) => (&mut self.groups, &group.name, "group"),
            SysusersEntry::Member { user, group } => {
                self.implied_users.insert(user.clone());
                self.implied_groups.insert(group.clone());
                self.lines.push(SysusersLine { file: file.to_vec(), number, entry });
                return Ok(());
            }
            SysusersEntry::Range { .. } => {
                self.lines.push(SysusersLine { file: file.to_vec(), number, entry });
                return Ok(());
            }
        };
        if let Some(&earlier) = known.get(name) {
            // The same once more is no contradiction.
            let same = self.lines[earlier].entry.agrees(&entry);
            return if same { Ok(()) } else { Err(SysusersProblem::Conflict { kind, name: name.clone() }) };
        }
        known.insert(name.clone(), self.lines.len());
        self.lines.push(SysusersLine { file: file.to_vec(), number, entry });
        Ok(())
    }
}
