//! Who is made.

use std::collections::BTreeSet;

use super::document::{Section, shown};
use super::password::PasswordHash;
use super::{keys, names};

/// Someone who is made, or `root`, who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// `None`: no password opens the account.
    pub password: Option<PasswordHash>,
    /// Groups beside one of its own, each of which the image must have.
    pub groups: Vec<String>,
    /// Lines of `authorized_keys`.
    pub ssh_keys: Vec<String>,
    /// `None`: the first that is free.
    pub uid: Option<u32>,
    /// Login shell; `None`: the image's usual one.
    pub shell: Option<String>,
    /// Name for people, and more (passwd(5)).
    pub gecos: Option<String>,
}

impl User {
    /// Whether this is who is there already.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.name == "root"
    }

    pub(super) fn read_all(whole: &Section<'_, '_>) -> Vec<Self> {
        let known = ["name", "password-hash", "groups", "ssh-keys", "uid", "shell", "gecos"];
        let (mut names, mut uids) = (BTreeSet::new(), BTreeSet::new());
        let mut users = Vec::new();
        for section in whole.tables("users", &known) {
            let Some(user) = Self::read(&section) else { continue };
            if !names.insert(user.name.clone()) {
                section.wrong("name", format!("`{}` is there twice", user.name));
            }
            if user.uid.is_some_and(|uid| !uids.insert(uid)) {
                section.wrong("uid", "another user has it");
            }
            users.push(user);
        }
        users
    }

    fn read(section: &Section<'_, '_>) -> Option<Self> {
        let user = Self {
            // Where it is empty, what is wrong with it has been said.
            name: section.needed("name", names::account).unwrap_or_default(),
            password: section.parsed("password-hash", PasswordHash::parse),
            groups: section.list("groups", names::account),
            ssh_keys: section.list("ssh-keys", keys::key),
            uid: section.number("uid").and_then(|number| uid(section, number)),
            shell: section.parsed("shell", shell),
            gecos: section.parsed("gecos", gecos),
        };
        if user.is_root() {
            for key in ["groups", "uid", "shell", "gecos"].into_iter().filter(|key| section.has(key)) {
                section.wrong(key, "root is made by the image, and takes `ssh-keys` and `password-hash` alone");
            }
        } else if user.groups.contains(&user.name) {
            section.wrong("groups", format!("`{}` gets a group of that name anyway", user.name));
        }
        (!user.name.is_empty()).then_some(user)
    }
}

/// A user id that no part of a system takes for itself (systemd's "Users, Groups, UIDs and GIDs on systemd Systems").
fn uid(section: &Section<'_, '_>, number: i64) -> Option<u32> {
    let uid = u32::try_from(number).ok().filter(|uid| matches!(uid, 1000..=60_000 | 65_536..=524_287));
    if uid.is_none() {
        section.wrong("uid", format!("{number} is not for people: expected 1000 to 60000, or 65536 to 524287"));
    }
    uid
}

fn shell(path: &str) -> Result<String, String> {
    let names = path.strip_prefix('/').unwrap_or_default().split('/');
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+./".contains(c);
    if path.len() <= 256 && names.clone().all(|name| !matches!(name, "" | "." | "..")) && path.chars().all(plain) {
        Ok(path.to_owned())
    } else {
        Err(format!("`{}` is no path of a shell: expected one such as /bin/bash", shown(path)))
    }
}

fn gecos(text: &str) -> Result<String, String> {
    if text.len() > 256 {
        Err(format!("it has {} bytes, and 256 are the most", text.len()))
    } else if text.contains(|c: char| c == ':' || c.is_control()) {
        Err("it has a colon or a control character in it, which /etc/passwd cannot hold".to_owned())
    } else {
        Ok(text.to_owned())
    }
}
