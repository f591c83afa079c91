//! `/etc/passwd` and `/etc/group`.
//!
//! Source: passwd(5), group(5); which lines count is glibc's answer (`fgetpwent`, `fgetgrent`).

use std::collections::BTreeMap;

use builder_tree::FileTree;

use crate::place::{LastLink, follow};
use crate::read::Reader;
use crate::shown::Shown;
use crate::{FileProblem, Finding, ReadError, Severity};

/// A line of `passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswdEntry {
    /// Login name.
    pub name: Vec<u8>,
    /// The password field, `x` where the password is in `shadow`.
    pub password: Vec<u8>,
    /// Number of the user.
    pub uid: u32,
    /// Number of its group.
    pub gid: u32,
    /// Comment.
    pub gecos: Vec<u8>,
    /// Home directory.
    pub home: Vec<u8>,
    /// Login shell; empty for `/bin/sh`.
    pub shell: Vec<u8>,
    /// Line, counted from 1.
    pub line: usize,
}

/// A line of `group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupEntry {
    /// Name.
    pub name: Vec<u8>,
    /// The password field.
    pub password: Vec<u8>,
    /// Number of the group.
    pub gid: u32,
    /// Names of the users in it, beside those whose `passwd` line has the group.
    pub members: Vec<Vec<u8>>,
    /// Line, counted from 1.
    pub line: usize,
}

