//! Users and their groups.

use builder_medium::User;

use crate::changes::Changes;
use crate::error::ProvisionError;
use crate::homes;
use crate::ids::{GROUP, PASSWD, Ranges, Taken};
use crate::installed::Installed;
use crate::records::Records;

/// In `shadow`: no password opens the account. With a `!`, some builds of sshd would not let a key in either.
const NO_PASSWORD: &str = "*";

/// In `passwd`: the password is in `shadow`.
const ELSEWHERE: &[u8] = b"x";

/// The files of accounts, read and to be written.
struct Accounts<'i> {
    installed: &'i Installed,
    passwd: Records,
    shadow: Records,
    group: Records,
    /// Groups that the image alone has.
    image_group: Records,
    gshadow: Records,
    /// `subuid` and `subgid`.
    subordinate: [Records; 2],
    taken: Taken,
    ranges: Ranges,
}

/// Makes the users, or for `root` sets what is said.
pub(crate) fn make(users: &[User], installed: &Installed, changes: &mut Changes) -> Result<(), ProvisionError> {
    if users.is_empty() {
        return Ok(());
    }
    let read = |path: &str| Records::read(installed, path);
    let mut accounts = Accounts {
        installed,
        passwd: read(PASSWD[0])?,
        shadow: read("etc/shadow")?,
        group: read(GROUP[0])?,
        image_group: read(GROUP[1])?,
        gshadow: read("etc/gshadow")?,
        subordinate: [read("etc/subuid")?, read("etc/subgid")?],
        taken: Taken::read(installed)?,
        ranges: Ranges::read(installed)?,
    };
    // Numbers that were asked for first, so that nobody else gets them.
    for user in users {
        if let Some(id) = user.uid
            && !accounts.taken.uids.insert(id)
        {
            return Err(ProvisionError::IdTaken { name: user.name.clone(), id });
        }
    }
    for user in users {
        if user.is_root() {
            accounts.root(user, changes)?;
        } else {
            accounts.user(user, changes)?;
        }
    }
    let Accounts { passwd, shadow, group, gshadow, subordinate, .. } = accounts;
    for (records, mode) in [(passwd, 0o644), (shadow, 0o600), (group, 0o644), (gshadow, 0o600)] {
        records.write(mode, changes);
    }
    subordinate.into_iter().for_each(|records| records.write(0o644, changes));
    Ok(())
}

