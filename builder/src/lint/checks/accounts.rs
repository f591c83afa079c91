//! Users and groups, and sysusers.d, which should make them.

use std::collections::{BTreeMap, BTreeSet};

use builder_systemd::{Accounts, SysusersConfig, SysusersEntry, SysusersLine, group_line, user_line};
use builder_tree::DisplayPath;

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::checks::systemd::{known, refused};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static SYSUSERS: Check = Check {
    name: "sysusers",
    severity: Severity::Warning,
    origin: Origin::Bootc,
    summary: "A user of `/etc/passwd` or a group of `/etc/group` has no line in `/usr/lib/sysusers.d`",
    reason: "As soon as a machine has a user of its own, its /etc/passwd and /etc/group are no longer the image's, \
             and an update brings no account any more; systemd-sysusers makes those that are missing at every boot",
    fix: "# for each line that is told\nRUN echo 'LINE' >> /usr/lib/sysusers.d/image.conf",
    run: Run::Once(sysusers),
};

pub(crate) static SYSUSERS_SYNTAX: Check = Check {
    name: "sysusers-syntax",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A line of sysusers.d, or a file of it, is refused by systemd",
    reason: "The user or group of that line is not made, and what should run as it does not start",
    fix: "# lines are `u NAME UID \"COMMENT\" HOME SHELL`, `g NAME GID` or `m USER GROUP`\n\
          COPY app.conf /usr/lib/sysusers.d/app.conf",
    run: Run::Once(sysusers_syntax),
};

/// For lines that bootc does not see.
const ELSEWHERE: &str = "# where /usr/lib/sysusers.d has a file of that name, give it another one\nRUN mv /etc/sysusers.d/FILE.conf /usr/lib/sysusers.d/FILE.conf";

fn sysusers(subject: &Subject, findings: &mut Findings<'_>) {
    // Without it, bootc says nothing of groups either.
    if subject.file("etc/passwd").is_none() {
        return;
    }
    let Some(accounts) = known(Accounts::read(&subject.tree, "etc"), subject, findings) else { return };
    // What replaces lines elsewhere does not matter to bootc.
    let Some(vendor) = known(SysusersConfig::read_vendor(&subject.tree), subject, findings) else { return };
    let Some(all) = known(SysusersConfig::read(&subject.tree), subject, findings) else { return };
    let (seen_by_bootc, made) = (Made::of(&vendor), Made::of(&all));
    let mut groups: BTreeMap<u32, &[u8]> = BTreeMap::new();
    for group in &accounts.groups {
        groups.entry(group.gid).or_insert(&group.name);
    }
    let mut seen = BTreeSet::new();
    for user in accounts.users.iter().filter(|user| seen.insert(&user.name)) {
        if seen_by_bootc.users.contains_key(user.name.as_slice()) {
            continue;
        }
        let line = user_line(user, groups.get(&user.gid).copied());
        let account = Account { file: b"etc/passwd", number: user.line, kind: "user", name: &user.name };
        account.tell(made.users.get(user.name.as_slice()).copied(), line, "", findings);
    }
    seen.clear();
    for group in accounts.groups.iter().filter(|group| seen.insert(&group.name)) {
        if seen_by_bootc.groups.contains_key(group.name.as_slice()) {
            continue;
        }
        let members = if group.members.is_empty() { "" } else { ", and a line `m USER GROUP` for each of its members" };
        let account = Account { file: b"etc/group", number: group.line, kind: "group", name: &group.name };
        account.tell(made.groups.get(group.name.as_slice()).copied(), group_line(group), members, findings);
    }
}

/// An account of the image.
struct Account<'a> {
    file: &'static [u8],
    /// Line, counted from 1.
    number: usize,
    kind: &'static str,
    name: &'a [u8],
}

impl Account<'_> {
    /// Tells of the account, for which bootc sees no line: it is `made` by one elsewhere, or `line` would make it, with
    /// what is to be said of that.
    fn tell(&self, made: Option<&SysusersLine>, line: Option<Vec<u8>>, besides: &str, findings: &mut Findings<'_>) {
        let Self { file, number, kind, name } = self;
        let name = String::from_utf8_lossy(name);
        let name = name.escape_debug();
        match (made, line) {
            (Some(made), _) => {
                let place = DisplayPath(&made.file);
                let message = format!(
                    "line {number}: the {kind} {name} is made by line {} of {place}, but bootc looks in \
                     /usr/lib/sysusers.d alone",
                    made.number
                );
                findings.at_with_fix(file, message, ELSEWHERE);
            }
            (None, Some(line)) => {
                let line = String::from_utf8_lossy(&line);
                findings.at(
                    file,
                    format!("line {number}: no line of sysusers.d makes the {kind} {name}: `{line}`{besides}"),
                );
            }
            (None, None) => {
                let message = format!(
                    "line {number}: no line of sysusers.d makes the {kind} {name}, and none can: systemd refuses such \
                     a name, number, home directory or shell"
                );
                findings.at(file, message);
            }
        }
    }
}

/// The accounts that lines make by bootc's count: a line `u` makes a group of its name whatever group it asks for, and
/// a line `m` makes nothing.
#[derive(Default)]
struct Made<'c> {
    users: BTreeMap<&'c [u8], &'c SysusersLine>,
    groups: BTreeMap<&'c [u8], &'c SysusersLine>,
}

impl<'c> Made<'c> {
    fn of(config: &'c SysusersConfig) -> Self {
        let mut made = Self::default();
        for line in config.lines() {
            match &line.entry {
                SysusersEntry::User(user) => {
                    made.users.entry(&user.name).or_insert(line);
                    made.groups.entry(&user.name).or_insert(line);
                }
                SysusersEntry::Group(group) => {
                    made.groups.entry(&group.name).or_insert(line);
                }
                SysusersEntry::Member { .. } | SysusersEntry::Range { .. } => {}
            }
        }
        made
    }
}

fn sysusers_syntax(subject: &Subject, findings: &mut Findings<'_>) {
    let Some(config) = known(SysusersConfig::read(&subject.tree), subject, findings) else { return };
    for found in config.findings() {
        if found.problem.severity() == builder_systemd::Severity::Error {
            refused(found, None, findings);
        }
    }
}
