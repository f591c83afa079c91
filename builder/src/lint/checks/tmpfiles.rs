//! tmpfiles.d, and what it does not make.

use std::collections::BTreeMap;
use std::convert::Infallible;

use builder_systemd::{Accounts, TmpfilesConfig, TmpfilesLine, line_for};
use builder_tree::{DisplayPath, Node, join};

use crate::lint::check::{Check, Origin, Run, Severity};
use crate::lint::checks::systemd::{known, refused};
use crate::lint::finding::Findings;
use crate::lint::subject::Subject;

pub(crate) static VAR_TMPFILES: Check = Check {
    name: "var-tmpfiles",
    severity: Severity::Warning,
    origin: Origin::Bootc,
    summary: "There is something in `/var` that no line in `/usr/lib/tmpfiles.d` is about",
    reason: "/var is the machine's: at most the first installation takes over what an image has there, so no update \
             brings it to a machine, and what is lost there stays lost; lines of tmpfiles.d make it at every boot",
    fix: "# for each line that is told\nRUN echo 'LINE' >> /usr/lib/tmpfiles.d/image-var.conf",
    run: Run::Once(var_tmpfiles),
};

pub(crate) static TMPFILES_SYNTAX: Check = Check {
    name: "tmpfiles-syntax",
    severity: Severity::Warning,
    origin: Origin::Diskwright,
    summary: "A line of tmpfiles.d, or a file of it, is refused by systemd",
    reason: "What the line should make is missing on every machine, and all that systemd says of it is a line in the \
             journal",
    fix: "# a line is TYPE PATH MODE USER GROUP AGE ARGUMENT; `systemd-tmpfiles --create` tells the same of it\n\
          COPY app.conf /usr/lib/tmpfiles.d/app.conf",
    run: Run::Once(tmpfiles_syntax),
};

/// For files, which have contents.
const CONTENTS: &str = "\
# what a build leaves behind is removed
RUN rm -rf /var/cache/* /var/log/*
# what a program begins with is kept in /usr, and a line copies it
RUN mkdir -p /usr/share/factory/var/lib/app && mv /var/lib/app/FILE /usr/share/factory/var/lib/app/FILE
RUN echo 'C /var/lib/app/FILE - - - -' >> /usr/lib/tmpfiles.d/app.conf";

/// For lines that bootc does not see.
const ELSEWHERE: &str = "# where /usr/lib/tmpfiles.d has a file of that name, give it another one\nRUN mv /etc/tmpfiles.d/FILE.conf /usr/lib/tmpfiles.d/FILE.conf";

fn var_tmpfiles(subject: &Subject, findings: &mut Findings<'_>) {
    let Some(Node::Directory(var)) = subject.get("var") else { return };
    let Some(vendor) = known(TmpfilesConfig::read_vendor(&subject.tree), subject, findings) else { return };
    let Some(all) = known(TmpfilesConfig::read(&subject.tree), subject, findings) else { return };
    let Some(owners) = Owners::read(subject, findings) else { return };
    let walked: Result<(), Infallible> = var.walk(&mut |below, node| {
        let path = join(b"var", below);
        // As for bootc, any line there will do, whatever it does and whatever replaces it elsewhere.
        if vendor.about(&path).next().is_none() {
            tell(&path, node, all.about(&path).next(), &owners, findings);
        }
        Ok(())
    });
    match walked {
        Ok(()) => {}
    }
}

/// Tells of what is at `path`, about which there is at most a line where bootc does not look.
fn tell(path: &[u8], node: &Node, elsewhere: Option<&TmpfilesLine>, owners: &Owners, findings: &mut Findings<'_>) {
    let kind = node.kind_name();
    if let Some(line) = elsewhere {
        let (file, number) = (DisplayPath(&line.file), line.number);
        let message = format!("a {kind} of line {number} of {file}, but bootc looks in /usr/lib/tmpfiles.d alone");
        return findings.at_with_fix(path, message, ELSEWHERE);
    }
    let metadata = node.metadata();
    let user = Owners::name(&owners.users, metadata.uid);
    let group = Owners::name(&owners.groups, metadata.gid);
    match line_for(path, node, &user, &group) {
        Some(line) => {
            let line = String::from_utf8_lossy(&line);
            findings.at(path, format!("a {kind} that no line of tmpfiles.d makes: `{line}`"));
        }
        None => {
            let message =
                format!("a {kind}, which belongs to /usr where updates are to bring it, and else to no image");
            findings.at_with_fix(path, message, CONTENTS);
        }
    }
}

/// The names of users and groups by their numbers.
#[derive(Default)]
struct Owners {
    users: BTreeMap<u32, Vec<u8>>,
    groups: BTreeMap<u32, Vec<u8>>,
}

impl Owners {
    fn read(subject: &Subject, findings: &mut Findings<'_>) -> Option<Self> {
        let mut owners = Self::default();
        // In the second are those that nss-altfiles adds.
        for directory in ["etc", "usr/lib"] {
            let accounts = known(Accounts::read(&subject.tree, directory), subject, findings)?;
            for user in accounts.users {
                owners.users.entry(user.uid).or_insert(user.name);
            }
            for group in accounts.groups {
                owners.groups.entry(group.gid).or_insert(group.name);
            }
        }
        for names in [&mut owners.users, &mut owners.groups] {
            names.entry(0).or_insert_with(|| b"root".to_vec());
        }
        Some(owners)
    }

    /// The name, or the number where it has none.
    fn name(names: &BTreeMap<u32, Vec<u8>>, number: u32) -> Vec<u8> {
        names.get(&number).cloned().unwrap_or_else(|| number.to_string().into_bytes())
    }
}

fn tmpfiles_syntax(subject: &Subject, findings: &mut Findings<'_>) {
    let Some(config) = known(TmpfilesConfig::read(&subject.tree), subject, findings) else { return };
    for found in config.findings() {
        if found.problem.severity() == builder_systemd::Severity::Error {
            refused(found, found.problem.hint(), findings);
        }
    }
}