impl Accounts<'_> {
    fn root(&mut self, user: &User, changes: &mut Changes) -> Result<(), ProvisionError> {
        if let Some(hash) = &user.password {
            self.passwd.set("root", 1, ELSEWHERE);
            if !self.shadow.set("root", 1, hash.text().as_bytes()) {
                self.shadow.push(shadow_line("root", hash.text()));
            }
        }
        if user.ssh_keys.is_empty() { Ok(()) } else { homes::root_keys(&user.ssh_keys, self.installed, changes) }
    }

    fn user(&mut self, user: &User, changes: &mut Changes) -> Result<(), ProvisionError> {
        let name = &user.name;
        for (kind, taken) in [("user", &self.taken.users), ("group", &self.taken.groups)] {
            if let Some(file) = taken.get(name) {
                return Err(ProvisionError::Taken { kind, name: name.clone(), file: file.clone() });
            }
        }
        let is_there = |group: &&String| self.group.get(group).or_else(|| self.image_group.get(group)).is_some();
        if let Some(group) = user.groups.iter().find(|group| !is_there(group)) {
            return Err(self.no_group(name, group));
        }
        let (uid, gid) = self.ids(user)?;
        let home = format!("{}/{name}", homes::base(self.installed)?);
        let shell = self.shell(user)?;
        let gecos = user.gecos.as_deref().unwrap_or_default();
        self.passwd.push(format!("{name}:x:{uid}:{gid}:{gecos}:{home}:{shell}"));
        self.shadow.push(shadow_line(name, user.password.as_ref().map_or(NO_PASSWORD, |hash| hash.text())));
        self.group.push(format!("{name}:x:{gid}:"));
        if self.gshadow.is_there {
            self.gshadow.push(format!("{name}:!::"));
        }
        for group in &user.groups {
            self.join(name, group)?;
        }
        self.subordinate_ids(name)?;
        homes::make(user, &home, (uid, gid), self.installed, changes)
    }

    /// User and group id, the same where that can be.
    fn ids(&mut self, user: &User) -> Result<(u32, u32), ProvisionError> {
        let Taken { uids, gids, .. } = &mut self.taken;
        let range = &self.ranges.ids;
        let free = |is_free: &dyn Fn(&u32) -> bool| {
            let (least, most) = (*range.start(), *range.end());
            let error = || ProvisionError::NoId { name: user.name.clone(), least, most };
            range.clone().find(is_free).ok_or_else(error)
        };
        let uid = match user.uid {
            Some(uid) => uid,
            None => free(&|id| !uids.contains(id) && !gids.contains(id))?,
        };
        let gid = if gids.contains(&uid) { free(&|id| !uids.contains(id) && !gids.contains(id))? } else { uid };
        uids.insert(uid);
        gids.insert(gid);
        Ok((uid, gid))
    }

    /// The shell that was asked for, or the image's usual one.
    fn shell(&self, user: &User) -> Result<String, ProvisionError> {
        let deployment = &self.installed.deployment;
        let is_there =
            |path: &str| deployment.kind(path.trim_start_matches('/')).map(|kind| kind.is_some_and(|k| k.is_file()));
        if let Some(shell) = &user.shell {
            if is_there(shell)? {
                return Ok(shell.clone());
            }
            let needed = format!("which is to be the shell of user {}", user.name);
            return Err(ProvisionError::NoProgram { program: shell.clone(), needed });
        }
        let defaults = deployment.read("etc/default/useradd")?.unwrap_or_default();
        let defaults = String::from_utf8_lossy(&defaults);
        let usual = defaults.lines().find_map(|line| line.strip_prefix("SHELL=")).map(str::trim);
        // Debian's default for useradd is /bin/sh, which nobody wants to type in; its adduser takes bash.
        let usual = usual.filter(|shell| shell.starts_with('/') && *shell != "/bin/sh" && !shell.contains(':'));
        for shell in usual.into_iter().chain(["/bin/bash"]) {
            if is_there(shell)? {
                return Ok(shell.to_owned());
            }
        }
        Ok("/bin/sh".to_owned())
    }

    /// Puts a user into a group that the image has.
    fn join(&mut self, name: &str, group: &str) -> Result<(), ProvisionError> {
        if !self.group.add_member(group, name) {
            // In the image's own file there are no changes: the line is taken over, as the manual of nss-altfiles says.
            let Some(record) = self.image_group.get(group) else {
                return Err(self.no_group(name, group));
            };
            let record = record.join(&b':');
            self.group.push(record);
            if !self.group.add_member(group, name) {
                let problem = format!("has a line of the group {group} with less than four fields");
                return Err(ProvisionError::File { path: format!("/{}", self.image_group.path()), problem });
            }
        }
        if self.gshadow.is_there && !self.gshadow.add_member(group, name) {
            self.gshadow.push(format!("{group}:!::{name}"));
        }
        Ok(())
    }

    fn no_group(&self, user: &str, group: &str) -> ProvisionError {
        let names = self.group.iter().chain(self.image_group.iter());
        let mut names: Vec<_> = names.map(|record| String::from_utf8_lossy(record[0]).into_owned()).collect();
        names.sort();
        names.dedup();
        ProvisionError::NoGroup { user: user.to_owned(), group: group.to_owned(), there: names.join(", ") }
    }

    /// Ranges of ids for containers without root, where the image has what gives them out.
    fn subordinate_ids(&mut self, name: &str) -> Result<(), ProvisionError> {
        let program = self.installed.deployment.kind("usr/bin/newuidmap")?;
        let (first, count) = self.ranges.subordinate;
        for records in self.subordinate.iter_mut().filter(|records| records.is_there || program.is_some()) {
            let ends = records
                .iter()
                .filter_map(|record| Records::number(&record, 1)?.checked_add(Records::number(&record, 2)?));
            let begin = ends.max().unwrap_or_default().max(first);
            // Past the end of all numbers, a user has none; nothing but containers of his own needs them.
            if begin.checked_add(count).is_some() {
                records.push(format!("{name}:{begin}:{count}"));
            }
        }
        Ok(())
    }
}

/// A line whose password was changed at no known day: it does not age.
fn shadow_line(name: &str, password: &str) -> String {
    format!("{name}:{password}::0:99999:7:::")
}