/// What is wrong with a line or file of accounts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountProblem {
    /// The file is not read.
    #[error("{0}")]
    File(
        /// Why.
        FileProblem,
    ),
    /// Too few fields; the line is passed over.
    #[error("the line has {found} fields of {expected}, and is ignored")]
    MissingFields {
        /// How many it has.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Fields that may be missing for the C library are missing.
    #[error("the line has {found} fields of {expected}; the others count as empty")]
    FewFields {
        /// How many it has.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A colon too many; it counts as part of the last field.
    #[error("the last field is '{}', with a colon in it", Shown(.0))]
    Colon(
        /// The last field.
        Vec<u8>,
    ),
    /// An empty name.
    #[error("the name is empty")]
    NoName,
    /// A number that is none; the line is passed over.
    #[error("the {field} is '{}', not a number below 2^32, and the line is ignored", Shown(.value))]
    Number {
        /// `user ID` or `group ID`.
        field: &'static str,
        /// What stands there.
        value: Vec<u8>,
    },
    /// An entry for the compatibility mode of NIS, which is no account.
    #[error("'{}' is an entry for NIS, not an account", Shown(.0))]
    Nis(
        /// The first field.
        Vec<u8>,
    ),
    /// A name that an earlier line has; that one is found.
    #[error("'{}' stands on line {earlier} already", Shown(.name))]
    Duplicate {
        /// The name.
        name: Vec<u8>,
        /// The earlier line.
        earlier: usize,
    },
}

impl AccountProblem {
    /// How much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::FewFields { .. } | Self::Nis(_) => Severity::Notice,
            Self::Duplicate { .. } | Self::Colon(_) | Self::NoName => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// The users and groups an image has.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// Of `passwd`, in order.
    pub users: Vec<PasswdEntry>,
    /// Of `group`, in order.
    pub groups: Vec<GroupEntry>,
    /// What is wrong with the two files.
    pub findings: Vec<Finding<AccountProblem>>,
}

impl Accounts {
    /// Reads `passwd` and `group` of `directory`, for example `etc`, `usr/etc` or `usr/lib`. Missing files have no
    /// entries.
    ///
    /// # Errors
    /// [`ReadError`] for files that are too large or cannot be read. Malformed lines are findings.
    pub fn read(tree: &FileTree, directory: &str) -> Result<Self, ReadError> {
        let mut reader = Reader::new();
        let mut accounts = Self::default();
        let passwd = format!("{directory}/passwd").into_bytes();
        if let Some(text) = accounts.text(tree, &passwd, &mut reader)? {
            accounts.users = parse_passwd(&passwd, &text, &mut accounts.findings);
        }
        let group = format!("{directory}/group").into_bytes();
        if let Some(text) = accounts.text(tree, &group, &mut reader)? {
            accounts.groups = parse_group(&group, &text, &mut accounts.findings);
        }
        Ok(accounts)
    }

    fn text(&mut self, tree: &FileTree, path: &[u8], reader: &mut Reader) -> Result<Option<Vec<u8>>, ReadError> {
        let problem = match follow(tree, path, LastLink::Follow).map(|place| place.node) {
            Err(_) => FileProblem::Loop,
            Ok(None) if tree.get(path).is_none() => return Ok(None),
            Ok(None) => FileProblem::Dangling,
            Ok(Some(node)) => match node.as_leaf().and_then(|inode| inode.content()) {
                Some(content) => return reader.read(path, content).map(Some),
                None => FileProblem::NotAFile(node.kind_name()),
            },
        };
        self.findings.push(Finding::of(path, AccountProblem::File(problem)));
        Ok(None)
    }
}

/// Fields of a `passwd` line.
const PASSWD_FIELDS: usize = 7;
/// Fields of a `group` line.
const GROUP_FIELDS: usize = 4;

/// The entries of a `passwd` file; what is wrong goes to `findings` under the name `file`.
#[must_use]
pub fn parse_passwd(file: &[u8], text: &[u8], findings: &mut Vec<Finding<AccountProblem>>) -> Vec<PasswdEntry> {
    entries(file, text, PASSWD_FIELDS, findings, |line, fields, told| {
        if fields.len() < 4 {
            return Err(AccountProblem::MissingFields { found: fields.len(), expected: PASSWD_FIELDS });
        }
        let uid = number("user ID", fields[2])?;
        let gid = number("group ID", fields[3])?;
        count(fields, PASSWD_FIELDS, told);
        let field = |index: usize| fields.get(index).map_or_else(Vec::new, |field| field.to_vec());
        let (name, password) = (field(0), field(1));
        Ok(PasswdEntry { name, password, uid, gid, gecos: field(4), home: field(5), shell: field(6), line })
    })
}

/// The entries of a `group` file; what is wrong goes to `findings` under the name `file`.
#[must_use]
pub fn parse_group(file: &[u8], text: &[u8], findings: &mut Vec<Finding<AccountProblem>>) -> Vec<GroupEntry> {
    entries(file, text, GROUP_FIELDS, findings, |line, fields, told| {
        if fields.len() < 3 {
            return Err(AccountProblem::MissingFields { found: fields.len(), expected: GROUP_FIELDS });
        }
        let gid = number("group ID", fields[2])?;
        count(fields, GROUP_FIELDS, told);
        let members = fields.get(3).copied().unwrap_or_default().split(|&byte| byte == b',');
        let members =
            members.map(<[u8]>::trim_ascii_start).filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect();
        Ok(GroupEntry { name: fields[0].to_vec(), password: fields[1].to_vec(), gid, members, line })
    })
}

fn count(fields: &[&[u8]], expected: usize, told: &mut Vec<AccountProblem>) {
    match fields.get(expected - 1) {
        None => told.push(AccountProblem::FewFields { found: fields.len(), expected }),
        Some(last) if last.contains(&b':') => told.push(AccountProblem::Colon(last.to_vec())),
        Some(_) => {}
    }
    if fields[0].is_empty() {
        told.push(AccountProblem::NoName);
    }
}

/// What all lines have in common: comments, an entry's name, its first line.
fn entries<E>(
    file: &[u8],
    text: &[u8],
    most_fields: usize,
    findings: &mut Vec<Finding<AccountProblem>>,
    parse: impl Fn(usize, &[&[u8]], &mut Vec<AccountProblem>) -> Result<E, AccountProblem>,
) -> Vec<E> {
    let mut entries = Vec::new();
    let mut names: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let number = index + 1;
        let line = line.trim_ascii_start();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let fields: Vec<&[u8]> = line.splitn(most_fields, |&byte| byte == b':').collect();
        let mut told = Vec::new();
        let name = fields[0];
        let parsed = if name.starts_with(b"+") || name.starts_with(b"-") {
            Err(AccountProblem::Nis(name.to_vec()))
        } else {
            parse(number, &fields, &mut told)
        };
        findings.extend(told.into_iter().map(|problem| Finding::at(file, number, problem)));
        match parsed {
            Err(problem) => findings.push(Finding::at(file, number, problem)),
            Ok(entry) => {
                let earlier = *names.entry(name).or_insert(number);
                if earlier != number {
                    let problem = AccountProblem::Duplicate { name: name.to_vec(), earlier };
                    findings.push(Finding::at(file, number, problem));
                }
                entries.push(entry);
            }
        }
    }
    entries
}

fn number(field: &'static str, text: &[u8]) -> Result<u32, AccountProblem> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let value = std::str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    value.ok_or_else(|| AccountProblem::Number { field, value: text.to_vec() })
}
